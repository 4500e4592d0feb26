// The network unrolled: belief, hidden state, cell and input of every step, one under the other.

import { colours, diverging, range, raster, shades, sharp } from "./look.js";

const NAMED = 5;
const GUTTER = { left: 46, right: 34 };
const TRACKS = { belief: 176, hidden: 118, cell: 46, input: 92 };
const GAP = 18;

/** Classes that were ever most believed, most first: they get a colour, the others are grey. */
export function ranking(probabilities) {
  const last = probabilities.at(-1);
  const weight = last.map((value, index) => value + probabilities.reduce((sum, row) => sum + row[index], 0) / probabilities.length);
  return weight.map((_, index) => index).sort((a, b) => weight[b] - weight[a]).slice(0, NAMED);
}

export class Timeline {
  constructor(canvas, onSeek) {
    this.canvas = canvas;
    const seek = (event) => onSeek(this.#stepAt(event));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && seek(event));
  }

  /** Takes a reading; `kind` is picture, bits or series. */
  show(reading, sequence, classes, kind) {
    Object.assign(this, { reading, sequence, classes, kind, cached: null });
    this.named = ranking(reading.steps.probabilities);
  }

  /** Draws with the steps up to `step`, from 1, as read. */
  draw(step) {
    const width = this.canvas.clientWidth;
    if (!width || !this.reading) return;
    const tracks = this.kind === "bits" ? { ...TRACKS, input: 34 } : TRACKS;
    const height = Object.values(tracks).reduce((a, b) => a + b) + 3 * GAP + 32;
    this.canvas.style.height = `${height}px`;
    this.context = sharp(this.canvas, width, height);
    this.look = colours();
    this.steps = this.sequence.length;
    this.width = width - GUTTER.left - GUTTER.right;
    this.column = this.width / this.steps;
    this.step = step;
    let top = 10;
    for (const [name, tall] of Object.entries(tracks)) {
      this[`_${name}`](top, tall);
      top += tall + GAP;
    }
    this.#cursor(top - GAP);
  }

  #stepAt(event) {
    const x = event.clientX - this.canvas.getBoundingClientRect().left - GUTTER.left;
    return Math.max(1, Math.min(this.steps, Math.floor(x / this.column) + 1));
  }

  #x(step) {
    return GUTTER.left + (step - 0.5) * this.column;
  }

  #title(text, top, tall) {
    const { context, look } = this;
    context.save();
    context.translate(12, top + tall / 2);
    context.rotate(-Math.PI / 2);
    context.fillStyle = look.soft;
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(text, 0, 0);
    context.restore();
  }

  _belief(top, tall) {
    const { context, look } = this;
    this.#title("belief", top, tall);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    for (const share of [0, 0.5, 1]) {
      const y = top + tall * (1 - share);
      context.strokeStyle = look.line;
      context.lineWidth = 1;
      line(context, [[GUTTER.left, y], [GUTTER.left + this.width, y]]);
      context.fillStyle = look.soft;
      context.fillText(`${100 * share}%`, GUTTER.left - 5, y + 4);
    }
    const rows = this.reading.steps.probabilities;
    const order = [...this.classes.keys()].sort((a, b) => this.#rank(b) - this.#rank(a));
    for (const index of order) {
      const rank = this.named.indexOf(index);
      context.strokeStyle = rank < 0 ? look.grey : look.classes[rank];
      const points = rows.map((row, t) => [this.#x(t + 1), top + tall * (1 - row[index])]);
      context.lineWidth = 1;
      context.globalAlpha = 0.22;
      line(context, points);
      context.globalAlpha = rank < 0 ? 0.5 : 1;
      context.lineWidth = rank < 0 ? 1 : rank === 0 ? 3 : 2;
      line(context, points.slice(0, this.step));
      if (rank >= 0) {
        context.fillStyle = context.strokeStyle;
        context.beginPath();
        context.arc(...points[this.step - 1], 3.2, 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    this.#names(top, tall, rows.at(-1));
  }

  /** The names at the ends of the curves, moved apart where they would cover each other. */
  #names(top, tall, last) {
    const { context, look } = this;
    const spots = this.named.filter((index) => last[index] > 0.02 || this.named.indexOf(index) < 3)
      .map((index) => ({ index, y: top + tall * (1 - last[index]) })).sort((a, b) => a.y - b.y);
    for (let k = spots.length - 1; k >= 0; k--) {
      const floor = k === spots.length - 1 ? top + tall + 2 : spots[k + 1].y - 13;
      spots[k].y = Math.min(spots[k].y, floor);
    }
    context.textAlign = "left";
    context.font = "700 12px system-ui, sans-serif";
    for (const { index, y } of spots) {
      context.fillStyle = look.classes[this.named.indexOf(index)];
      context.fillText(short(this.classes[index]), GUTTER.left + this.width + 5, y + 4);
    }
  }

  _hidden(top, tall) {
    const { context } = this;
    this.#title("hidden state", top, tall);
    this.#field(top, tall, "hidden", () => {
      const hidden = this.reading.steps.hidden;
      const colour = diverging(this.look);
      return raster(hidden[0].length, this.steps, (unit, step) => colour(hidden[step][unit]));
    });
    context.strokeStyle = this.look.line;
    context.lineWidth = 1;
    context.strokeRect(GUTTER.left, top, this.width, tall);
  }

  _cell(top, tall) {
    const { context, look } = this;
    this.#title("cell", top, tall);
    const middle = top + tall / 2;
    const side = Math.max(3, Math.min(24, this.column * 0.66));
    if (this.column < 5) return this.#wire(middle);
    for (let step = 1; step <= this.steps; step++) {
      const x = this.#x(step);
      const read = step <= this.step;
      context.globalAlpha = read ? 1 : 0.3;
      context.strokeStyle = context.fillStyle = step === this.step ? look.high : look.accent;
      context.lineWidth = 1.4;
      line(context, [[x, middle + tall / 2 + GAP - 4], [x, middle + side / 2 + 1]]);
      line(context, [[x, middle - side / 2 - 1], [x, top - GAP + 4]]);
      if (step < this.steps) {
        const [from, to] = [x + side / 2 + 1, x + this.column - side / 2 - 1];
        line(context, [[from, middle], [to, middle]]);
        if (to - from > 4) line(context, [[to - 3, middle - 3], [to, middle], [to - 3, middle + 3]]);
      }
      context.beginPath();
      context.roundRect(x - side / 2, middle - side / 2, side, side, side / 4);
      if (read) context.fill();
      else context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** Too many steps for boxes: a wire with one box where it reads. */
  #wire(middle) {
    const { context, look } = this;
    context.lineWidth = 2;
    for (const [from, to, alpha] of [[1, this.step, 1], [this.step, this.steps, 0.3]]) {
      context.globalAlpha = alpha;
      context.strokeStyle = look.accent;
      line(context, [[this.#x(from), middle], [this.#x(to), middle]]);
    }
    context.globalAlpha = 1;
    context.fillStyle = look.high;
    context.beginPath();
    context.roundRect(this.#x(this.step) - 8, middle - 8, 16, 16, 4);
    context.fill();
  }

  _input(top, tall) {
    this.#title("input", top, tall);
    const channels = this.sequence[0].length;
    if (this.kind === "bits") return this.#bits(top);
    if (this.kind === "series" && channels <= 6) return this.#lines(top, tall);
    const [low, high] = this.kind === "picture" ? [0, 1] : range(this.sequence);
    this.#field(top, tall, "input", () => {
      const colour = shades(this.look);
      return raster(channels, this.steps, (channel, step) => colour(((this.sequence[step][channel] ?? low) - low) / (high - low)));
    });
    this.context.strokeStyle = this.look.line;
    this.context.strokeRect(GUTTER.left, top, this.width, tall);
  }

  #bits(top) {
    const { context, look } = this;
    const side = Math.min(26, this.column * 0.86);
    context.textAlign = "center";
    context.font = `600 ${Math.max(7, side * 0.55)}px ui-monospace, monospace`;
    this.sequence.forEach(([bit], index) => {
      const x = this.#x(index + 1);
      context.globalAlpha = index < this.step ? 1 : 0.3;
      context.fillStyle = bit ? look.ink : look.field;
      context.beginPath();
      context.roundRect(x - side / 2, top + 4, side, side, 4);
      context.fill();
      context.fillStyle = bit ? look.card : look.soft;
      context.fillText(bit, x, top + 4 + side * 0.7);
    });
    context.globalAlpha = 1;
  }

  #lines(top, tall) {
    const { context, look } = this;
    const [low, high] = range(this.sequence);
    this.sequence[0].forEach((_, channel) => {
      const points = this.sequence.map((step, t) => [this.#x(t + 1), top + tall * (1 - ((step[channel] ?? low) - low) / (high - low))]);
      context.strokeStyle = look.classes[channel % look.classes.length];
      context.lineWidth = 1.4;
      context.globalAlpha = 0.25;
      line(context, points);
      context.globalAlpha = 1;
      line(context, points.slice(0, this.step));
    });
  }

  /** A track of one pixel a value, enlarged; what is not read yet is veiled. */
  #field(top, tall, name, make) {
    const { context, look } = this;
    this.cached ??= {};
    const key = `${name}${look.card}`;
    this.cached[key] ??= make();
    context.imageSmoothingEnabled = false;
    context.drawImage(this.cached[key], GUTTER.left, top, this.width, tall);
    const read = GUTTER.left + this.step * this.column;
    context.globalAlpha = 0.82;
    context.fillStyle = look.card;
    context.fillRect(read, top, GUTTER.left + this.width - read, tall);
    context.globalAlpha = 1;
  }

  #cursor(bottom) {
    const { context, look } = this;
    const x = this.#x(this.step);
    context.strokeStyle = look.high;
    context.lineWidth = 1.5;
    context.globalAlpha = 0.55;
    line(context, [[x, 6], [x, bottom]]);
    context.globalAlpha = 1;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillStyle = look.soft;
    const final = this.reading.final_from_step;
    const finalX = this.#x(final);
    if (this.step >= final) {
      context.setLineDash([3, 4]);
      context.strokeStyle = look.soft;
      line(context, [[finalX, 6], [finalX, bottom]]);
      context.setLineDash([]);
      context.fillText(`final from step ${final}`, clamp(finalX, GUTTER.left + 42, GUTTER.left + this.width - 42), bottom + 15);
    }
    if (Math.abs(x - finalX) > 80 || this.step < final) {
      context.fillStyle = look.high;
      context.font = "600 11px system-ui, sans-serif";
      context.fillText(`step ${this.step}`, clamp(x, GUTTER.left + 18, GUTTER.left + this.width - 18), bottom + 15);
    }
  }

  #rank(index) {
    const rank = this.named.indexOf(index);
    return rank < 0 ? 99 : rank;
  }
}

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const short = (name) => (name.length > 4 ? `${name.slice(0, 3)}…` : name);

function line(context, points) {
  if (!points.length) return;
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points.slice(1)) context.lineTo(...point);
  context.stroke();
}
