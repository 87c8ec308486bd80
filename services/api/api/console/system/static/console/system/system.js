// The page's loop: a snapshot a second becomes the table, the charts and the log of what happened.
import { Chart } from "../chart.js";
import { age, amount, duration, intervals } from "../figures.js";
import { poll } from "../live.js";
import { element, say } from "../elements.js";
import { CHARTS } from "./charts.js";
import { happenings } from "./happenings.js";
import "./faults.js";

const trouble = document.getElementById("trouble");
const rows = document.getElementById("processes");
const log = document.getElementById("events");
const MAX_EVENTS = 100;

const charts = [...document.querySelectorAll("[data-chart]")].map((figure) => {
    const { values, ...options } = CHARTS[figure.dataset.chart];
    return { chart: new Chart(figure, options), values };
});
let before = null;

function state(process) {
    if (process.figures) return element("span", { class: "badge good" }, "serves");
    return element("span", { class: "badge bad" }, process.reason);
}

function workers({ figures }, at) {
    if (!figures?.workers.length) return "–";
    const oldest = Math.min(at, ...figures.workers.map((worker) => worker.started));
    return `pid ${figures.workers.map((worker) => worker.pid).join(", ")}, up ${age(at - oldest)}`;
}

function row(process, at) {
    const figures = process.figures;
    const pool = figures ? `${amount(figures.pool_in_use)} of ${amount(figures.pool_connections)}` : "–";
    return element("tr", {},
        element("td", {}, element("strong", {}, process.name)),
        element("td", {}, state(process)),
        element("td", {}, workers(process, at)),
        element("td", { class: "number" }, pool),
        element("td", { class: "number" }, process.kind === "realtime" ? amount(figures?.sockets) : "–"));
}

function dependency({ name, ok, ms, reason }) {
    const names = { postgresql: "PostgreSQL", redis: "Redis", upstream: "upstream" };
    const badge = ok ? element("span", { class: "badge good" }, `answers in ${duration(ms / 1000)}`) : element("span", { class: "badge bad" }, reason);
    return element("tr", {}, element("td", {}, element("strong", {}, names[name])), element("td", { colspan: 4 }, badge));
}

function tell({ tone, text }) {
    log.querySelector(".quiet")?.remove();
    const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    log.prepend(element("li", {}, element("time", {}, time), element("span", { "data-tone": tone }, text)));
    while (log.children.length > MAX_EVENTS) log.lastChild.remove();
}

function show(snapshot) {
    trouble.hidden = true;
    rows.replaceChildren(...snapshot.processes.map((process) => row(process, snapshot.at)), ...snapshot.dependencies.map(dependency));
    if (!snapshot.processes.length) tell({ tone: "bad", text: "CONSOLE_TARGETS names no process: there is nothing to draw." });
    // Two workers answer the same page; each keeps its snapshot for a second.
    if (before && snapshot.at <= before.at) return;
    if (before) {
        const passed = intervals(before, snapshot);
        for (const { chart, values } of charts) chart.push(snapshot.at, values(passed, snapshot));
        happenings(before, snapshot, passed).forEach(tell);
    }
    before = snapshot;
}

poll("/system/state/", 1000, show, (error) => {
    say(trouble, error.status ? `The api answers ${error.status}; asking again.` : "The api does not answer; asking again.");
    trouble.hidden = false;
});
