// Classifies sequences with onnxruntime-web, in Node; the module beside it does the same in a browser.
//   node onnx_predict.mjs digits.onnx '[[[0, 1], [1, 1]], [[0, 0]]]'        sequences: a list of lists of steps
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";
import { classify } from "../src/unrolled/serving/static/classify.mjs"; // the page of `unrolled serve` uses it, too

const [path, text] = process.argv.slice(2);
ort.env.logLevel = "error";
const session = await ort.InferenceSession.create(await readFile(path), { executionProviders: ["wasm"] });
for (const answer of await classify(ort, session, JSON.parse(text))) console.log(JSON.stringify(answer));
