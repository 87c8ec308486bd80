// A chart of the last two minutes: some lines, their names and newest values. Drawn as SVG, sized by CSS, never moved.
import { drawing, element, say } from "./elements.js";

const SECONDS = 120, WIDTH = 300, HEIGHT = 100;

/** The next number that is good for the end of an axis. */
function nice(value) {
    if (value <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999) * power;
}

/** Fills a `<figure data-chart>` that the page has; `format` writes a value, `least` is where the axis ends at least. */
export class Chart {
    #lines = new Map();
    #svg;
    #legend;
    #top;
    #options;

    constructor(figure, options) {
        this.#options = { least: 1, ...options };
        this.#svg = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
        for (const part of [0.25, 0.5, 0.75]) {
            this.#svg.append(drawing("line", { class: "rule", x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part }));
        }
        this.#top = element("span", { class: "top" }, this.#options.format(this.#options.least));
        const axis = element("div", { class: "axis", "aria-hidden": "true" }, element("span", {}, "2 min ago"), element("span", {}, "now"));
        this.#legend = element("dl", { class: "legend" });
        figure.append(element("div", { class: "plot" }, this.#top, this.#svg), axis, this.#legend);
    }

    /** Adds a moment: `values` is a list of [name, value]; null leaves a gap in its line. */
    push(at, values) {
        for (const [name, value] of values) this.#line(name).points.push([at, value]);
        const given = new Set(values.map(([name]) => name));
        for (const [name, line] of this.#lines) {
            if (!given.has(name)) line.points.push([at, null]);
            while (line.points.length && line.points[0][0] < at - SECONDS) line.points.shift();
        }
        this.#draw(at);
    }

    #line(name) {
        let line = this.#lines.get(name);
        if (!line) {
            const number = this.#lines.size % 6;
            const path = drawing("path", { class: `line line-${number}` });
            const value = element("dd");
            const sample = drawing("svg", { viewBox: "0 0 20 8", "aria-hidden": "true" }, drawing("path", { class: `line line-${number}`, d: "M0 4H20" }));
            this.#svg.append(path);
            this.#legend.append(element("div", {}, element("dt", {}, sample, name), value));
            line = { path, value, points: [] };
            this.#lines.set(name, line);
        }
        return line;
    }

    #draw(now) {
        let highest = 0;
        for (const { points } of this.#lines.values()) for (const [, value] of points) highest = Math.max(highest, value ?? 0);
        const top = nice(Math.max(highest, this.#options.least));
        say(this.#top, this.#options.format(top));
        for (const { path, value, points } of this.#lines.values()) {
            let d = "", pen = false;
            for (const [at, point] of points) {
                if (point === null) {
                    pen = false;
                    continue;
                }
                const x = WIDTH * (1 - (now - at) / SECONDS), y = HEIGHT * (1 - point / top);
                d += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
                pen = true;
            }
            path.setAttribute("d", d);
            say(value, this.#options.format(points.at(-1)?.[1] ?? null));
        }
    }
}
