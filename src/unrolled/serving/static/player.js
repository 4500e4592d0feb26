// Play, pause, scrub: which step is shown.

const WHOLE_MS = 3600;
const LONGEST_MS = 260;

export class Player {
  constructor({ play, back, forward, scrub }, onStep) {
    Object.assign(this, { play, scrub, onStep, steps: 1, step: 1, timer: null });
    play.addEventListener("click", () => this.toggle());
    back.addEventListener("click", () => this.seek(this.step - 1));
    forward.addEventListener("click", () => this.seek(this.step + 1));
    scrub.addEventListener("input", () => this.seek(Number(scrub.value)));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Begins a sequence of so many steps; moves unless the reader asked for less motion. */
  load(steps) {
    this.pause();
    this.steps = steps;
    this.scrub.max = steps;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.seek(steps);
    else this.#run(1);
  }

  toggle() {
    if (this.timer) this.pause();
    else this.#run(this.step >= this.steps ? 1 : this.step);
  }

  pause() {
    cancelAnimationFrame(this.timer);
    this.timer = null;
    this.#button();
  }

  seek(step) {
    this.pause();
    this.#show(Math.max(1, Math.min(this.steps, step)));
  }

  #run(from) {
    const begun = performance.now();
    const each = Math.min(LONGEST_MS, WHOLE_MS / this.steps);
    const frame = (now) => {
      const step = Math.min(this.steps, from + Math.floor(Math.max(0, now - begun) / each));
      this.#show(step);
      if (step < this.steps) this.timer = requestAnimationFrame(frame);
      else this.pause();
    };
    this.timer = requestAnimationFrame(frame);
    this.#show(from);
    this.#button();
  }

  #show(step) {
    this.step = step;
    this.scrub.value = step;
    this.scrub.setAttribute("aria-valuetext", `step ${step} of ${this.steps}`);
    this.onStep(step, !this.timer || step === this.steps);
  }

  #button() {
    this.play.textContent = this.timer ? "❚❚" : "▶";
    this.play.setAttribute("aria-label", this.timer ? "Pause" : "Play");
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, button, a")) return;
    const action = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.seek(this.step - 1),
      ArrowRight: () => this.seek(this.step + 1),
      Home: () => this.seek(1),
      End: () => this.seek(this.steps),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}
