// Sends a message to the lobby: through the api where somebody is signed in, else as a guest through a socket.
import { Room, tickets } from "/static/millrace/client.js";
import { call, csrf } from "../api.js";
import { say } from "../elements.js";

const TEXT = "Hello from the start page";
const button = document.getElementById("send");
const said = document.getElementById("trace-said");
let room = null;

/** Somebody has to be in the room for a message to have a way to go. */
async function listening(signedIn) {
    if (!room) {
        const ticket = signedIn ? tickets("", { csrf: csrf()["X-CSRFToken"] }) : undefined;
        room = new Room(document.body.dataset.realtimeUrl, "lobby", { ticket });
        room.closed.then(() => { room = null; });
    }
    await room.ready;
}

async function send() {
    const signedIn = button.dataset.signedIn === "true";
    button.disabled = true;
    say(said, "On its way …");
    try {
        await listening(signedIn);
        if (signedIn) await call("POST", "/api/rooms/lobby/messages/", { message: TEXT });
        else await room.send(TEXT);
    } catch (error) {
        say(said, `Not sent: ${error.message}.`);
    } finally {
        button.disabled = false;
    }
}

button?.addEventListener("click", send);
