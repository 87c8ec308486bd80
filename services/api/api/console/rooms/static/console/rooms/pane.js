// One person in the room: the client, its network, and what is seen of both.
import { Room } from "/static/millrace/client.js";
import { Faults } from "./faults.js";
import { Messages, row } from "./messages.js";
import { Older } from "./older.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";

const TYPING_EVERY = 2000; // milliseconds
const OVER = {
  closed: "left",
  not_signed_in: "signed out",
  forbidden: "not admitted",
  no_such_room: "the room is gone",
};

function range(from, to) {
  return from === to ? `#${from}` : `#${from} to #${to}`;
}

/** `onLook({seq, unread, read})` is called when what is seen, or not yet seen, of the messages changes. */
export class Pane {
  #room = null;
  #username = "";
  #live = false;
  #resumed = false; // whether what comes before `synced` was missed, rather than being a first history
  #typedAt = 0;
  /** Up to which number everything is here; 0 before there is anything. */
  seq = 0;

  constructor(section, { url, name, onLook = () => {} }) {
    this.section = section;
    this.url = url;
    this.name = name;
    this.part = {};
    for (const found of section.querySelectorAll("[data-part]")) this.part[found.dataset.part] = found;
    this.faults = new Faults(this.part, {
      onCut: () => this.messages.note(`Network cut after #${this.seq}.`, "bad"),
      onReleased: () => this.#room?.reconnect(),
      onDropped: (seq, left) => this.#dropped(seq, left),
    });
    this.messages = new Messages(this.part, (unread, read) => {
      if (this.#live) onLook({ seq: this.seq, unread, read });
    });
    this.people = new People(this.part);
    this.outbox = new Outbox(this.part.outbox, (text, id) => this.#room.send(text, id), () => this.#live);
    this.older = new Older(this.part, () => this.messages.first, (found) => this.#prepend(found));
    this.part.composer.addEventListener("submit", (event) => this.#submit(event));
    this.part.composer.elements.text.addEventListener("input", () => this.#types());
    addEventListener("online", () => this.#room?.reconnect());
  }

  /**
   * Join as `username` ("" for a guest): `ticket` as the client takes it, and `older(before, limit)`, which resolves
   * with messages, where there is somebody who may ask for them.
   */
  open({ username, ticket, older = null }) {
    const { network } = this.faults;
    const behind = (ask) => ask && (async (...wanted) => (network.check(), ask(...wanted)));
    this.#username = username;
    this.older.load = behind(older);
    this.part.who.textContent = username || "Guest";
    this.section.removeAttribute("data-closed");
    this.#enable(true);
    this.#room = new Room(this.url, this.name, {
      ticket: behind(ticket),
      connect: network.connect,
      onMessage: (message) => this.#message(message),
      onEvent: (event) => this.#event(event),
      onResync: () => this.#restarted(),
      onState: (state) => this.#state(state),
    });
  }

  /** Leave, and forget everything. */
  close() {
    const room = this.#room;
    this.#room = null;
    room?.close();
    this.#live = this.#resumed = false;
    this.seq = 0;
    this.older.load = null;
    this.older.refresh();
    this.faults.reset();
    this.outbox.clear();
    this.messages.clear();
    this.people.forget();
    this.#enable(false);
    this.#show("not here", "");
    this.section.setAttribute("data-closed", "");
  }

  #enable(on) {
    const { composer, cut, drop, "drop-count": count } = this.part;
    for (const control of [...composer.elements, cut, drop, count]) control.disabled = !on;
  }

  #show(text, kind) {
    const { state } = this.part;
    if (state.textContent === text) return; // it is read out at every change
    state.textContent = text;
    state.className = `badge ${kind}`.trim();
  }

  #state({ state, since, seq, after, code }) {
    if (state === "connected") this.#connected(since, seq);
    else if (this.#live) this.#lost();
    if (state === "gap") this.messages.note(`Gap: #${seq} came after #${after}. Filling it.`, "bad");
    if (state === "over") this.#over(code);
    if (state === "connecting" || state === "waiting") {
      const { isCut } = this.faults.network;
      this.#show(isCut ? "network cut" : state === "connecting" ? "connecting" : "reconnecting", isCut ? "bad" : "warn");
    }
    this.outbox.refresh();
  }

  #connected(since, seq) {
    this.#live = true;
    this.seq = seq;
    this.part.scroller.ariaBusy = "false";
    this.#show("connected", "good");
    if (since !== null) {
      const caughtUp = seq > since ? `Caught up: ${range(since + 1, seq)}, in order, each once.` : "Back: nothing was missed.";
      this.messages.note(caughtUp, "good");
    }
    this.older.refresh();
    this.messages.look();
  }

  #lost() {
    this.#live = false;
    this.#resumed = true;
    this.people.forget();
  }

  #over(code) {
    if (this.#room === null) return; // its own person has left
    this.#show(OVER[code] ?? code, "bad");
    this.messages.note(`This pane is over: ${OVER[code] ?? code}. Load the page again to come back.`, "bad");
    this.#enable(false);
  }

  #restarted() {
    this.#resumed = false;
    this.seq = 0;
    this.messages.clear();
    this.messages.note("This room has started over: its numbers are new.", "warn");
  }

  #message(message) {
    this.seq = message.seq;
    const sent = this.outbox.arrived(message.id);
    const own = sent || message.username === this.#username;
    if (sent && !this.#username) this.part.who.textContent = message.username; // a guest learns its name
    this.people.said(message.username);
    const caughtUp = !this.#live && this.#resumed;
    const item = row(message, { own, caughtUp });
    this.messages.append(item, { toEnd: sent || (!this.#live && !caughtUp), counted: !own });
  }

  #prepend(found) {
    this.messages.prepend(found.map((message) => row(message, { own: message.username === this.#username })));
  }

  #event(event) {
    if (event.type === "notice") this.messages.note(`Notice: ${event.notice}`, "warn");
    else this.people.event(event);
  }

  #dropped(seq, left) {
    this.messages.note(`#${seq} got lost on the way.${left ? "" : " The next message will show it."}`, "bad");
  }

  #types() {
    if (Date.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = Date.now();
    this.#room?.typing();
  }

  #submit(event) {
    event.preventDefault();
    const field = this.part.composer.elements.text;
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    this.#typedAt = 0;
    this.outbox.add(text, this.#username || this.part.who.textContent);
    this.messages.toEnd();
  }
}
