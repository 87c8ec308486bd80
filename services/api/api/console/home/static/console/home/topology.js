// The processes as cards, the ways between them as lines, and messages that travel along.
import { age, amount, counted, duration } from "../figures.js";
import { drawing, element, say } from "../elements.js";

const NAMES = { postgresql: "PostgreSQL", redis: "Redis", upstream: "upstream" };
const DEPENDENCIES = Object.keys(NAMES);
const TRAVEL = 420; // milliseconds for a way; the real one would not be seen
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The lines of a card: an amount in bold, then the rest. */
function lines(card, ...texts) {
    const paragraph = card.querySelector("p");
    const text = texts.map(([strong, rest]) => `${strong}${rest}`).join("\n");
    if (paragraph.dataset.text === text) return;
    paragraph.dataset.text = text;
    paragraph.replaceChildren(...texts.flatMap(([strong, rest], number) =>
        [number ? element("br") : null, strong ? element("strong", {}, strong) : null, rest].filter(Boolean)));
}

export class Topology {
    #root;
    #edges;
    #paths = new Map();

    constructor(root) {
        this.#root = root;
        this.#edges = root.querySelector(".edges");
        new ResizeObserver(() => this.#draw()).observe(root);
    }

    /** The card of a process, or of the first one of its kind. */
    node(name) {
        return this.#nodes().find((node) => node.dataset.node === name)
            ?? this.#nodes().find((node) => node.dataset.node.split(/[- ]/)[0] === name.split(/[- ]/)[0]);
    }

    show(snapshot, passed) {
        this.#place(snapshot.processes, "api", document.getElementById("column-api"));
        this.#place(snapshot.processes, "realtime", document.getElementById("column-realtime"));
        for (const process of snapshot.processes) this.#process(process, passed.get(process.name), snapshot.at);
        for (const dependency of snapshot.dependencies) this.#dependency(dependency);
        this.#draw();
    }

    unknown() {
        for (const node of this.#nodes()) delete node.dataset.state;
    }

    /** Lights cards up for a moment. */
    light(names) {
        for (const node of new Set(names.map((name) => this.node(name)))) {
            node?.classList.add("lit");
            setTimeout(() => node?.classList.remove("lit"), TRAVEL * 1.6);
        }
    }

    /** Lets a dot travel from a card to others; resolves when it is there. */
    async travel(from, to) {
        this.light([from]);
        const start = this.node(from);
        const ways = still.matches || !start ? [] : to.map((name) => this.#way(start, this.node(name))).filter(Boolean);
        if (ways.length) await Promise.all(ways.map(([path, backwards]) => this.#dot(path, backwards)));
        else await new Promise((resolve) => setTimeout(resolve, TRAVEL / 2));
        this.light(to);
    }

    #nodes() {
        return [...this.#root.querySelectorAll(".node")];
    }

    #place(processes, kind, column) {
        const names = processes.filter((process) => process.kind === kind).map((process) => process.name);
        const here = [...column.querySelectorAll(".node")].filter((node) => !DEPENDENCIES.includes(node.dataset.node));
        if (here.map((node) => node.dataset.node).join() === names.join()) return;
        here.forEach((node) => node.remove());
        column.prepend(...names.map((name) => element("div", { class: "node", "data-node": name }, element("h3", {}, name), element("p", {}, "…"))));
    }

    #process({ name, kind, figures, reason }, interval, at) {
        const card = this.node(name);
        if (!card) return;
        card.dataset.state = figures ? "good" : "bad";
        say(card.querySelector("h3"), name);
        if (!figures) return lines(card, [reason, ""]);
        const oldest = Math.min(at, ...figures.workers.map((worker) => worker.started));
        const pids = figures.workers.map((worker) => worker.pid).join(", ");
        const rate = interval ? amount(interval.rate(kind === "realtime" ? "deliveries" : "requests")) : "–";
        const workers = `pid ${pids}, up ${age(at - oldest)}`;
        if (kind === "realtime") {
            lines(card, ["", `${counted(figures.sockets, "socket")} in ${counted(figures.rooms, "room")}`], [rate, " deliveries/s"], ["", workers]);
        } else {
            lines(card, [rate, " requests/s"], ["", counted(figures.members, "event stream")], ["", workers]);
        }
    }

    #dependency({ name, ok, ms, reason }) {
        const card = this.node(name);
        card.dataset.state = ok ? "good" : "bad";
        const about = { postgresql: "the truth: what is stored", redis: "hints, presence and rates", upstream: "users, products, orders" };
        say(card.querySelector("h3"), NAMES[name]);
        lines(card, ok ? [duration(ms / 1000), " to answer"] : [reason, ""], ["", about[name]]);
    }

    #draw() {
        if (getComputedStyle(this.#edges).display === "none") return this.#paths.clear();
        const names = this.#nodes().map((node) => node.dataset.node);
        const api = names.filter((name) => name.startsWith("api")), realtime = names.filter((name) => name.startsWith("realtime"));
        const wanted = [
            ...api.flatMap((name) => [[name, "postgresql"], [name, "redis"], [name, "upstream"]]),
            ...realtime.flatMap((name) => [["postgresql", name, "fallback"], ["redis", name]]),
        ];
        const frame = this.#root.getBoundingClientRect();
        const kept = new Map();
        for (const [from, to, kind = ""] of wanted) {
            const key = `${from} ${to}`;
            const path = this.#paths.get(key) ?? drawing("path", { class: `edge ${kind}` });
            path.setAttribute("d", curve(this.node(from).getBoundingClientRect(), this.node(to).getBoundingClientRect(), frame));
            if (!path.isConnected) this.#edges.prepend(path);
            kept.set(key, path);
        }
        for (const [key, path] of this.#paths) if (!kept.has(key)) path.remove();
        this.#paths = kept;
    }

    #way(from, to) {
        if (!to) return null;
        const forth = this.#paths.get(`${from.dataset.node} ${to.dataset.node}`);
        const back = this.#paths.get(`${to.dataset.node} ${from.dataset.node}`);
        return forth ? [forth, false] : back ? [back, true] : null;
    }

    #dot(path, backwards) {
        const dot = drawing("circle", { class: "dot", r: 6 }), length = path.getTotalLength();
        this.#edges.append(dot);
        const began = performance.now();
        return new Promise((resolve) => {
            const step = (now) => {
                const part = Math.min(1, Math.max(0, now - began) / TRAVEL);
                const point = path.getPointAtLength(length * (backwards ? 1 - part : part));
                dot.setAttribute("cx", point.x);
                dot.setAttribute("cy", point.y);
                if (part < 1) return requestAnimationFrame(step);
                dot.remove();
                resolve();
            };
            requestAnimationFrame(step);
        });
    }
}

/** From the right side of one card to the left side of another, or down where they are in one column. */
function curve(from, to, frame) {
    if (Math.abs(from.left - to.left) < 8) {
        const x = from.left + from.width / 2 - frame.left;
        return `M${x} ${from.bottom - frame.top}L${x} ${to.top - frame.top}`;
    }
    const x1 = from.right - frame.left, x2 = to.left - frame.left;
    const y1 = from.top + from.height / 2 - frame.top, y2 = to.top + to.height / 2 - frame.top;
    const bend = (x2 - x1) / 2;
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
