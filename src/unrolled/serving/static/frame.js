// A drawing with the steps from left to right: where each step stands, and what all tracks share.

import { colours, sharp } from "./look.js";

const LEFT = 52;

export class Frame {
  /** `margin` is what is left free at the right, for names. */
  constructor(canvas, height, margin, steps, step) {
    const width = canvas.clientWidth;
    canvas.style.height = `${height}px`;
    this.context = sharp(canvas, width, height);
    this.look = colours();
    [this.steps, this.step] = [steps, step];
    this.left = LEFT;
    this.width = width - LEFT - margin;
    this.column = this.width / steps;
  }

  /** The step at a place on a canvas, from 1. */
  static stepAt(canvas, x, margin, steps) {
    const share = (x - LEFT) / (canvas.clientWidth - LEFT - margin);
    return Math.max(1, Math.min(steps, Math.floor(share * steps) + 1));
  }

  get right() {
    return this.left + this.width;
  }

  /** The middle of a step's column, from 1. */
  x(step) {
    return this.left + (step - 0.5) * this.column;
  }

  /** Names at the right end of curves, moved apart where they would cover each other: { name, colour, y } each. */
  names(spots, bottom) {
    const { context } = this;
    const placed = spots.toSorted((a, b) => a.y - b.y);
    for (let k = placed.length - 1; k >= 0; k--) {
      placed[k].y = Math.min(placed[k].y, k === placed.length - 1 ? bottom : placed[k + 1].y - 13);
    }
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.font = "700 12px system-ui, sans-serif";
    for (const { name, colour, y } of placed) {
      context.fillStyle = colour;
      context.fillText(clip(name, LONGEST_NAME), this.right + 6, y);
    }
  }

  line(points) {
    if (!points.length) return;
    this.context.beginPath();
    this.context.moveTo(...points[0]);
    for (const point of points.slice(1)) this.context.lineTo(...point);
    this.context.stroke();
  }

  box(x, y, width, height, radius) {
    this.context.beginPath();
    this.context.roundRect(x, y, width, height, radius);
  }

  /** The name of a track, upright at its side. */
  title(text, top, tall) {
    const { context, look } = this;
    context.save();
    context.translate(8, top + tall / 2);
    context.rotate(-Math.PI / 2);
    context.fillStyle = look.soft;
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, 0, 0);
    context.restore();
  }

  /** A picture of one pixel a value, enlarged; what is not read yet is veiled. */
  field(picture, top, tall) {
    const { context, look } = this;
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, this.left, top, this.width, tall);
    const read = this.left + this.step * this.column;
    context.globalAlpha = 0.82;
    context.fillStyle = look.card;
    context.fillRect(read, top, this.right - read, tall);
    context.globalAlpha = 1;
    context.strokeStyle = look.line;
    context.lineWidth = 1;
    context.strokeRect(this.left, top, this.width, tall);
  }
}

const LONGEST_NAME = 9;

/** The margin that these names need. */
export const marginFor = (names) => 20 + 7.5 * Math.min(LONGEST_NAME, Math.max(2, ...names.map((name) => name.length)));

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
export const clip = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
