// The answers so far: a dot each, and the moving p50 and p99.
import { KEPT } from "./figures.js";
import { blank, ceiling, milliseconds, shape } from "./drawing.js";

const LEFT = 56, MARGIN = 12, TOP = 10, UNDER = 12;

/** Draw `answers` into `svg`, with the deadline where it is known. */
export function drawChart(svg, answers, deadline) {
  const right = blank(svg) - MARGIN;
  const bottom = svg.clientHeight - UNDER;
  const end = ceiling(Math.max(deadline ?? 0, ...answers.all.map(({ ms }) => ms), 1) * 1.05);
  const x = (index) => LEFT + (index * (right - LEFT)) / (KEPT - 1);
  const y = (ms) => bottom - (ms * (bottom - TOP)) / end;
  for (let at = 0; at <= 4; at += 1) {
    const ms = (end * at) / 4;
    svg.append(shape("line", { x1: LEFT, x2: right, y1: y(ms), y2: y(ms), class: "grid-line" }));
    svg.append(shape("text", { x: LEFT - 6, y: y(ms) + 4, "text-anchor": "end", class: "axis" }, `${milliseconds(ms)} ms`));
  }
  if (deadline) svg.append(shape("line", { x1: LEFT, x2: right, y1: y(deadline), y2: y(deadline), class: "deadline-line" }));
  answers.all.forEach(({ ms, outcome }, index) => {
    svg.append(shape("circle", { cx: x(index), cy: y(ms), r: 2.5, class: `dot ${outcome}` }));
  });
  for (const [q, name] of [[0.5, "p50"], [0.99, "p99"]]) {
    const points = answers.moving(q).map((ms, index) => `${x(index).toFixed(1)},${y(ms).toFixed(1)}`);
    svg.append(shape("polyline", { points: points.join(" "), class: `line ${name}` }));
  }
}
