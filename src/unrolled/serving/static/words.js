// What the page says of a network, for somebody who has just learned what an LSTM is.

const $ = (id) => document.getElementById(id);

/** Who this network is, in a sentence or two. */
export function introduce(model) {
  const accuracy = model.accuracy === null ? "" : `; right on ${(100 * model.accuracy).toFixed(1)} % of ${model.cases.toLocaleString("en")} it had never seen`;
  const layers = model.num_layers > 1 ? ` in ${model.num_layers} layers` : "";
  const how = model.method === "fitted" ? " Its recurrence was drawn at random; only its output layer learned, in closed form." : "";
  return `Watch a recurrent network read, one step at a time. This one (${model.name}: ${model.cell_title}, ${model.hidden_size} units${layers}) tells ${model.classes.length} classes apart${accuracy}.${how}`;
}

/** One sentence for each part of the picture. */
export function explain(model, thing) {
  const units = model.hidden_size * (model.bidirectional ? 2 : 1);
  $("say-belief").textContent = "How probable each class would be if the sequence ended at that step.";
  $("say-answers").textContent = "The most probable class at each step: where the colour changes, it changed its mind.";
  $("say-hidden").textContent = `All it carries from step to step: ${units} numbers, a line each, blue below zero, orange above; those that moved first stand on top. ${model.remarks}`;
  $("say-cell").textContent = `The same cell at every step (${model.cell_account}); drawn side by side, the loop is unrolled.`;
  $("say-input").textContent = `What it is given at each step: ${thing}, never the whole.`;
  $("say-mind").textContent = `The ${units} numbers of the hidden state at this step.`;
}
