// The three legs of an answer, as they ran, above the same three as they would have run one after the other.
import { blank, ceiling, milliseconds, shape } from "./drawing.js";

const LEFT = 74, MARGIN = 12, TOP = 24, ROW = 30, BAR = 18;

function bar(svg, { from, to, y, scale, className, label, right }) {
  const x = LEFT + from * scale;
  const width = Math.max(2, (to - from) * scale);
  svg.append(shape("rect", { x, y, width, height: BAR, rx: 3, class: `bar ${className}` }));
  if (!label) return;
  const inside = width > 9 * label.length;
  const end = x + width + 5;
  // Where the bar is short, beside it, on the side that has room.
  const anchor = inside ? "middle" : end + 8 * label.length > right ? "end" : "start";
  const at = inside ? x + width / 2 : anchor === "end" ? x - 5 : end;
  svg.append(shape("text", { x: at, y: y + 13, "text-anchor": anchor, class: inside ? "label inside" : "label" }, label));
}

function grid(svg, end, scale, bottom) {
  for (let at = 0; at <= 4; at += 1) {
    const ms = (end * at) / 4;
    const x = LEFT + ms * scale;
    svg.append(shape("line", { x1: x, x2: x, y1: TOP - 6, y2: bottom, class: "grid-line" }));
    svg.append(shape("text", { x, y: 12, "text-anchor": at === 4 ? "end" : "middle", class: "axis" }, `${milliseconds(ms)} ms`));
  }
}

/** Draw `meta` into `svg`. */
export function drawWaterfall(svg, meta) {
  const legs = Object.entries(meta.legs);
  const sum = legs.reduce((total, [, leg]) => total + leg.ms, 0);
  const end = ceiling(Math.max(sum, meta.ms, meta.deadline_ms));
  const right = blank(svg) - MARGIN;
  const scale = (right - LEFT) / end;
  const below = TOP + ROW * legs.length + 12;
  grid(svg, end, scale, below + 2 * ROW + 6);
  legs.forEach(([name, leg], index) => {
    const y = TOP + ROW * index;
    svg.append(shape("text", { x: LEFT - 8, y: y + 13, "text-anchor": "end", class: "name" }, name));
    for (const part of leg.trace ?? [{ at: 0, ms: leg.ms, outcome: leg.status }]) {
      bar(svg, { from: part.at, to: part.at + part.ms, y, scale, className: part.outcome });
    }
    bar(svg, { from: 0, to: leg.ms, y, scale, className: "whole", right, label: `${milliseconds(leg.ms)} ms` });
  });
  let at = 0;
  svg.append(shape("text", { x: LEFT - 8, y: below + 13, "text-anchor": "end", class: "name" }, "at once"));
  bar(svg, { from: 0, to: meta.ms, y: below, scale, className: "total", right, label: `${milliseconds(meta.ms)} ms` });
  svg.append(shape("text", { x: LEFT - 8, y: below + ROW + 13, "text-anchor": "end", class: "name" }, "in turn"));
  legs.forEach(([, leg], index) => {
    const last = index === legs.length - 1;
    const label = last ? `${milliseconds(sum)} ms` : "";
    bar(svg, { from: at, to: at + leg.ms, y: below + ROW, scale, className: "turn" });
    at += leg.ms;
    if (last) bar(svg, { from: 0, to: at, y: below + ROW, scale, className: "whole", right, label });
  });
  const deadline = LEFT + meta.deadline_ms * scale;
  svg.append(shape("line", { x1: deadline, x2: deadline, y1: TOP - 6, y2: below + 2 * ROW + 6, class: "deadline-line" }));
  svg.append(shape("text", { x: deadline - 4, y: below + 2 * ROW + 18, "text-anchor": "end", class: "axis deadline-word" }, "deadline"));
  return { sum };
}
