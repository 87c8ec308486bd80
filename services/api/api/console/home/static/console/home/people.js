// Signs in as one of the demo's users, whose passwords the page shows.
import { call } from "../api.js";
import { say } from "../elements.js";

const said = document.getElementById("sign-in-said");

for (const button of document.querySelectorAll("[data-username]")) {
    button.addEventListener("click", async () => {
        button.disabled = true;
        try {
            await call("POST", "/api/login/", { username: button.dataset.username, password: button.dataset.password });
            location.assign("/rooms/lobby/");
        } catch (error) {
            say(said, `Not signed in: ${error.message}.`);
            button.disabled = false;
        }
    });
}
