// What is worth a line in the log: the difference of two snapshots in words.

const NAMES = { postgresql: "PostgreSQL", redis: "Redis", upstream: "The upstream" };

const byName = (list) => new Map(list.map((one) => [one.name, one]));
const started = (process) => Math.max(0, ...(process.figures?.workers ?? []).map((worker) => worker.started));

function* ofProcess(earlier, process) {
    if (earlier.figures && !process.figures) {
        yield { tone: "bad", text: `${process.name} does not serve: ${process.reason}` };
    } else if (process.figures && started(process) > started(earlier) + 0.5) {
        yield { tone: "good", text: `${process.name} has a new process` };
    } else if (!earlier.figures && process.figures) {
        yield { tone: "good", text: `${process.name} serves again` };
    }
}

function* ofDependency(earlier, { name, ok, reason }) {
    if (earlier.ok && !ok) yield { tone: "bad", text: `${NAMES[name]}: ${reason}` };
    if (!earlier.ok && ok) yield { tone: "good", text: `${NAMES[name]} answers again` };
}

function* ofInterval(name, interval) {
    const lost = interval.grown("publishes_failed"), fills = interval.grown("fills"), gaps = interval.grown("gaps");
    if (lost) yield { tone: "bad", text: `${name}: ${lost} announcement${lost > 1 ? "s" : ""} did not reach Redis` };
    if (gaps) yield { tone: "", text: `${name} may have missed announcements, and asks PostgreSQL` };
    if (fills) yield { tone: "good", text: `${name} read from PostgreSQL what no announcement brought` };
}

/** A list of { tone: "good" | "bad" | "", text }. */
export function happenings(before, now, passed) {
    const found = [];
    const processes = byName(before.processes), dependencies = byName(before.dependencies);
    for (const process of now.processes) {
        const earlier = processes.get(process.name);
        if (earlier) found.push(...ofProcess(earlier, process));
    }
    for (const dependency of now.dependencies) {
        const earlier = dependencies.get(dependency.name);
        if (earlier) found.push(...ofDependency(earlier, dependency));
    }
    for (const [name, interval] of passed) found.push(...ofInterval(name, interval));
    return found;
}
