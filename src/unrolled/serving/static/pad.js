// A pad to draw on, and the drawing as the picture that the network was trained on.

import { colours } from "./look.js";

// MNIST: the digit fills 20 of 28 pixels, its centre of mass in the middle (LeCun, Cortes and Burges).
// The 8 × 8 digits of scikit-learn fill their field.
const FORMS = { large: { fill: 20 / 28, pen: 2.5 / 28, byMass: true }, small: { fill: 0.94, pen: 1.25 / 8, byMass: false } };
const FINE = 16; // drawn so many times as fine, then averaged

/** What is to be drawn on the pad: strokes of points in 0 … 1. */
export class Pad {
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.strokes = [];
    this.current = null;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#end(event));
    this.draw();
  }

  clear() {
    this.strokes = [];
    this.draw();
  }

  undo() {
    this.strokes.pop();
    this.draw();
    if (this.strokes.length) this.onChange();
  }

  get empty() {
    return this.strokes.length === 0;
  }

  draw() {
    const look = colours();
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    if (this.empty) {
      context.fillStyle = look.soft;
      context.textAlign = "center";
      context.font = `${width / 18}px system-ui, sans-serif`;
      context.fillText("draw here", width / 2, height / 2);
    }
    trace(context, this.strokes, (x, y) => [x * width, y * height], width * 0.075, look.ink);
  }

  /** The drawing as rows of values in 0 … 1. */
  picture(rows, columns) {
    return rasterize(this.strokes, rows, columns);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.current = event.pointerId;
    this.strokes.push([this.#point(event)]);
    this.draw();
  }

  #go(event) {
    if (event.pointerId !== this.current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) this.strokes.at(-1).push(this.#point(part));
    this.draw();
  }

  #end(event) {
    if (event.pointerId !== this.current) return;
    this.current = null;
    this.onChange();
  }
}

/** Strokes as rows × columns of values in 0 … 1, scaled and centred as the training pictures were. */
export function rasterize(strokes, rows, columns) {
  const size = Math.min(rows, columns);
  const form = size >= 16 ? FORMS.large : FORMS.small;
  const pen = form.pen * size;
  const points = strokes.flat();
  const [left, right] = [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))];
  const [top, bottom] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
  const extent = Math.max(right - left, bottom - top, 0.05);
  const scale = (form.fill * size - pen) / extent;
  let [x0, y0] = [columns / 2 - (scale * (left + right)) / 2, rows / 2 - (scale * (top + bottom)) / 2];
  const paint = () => average(strokes, (x, y) => [x0 + scale * x, y0 + scale * y], pen, rows, columns);
  const picture = paint();
  if (!form.byMass) return picture;
  const [x, y] = centreOfMass(picture);
  x0 += columns / 2 - x;
  y0 += rows / 2 - y;
  return paint();
}

function average(strokes, place, pen, rows, columns) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns * FINE, rows * FINE];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  trace(context, strokes, (x, y) => place(x, y).map((value) => value * FINE), pen * FINE, "#000");
  const fine = context.getImageData(0, 0, canvas.width, canvas.height).data;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      let sum = 0;
      for (let y = 0; y < FINE; y++) {
        for (let x = 0; x < FINE; x++) sum += fine[4 * ((row * FINE + y) * canvas.width + column * FINE + x) + 3];
      }
      return Math.round((sum / (255 * FINE * FINE)) * 1000) / 1000;
    }),
  );
}

function centreOfMass(picture) {
  let [mass, x, y] = [0, 0, 0];
  picture.forEach((row, i) =>
    row.forEach((value, j) => {
      mass += value;
      x += value * (j + 0.5);
      y += value * (i + 0.5);
    }),
  );
  return [x / mass, y / mass];
}

function trace(context, strokes, place, width, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    const points = stroke.map(([x, y]) => place(x, y));
    context.moveTo(...points[0]);
    for (let index = 1; index < points.length - 1; index++) {
      const [x, y] = points[index];
      const [nextX, nextY] = points[index + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...points.at(-1));
    context.stroke();
  }
}
