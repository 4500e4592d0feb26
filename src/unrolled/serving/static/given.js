// The input of each step, under the cells: rows of pixels, bits, tokens, or curves.

import { clip } from "./frame.js";
import { range, raster, shades } from "./look.js";

const CURVES = 6; // channels; more are drawn as a field of shades

/** How tall the track is: bits and characters stand upright, words hang. */
export function heightOf({ kind, tokens }) {
  if (kind === "text") return tokens !== "characters" ? 88 : 34;
  return kind === "bits" ? 34 : 92;
}

/** Whether the channels are curves, with their names. */
export const namesChannels = ({ kind, channels }) => kind === "series" && channels.length <= CURVES;

export function drawInput(frame, top, tall, model, sequence) {
  frame.title("input", top, tall);
  if (model.kind === "bits") drawBits(frame, top, sequence);
  else if (model.kind === "text") drawTokens(frame, top, tall, model, sequence);
  else if (namesChannels(model)) drawCurves(frame, top, tall, model.channels, sequence);
  else drawShades(frame, top, tall, model, sequence);
}

function drawShades(frame, top, tall, model, sequence) {
  const [low, high] = model.kind === "picture" ? [0, 1] : range(sequence);
  const colour = shades(frame.look);
  const at = (channel, step) => colour(((sequence[step][channel] ?? low) - low) / (high - low));
  frame.field(raster(sequence[0].length, frame.steps, at), top, tall);
}

function drawBits(frame, top, sequence) {
  const { context, look } = frame;
  const side = Math.min(26, frame.column * 0.86);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `600 ${Math.max(7, side * 0.55)}px ui-monospace, monospace`;
  sequence.map((step) => Number(Array.isArray(step) ? step[0] : step)).forEach((bit, index) => {
    const x = frame.x(index + 1);
    context.globalAlpha = index < frame.step ? 1 : 0.3;
    context.fillStyle = bit ? look.ink : look.field;
    frame.box(x - side / 2, top + 4, side, side, 4);
    context.fill();
    context.fillStyle = bit ? look.card : look.soft;
    context.fillText(bit, x, top + 4 + side * 0.54);
  });
  context.globalAlpha = 1;
}

function drawTokens(frame, top, tall, model, sequence) {
  const { context, look } = frame;
  const words = model.tokens !== "characters";
  const known = new Set(model.vocabulary);
  const size = Math.max(6, Math.min(words ? 13 : 16, frame.column * (words ? 0.8 : 1.1)));
  context.font = `${size}px ${words ? "system-ui, sans-serif" : "ui-monospace, monospace"}`;
  context.textAlign = words ? "right" : "center";
  context.textBaseline = "middle";
  sequence.forEach((token, index) => {
    context.save();
    context.translate(frame.x(index + 1), words ? top + 4 : top + tall / 2);
    context.globalAlpha = index < frame.step ? 1 : 0.35;
    context.fillStyle = known.has(token) ? look.ink : look.grey;
    if (index + 1 === frame.step) context.fillStyle = look.high;
    if (words) context.rotate(-Math.PI / 2.6);
    context.fillText(words ? clip(token, 13) : token, 0, 0);
    context.restore();
  });
}

function drawCurves(frame, top, tall, channels, sequence) {
  const { context, look } = frame;
  const [low, high] = range(sequence);
  const spots = channels.map((name, channel) => {
    const points = sequence.map((step, t) => [frame.x(t + 1), top + tall * (1 - ((step[channel] ?? low) - low) / (high - low))]);
    const colour = look.classes[channel % look.classes.length];
    context.strokeStyle = context.fillStyle = colour;
    context.lineJoin = "round";
    context.lineWidth = 1.6;
    context.globalAlpha = 0.25;
    frame.line(points);
    context.globalAlpha = 1;
    frame.line(points.slice(0, frame.step));
    context.beginPath();
    context.arc(...points[frame.step - 1], 2.6, 0, 7);
    context.fill();
    return { name, colour, y: points.at(-1)[1] };
  });
  frame.names(spots, top + tall);
}
