// Sequences of numbers as text: pasted or dropped text becomes [steps][channels], or an error that names the line.

/** Text of a file or of the box, as a sequence of `channels` numbers a step. */
export function parseSeries(text, channels) {
  const trimmed = text.trim();
  if (!trimmed) throw new Error("There is nothing in it; expected a line of numbers for each step.");
  return /^[[{]/.test(trimmed) ? fromJSON(trimmed) : fromLines(trimmed, channels);
}

/** A sequence as text for the box. */
export function writeSeries(sequence) {
  return sequence.map((step) => step.map((value) => (value === null ? "" : +value.toPrecision(6))).join(", ")).join("\n");
}

function fromJSON(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}.`);
  }
  const sequence = content.sequences?.[0] ?? content.sequence ?? content;
  if (!Array.isArray(sequence)) throw new Error("Expected a list of steps, or an object with a list named sequence.");
  return sequence.map((step) => (Array.isArray(step) ? step : [step]));
}

function fromLines(text, channels) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const separator = lines[0].includes(";") ? /;/ : lines[0].includes("\t") ? /\t/ : lines[0].includes(",") ? /,/ : /\s+/;
  const steps = [];
  lines.forEach((line, index) => {
    if (!line || line.startsWith("#")) return;
    const cells = line.split(separator).map((cell) => cell.trim());
    const step = cells.map(parseCell);
    const wrong = step.findIndex(Number.isNaN);
    if (wrong >= 0) {
      if (steps.length === 0 && step.every(Number.isNaN)) return; // a heading
      throw new Error(`Line ${index + 1}: “${cells[wrong].slice(0, 40)}” is not a number.`);
    }
    steps.push(step);
    if (step.length !== channels && !(channels === 1 && lines.length === 1)) {
      const want = channels === 1 ? "one" : channels;
      throw new Error(`Line ${index + 1} has ${step.length} number${step.length === 1 ? "" : "s"}; the network reads ${want} a step.`);
    }
  });
  if (!steps.length) throw new Error("There is no line of numbers in it.");
  return channels === 1 && steps.length === 1 ? steps[0].map((value) => [value]) : steps;
}

function parseCell(cell) {
  if (cell === "" || cell === "?" || /^nan$/i.test(cell)) return null;
  return Number(cell);
}
