// What came back, as elements.
import { duration } from "../figures.js";
import { element } from "../elements.js";

/** Reports each method's SQL by itself. */
export const ORM = "/api/orm/";

/** The status and the two times: by the server, until the answer was ready, and by this browser, until it was here. */
export function measures(response, milliseconds) {
    const tone = response.ok ? "good" : response.status < 500 ? "warn" : "bad";
    const server = response.headers.get("X-Request-Duration");
    return element("p", { class: "measures" },
        element("span", { class: `badge ${tone}` }, `${response.status} ${response.statusText}`.trim()),
        server && element("span", {}, `${duration(Number(server))} in the api`),
        element("span", {}, `${duration(milliseconds / 1000)} for you`));
}

/** The SQL of the view, where the demo reports it. */
export function statements(response) {
    const count = response.headers.get("X-SQL-Count");
    if (count === null) return [];
    if (count === "0") return [element("p", {}, element("small", {}, "No SQL in this view."))];
    const shown = JSON.parse(response.headers.get("X-SQL"));
    const list = element("ol", { class: "sql" }, ...shown.map((sql) => element("li", {}, element("code", {}, sql))));
    const title = `${count} SQL statement${count === "1" ? "" : "s"}${shown.length < count ? `, the first ${shown.length}` : ""}`;
    return [element("details", { open: shown.length <= 5 }, element("summary", {}, title), list)];
}

/** The body, as a table for the report of the ORM's methods. */
export function bodyOf(text, type, url) {
    if (!text) return element("p", {}, element("small", {}, "No body."));
    if (!type.startsWith("application/json")) return element("pre", { tabindex: 0 }, element("code", {}, text));
    const json = JSON.parse(text);
    if (url === ORM && Array.isArray(json)) return methods(json);
    return element("pre", { tabindex: 0 }, element("code", {}, JSON.stringify(json, null, 2)));
}

function methods(reports) {
    const head = ["Method", "ORM", "Call", "SQL", "Rows", "Time"].map((name) =>
        element("th", { scope: "col", class: name === "Time" ? "number" : null }, name));
    const rows = reports.map((report) => element("tr", {},
        element("td", {}, element("strong", {}, report.method)),
        element("td", {}, report.backend),
        element("td", {}, element("pre", { tabindex: 0 }, report.call)),
        element("td", {}, ...report.sql.map((sql) => element("pre", { tabindex: 0 }, sql))),
        element("td", {}, typeof report.rows === "object" ? JSON.stringify(report.rows) : String(report.rows)),
        element("td", { class: "number" }, duration(report.ms / 1000))));
    const table = element("table", { class: "orm" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Methods of the ORM" }, table);
}
