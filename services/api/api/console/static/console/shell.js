// What every page has around its content.
import { call } from "./api.js";

document.getElementById("sign-out")?.addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {
        await call("POST", "/api/logout/", {});
    } finally {
        location.assign("/");
    }
});
