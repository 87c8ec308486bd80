// Older messages, page by page: by the button, or by scrolling to it.

const PAGE = 50;

/** `load(before, limit)` resolves with messages, oldest first; `first()` is the number of the oldest that is here. */
export class Older {
  load = null;
  #button;
  #first;
  #show;
  #busy = false;

  constructor({ older, scroller }, first, show) {
    this.#button = older;
    this.#first = first;
    this.#show = show;
    older.addEventListener("click", () => this.#more());
    const seen = ([entry]) => entry.isIntersecting && this.#more();
    new IntersectionObserver(seen, { root: scroller }).observe(older);
  }

  /** There is something to ask for where somebody may ask, and the first message of all is not here. */
  refresh() {
    const first = this.#first();
    this.#button.hidden = !this.load || first === null || first <= 1;
  }

  async #more() {
    const first = this.#first();
    // Not `disabled`: that would take the focus away from who pressed it.
    if (this.#busy || !this.load || first === null || first <= 1) return;
    this.#busy = true;
    try {
      const found = await this.load(first, PAGE);
      if (this.#first() === first) this.#show(found);
      this.#button.textContent = "Older messages";
    } catch (error) {
      this.#button.textContent = `Not loaded (${error.message}). Try again`;
    }
    this.#busy = false;
    this.refresh();
  }
}
