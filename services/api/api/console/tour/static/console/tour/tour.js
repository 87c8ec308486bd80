// Sends what a form says and shows what came: status, times, SQL, body.
import { csrf } from "../api.js";
import { element } from "../elements.js";
import { request } from "./request.js";
import { ORM, bodyOf, measures, statements } from "./result.js";

const MAX_SHOWN = 200_000;

async function send(form) {
    const result = form.querySelector(".result"), stop = form.querySelector("[data-stop]");
    const controller = new AbortController();
    stop.hidden = false;
    stop.onclick = () => controller.abort();
    form.setAttribute("aria-busy", "true");
    result.replaceChildren();
    const { method, url, body } = request(form);
    const headers = { "X-Show-SQL": "1", ...(method === "GET" ? {} : csrf()) };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const began = performance.now();
    try {
        const response = await fetch(url, { method, headers, body, signal: controller.signal });
        result.append(measures(response, performance.now() - began), ...(url === ORM ? [] : statements(response)));
        await show(response, url, result);
    } catch (error) {
        result.append(element("p", {}, error.name === "AbortError" ? "Stopped." : `No answer: ${error.message}`));
    } finally {
        stop.hidden = true;
        form.removeAttribute("aria-busy");
    }
}

/** A stream is shown as it comes; everything else when it is there. */
async function show(response, url, result) {
    const type = response.headers.get("Content-Type") ?? "";
    if (!/event-stream|ndjson/.test(type)) {
        result.append(bodyOf(await response.text(), type, url));
        return;
    }
    const shown = element("code"), decoder = new TextDecoder();
    result.append(element("pre", { tabindex: 0 }, shown));
    for await (const chunk of chunks(response.body)) {
        shown.append(decoder.decode(chunk, { stream: true }));
        if (shown.textContent.length > MAX_SHOWN) break;
    }
}

async function* chunks(stream) {
    const reader = stream.getReader();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            yield value;
        }
    } finally {
        reader.cancel().catch(() => {}); // of one that was stopped
    }
}

document.addEventListener("submit", (event) => {
    if (event.target.matches(".try")) {
        event.preventDefault();
        send(event.target);
    }
});

// A link to an endpoint opens it.
function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details")) target.open = true;
}
addEventListener("hashchange", open);
open();
