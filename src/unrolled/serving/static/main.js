// The page: a model, something to read, and how it reads it.

import * as api from "./api.js";
import { Bits } from "./bits.js";
import { Pad } from "./pad.js";
import { drawBars, drawMind, drawSeen, exampleButton, percent } from "./panels.js";
import { Player } from "./player.js";
import { parseSeries, writeSeries } from "./series.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const AFTER_STROKE_MS = 350;

let model = null; // as GET /v1/model describes it
let shown = null; // { reading, sequence }
let asked = 0; // number of the latest request: an older answer is not shown
let bits = null;
let pause = null;

const pad = new Pad($("pad"), () => {
  clearTimeout(pause);
  pause = setTimeout(() => pad.empty || read(pad.picture(rows(), model.channels.length)), AFTER_STROKE_MS);
});
const player = new Player({ play: $("play"), back: $("back"), forward: $("forward"), scrub: $("scrub") }, showStep);
const timeline = new Timeline($("timeline"), (step) => player.seek(step));

const narrow = matchMedia("(max-width: 760px)"); // a phone: the reading stands below what is given
const rows = () => model.length ?? model.channels.length;

async function start() {
  await guarded(async () => {
    const names = await api.models();
    $("model").replaceChildren(...names.map((name) => new Option(name, name)));
    $("choice").hidden = names.length < 2;
    const wish = decodeURIComponent(location.hash.slice(1));
    $("model").value = names.includes(wish) ? wish : names[0];
    await choose($("model").value);
  });
}

async function choose(name) {
  model = await api.describe(name);
  const stored = await api.examples(name);
  shown = null;
  $("stage").hidden = true;
  $("empty").hidden = false;
  const accuracy = model.accuracy === null ? "" : `; right on ${(100 * model.accuracy).toFixed(1)} % of ${model.cases.toLocaleString("en")} it had never seen`;
  $("about").textContent = `Watch a recurrent network read, one step at a time. This one (${model.name}) tells ${model.classes.length} classes apart${accuracy}.`;
  explain();
  prepareInput();
  showExamples(stored);
}

function prepareInput() {
  const channels = model.channels.length;
  $("pad-box").hidden = model.kind !== "picture";
  $("bits-box").hidden = model.kind !== "bits";
  $("series-box").hidden = model.kind !== "series";
  $("seen").hidden = model.kind !== "picture";
  pad.clear();
  $("values").value = "";
  if (model.kind === "picture") {
    $("input-title").textContent = "Draw something";
    $("input-hint").textContent = `It becomes a picture of ${rows()} rows of ${channels} pixels, scaled and centred like those it learned from.`;
  } else if (model.kind === "bits") {
    $("input-title").textContent = "Flip some bits";
    $("input-hint").textContent = "The network reads them from the left and says how they end.";
    bits ??= new Bits($("bits"), model.length ?? 20, () => read(bits.sequence));
  } else {
    $("input-title").textContent = "Give it a series";
    const names = model.channels.length > 1 ? ` (${model.channels.slice(0, 6).join(", ")}${channels > 6 ? ", …" : ""})` : "";
    $("input-hint").textContent = `Each step has ${channels} number${channels > 1 ? "s" : ""}${names}; any number of steps will do.`;
  }
}

function explain() {
  const gates = /lstm/.test(model.cell)
    ? "an LSTM, whose gates decide what to keep, what to forget and what to show"
    : /gru/.test(model.cell) ? "a GRU, whose gates decide how much of the old state to keep" : "a simple cell: one layer whose output is its next input";
  const units = model.hidden_size * (model.bidirectional ? 2 : 1);
  const thing = { picture: "one row of the picture", bits: "one bit", series: "the values of one moment" }[model.kind];
  $("say-belief").textContent = "How probable each class would be if the sequence ended at that step.";
  $("say-hidden").textContent = `All it carries from step to step: ${units} numbers, blue below zero, orange above.`;
  $("say-cell").textContent = `The same cell at every step (${gates}); drawn side by side, the loop is unrolled.`;
  $("say-input").textContent = `What it is given at each step: ${thing}, never the whole.`;
  $("say-mind").textContent = `The ${units} numbers of the hidden state at this step.`;
  if (model.bidirectional) $("say-hidden").textContent += " This network also reads backwards, so its state knows the end.";
}

function showExamples(stored) {
  $("examples-box").hidden = stored.length === 0;
  $("examples").replaceChildren(
    ...stored.map((example) => {
      const button = exampleButton(example, model.kind);
      button.addEventListener("click", () => {
        pad.clear();
        if (model.kind === "series") $("values").value = writeSeries(example.sequence);
        if (model.kind === "bits") bits.set(example.sequence.map(([bit]) => bit));
        read(example.sequence, example, button);
      });
      return button;
    }),
  );
}

async function read(sequence, example = null, button = null) {
  const number = ++asked;
  for (const other of $("examples").children) other.setAttribute("aria-pressed", String(other === button));
  await guarded(async () => {
    const reading = await api.read(model.name, sequence);
    if (number !== asked) return;
    shown = { reading, sequence, example };
    $("empty").hidden = true;
    $("stage").hidden = false;
    $("peek").hidden = $("reading").getBoundingClientRect().top < innerHeight;
    timeline.show(reading, sequence, model.classes, model.kind);
    player.load(sequence.length);
    if (button && narrow.matches) $("reading").scrollIntoView({ behavior: "smooth", block: "start" });
  });
}

function showStep(step, resting) {
  if (!shown) return;
  const { reading, sequence, example } = shown;
  const belief = reading.steps.probabilities[step - 1];
  const label = reading.steps.labels[step - 1];
  $("step-name").textContent = `After step ${step} of ${sequence.length} it says`;
  $("label").textContent = label;
  $("sure").textContent = `with ${percent(Math.max(...belief))}`;
  const settled = step >= reading.final_from_step;
  const truth = example?.label == null ? "" : ` It is truly ${example.label}.`;
  const final = reading.final_from_step;
  const course = final === 1 ? "It never changed its answer." : `From step ${final} on the answer did not change any more.`;
  $("final").textContent = settled ? course + truth : "Not its final answer yet.";
  $("peek").textContent = `It says ${label} with ${percent(Math.max(...belief))}. Watch it read ↓`;
  timeline.draw(step);
  drawBars($("bars"), model.classes, reading.steps.probabilities, step);
  drawMind($("mind"), reading.steps.hidden[step - 1]);
  if (model.kind === "picture") drawSeen($("seen"), sequence, step);
  if (resting) {
    $("spoken").textContent = `Step ${step}: ${label}, ${percent(Math.max(...belief))}.`;
    $("timeline").setAttribute("aria-label", `The network unrolled over ${sequence.length} steps; after step ${step} it says ${label}.`);
  }
}

async function readText(text, name) {
  await guarded(async () => {
    let sequence;
    try {
      sequence = parseSeries(text, model.channels.length);
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
    if (model.kind === "series") $("values").value = writeSeries(sequence);
    if (model.kind === "bits") bits.set(sequence.map(([bit]) => bit));
    pad.clear();
    await read(sequence);
  });
}

async function readFile(file) {
  if (file.size > model.limits.max_body_bytes) {
    return guarded(() => Promise.reject(new Error(`${file.name} has ${file.size.toLocaleString("en")} bytes; this server takes ${model.limits.max_body_bytes.toLocaleString("en")}.`)));
  }
  return readText(await file.text(), file.name);
}

/** Runs something; what goes wrong is said in words at the top of the page. */
async function guarded(action) {
  $("problem").hidden = true;
  try {
    await action();
    $("ask-token").hidden = true;
  } catch (error) {
    $("ask-token").hidden = error.status !== 401;
    $("problem").textContent = error.message;
    $("problem").hidden = error.status === 401 && !$("token").value;
  }
}

$("model").addEventListener("change", () => {
  location.hash = encodeURIComponent($("model").value);
  bits = null;
  $("bits").replaceWith($("bits").cloneNode(false));
  guarded(() => choose($("model").value));
});
$("clear").addEventListener("click", () => pad.clear());
$("undo").addEventListener("click", () => pad.undo());
$("shorter").addEventListener("click", () => bits.resize(-1));
$("longer").addEventListener("click", () => bits.resize(1));
$("shuffle").addEventListener("click", () => bits.shuffle());
$("use-values").addEventListener("click", () => readText($("values").value, "The values"));
$("file").addEventListener("change", (event) => {
  if (event.target.files[0]) readFile(event.target.files[0]);
  event.target.value = "";
});
$("ask-token").addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken($("token").value);
  start();
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", name === "dragover");
    const file = name === "drop" && event.dataTransfer.files[0];
    if (file && model) readFile(file);
  });
}
new IntersectionObserver(([entry]) => ($("peek").hidden = entry.isIntersecting || !shown)).observe($("reading"));
new ResizeObserver(() => shown && showStep(player.step, false)).observe($("timeline-box"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  pad.draw();
  if (shown) showStep(player.step, false);
});

start();
