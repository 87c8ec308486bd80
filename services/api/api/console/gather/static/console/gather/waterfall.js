// The three legs of an answer with every request of theirs, above the same three one after the other.
import { blank, ceiling, milliseconds, shape } from "./drawing.js";

const LEFT = 74, LABEL = 110, TOP = 26, ROW = 30, BAR = 18, GAP = 12;

class Drawing {
  constructor(svg, end) {
    this.svg = svg;
    this.end = end;
    this.scale = Math.max(40, blank(svg) - LEFT - LABEL) / end;
  }

  x(ms) {
    return LEFT + ms * this.scale;
  }

  grid(bottom) {
    for (let at = 0; at <= 4; at += 1) {
      const ms = (this.end * at) / 4;
      this.svg.append(
        shape("line", { x1: this.x(ms), x2: this.x(ms), y1: TOP - 6, y2: bottom, class: "grid-line" }),
        shape("text", { x: this.x(ms), y: 13, "text-anchor": "middle", class: "axis" }, milliseconds(ms)),
      );
    }
  }

  name(y, text) {
    this.svg.append(shape("text", { x: LEFT - 8, y: y + 13, "text-anchor": "end", class: "name" }, text));
  }

  bar(y, from, to, className, height = BAR) {
    const width = Math.max(2, this.x(to) - this.x(from));
    this.svg.append(shape("rect", { x: this.x(from), y, width, height, rx: 2, class: `bar ${className}` }));
  }

  label(y, ms, text) {
    this.svg.append(shape("text", { x: this.x(ms) + 7, y: y + 13, class: "label" }, text));
  }

  /** A line, or the word alone where all was over long before. */
  deadline(ms, bottom) {
    const inside = ms <= this.end;
    const x = this.x(Math.min(ms, this.end));
    const word = `deadline ${milliseconds(ms)} ms${inside ? "" : " →"}`;
    if (inside) this.svg.append(shape("line", { x1: x, x2: x, y1: TOP - 6, y2: bottom, class: "deadline-line" }));
    this.svg.append(shape("text", { x, y: bottom + 13, "text-anchor": "end", class: "axis deadline-word" }, word));
  }
}

function leg(drawing, y, name, { ms, status, source, requests }) {
  drawing.name(y, name);
  for (const request of requests ?? []) {
    // A hedge runs beside another request, so it gets the lower half.
    const [at, height] = request.kind === "hedge" ? [y + BAR / 2, BAR / 2] : [y, BAR];
    drawing.bar(at, request.at, request.at + request.ms, request.ended, height);
  }
  // Nothing was asked: it came from a copy, or was refused at once.
  if (!requests?.length) drawing.bar(y, 0, ms, status === "ok" ? "copy" : status);
  const [last, kept] = [requests?.at(-1), source && source !== "upstream" ? ` from ${source}` : ""];
  if (status === "stale") drawing.bar(y, last ? last.at + last.ms : 0, ms, "stale");
  drawing.label(y, ms, `${milliseconds(ms)} ms${status === "ok" ? kept : ` ${status}`}`);
}

/** Draw `meta` into `svg`; the milliseconds that the legs would take one after the other. */
export function drawWaterfall(svg, meta) {
  const legs = Object.entries(meta.legs);
  const sum = legs.reduce((total, [, { ms }]) => total + ms, 0);
  const drawing = new Drawing(svg, ceiling(Math.max(sum, meta.ms)));
  const once = TOP + ROW * legs.length + GAP, inTurn = once + ROW, bottom = inTurn + ROW - 6;
  drawing.grid(bottom);
  drawing.deadline(meta.deadline_ms, bottom);
  legs.forEach(([name, outcome], index) => leg(drawing, TOP + ROW * index, name, outcome));
  drawing.name(once, "at once");
  drawing.bar(once, 0, meta.ms, "total");
  drawing.label(once, meta.ms, `${milliseconds(meta.ms)} ms`);
  drawing.name(inTurn, "in turn");
  let at = 0;
  for (const [, { ms }] of legs) {
    drawing.bar(inTurn, at, at + ms, "turn");
    at += ms;
  }
  drawing.label(inTurn, sum, `${milliseconds(sum)} ms`);
  return sum;
}
