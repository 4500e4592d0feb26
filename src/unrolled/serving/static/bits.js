// A string of bits to flip.

export class Bits {
  constructor(box, onChange) {
    this.box = box;
    this.onChange = onChange;
    box.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#flip(button);
    });
    box.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move || !event.target.matches("button")) return;
      event.preventDefault();
      event.stopPropagation();
      const buttons = [...box.children];
      buttons[(buttons.indexOf(event.target) + move + buttons.length) % buttons.length].focus();
    });
  }

  set(values) {
    this.values = values;
    this.box.replaceChildren(...values.map((bit, index) => bitButton(bit, index)));
  }

  resize(change) {
    const length = Math.max(1, Math.min(64, this.values.length + change));
    this.set(Array.from({ length }, (_, index) => this.values[index] ?? 0));
    this.onChange();
  }

  shuffle() {
    const share = Math.random();
    this.set(this.values.map(() => Number(Math.random() < share)));
    this.onChange();
  }

  #flip(button) {
    const index = [...this.box.children].indexOf(button);
    this.values[index] = 1 - this.values[index];
    button.replaceWith(bitButton(this.values[index], index));
    this.box.children[index].focus();
    this.onChange();
  }
}

function bitButton(bit, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = bit;
  button.setAttribute("aria-pressed", String(bit === 1));
  button.setAttribute("aria-label", `bit ${index + 1}`);
  return button;
}
