// What is known of the answers so far: pure, and bounded.

export const KEPT = 150;
export const WINDOW = 40; // answers that a point of the chart looks back on

/** The value below which the share `q` of `values` is (the nearest rank), or null of none. */
export function percentile(values, q) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}

/** The last answers, each `{ms, outcome}` with the outcome complete, partial or failed. */
export class Answers {
  all = [];

  add(answer) {
    this.all.push(answer);
    if (this.all.length > KEPT) this.all.shift();
  }

  clear() {
    this.all = [];
  }

  /** For each answer the percentile of those that it and the window before it hold. */
  moving(q) {
    return this.all.map((_, index) => {
      const window = this.all.slice(Math.max(0, index + 1 - WINDOW), index + 1);
      return percentile(window.map(({ ms }) => ms), q);
    });
  }

  /** The share of all with that outcome, in percent, or null of none. */
  share(outcome) {
    if (!this.all.length) return null;
    return (100 * this.all.filter((answer) => answer.outcome === outcome).length) / this.all.length;
  }
}
