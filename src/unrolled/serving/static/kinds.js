// The kinds of input: a drawing, bits, a text, a sequence of numbers. Each kind has its own box.

import { Bits } from "./bits.js";
import { Pad } from "./pad.js";
import { parseSeries, writeSeries } from "./series.js";
import { aboutUnknown, firstText, tokensOf, writeText } from "./text.js";

const $ = (id) => document.getElementById(id);
const PAUSE_MS = 350; // after a stroke or a letter, before it is read

let pause = null;

/** Calls an action after a moment without input. */
function soon(action) {
  clearTimeout(pause);
  pause = setTimeout(action, PAUSE_MS);
}

/** A digit is drawn; it becomes rows of pixels. */
class Picture {
  box = "pad-box";
  title = "Draw something";
  thing = "one row of the picture (set upright here)";

  constructor(read) {
    this.pad = new Pad($("pad"), () => soon(() => this.pad.empty || read(this.pad.picture(this.rows, this.columns))));
    $("clear").addEventListener("click", () => this.pad.clear());
    $("undo").addEventListener("click", () => this.pad.undo());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.pad.draw());
  }

  prepare(model) {
    this.columns = model.channels.length;
    this.rows = model.length ?? this.columns;
    this.pad.clear();
    return `It becomes a picture of ${this.rows} rows of ${this.columns} pixels, scaled and centred like those it learned from.`;
  }

  parse(text, model) {
    return parseSeries(text, model.channels.length);
  }

  show() {
    this.pad.clear(); // it was not drawn here
  }
}

/** Bits are flipped. */
class BitString {
  box = "bits-box";
  title = "Flip some bits";
  thing = "one bit";

  constructor(read) {
    this.bits = new Bits($("bits"), () => read(this.steps(this.bits.values)));
    $("shorter").addEventListener("click", () => this.bits.resize(-1));
    $("longer").addEventListener("click", () => this.bits.resize(1));
    $("shuffle").addEventListener("click", () => this.bits.shuffle());
  }

  prepare(model) {
    this.text = model.vocabulary !== null;
    this.bits.set(Array.from({ length: model.length ?? 20 }, (_, index) => Number(index % 3 === 0)));
    return "The network reads them from the left, one at a time. Flip one, and see what it changes.";
  }

  steps(values) {
    return values.map((bit) => (this.text ? String(bit) : [bit]));
  }

  parse(text) {
    const line = firstText(text).replace(/[\s,;]/g, "");
    if (!/^[01]+$/.test(line)) throw new Error(`Expected bits, such as 0110; found “${line.slice(0, 20)}”.`);
    return this.steps([...line].map(Number));
  }

  show(sequence) {
    this.bits.set(sequence.map((step) => Number(this.text ? step : step[0])));
  }
}

/** A text is typed. */
class Text {
  box = "text-box";
  title = "Write something";

  constructor(read) {
    $("text").addEventListener("input", () =>
      soon(() => {
        const tokens = tokensOf($("text").value, this.model);
        this.#warn(tokens);
        if (tokens.length) read(tokens);
      }),
    );
  }

  prepare(model) {
    this.model = model;
    this.thing = model.tokens !== "characters" ? "one word, as a learned list of numbers" : "one character, as a learned list of numbers";
    $("text").value = "";
    this.#warn([]);
    const most = model.max_length === null ? "" : ` It reads the ${model.keep_steps} ${model.max_length} of them.`;
    return `It reads one ${model.tokens !== "characters" ? "word" : "character"} after the other, and knows ${model.vocabulary.length.toLocaleString("en")}.${most}`;
  }

  parse(text, model) {
    return tokensOf(firstText(text), model);
  }

  show(tokens) {
    $("text").value = writeText(tokens, this.model);
    this.#warn(tokens);
  }

  #warn(tokens) {
    $("unknown").textContent = aboutUnknown(tokens, this.model);
  }
}

/** A sequence of numbers is pasted, or comes from a file. */
class Series {
  box = "series-box";
  title = "Give it a sequence";
  thing = "the values of one moment";

  constructor(_read, readText) {
    $("use-values").addEventListener("click", () => readText($("values").value, "The values"));
  }

  prepare(model) {
    const count = model.channels.length;
    const names = count > 1 ? ` (${model.channels.slice(0, 6).join(", ")}${count > 6 ? ", …" : ""})` : "";
    $("values").value = "";
    $("values-label").textContent = `Values: a line for each step, ${count === 1 ? "one number" : `${count} numbers`} in it`;
    return `Each step has ${count} number${count > 1 ? "s" : ""}${names}; any number of steps will do.`;
  }

  parse(text, model) {
    return parseSeries(text, model.channels.length);
  }

  show(sequence) {
    $("values").value = writeSeries(sequence);
  }
}

/** One of each kind. `read` takes a sequence, `readText` a text and its name. */
export function makeKinds(read, readText) {
  const kinds = { picture: Picture, bits: BitString, text: Text, series: Series };
  return Object.fromEntries(Object.entries(kinds).map(([name, Kind]) => [name, new Kind(read, readText)]));
}

/** Shows the box of one kind, prepared for a model. */
export function showKind(kinds, model) {
  for (const [name, kind] of Object.entries(kinds)) $(kind.box).hidden = name !== model.kind;
  const kind = kinds[model.kind];
  $("input-title").textContent = kind.title;
  $("input-hint").textContent = kind.prepare(model);
  return kind;
}
