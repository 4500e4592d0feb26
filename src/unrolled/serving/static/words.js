// The sentences about a network, for somebody who has just learned what an LSTM is.

const $ = (id) => document.getElementById(id);

/** One or two sentences about this network. */
export function introduce(model) {
  const accuracy = model.accuracy === null ? "" : `; it was right for ${(100 * model.accuracy).toFixed(1)} % of ${model.cases.toLocaleString("en")} sequences that it had never seen`;
  const layers = model.num_layers > 1 ? ` in ${model.num_layers} layers` : "";
  const how = model.method === "fitted" ? " Its recurrence is random; only its readout, the output layer, was fitted to data." : "";
  return `Watch a recurrent network read, one step at a time. This one (${model.name}: ${model.cell_title}, ${model.hidden_size} units${layers}) tells ${model.classes.length} classes apart${accuracy}.${how}`;
}

/** One sentence for each part of the picture. */
export function explain(model, thing) {
  const units = model.hidden_size * (model.bidirectional ? 2 : 1);
  $("say-belief").textContent = "The probability of each class if the sequence ended at this step.";
  $("say-answers").textContent = "The most probable class at each step: where the colour changes, it changed its mind.";
  $("say-hidden").textContent = `All that it carries from step to step: ${units} numbers, one line each, blue below zero, orange above; those that changed first are on top. ${model.remarks}`;
  $("say-cell").textContent = `The same cell at every step (${model.cell_account}); drawn side by side, the loop is unrolled.`;
  $("say-input").textContent = `The input of each step: ${thing}, never the whole sequence.`;
  $("say-mind").textContent = `The ${units} numbers of the hidden state at this step.`;
}

/** A warning where an input is unlike all training data; empty where it is not, or where nothing is known. */
export function strangeness(model, familiarity) {
  if (familiarity == null || model.novelty_rate == null || familiarity > model.novelty_rate) return "";
  const share = (100 * familiarity).toFixed(1);
  return `Unlike all training data, so probably none of the ${model.classes.length} classes: only ${share} % of the sequences that it was checked on are as unlike.`;
}
