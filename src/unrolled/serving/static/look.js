// Colours and canvases.

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "card", "ink", "soft", "line", "field", "accent", "low", "high", "middle", "grey"];
  const found = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  found.classes = [0, 1, 2, 3, 4].map((index) => style.getPropertyValue(`--c${index}`).trim());
  return found;
}

/** A canvas's context in CSS pixels, sharp on every screen. */
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** From a value of -1 … 1 to [r, g, b]: low, middle, high. */
export function diverging(look) {
  const [low, middle, high] = [look.low, look.middle, look.high].map(parse);
  return (value) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value)) ** 0.8;
    return middle.map((from, index) => from + (end[index] - from) * share);
  };
}

/** From a value of 0 … 1 to [r, g, b]: the field's colour to the ink's. */
export function shades(look) {
  const [from, to] = [parse(look.field), parse(look.ink)];
  return (value) => from.map((low, index) => low + (to[index] - low) * Math.max(0, Math.min(1, value)));
}

/** A small canvas with one pixel a value; `at(row, column)` gives the colour. */
export function raster(rows, columns, at) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [r, g, b] = at(row, column);
      image.data.set([r, g, b, 255], 4 * (row * columns + column));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Scale of each channel, so that any sequence can be drawn: [lowest, highest] of all values. */
export function range(sequence) {
  let [low, high] = [Infinity, -Infinity];
  for (const step of sequence) {
    for (const value of step) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low < high ? [low, high] : [low - 1, low + 1];
}
