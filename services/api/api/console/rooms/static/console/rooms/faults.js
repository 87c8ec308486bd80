// The buttons that break a pane's network, and what is seen of it.
import { Network } from "./network.js";

const MOST = 20;

/** `onCut`, `onReleased` and `onDropped(seq, left)` are called as it happens. */
export class Faults {
  network;
  #part;
  #on;

  constructor(part, on) {
    this.#part = part;
    this.#on = on;
    this.network = new Network(({ seq }) => {
      on.onDropped(seq, this.network.toDrop);
      this.#show();
    });
    part.cut.addEventListener("click", () => this.#cut());
    part.drop.addEventListener("click", () => this.#drop());
  }

  /** Whole again, and told to nobody. */
  reset() {
    this.network.release();
    this.network.drop(0);
    this.#show();
  }

  #cut() {
    if (this.network.isCut) {
      this.network.release();
      this.#on.onReleased();
    } else {
      this.#on.onCut();
      this.network.cut();
    }
    this.#show();
  }

  #drop() {
    const wanted = Number(this.#part["drop-count"].value) || 1;
    this.network.drop(Math.max(1, Math.min(MOST, Math.round(wanted))));
    this.#show();
  }

  #show() {
    const { cut, drop } = this.#part;
    const { isCut, toDrop } = this.network;
    cut.setAttribute("aria-pressed", String(isCut));
    cut.textContent = isCut ? "Release my network" : "Cut my network";
    drop.setAttribute("aria-pressed", String(toDrop > 0));
    drop.textContent = toDrop ? `Dropping ${toDrop}` : "Drop frames";
  }
}
