// Asks /api/gather/ once or again and again, and draws what it answers.
import { ApiError, call } from "../api.js";
import { drawChart } from "./chart.js";
import { milliseconds } from "./drawing.js";
import { Faults } from "./faults.js";
import { Answers } from "./figures.js";
import { drawWaterfall } from "./waterfall.js";

const EVERY = 200; // milliseconds from one request to the next
const AT_ONCE = 8; // requests that may be on their way

const byId = (id) => document.getElementById(id);
const answers = new Answers();
const kinds = { ok: "good", stale: "warn", complete: "good", partial: "warn", failed: "bad" };
let deadline = null;
let onTheirWay = 0;
let timer = null;

function off() {
  return [...document.querySelectorAll(".switches input:not(:checked)")].map(({ name }) => name);
}

function path() {
  const without = off();
  return `/api/gather/?trace=true${without.length ? `&without=${without.join(",")}` : ""}`;
}

/** The meta of the answer and its outcome; of an answer without meta only the outcome. */
async function ask() {
  const started = performance.now();
  try {
    const { meta } = await call("GET", path());
    return { meta, ms: meta.ms, outcome: meta.partial ? "partial" : "complete" };
  } catch (error) {
    const meta = error instanceof ApiError ? error.body?.meta : undefined;
    return { meta, ms: meta?.ms ?? performance.now() - started, outcome: "failed", why: error.message };
  }
}

function badge(element, text, kind) {
  element.textContent = text;
  element.className = `badge ${kind ?? "bad"}`;
}

function showLeg(name, leg) {
  const row = document.querySelector(`tr[data-leg="${name}"]`);
  const cell = (what) => row.querySelector(`[data-cell="${what}"]`);
  const outcome = document.createElement("span");
  badge(outcome, leg.status, kinds[leg.status]);
  cell("outcome").replaceChildren(outcome);
  if (leg.error) cell("outcome").append(Object.assign(document.createElement("small"), { textContent: leg.error }));
  cell("ms").textContent = milliseconds(leg.ms);
  cell("attempts").textContent = `${leg.attempts}${leg.hedged ? ", hedged" : ""}`;
  cell("source").textContent = leg.source ? `${leg.source}${leg.age ? `, ${leg.age.toFixed(1)} s old` : ""}` : "–";
}

function show({ meta, outcome, why }) {
  badge(byId("outcome"), why ? `${outcome}: ${why}` : outcome, kinds[outcome]);
  if (!meta) return;
  deadline = meta.deadline_ms;
  const sum = drawWaterfall(byId("waterfall"), meta);
  for (const [name, leg] of Object.entries(meta.legs)) showLeg(name, leg);
  byId("answer-said").textContent =
    `At once ${milliseconds(meta.ms)} ms; one after the other ${milliseconds(sum)} ms. ` +
    `The deadline is ${milliseconds(deadline)} ms.`;
}

function showAll() {
  const percent = (share) => (share === null ? "–" : `${Math.round(share)} %`);
  const last = (moving) => (moving.length ? `${milliseconds(moving.at(-1))} ms` : "–");
  byId("counted").textContent = answers.all.length;
  for (const outcome of ["complete", "partial", "failed"]) byId(outcome).textContent = percent(answers.share(outcome));
  byId("p50").textContent = last(answers.moving(0.5));
  byId("p99").textContent = last(answers.moving(0.99));
  drawChart(byId("chart"), answers, deadline);
  byId("chart-said").textContent =
    `Half within ${byId("p50").textContent}, 99 of 100 within ${byId("p99").textContent}; complete ${byId("complete").textContent}.`;
}

async function once() {
  if (onTheirWay >= AT_ONCE) return;
  onTheirWay += 1;
  const answer = await ask();
  onTheirWay -= 1;
  answers.add(answer);
  show(answer);
  showAll();
}

function keep(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => document.hidden || once(), EVERY) : null;
  byId("keep").setAttribute("aria-pressed", String(on));
  byId("keep").textContent = on ? "Stop asking" : "Keep asking";
}

byId("once").addEventListener("click", once);
byId("keep").addEventListener("click", () => keep(timer === null));
for (const button of [byId("once"), byId("keep")]) button.disabled = false;
for (const input of document.querySelectorAll(".switches input")) {
  input.addEventListener("change", () => {
    // What was measured with it says nothing about without it.
    answers.clear();
    showAll();
  });
}
if (byId("faults")) new Faults(byId("faults"), document.querySelectorAll("[data-scenario]"), byId("faults-said"));
showAll();
once();
