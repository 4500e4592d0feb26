// The server's endpoints, and its refusals in words.

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

export const models = async () => (await ask("v1/models")).models;
export const describe = (model) => ask(`v1/model?model=${encodeURIComponent(model)}`);
export const examples = async (model) => (await ask(`v1/examples?model=${encodeURIComponent(model)}`)).examples;

/** How the network reads one sequence, [steps][channels]: label, steps.probabilities, steps.hidden, final_from_step. */
export async function read(model, sequence) {
  const answer = await ask(`v1/predict/steps?model=${encodeURIComponent(model)}`, { sequences: [sequence] });
  return answer.predictions[0];
}

async function ask(path, body) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, "The server does not answer. Is it still running?");
  }
  const content = await response.json().catch(() => null);
  if (response.ok) return content;
  const said = content?.error?.message ?? `the server answered ${response.status}.`;
  throw new Refused(response.status, said[0].toUpperCase() + said.slice(1));
}
