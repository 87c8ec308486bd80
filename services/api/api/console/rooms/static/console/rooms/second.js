// Who is in the second pane: a login of its own, by a token that is kept in memory and revoked when the pane is left.
import { tickets } from "/static/millrace/client.js";

const JSON_BODY = { "Content-Type": "application/json" };

async function ask(path, { token, ...options }) {
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  // Without the cookie, which is somebody else's: it would be replaced by signing in.
  const response = await fetch(path, { ...options, credentials: "omit", headers: { ...JSON_BODY, ...authorization } });
  const answer = await response.json();
  if (!response.ok) throw new Error(response.status === 429 ? "Too many tries. Wait a minute." : answer.error);
  return answer;
}

/** Opens `pane` as whoever is chosen in it. */
export class SecondUser {
  #pane;
  #token = null;
  #outcome;

  constructor(pane) {
    const { chooser, leave } = pane.part;
    const form = chooser.querySelector("form");
    this.#pane = pane;
    this.#outcome = chooser.querySelector(".outcome");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#open(form.elements.username.value, form.elements.password.value);
    });
    for (const button of chooser.querySelectorAll("button")) {
      const { username, password } = button.dataset;
      if (username) button.addEventListener("click", () => this.#open(username, password));
      button.disabled = false;
    }
    leave.addEventListener("click", () => this.#leave());
    addEventListener("pagehide", () => this.#revoke());
  }

  async #open(username, password) {
    const { chooser, leave, composer } = this.#pane.part;
    this.#outcome.textContent = "";
    try {
      const body = JSON.stringify({ username, password });
      this.#token = (await ask("/api/login/", { method: "POST", body })).token;
    } catch (error) {
      this.#outcome.textContent = error.message;
      return;
    }
    const token = this.#token;
    chooser.querySelector("form").reset();
    this.#pane.open({
      username,
      ticket: tickets("", { token }),
      older: async (before, limit) => {
        const path = `/api/rooms/${this.#pane.name}/messages/?before=${before}&limit=${limit}`;
        return (await ask(path, { token })).messages.map((stored) => ({ ...stored, text: stored.message }));
      },
    });
    leave.hidden = false;
    composer.elements.text.focus();
  }

  #leave() {
    const { chooser, leave, who } = this.#pane.part;
    leave.hidden = true;
    this.#pane.close();
    who.textContent = "Somebody else";
    this.#revoke();
    chooser.querySelector("button").focus();
  }

  #revoke() {
    if (!this.#token) return;
    const headers = { ...JSON_BODY, Authorization: `Bearer ${this.#token}` };
    this.#token = null;
    // Nobody is left to hear of a failure; the token expires by itself then.
    fetch("/api/logout/", { method: "POST", credentials: "omit", headers, keepalive: true }).catch(() => {});
  }
}
