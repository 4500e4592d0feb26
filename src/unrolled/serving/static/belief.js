// The running probabilities as curves over the steps, and the answers as a ribbon.

import { clip } from "./frame.js";

const NAMED = 5;

/** Classes that are the most probable one at some step, most probable first: they get a colour, the others are grey. */
export function ranking(probabilities) {
  const last = probabilities.at(-1);
  const weight = last.map((value, index) => value + probabilities.reduce((sum, row) => sum + row[index], 0) / probabilities.length);
  return weight.map((_, index) => index).sort((a, b) => weight[b] - weight[a]).slice(0, NAMED);
}

export function drawBelief(frame, top, tall, { probabilities, classes, named }) {
  const { context, look } = frame;
  frame.title("probability", top, tall);
  drawShares(frame, top, tall);
  const rank = (index) => (named.includes(index) ? named.indexOf(index) : NAMED);
  const order = [...classes.keys()].sort((a, b) => rank(b) - rank(a)); // the most probable above the others
  for (const index of order) {
    const place = rank(index);
    const points = probabilities.map((row, t) => [frame.x(t + 1), top + tall * (1 - row[index])]);
    context.strokeStyle = context.fillStyle = place === NAMED ? look.grey : look.classes[place];
    context.lineJoin = "round";
    context.lineWidth = 1;
    context.globalAlpha = 0.22;
    frame.line(points);
    context.globalAlpha = place === NAMED ? 0.5 : 1;
    context.lineWidth = [3, 2, 2, 2, 2, 1][place];
    frame.line(points.slice(0, frame.step));
    if (place === NAMED) continue;
    context.beginPath();
    context.arc(...points[frame.step - 1], 3.4, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
  const last = probabilities.at(-1);
  const spots = named.filter((index, place) => last[index] > 0.02 || place < 3);
  frame.names(spots.map((index) => ({ name: classes[index], colour: look.classes[rank(index)], y: top + tall * (1 - last[index]) })), top + tall);
}

function drawShares(frame, top, tall) {
  const { context, look } = frame;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) {
    const y = top + tall * (1 - share);
    context.strokeStyle = look.line;
    context.lineWidth = 1;
    frame.line([[frame.left, y], [frame.right, y]]);
    context.fillStyle = look.soft;
    context.fillText(`${100 * share}%`, frame.left - 5, y);
  }
}

/** The answer after each step: one piece for each run of the same answer. */
export function drawAnswers(frame, top, tall, { labels, classes, named, final }) {
  const { context, look } = frame;
  frame.title("says", top, tall);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let first = 0; first < labels.length; ) {
    let end = first;
    while (end < labels.length && labels[end] === labels[first]) end++;
    const rank = named.indexOf(classes.indexOf(labels[first]));
    const [x, width] = [frame.left + first * frame.column, (end - first) * frame.column];
    const gap = Math.min(1, width / 4);
    context.fillStyle = rank < 0 ? look.grey : look.classes[rank];
    context.globalAlpha = 0.18;
    frame.box(x + gap, top, width - 2 * gap, tall, 5);
    context.fill();
    context.globalAlpha = 1;
    const read = Math.min(end, frame.step) - first;
    if (read > 0) {
      frame.box(x + gap, top, read * frame.column - 2 * gap, tall, 5);
      context.fill();
      nameAnswer(frame, labels[first], first + 1 === final, x, read * frame.column, top + tall / 2);
    }
    first = end;
  }
}

function nameAnswer(frame, label, isFinal, x, width, y) {
  const { context, look } = frame;
  context.font = "700 12px system-ui, sans-serif";
  context.fillStyle = look.card;
  const whole = isFinal ? `${label}, its final answer` : label;
  const text = [whole, label, clip(label, 4)].find((words) => context.measureText(words).width < width - 4);
  if (text) context.fillText(text, x + width / 2, y + 0.5);
}
