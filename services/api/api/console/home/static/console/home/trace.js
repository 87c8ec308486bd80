// The way of a message, by the times that the processes report: each step with when it began and how long it took.
import { duration } from "../figures.js";
import { element, say } from "../elements.js";

/** The deliveries of one message, by the processes that delivered it, as steps `{text, from, until}` in seconds. */
export function stepsOf(deliveries) {
    const steps = [];
    const origin = deliveries.map(({ trace }) => trace.origin).find(Boolean);
    if (origin) {
        steps.push({ text: `${origin.by}: PostgreSQL commits it`, from: origin.started, until: origin.stored });
    }
    for (const { by, trace } of deliveries) {
        const { way, heard, delivered, members, posted } = trace;
        const sockets = `${members} socket${members === 1 ? "" : "s"}`;
        if (way === "fill") {
            steps.push({ text: `${by}: finds it in PostgreSQL, ${sockets}`, from: posted, until: delivered });
            continue;
        }
        if (way === "redis") steps.push({ text: `Redis: announces it to ${by}`, from: origin?.stored ?? posted, until: heard });
        steps.push({ text: `${by}: writes it to ${sockets}`, from: heard, until: delivered });
    }
    return steps;
}

function rows(steps) {
    const first = Math.min(...steps.map((step) => step.from));
    // Clocks of two machines may differ by more than a step takes.
    const whole = Math.max(1e-6, ...steps.map((step) => step.until - first));
    return steps.map(({ text, from, until }) => {
        const bar = element("span", { class: "bar" });
        bar.style.setProperty("--from", Math.max(0, (from - first) / whole));
        bar.style.setProperty("--part", Math.max(0, (until - from) / whole));
        return element("li", { class: "step" },
            element("span", {}, text),
            element("span", { class: "track", "aria-hidden": "true" }, bar),
            element("span", { class: "time" }, duration(Math.max(0, until - from))));
    });
}

/** Groups of deliveries by message, in the order in which they were stored. */
function messages(deliveries) {
    const found = new Map();
    for (const delivery of deliveries) {
        const key = `${delivery.trace.room}#${delivery.trace.seq}`;
        found.set(key, [...(found.get(key) ?? []), delivery]);
    }
    return [...found].sort(([, [a]], [, [b]]) => a.trace.posted - b.trace.posted);
}

export class Traces {
    #known = null;
    #topology;
    #list;
    #said;
    #drawing = false;

    constructor(topology, list, said) {
        [this.#topology, this.#list, this.#said] = [topology, list, said];
    }

    /** Draws the newest message that is new, and remembers all. */
    take(deliveries) {
        if (!this.#list) return;
        const all = messages(deliveries), before = this.#known;
        this.#known = new Map(all.map(([key, group]) => [key, group.length]));
        const newest = all.at(-1);
        // Another process may have been a second later than the first.
        if (before && newest && (before.get(newest[0]) ?? 0) < newest[1].length) this.#draw(...newest);
    }

    async #draw(key, group) {
        const steps = stepsOf(group);
        const first = Math.min(...steps.map((step) => step.from)), last = Math.max(...steps.map((step) => step.until));
        say(this.#said, `Message ${key} was written to every socket ${duration(Math.max(0, last - first))} after it was taken. Its way, slowed down:`);
        this.#list.replaceChildren(...rows(steps));
        if (this.#drawing) return;
        this.#drawing = true;
        try {
            await this.#animate(group);
        } finally {
            this.#drawing = false;
        }
    }

    async #animate(group) {
        const origin = group.map(({ trace }) => trace.origin).find(Boolean);
        const announced = group.filter(({ trace }) => trace.way === "redis").map(({ by }) => by);
        const filled = group.filter(({ trace }) => trace.way === "fill").map(({ by }) => by);
        if (origin) {
            await this.#topology.travel(origin.by, ["postgresql"]);
            if (announced.length) await this.#topology.travel(origin.by, ["redis"]);
        }
        if (announced.length) await this.#topology.travel("redis", announced);
        if (filled.length) await this.#topology.travel("postgresql", filled);
    }
}
