// The page: a model, its input, and its answers step by step.

import * as api from "./api.js";
import { makeKinds, showKind } from "./kinds.js";
import { LONGEST, LocalNetwork } from "./local.js";
import { drawBars, drawMind, drawSeen, exampleButton, percent, showTokens } from "./panels.js";
import { Player } from "./player.js";
import { Timeline, inOrderOfChange } from "./timeline.js";
import { explain, introduce, strangeness } from "./words.js";

const $ = (id) => document.getElementById(id);

const SHOWN_FIRST = 3;

let model = null; // as GET /v1/model describes it
let local = null; // the network in this browser, if the server has onnxruntime-web
let kind = null; // the kind of input
let shown = null; // { reading, sequence, example }
let touched = false; // whether the user has begun an input
let asked = 0; // number of the latest request: an older answer is not shown

const kinds = makeKinds((sequence) => read(sequence), readText);
const player = new Player({ play: $("play"), back: $("back"), forward: $("forward"), scrub: $("scrub") }, showStep);
const timeline = new Timeline($("timeline"), (step) => player.seek(step));
const narrow = matchMedia("(max-width: 760px)"); // a phone: the answers are below the input

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
  asked++; // answers of the former model are ignored
  touched = false;
  model = await api.describe(name);
  const stored = await api.examples(name);
  shown = local = null;
  player.pause();
  $("stage").hidden = true;
  $("empty").hidden = false;
  $("about").textContent = introduce(model);
  kind = showKind(kinds, model);
  explain(model, kind.thing);
  showExamples(stored);
  if (model.runtime) local = await LocalNetwork.load(model, await api.file(name));
  sayWhere();
  if (stored.length && !touched) $("examples").children[Math.min(SHOWN_FIRST, stored.length - 1)].click(); // no empty page at the start
}

/** The place of the computation, and whether the input leaves the browser. */
function sayWhere(steps = 0) {
  const here = local !== null && steps <= LONGEST;
  $("where").textContent = here
    ? "The network computes in this browser, by onnxruntime-web; your input does not leave this page."
    : local !== null ? `A sequence of ${steps.toLocaleString("en")} steps is long for a browser, so the server read it.`
      : "The network computes on this server; your input goes there and nowhere else.";
  document.body.dataset.computes = here ? "here" : "server";
}

function showExamples(stored) {
  $("examples-box").hidden = stored.length === 0;
  const parts = new Set(stored.map((example) => example.part ?? null));
  $("examples-title").textContent = parts.has(null) ? "or take an example"
    : parts.has("trained on") ? "or take one that it was trained on" : "or take one that it was not trained on";
  $("examples").classList.toggle("wide", model.kind === "text");
  $("examples").replaceChildren(
    ...stored.map((example) => {
      const button = exampleButton(example, model);
      button.addEventListener("click", () => {
        kind.show(example.sequence);
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
    const here = local !== null && sequence.length <= LONGEST;
    const reading = await (here ? local.read(sequence) : api.read(model.name, sequence));
    if (number !== asked) return;
    sayWhere(sequence.length);
    const order = inOrderOfChange(reading.steps.hidden);
    shown = { reading, sequence, example, order };
    $("empty").hidden = true;
    $("stage").hidden = false;
    $("peek").hidden = $("reading").getBoundingClientRect().top < innerHeight;
    timeline.show(reading, sequence, model, order);
    if (model.kind === "text") showTokens($("tokens"), sequence, model, (step) => player.seek(step));
    $("tokens").hidden = model.kind !== "text";
    $("seen").hidden = model.kind !== "picture";
    const doubt = strangeness(model, reading.familiarity);
    $("novel").textContent = doubt;
    $("novel").hidden = !doubt;
    player.load(sequence.length);
    if (button && narrow.matches) $("reading").scrollIntoView({ behavior: "smooth", block: "start" });
  });
}

function showStep(step, resting) {
  if (!shown) return;
  const { reading, sequence, example, order } = shown;
  const { probabilities, labels, hidden } = reading.steps;
  const label = labels[step - 1];
  const sure = percent(Math.max(...probabilities[step - 1]));
  $("step-name").textContent = `After step ${step} of ${sequence.length} it says`;
  $("label").textContent = label;
  $("sure").textContent = `with ${sure}`;
  $("final").textContent = course(step, reading.final_from_step, example);
  $("peek").textContent = `It says ${label} with ${sure}. Watch it read ↓`;
  timeline.draw(step);
  drawBars($("bars"), model.classes, probabilities, step);
  drawMind($("mind"), order.map((unit) => hidden[step - 1][unit]));
  if (model.kind === "picture") drawSeen($("seen"), sequence, step);
  if (model.kind === "text") [...$("tokens").children].forEach((part, index) => markToken(part, index + 1, step));
  if (resting) {
    $("spoken").textContent = `Step ${step}: ${label}, ${sure}.`;
    $("timeline").setAttribute("aria-label", `The network unrolled over ${sequence.length} steps; after step ${step} it says ${label}.`);
  }
}

function markToken(part, number, step) {
  part.classList.toggle("read", number <= step);
  part.toggleAttribute("aria-current", number === step);
}

/** Whether the answer is final, and whether it is right, in words. */
function course(step, final, example) {
  if (step < final) return "Not its final answer yet.";
  const truth = example?.label == null ? "" : ` The true class is ${example.label}.`;
  return (final === 1 ? "It never changed its answer." : `From step ${final} on the answer did not change any more.`) + truth;
}

async function readText(text, name) {
  await guarded(async () => {
    let sequence;
    try {
      sequence = kind.parse(text, model);
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
    kind.show(sequence);
    await read(sequence);
  });
}

async function readFile(file) {
  await guarded(async () => {
    const most = model.limits.max_body_bytes;
    if (file.size > most) {
      throw new Error(`${file.name} has ${file.size.toLocaleString("en")} bytes; this server takes ${most.toLocaleString("en")}.`);
    }
    await readText(await file.text(), file.name);
  });
}

let depth = 0;

/** Runs an action; an error is shown at the top of the page. */
async function guarded(action) {
  if (depth === 0) $("problem").hidden = true;
  depth++;
  try {
    await action();
    $("ask-token").hidden = true;
  } catch (error) {
    $("ask-token").hidden = error.status !== 401;
    $("problem").textContent = error.message;
    $("problem").hidden = error.status === 401 && !$("token").value;
  } finally {
    depth--;
  }
}

$("model").addEventListener("change", () => {
  location.hash = encodeURIComponent($("model").value);
  guarded(() => choose($("model").value));
});
for (const name of ["pointerdown", "keydown", "input"]) $("input").addEventListener(name, () => (touched = true));
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
    touched ||= Boolean(file);
    if (file && model) readFile(file);
  });
}
new IntersectionObserver(([entry]) => ($("peek").hidden = entry.isIntersecting || !shown)).observe($("reading"));
new ResizeObserver(() => shown && showStep(player.step, false)).observe($("timeline-box"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && showStep(player.step, false));

start();
