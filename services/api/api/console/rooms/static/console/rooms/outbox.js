// What was written and has not come back yet: shown at once, with what became of it.
import { row } from "./messages.js";

/** `send(text, id)` resolves with the number once the message is stored; `connected()` says whether it can be now. */
export class Outbox {
  #list;
  #send;
  #connected;
  #waiting = new Map();

  constructor(list, send, connected) {
    this.#list = list;
    this.#send = send;
    this.#connected = connected;
  }

  /** Show `text` as said by `username` and send it. */
  add(text, username) {
    const id = crypto.randomUUID();
    const item = row({ id, text, username }, { own: true });
    item.append(document.createElement("p"));
    item.lastElementChild.className = "fate";
    this.#list.append(item);
    this.#waiting.set(id, item);
    this.#deliver(id, text, item);
  }

  /** True where `id` is of here; it has arrived, and is shown among the messages from now on. */
  arrived(id) {
    const item = this.#waiting.get(id);
    this.#waiting.delete(id);
    item?.remove();
    return item !== undefined;
  }

  /** The connection came or went. */
  refresh() {
    for (const item of this.#waiting.values()) {
      if (item.dataset.fate === "pending") this.#pending(item);
    }
  }

  clear() {
    this.#waiting.clear();
    this.#list.replaceChildren();
  }

  #pending(item) {
    item.dataset.fate = "pending";
    item.lastElementChild.textContent = this.#connected() ? "sending…" : "waits for the network";
  }

  async #deliver(id, text, item) {
    this.#pending(item);
    try {
      const seq = await this.#send(text, id);
      item.dataset.fate = "stored";
      item.lastElementChild.textContent = `stored as #${seq}`;
    } catch (error) {
      this.#failed(id, text, item, error);
    }
  }

  #failed(id, text, item, error) {
    item.dataset.fate = "failed";
    const why = document.createElement("span");
    why.setAttribute("role", "alert");
    why.textContent = error.message;
    item.lastElementChild.replaceChildren(
      why,
      this.#button("Retry", () => this.#deliver(id, text, item)),
      this.#button("Discard", () => this.arrived(id)),
    );
  }

  #button(name, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet";
    button.textContent = name;
    button.addEventListener("click", act);
    return button;
  }
}
