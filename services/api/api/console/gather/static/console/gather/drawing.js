// SVG by attributes: the page's policy allows no inline style.

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing; `text` is its content. */
export function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Empties `svg` and makes its unit a pixel, so that letters have their size at any width; returns the width. */
export function blank(svg) {
  const { clientWidth: width, clientHeight: height } = svg;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  return width;
}

/** Milliseconds as they are written: whole ones, and tenths below ten. */
export function milliseconds(ms) {
  return ms > 0 && ms < 10 ? ms.toFixed(1) : String(Math.round(ms));
}

/** A round number of milliseconds that is not below `ms`, for the end of an axis. */
export function ceiling(ms) {
  const step = 10 ** Math.floor(Math.log10(Math.max(ms, 1)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * step).find((end) => end >= ms);
}
