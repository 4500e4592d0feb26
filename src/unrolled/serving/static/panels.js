// The panels beside the timeline: bars, hidden state, the picture so far, thumbnails.

import { colours, diverging, range, raster, shades, sharp } from "./look.js";
import { writeText } from "./text.js";
import { ranking } from "./belief.js";

const MOST = 10;

export const percent = (share) => `${share > 0.995 && share < 1 ? ">99" : Math.round(100 * share)}%`;

/** The probability of each class at a step, as a list of bars; of many classes, the most probable. */
export function drawBars(list, classes, probabilities, step) {
  const look = colours();
  const named = ranking(probabilities);
  const now = probabilities[step - 1];
  const best = now.indexOf(Math.max(...now));
  const shown = classes.length <= MOST ? [...classes.keys()] : mattering(probabilities, best);
  list.replaceChildren(
    ...shown.map((index) => {
      const item = element("li", { className: index === best ? "best" : "" });
      const track = element("span", { className: "track" });
      const fill = element("span", { className: "fill" });
      fill.style.transform = `scaleX(${now[index]})`;
      if (named.includes(index)) fill.style.background = look.classes[named.indexOf(index)];
      track.append(fill);
      const name = element("span", { className: "name", textContent: classes[index], title: classes[index] });
      item.append(name, track, element("span", { className: "share", textContent: percent(now[index]) }));
      return item;
    }),
  );
}

function mattering(probabilities, best) {
  const largest = probabilities[0].map((_, index) => Math.max(...probabilities.map((row) => row[index])));
  const order = largest.map((_, index) => index).sort((a, b) => largest[b] - largest[a]);
  return [...new Set([best, ...order])].slice(0, MOST).sort((a, b) => a - b);
}

/** The hidden state at a step: a cell for each unit, blue below zero, orange above. */
export function drawMind(canvas, state) {
  const width = canvas.clientWidth;
  if (!width) return;
  const columns = Math.min(state.length, 16);
  const side = Math.min(26, width / columns);
  const rows = Math.ceil(state.length / columns);
  canvas.style.height = `${rows * side}px`;
  const context = sharp(canvas, width, rows * side);
  const colour = diverging(colours());
  state.forEach((value, unit) => {
    context.fillStyle = `rgb(${colour(value).map(Math.round)})`;
    context.beginPath();
    context.roundRect((unit % columns) * side + 0.8, Math.floor(unit / columns) * side + 0.8, side - 1.6, side - 1.6, 2.5);
    context.fill();
  });
}

/** The picture's rows that were read, the others empty, the present one framed. */
export function drawSeen(canvas, sequence, step) {
  const size = canvas.clientWidth;
  const look = colours();
  const context = sharp(canvas, size, size);
  const colour = shades(look);
  const picture = raster(sequence.length, sequence[0].length, (row, column) => colour(row < step ? sequence[row][column] : 0));
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, size, size);
  const tall = size / sequence.length;
  context.fillStyle = look.card;
  context.globalAlpha = 0.65;
  context.fillRect(0, step * tall, size, size - step * tall);
  context.globalAlpha = 1;
  context.strokeStyle = look.high;
  context.lineWidth = 1.5;
  context.strokeRect(0.75, (step - 1) * tall, size - 1.5, tall);
}

/** A text's tokens one after the other; each is a button to its step. */
export function showTokens(place, tokens, model, onSeek) {
  const known = new Set(model.vocabulary);
  place.classList.toggle("words", model.tokens !== "characters");
  place.replaceChildren(
    ...tokens.map((token, index) => {
      const part = element("span", { textContent: token, className: known.has(token) ? "" : "unknown" });
      part.addEventListener("click", () => onSeek(index + 1));
      return part;
    }),
  );
}

/** A button that shows a stored example. */
export function exampleButton({ label, sequence }, model) {
  const button = element("button", { type: "button" });
  const name = label ?? "no label";
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", `Example, truly ${name}`);
  if (model.kind === "text") {
    button.append(element("span", { className: "extract", textContent: writeText(sequence, model) }));
  } else {
    const canvas = element("canvas", {});
    [canvas.width, canvas.height] = [96, 96];
    thumbnail(canvas, sequence.map((step) => (Array.isArray(step) ? step : [Number(step)])), model.kind);
    button.append(canvas);
  }
  button.append(element("span", { className: "truth", textContent: name.length > 9 ? `${name.slice(0, 8)}…` : name }));
  return button;
}

function thumbnail(canvas, sequence, kind) {
  const look = colours();
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const [low, high] = kind === "picture" ? [0, 1] : range(sequence);
  context.imageSmoothingEnabled = false;
  if (kind === "picture" || kind === "bits" || sequence[0].length > 6) {
    const colour = shades(look);
    const picture =
      kind === "bits"
        ? raster(4, Math.ceil(sequence.length / 4), (row, column) => colour(sequence[row * Math.ceil(sequence.length / 4) + column]?.[0] ?? 0))
        : raster(sequence.length, sequence[0].length, (row, column) => colour(((sequence[row][column] ?? low) - low) / (high - low)));
    context.drawImage(picture, 0, 0, width, height);
    return;
  }
  sequence[0].forEach((_, channel) => {
    context.strokeStyle = look.classes[channel % look.classes.length];
    context.lineWidth = 3;
    context.beginPath();
    sequence.forEach((step, t) => {
      const y = height * (0.92 - 0.84 * (((step[channel] ?? low) - low) / (high - low)));
      context.lineTo((t / Math.max(1, sequence.length - 1)) * width, y);
    });
    context.stroke();
  });
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
