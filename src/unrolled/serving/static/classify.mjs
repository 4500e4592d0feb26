// Runs an exported model with onnxruntime-web: the same in a browser, in the page of `unrolled serve`, and in Node.

/** The file's inputs for some sequences: lists of steps, a step a list of channels; or, of text, lists of tokens. */
export function inputs(ort, sequences) {
  const [count, steps] = [sequences.length, Math.max(...sequences.map((sequence) => sequence.length))];
  const lengths = BigInt64Array.from(sequences, (sequence) => BigInt(sequence.length));
  const given = { lengths: new ort.Tensor("int64", lengths, [count]) };
  if (typeof sequences[0][0] === "string") {
    const padded = sequences.flatMap((tokens) => [...tokens, ...Array(steps - tokens.length).fill("")]);
    return { ...given, tokens: new ort.Tensor("string", padded, [count, steps]) };
  }
  const channels = sequences[0][0].length;
  const padded = new Float32Array(count * steps * channels); // [batch, time, channels], zeros after each end
  const number = (value) => value ?? NaN; // null stands for a missing value
  sequences.forEach((sequence, row) => padded.set(sequence.flat().map(number), row * steps * channels));
  return { ...given, sequences: new ort.Tensor("float32", padded, [count, steps, channels]) };
}

/** Label and probabilities of each sequence. */
export async function classify(ort, session, sequences) {
  const { labels, probabilities } = await session.run(inputs(ort, sequences), ["labels", "probabilities"]);
  const classes = probabilities.dims[1];
  const row = (index) => Array.from(probabilities.data.slice(index * classes, (index + 1) * classes));
  return Array.from(labels.data, (label, index) => ({ label, probabilities: row(index) }));
}
