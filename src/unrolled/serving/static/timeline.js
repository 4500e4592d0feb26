// The network unrolled: probabilities, answers, hidden state, cells and input of every step, one below the other.

import { drawAnswers, drawBelief, ranking } from "./belief.js";
import { drawChain } from "./chain.js";
import { Frame, clamp, marginFor } from "./frame.js";
import { drawInput, heightOf, namesChannels } from "./given.js";
import { diverging, raster } from "./look.js";

const GAP = 18;
const TALL = { belief: 170, answers: 22, hidden: 124, chain: 46 };

export class Timeline {
  constructor(canvas, onSeek) {
    this.canvas = canvas;
    const seek = (event) => {
      if (!this.sequence) return;
      const x = event.clientX - canvas.getBoundingClientRect().left;
      onSeek(Frame.stepAt(canvas, x, this.margin, this.sequence.length));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && seek(event));
  }

  /** Takes how a model read a sequence, and in which order its units are shown. */
  show(reading, sequence, model, order) {
    const { probabilities, labels, hidden } = reading.steps;
    Object.assign(this, { sequence, model, hidden, order, fields: {} });
    const named = ranking(probabilities);
    this.margin = marginFor([...named.map((index) => model.classes[index]), ...(namesChannels(model) ? model.channels : [])]);
    this.belief = { probabilities, labels, classes: model.classes, named, final: reading.final_from_step };
  }

  /** Draws with the steps up to `step`, from 1, as read. */
  draw(step) {
    if (!this.sequence || !this.canvas.clientWidth) return;
    const input = heightOf(this.model);
    const height = Object.values(TALL).reduce((a, b) => a + b) + input + 4 * GAP + 30;
    const frame = new Frame(this.canvas, height, this.margin, this.sequence.length, step);
    let top = 10;
    drawBelief(frame, top, TALL.belief, this.belief);
    drawAnswers(frame, (top += TALL.belief + GAP), TALL.answers, this.belief);
    this.#drawHidden(frame, (top += TALL.answers + GAP), TALL.hidden);
    drawChain(frame, (top += TALL.hidden + GAP), TALL.chain, GAP);
    drawInput(frame, (top += TALL.chain + GAP), input, this.model, this.sequence);
    this.#drawCursor(frame, top + input);
  }

  #drawHidden(frame, top, tall) {
    frame.title("hidden state", top, tall);
    const colour = diverging(frame.look);
    // made once for each set of colours: the reader may change from light to dark
    const field = (this.fields[frame.look.card] ??= raster(this.order.length, frame.steps, (row, step) => colour(this.hidden[step][this.order[row]])));
    frame.field(field, top, tall);
  }

  #drawCursor(frame, bottom) {
    const { context, look } = frame;
    const x = frame.x(frame.step);
    context.strokeStyle = context.fillStyle = look.high;
    context.lineWidth = 1.5;
    context.globalAlpha = 0.5;
    frame.line([[x, 6], [x, bottom]]);
    context.globalAlpha = 1;
    context.font = "600 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillText(`step ${frame.step}`, clamp(x, frame.left + 18, frame.right - 18), bottom + 14);
    const final = frame.left + (this.belief.final - 1) * frame.column;
    if (this.belief.final === 1 || frame.step < this.belief.final) return;
    context.setLineDash([3, 4]);
    context.strokeStyle = context.fillStyle = look.soft;
    frame.line([[final, 6], [final, bottom]]);
    context.setLineDash([]);
    if (Math.abs(x - final) > 62) context.fillText(`final from ${this.belief.final}`, clamp(final, frame.left + 32, frame.right - 32), bottom + 14);
  }
}

/** The units of a hidden state in the order of the step at which each changed most, so that who reacts when can be seen. */
export function inOrderOfChange(hidden) {
  const moment = hidden[0].map((_, unit) => {
    let [best, at] = [-1, 0];
    for (let step = 0; step < hidden.length; step++) {
      const change = Math.abs(hidden[step][unit] - (step ? hidden[step - 1][unit] : 0));
      if (change > best) [best, at] = [change, step];
    }
    return at;
  });
  const last = hidden.at(-1);
  return moment.map((_, unit) => unit).sort((a, b) => moment[a] - moment[b] || last[b] - last[a]);
}
