// The messages of a pane, by their numbers, and what happened between them.
import { Follower } from "./follower.js";

const KEPT = 500; // so many rows at most while the newest are looked at; the older ones can be asked for again

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A message as a list item. */
export function row({ seq, id, text, username, ts }, { own = false, caughtUp = false } = {}) {
  const item = element("li", `message${own ? " own" : ""}${caughtUp ? " caught-up" : ""}`);
  item.dataset.id = id;
  const number = element("span", "seq");
  if (seq !== undefined) {
    item.dataset.seq = seq;
    number.textContent = `#${seq}`;
  }
  const head = element("span", "head");
  head.append(element("strong", "", username));
  if (ts) {
    const time = element("time", "", new Date(ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = ts;
    head.append(time);
  }
  if (caughtUp) head.append(element("span", "mark", "caught up"));
  item.append(number, head, element("p", "text", text));
  return item;
}

/** The list of one pane. `onLook(unread, read)` is called at every change; `read`: the newest are in sight. */
export class Messages {
  unread = 0;
  #scroller;
  #list;
  #jump;
  #follower;
  #onLook;

  constructor({ scroller, messages, jump }, onLook) {
    this.#scroller = scroller;
    this.#list = messages;
    this.#jump = jump;
    this.#onLook = onLook;
    this.#follower = new Follower(scroller, () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
    jump.addEventListener("click", () => {
      this.toEnd();
      scroller.focus();
    });
  }

  /** The number of the first message that is here, or null. */
  get first() {
    const seq = this.#list.querySelector("[data-seq]")?.dataset.seq;
    return seq === undefined ? null : Number(seq);
  }

  /** The newest: unread until it is in sight, if it is `counted`; `toEnd` goes there in any case. */
  append(item, { toEnd = false, counted = true } = {}) {
    const stay = !this.#follower.following && !toEnd;
    this.#list.append(item);
    if (!stay) {
      while (this.#list.children.length > KEPT) this.#list.firstElementChild.remove();
      this.toEnd();
    }
    if (counted && !toEnd && (stay || document.hidden)) this.unread += 1;
    this.look();
  }

  /** Something that happened, in its place between the messages. */
  note(text, kind = "") {
    this.append(element("li", `note ${kind}`.trim(), text), { counted: false });
  }

  /** Older ones, oldest first; what is looked at stays where it is. */
  prepend(items) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    this.#scroller.ariaBusy = "true"; // these are not news
    this.#list.prepend(...items);
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
    this.#scroller.ariaBusy = "false";
  }

  clear() {
    this.#list.replaceChildren();
    this.unread = 0;
    this.look();
  }

  toEnd() {
    this.#follower.toEnd();
  }

  /** What is in sight has been read. */
  look() {
    const { atEnd } = this.#follower;
    const read = atEnd && !document.hidden;
    if (read) this.unread = 0;
    this.#jump.hidden = atEnd;
    this.#jump.textContent = this.unread ? `${this.unread} new ↓` : "To the newest ↓";
    this.#onLook(this.unread, read);
  }
}
