// The network as the tutorials draw it: a cell for each step, its input from below, its state to the next one.

const LARGEST = 30;

export function drawChain(frame, top, tall, gap) {
  frame.title("cell", top, tall);
  const middle = top + tall / 2;
  if (frame.column < 5) return drawWire(frame, middle);
  const side = Math.max(3, Math.min(LARGEST, frame.column * 0.62));
  for (let step = 1; step <= frame.steps; step++) drawCell(frame, step, middle, side, tall, gap);
  frame.context.globalAlpha = 1;
}

function drawCell(frame, step, middle, side, tall, gap) {
  const { context, look } = frame;
  const x = frame.x(step);
  const now = step === frame.step;
  const size = now ? Math.min(side * 1.25, frame.column * 0.9, LARGEST) : side;
  context.globalAlpha = step <= frame.step ? 1 : 0.28;
  context.strokeStyle = context.fillStyle = now ? look.high : look.accent;
  context.lineWidth = now ? 2 : 1.4;
  const head = Math.min(3.5, frame.column / 5);
  arrow(frame, [x, middle + tall / 2 + gap - 4], [x, middle + size / 2 + 1.5], head);
  arrow(frame, [x, middle - size / 2 - 1.5], [x, middle - tall / 2 - gap + 4], head);
  if (step < frame.steps) arrow(frame, [x + size / 2 + 1, middle], [x + frame.column - side / 2 - 1, middle], head);
  frame.box(x - size / 2, middle - size / 2, size, size, size / 4);
  if (step <= frame.step) context.fill();
  else context.stroke();
}

function arrow(frame, from, to, head) {
  frame.line([from, to]);
  const [dx, dy] = [Math.sign(to[0] - from[0]), Math.sign(to[1] - from[1])];
  if (Math.abs(to[0] - from[0]) + Math.abs(to[1] - from[1]) < 2 * head) return;
  const side = (way) => [to[0] - dx * head + way * dy * head, to[1] - dy * head + way * dx * head];
  frame.line([side(1), to, side(-1)]);
}

/** Too many steps for boxes: a wire with one box where it reads. */
function drawWire(frame, middle) {
  const { context, look } = frame;
  context.lineWidth = 2;
  for (const [from, to, alpha] of [[1, frame.step, 1], [frame.step, frame.steps, 0.3]]) {
    context.globalAlpha = alpha;
    context.strokeStyle = look.accent;
    frame.line([[frame.x(from), middle], [frame.x(to), middle]]);
  }
  context.globalAlpha = 1;
  context.fillStyle = look.high;
  frame.box(frame.x(frame.step) - 8, middle - 8, 16, 16, 4);
  context.fill();
}
