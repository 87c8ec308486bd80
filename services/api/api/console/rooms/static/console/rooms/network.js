// The network of one pane, to be broken: it stands between the client and its sockets, and knows nothing of either.

/** What the client holds for a WebSocket. */
class Wire {
  onmessage = null;
  onclose = null;
  #socket;

  constructor(socket, swallows, ended) {
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (!swallows(event.data)) this.onmessage?.(event);
    };
    socket.onclose = (event) => {
      ended(this);
      this.onclose?.(event);
    };
  }

  send(data) {
    this.#socket.send(data);
  }

  close() {
    this.#socket.close();
  }

  /** As a cable that is pulled: the client hears of it at once and without a reason; nothing more arrives. */
  cut() {
    this.#socket.onmessage = null;
    this.#socket.close();
    this.onclose?.({ code: 1006 });
  }
}

/** `onDropped` is called with each message that got lost on the way. */
export class Network {
  isCut = false;
  toDrop = 0;
  #wires = new Set();
  #onDropped;

  constructor(onDropped) {
    this.#onDropped = onDropped;
  }

  /** Close every connection, and let none be opened until `release`. */
  cut() {
    this.isCut = true;
    for (const wire of this.#wires) wire.cut();
    this.#wires.clear();
  }

  release() {
    this.isCut = false;
  }

  /** Lose the next `count` messages that arrive. */
  drop(count) {
    this.toDrop = count;
  }

  /** Throws while the network is cut. */
  check() {
    if (this.isCut) throw new TypeError("The network is cut");
  }

  /** The client's `connect`. */
  connect = (url, protocols) => {
    this.check();
    const wire = new Wire(
      new WebSocket(url, protocols),
      (data) => this.#swallows(data),
      (ended) => this.#wires.delete(ended),
    );
    this.#wires.add(wire);
    return wire;
  };

  #swallows(data) {
    if (!this.toDrop) return false;
    const frame = JSON.parse(data);
    if (frame.type !== "message") return false;
    this.toDrop -= 1;
    this.#onDropped(frame);
    return true;
  }
}
