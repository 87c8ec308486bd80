// The room as Server-Sent Events, as they come over the wire. The browser reconnects and resumes by itself.
import { Follower } from "./follower.js";

const KEPT = 200;
const TYPES = ["message", "synced", "presence", "user_join", "user_leave", "typing", "notice"];

/** The event stream of the room `name`. */
export class Stream {
  #part = {};
  #path;
  #follower;
  #source = null;

  constructor(section, name) {
    for (const found of section.querySelectorAll("[data-part]")) this.#part[found.dataset.part] = found;
    this.#follower = new Follower(this.#part.scroller);
    this.#path = `/api/rooms/${name}/events/`;
    this.#part.again.addEventListener("click", () => this.open());
    addEventListener("pagehide", () => this.#source?.close());
  }

  open() {
    this.#source?.close();
    this.#part.events.replaceChildren();
    this.#show("connecting", "warn");
    const source = (this.#source = new EventSource(this.#path));
    source.addEventListener("open", () => this.#show("connected", "good"));
    source.addEventListener("error", () => {
      // Closed is what the browser does where it was refused; it tries everything else again.
      if (source.readyState === EventSource.CLOSED) this.#show("ended", "bad");
      else this.#show("reconnecting", "warn");
    });
    for (const type of TYPES) source.addEventListener(type, (event) => this.#event(event));
  }

  #show(text, kind) {
    const { state, again } = this.#part;
    if (state.textContent !== text) state.textContent = text;
    state.className = `badge ${kind}`;
    again.hidden = text !== "ended";
  }

  #event({ type, data, lastEventId }) {
    const { events } = this.#part;
    const item = document.createElement("li");
    // The id of a message holds for the events after it too, but only the message was sent with it.
    const id = type === "message" ? `id: ${lastEventId}\n` : "";
    item.textContent = `${id}event: ${type}\ndata: ${data}`;
    events.append(item);
    while (events.children.length > KEPT) events.firstElementChild.remove();
    this.#follower.follow();
  }
}
