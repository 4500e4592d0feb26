// The server's endpoints, and its errors in words.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let token = sessionStorage.getItem("token") ?? "";

export function useToken(text) {
  token = text;
  sessionStorage.setItem("token", text);
}

const named = (path, model) => `${path}?model=${encodeURIComponent(model)}`;

export const models = async () => (await json("v1/models")).models;
export const describe = (model) => json(named("v1/model", model));
export const examples = async (model) => (await json(named("v1/examples", model))).examples;

/** The model as an ONNX file. */
export const file = async (model) => new Uint8Array(await (await ask(named("v1/model.onnx", model))).arrayBuffer());

/** How the network reads one sequence, [steps][channels] or tokens: label, final_from_step, steps.labels, .probabilities, .hidden. */
export async function read(model, sequence) {
  const answer = await json(named("v1/predict/steps", model), { sequences: [sequence] });
  return answer.predictions[0];
}

const json = async (path, body) => (await ask(path, body)).json();

async function ask(path, body) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, "The server does not answer. Is it still running?");
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => null);
  const said = content?.error?.message ?? `the server answered ${response.status}.`;
  throw new Refused(response.status, said[0].toUpperCase() + said.slice(1));
}
