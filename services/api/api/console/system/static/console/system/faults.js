// The demo's buttons: each causes a fault, and what became of it is said.
import { call } from "../api.js";
import { say } from "../elements.js";

const said = document.getElementById("said");

async function cause(button) {
    button.disabled = true;
    try {
        const done = await call("POST", `/system/faults/${button.dataset.fault}/`, {});
        said.dataset.tone = "";
        say(said, `${done.said}.`);
    } catch (error) {
        said.dataset.tone = "bad";
        say(said, `Nothing was done: ${error.message}.`);
    } finally {
        button.disabled = false;
    }
}

for (const button of document.querySelectorAll("[data-fault]")) {
    button.addEventListener("click", () => cause(button));
}
