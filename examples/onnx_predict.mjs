// Classifies sequences with onnxruntime-web: the same file and the same call in a browser and in Node.
//   node onnx_predict.mjs digits.onnx '[[[0, 1], [1, 1]], [[0, 0]]]'        sequences: a list of lists of steps
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const [path, text] = process.argv.slice(2);
const sequences = JSON.parse(text);
const steps = Math.max(...sequences.map((sequence) => sequence.length));
const channels = sequences[0][0].length;
const padded = new Float32Array(sequences.length * steps * channels); // [batch, time, channels], zeros after each end
sequences.forEach((sequence, row) => padded.set(sequence.flat(), row * steps * channels));
const lengths = BigInt64Array.from(sequences, (sequence) => BigInt(sequence.length));

ort.env.logLevel = "error";
const session = await ort.InferenceSession.create(await readFile(path), { executionProviders: ["wasm"] });
const { labels, probabilities } = await session.run({
  sequences: new ort.Tensor("float32", padded, [sequences.length, steps, channels]),
  lengths: new ort.Tensor("int64", lengths, [sequences.length]),
});
const classes = probabilities.dims[1];
labels.data.forEach((label, row) => {
  const own = Array.from(probabilities.data.slice(row * classes, (row + 1) * classes));
  console.log(JSON.stringify({ label, probabilities: own }));
});
