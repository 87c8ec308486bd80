// Who is in the room, and who is typing.

const TYPING = 4000; // milliseconds for which somebody is said to type
const NAMED = 6;

/** Both lines of one pane. */
export class People {
  #present;
  #typing;
  #here = new Set();
  #unnamed = 0;
  #known = false;
  #typists = new Map();

  constructor({ present, typing }) {
    this.#present = present;
    this.#typing = typing;
  }

  /** An event of the room that is about people. */
  event(event) {
    if (event.type === "presence") {
      this.#here = new Set(event.users.map((user) => user.username));
      this.#unnamed = event.count - event.users.length;
      this.#known = true;
    } else if (event.type === "user_join") this.#here.add(event.username);
    else if (event.type === "user_leave") this.#here.delete(event.username);
    else if (event.type === "typing") this.#types(event.username);
    this.#show();
  }

  /** Whoever has said it does not type any more. */
  said(username) {
    clearTimeout(this.#typists.get(username));
    if (this.#typists.delete(username)) this.#show();
  }

  /** Nothing is known without a connection. */
  forget() {
    this.#known = false;
    for (const timer of this.#typists.values()) clearTimeout(timer);
    this.#typists.clear();
    this.#show();
  }

  #types(username) {
    clearTimeout(this.#typists.get(username));
    this.#typists.set(
      username,
      setTimeout(() => this.said(username), TYPING),
    );
  }

  #show() {
    const names = [...this.#here].sort();
    const more = names.length - NAMED + this.#unnamed;
    const named = names.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
    this.#present.textContent = this.#known ? `${names.length + this.#unnamed} here: ${named}` : "";
    const typists = [...this.#typists.keys()];
    const verb = typists.length === 1 ? "is" : "are";
    this.#typing.textContent = typists.length ? `${typists.slice(0, 3).join(", ")} ${verb} typing…` : "";
  }
}
