// In the place of the server: the network as WebAssembly, its description and its examples, all inside one file.

import { check } from "./local.js";

export class Refused extends Error {}
export const useToken = () => {};

const inside = JSON.parse(document.getElementById("network").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

let network = null;

export const models = async () => [inside.model.name];
export const examples = async () => inside.examples;
export const file = async () => null;

export async function describe() {
  network ??= (await WebAssembly.instantiate(bytes(inside.wasm))).instance.exports;
  return inside.model;
}

/** How the network reads one sequence; in the form of the server's answer. */
export async function read(_name, sequence) {
  const { model } = inside;
  check(sequence, model);
  const codes = new Map(model.vocabulary?.map((token, index) => [token, index + 1]));
  const classes = model.classes.length;
  const running = [];
  const hidden = [];
  network.page_reset();
  for (const step of sequence) {
    const values = model.vocabulary === null ? step.map((value) => value ?? NaN) : [codes.get(step) ?? 0];
    const room = new (model.vocabulary === null ? Float32Array : Int32Array)(network.memory.buffer, network.page_values(), values.length);
    room.set(values);
    const failed = network.page_step();
    if (failed) throw new Error(failed === -3 ? `This page reads up to ${inside.most} steps.` : `Step ${running.length + 1} has a value that the network cannot read.`);
    network.page_answer();
    running.push(Array.from(new Float32Array(network.memory.buffer, network.page_shares(), classes)));
    if (inside.most === null) hidden.push(units(0));
  }
  const labels = running.map((shares) => model.classes[shares.indexOf(Math.max(...shares))]);
  return {
    label: labels.at(-1),
    final_from_step: labels.findLastIndex((label) => label !== labels.at(-1)) + 2,
    steps: { labels, probabilities: running, hidden: inside.most === null ? hidden : frames(sequence.length, model) },
  };
}

const units = (frame) => {
  const start = network.page_hidden() + 4 * inside.units * frame;
  return Array.from(new Float32Array(network.memory.buffer, start, inside.units));
};

/** The outputs at each step, of a network that has read a whole sequence: steps that are read as one have the same. */
function frames(steps, { frame_steps: size, max_length: most, keep_steps: kept }) {
  const cut = most === null ? 0 : Math.max(0, steps - most);
  const count = Math.ceil((steps - cut) / size);
  return Array.from({ length: steps }, (_, step) => {
    const frame = Math.min(count - 1, Math.floor((kept === "last" ? step - cut : step) / size));
    return frame < 0 ? Array(inside.units).fill(0) : units(frame);
  });
}
