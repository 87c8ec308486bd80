// What happened between two snapshots (`/system/state/`): totals become rates, counts by bound become quantiles.

/** The difference of two totals; a process that was restarted begins at nothing. */
function grown(before, now) {
    return now >= before ? now - before : now;
}

/** One process between two snapshots. */
export class Interval {
    constructor(before, now, seconds) {
        this.before = before;
        this.now = now;
        this.seconds = seconds;
    }

    /** How much a total has grown. */
    grown(name) {
        return grown(this.before[name], this.now[name]);
    }

    /** How much a total has grown in a second. */
    rate(name) {
        return this.grown(name) / this.seconds;
    }

    /** The quantile `q` in seconds of what was counted by bounds since then, or null where nothing was. */
    quantile(name, q) {
        const before = this.before[name], now = this.now[name];
        const bounds = Object.keys(now)
            .map((bound) => [bound === "+Inf" ? Infinity : Number(bound), grown(before[bound] ?? 0, now[bound])])
            .sort(([a], [b]) => a - b);
        const all = bounds.at(-1)?.[1] ?? 0;
        if (!all) return null;
        let low = 0, below = 0;
        for (const [bound, count] of bounds) {
            if (count >= q * all) {
                if (bound === Infinity) return low; // all that is known
                return low + (bound - low) * ((q * all - below) / (count - below || 1));
            }
            [low, below] = [bound, count];
        }
        return null;
    }
}

/** By name, the interval of each process that answered in both snapshots. */
export function intervals(before, now) {
    const seconds = Math.max(0.2, now.at - before.at);
    const earlier = new Map(before.processes.map((process) => [process.name, process.figures]));
    const found = new Map();
    for (const { name, figures } of now.processes) {
        if (figures && earlier.get(name)) found.set(name, new Interval(earlier.get(name), figures, seconds));
    }
    return found;
}

/** A time in seconds, for people. */
export function duration(seconds) {
    if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
    if (seconds === 0) return "0 ms";
    if (seconds < 0.001) return `${(seconds * 1000).toFixed(2)} ms`;
    if (seconds < 0.1) return `${(seconds * 1000).toFixed(1)} ms`;
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    return `${seconds.toFixed(1)} s`;
}

/** A number, for people. */
export function amount(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (value >= 10_000) return `${Math.round(value / 1000)}k`;
    return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

/** So many of something: `counted(1, "socket")` is "1 socket". */
export function counted(value, thing) {
    return `${amount(value)} ${thing}${value === 1 ? "" : "s"}`;
}

/** How long something has been there, in the largest two units. */
export function age(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
    if (hours) return `${hours} h ${minutes % 60} min`;
    return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.max(0, Math.floor(seconds))} s`;
}
