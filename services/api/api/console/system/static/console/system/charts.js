// What each chart draws: from the intervals of all processes (by name) and the newest snapshot, a list of [name, value].
import { amount, duration } from "../figures.js";

const each = (passed, take, wanted = () => true) =>
    [...passed].filter(([name]) => wanted(name)).map(([name, interval]) => [name, take(interval)]);
const isApi = (name) => name.startsWith("api");
const isRealtime = (name) => name.startsWith("realtime");
const sum = (passed, take) => [...passed.values()].reduce((total, interval) => total + take(interval), 0);

/** The slowest process decides: what all but one percent of its clients saw. */
function worst(passed, histogram, q, wanted) {
    const found = each(passed, (interval) => interval.quantile(histogram, q), wanted).map(([, value]) => value);
    const known = found.filter((value) => value !== null);
    return known.length ? Math.max(...known) : null;
}

export const CHARTS = {
    requests: { format: amount, values: (passed) => each(passed, (interval) => interval.rate("requests"), isApi) },
    latency: {
        format: duration,
        least: 0.01,
        values: (passed) => [
            ["half below", worst(passed, "request_buckets", 0.5, isApi)],
            ["99 % below", worst(passed, "request_buckets", 0.99, isApi)],
        ],
    },
    lag: { format: duration, least: 0.01, values: (passed) => each(passed, ({ now }) => now.lag_seconds) },
    pool: {
        format: duration,
        least: 0.001,
        // Seconds waited in a second: the average wait of all that began one.
        values: (passed) => each(passed, (interval) => {
            const waits = interval.grown("pool_waits");
            return waits ? interval.grown("pool_wait_seconds") / waits : 0;
        }),
    },
    sockets: { format: amount, least: 5, values: (passed) => each(passed, ({ now }) => now.sockets, isRealtime) },
    messages: {
        format: amount,
        values: (passed) => [
            ["posted", sum(passed, (interval) => interval.rate("posted"))],
            ["delivered", sum(passed, (interval) => interval.rate("deliveries"))],
        ],
    },
    delivery: {
        format: duration,
        least: 0.01,
        values: (passed) => [
            ["half below", worst(passed, "delivery_buckets", 0.5, isRealtime)],
            ["99 % below", worst(passed, "delivery_buckets", 0.99, isRealtime)],
        ],
    },
    recoveries: {
        format: amount,
        values: (passed) => [
            ["fills", sum(passed, (interval) => interval.rate("fills"))],
            ["gaps", sum(passed, (interval) => interval.rate("gaps"))],
        ],
    },
    drops: {
        format: amount,
        values: (passed) => [
            ["lost hints", sum(passed, (interval) => interval.rate("publishes_failed"))],
            ["slow readers", sum(passed, (interval) => interval.rate("closed_slow"))],
            ["no connection", sum(passed, (interval) => interval.rate("pool_refused"))],
            ["5xx", sum(passed, (interval) => interval.rate("errors"))],
        ],
    },
};
