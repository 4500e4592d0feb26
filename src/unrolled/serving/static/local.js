// The network computed in this browser, by onnxruntime-web from the server's folder: what is read never leaves it.

import { classify, inputs } from "./classify.mjs";

const ROWS = 64; // prefixes that are computed together

/** Steps of the longest sequence that is read here: each prefix is computed anew, so the work grows with the square. */
export const LONGEST = 320;

export class LocalNetwork {
  /** `model` as GET /v1/model describes it, `content` its ONNX file. */
  static async load(model, content) {
    const entry = new URL(model.runtime, document.baseURI);
    const ort = await import(entry);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1; // several would need headers that shut other pages out
    ort.env.wasm.wasmPaths = new URL(".", entry).href;
    const session = await ort.InferenceSession.create(content, { executionProviders: ["wasm"] });
    return Object.assign(new LocalNetwork(), { model, ort, session });
  }

  /** How it reads one sequence; in the form of the server's answer. */
  async read(sequence) {
    check(sequence, this.model);
    const prefixes = sequence.map((_, step) => sequence.slice(0, step + 1));
    const beliefs = [];
    for (let first = 0; first < prefixes.length; first += ROWS) {
      beliefs.push(...(await classify(this.ort, this.session, prefixes.slice(first, first + ROWS))));
    }
    const labels = beliefs.map(({ label }) => label);
    const hidden = await this.#hidden(sequence);
    return {
      label: labels.at(-1),
      final_from_step: labels.findLastIndex((label) => label !== labels.at(-1)) + 2,
      steps: { labels, probabilities: beliefs.map(({ probabilities }) => probabilities), hidden },
    };
  }

  /** The hidden state at each step, [steps][units]: steps that are read as one have the same. */
  async #hidden(sequence) {
    const { hidden } = await this.session.run(inputs(this.ort, [sequence]), ["hidden"]);
    const [, frames, units] = hidden.dims;
    const { frame_steps: size, max_length: most, keep_steps: kept } = this.model;
    const cut = most === null ? 0 : Math.max(0, sequence.length - most);
    return sequence.map((_, step) => {
      const frame = Math.min(frames - 1, Math.floor((kept === "last" ? step - cut : step) / size));
      return frame < 0 ? Array(units).fill(0) : Array.from(hidden.data.slice(frame * units, (frame + 1) * units));
    });
  }
}

/** Throws an error for a sequence that the model does not take. */
export function check(sequence, model) {
  if (model.vocabulary !== null) return;
  sequence.forEach((step, index) => {
    if (step.length !== model.channels.length) {
      throw new Error(`Step ${index + 1} has ${step.length} numbers; the model was trained on ${model.channels.length} channels.`);
    }
    if (!model.missing && step.includes(null)) throw new Error(`A value of step ${index + 1} is missing. This model takes no missing values.`);
    const wrong = step.find((value) => value !== null && !Number.isFinite(Math.fround(value)));
    if (wrong !== undefined) throw new Error(`Step ${index + 1}: ${wrong} is not a number that a network can read.`);
  });
}
