// Keeps the end of a scroller in sight for as long as whoever reads it has not scrolled away from there.

const NEAR = 40; // pixels from the end that still count as the end

/** `onScroll` is called when what is in sight changes. */
export class Follower {
  following = true;
  #scroller;

  constructor(scroller, onScroll = () => {}) {
    this.#scroller = scroller;
    scroller.addEventListener(
      "scroll",
      () => {
        this.following = this.atEnd;
        onScroll();
      },
      { passive: true },
    );
    // Nobody has scrolled where the scroller got lower, and no event tells of it.
    new ResizeObserver(() => this.follow()).observe(scroller);
  }

  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  /** After something was added. */
  follow() {
    if (this.following) this.toEnd();
  }

  toEnd() {
    this.following = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
