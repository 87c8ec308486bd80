/**
 * A client of the chat: reconnects, resumes, and delivers each message once and in order (docs/clients.md).
 *
 *     import {Room, tickets} from "/static/millrace/client.js";
 *     const room = new Room("ws://127.0.0.1:8001", "lobby", {ticket: tickets(), onMessage: (message) => show(message)});
 *     await room.ready;
 *     const seq = await room.send("hi");
 *
 * @typedef {{epoch: string, seq: number}} Place Up to where a room was read; store it to go on from there.
 * @typedef {{room: string, seq: number, id: string, text: string, username: string, ts: string}} Message
 * @typedef {object} Options
 * @property {(room: string) => Promise<string>} [ticket] Called before each connection; without it the browser's cookie
 *     says who you are, else you are a guest. A `RoomError` that it throws ends the room; anything else is tried again.
 * @property {Place} [place] Where to go on; without it the newest 50 come first.
 * @property {(message: Message) => void} [onMessage] Each message once, in order, one's own too.
 * @property {(event: {type: string}) => void} [onEvent] `presence`, `user_join`, `user_leave`, `typing`, `notice`.
 * @property {(resync: {epoch: string}) => void} [onResync] The place is gone: the messages that follow start over.
 * @property {(state: State) => void} [onState] How the connection does, for who shows it.
 * @property {(url: string, protocols: string[]) => WebSocket} [connect] Opens a socket; by default the platform's own.
 * @property {number} [outbox] So many messages may wait to be sent (1000).
 *
 * @typedef {object} State
 * @property {"connecting" | "connected" | "gap" | "waiting" | "over"} state `gap`: a message is missing, so that the
 *     connection is given up and resumed; `waiting` for the next try.
 * @property {number | null} [since] With `connected`: the number that was resumed after, null for a first history.
 * @property {number} [seq] With `connected`: up to which number all is here. With `gap`: the number that came.
 * @property {number} [after] With `gap`: the last number before it.
 * @property {number} [ms] With `waiting`: for so long.
 * @property {string} [code] With `over`: as of `RoomError`.
 */
const BASE = 500, CAP = 30_000, LASTED = 5_000; // of the delay between connections, in milliseconds
const BURST = 18, PER_MS = 0.0095; // a little under what the server takes
const HEARTBEAT = 10_000, PATIENCE = 15_000, MAX_FRAME = 16 * 1024, TRIES = 5;
const AT_ONCE = new Set([1012, 4010, 4013, 4016]);
const FINAL = new Map([[4003, "forbidden"], [4004, "no_such_room"]]);
const REFUSED = new Set(["bad_request", "too_large", "conflict", "not_found"]); // not worth another try
const EVENTS = new Set(["presence", "user_join", "user_leave", "typing", "notice"]);

/** The room is over; `code`: closed, not_signed_in, forbidden, no_such_room. */
export class RoomError extends Error {
    constructor(code, cause) { super(`The room is over: ${code}`, {cause}); this.code = code; }
}

/** A message was not stored; `code`: one of the protocol's error codes, or outbox_full; `id` is the message's. */
export class SendError extends Error {
    constructor(code, id, text) { super(text ?? `Not sent: ${code}`); this.code = code; this.id = id; }
}

/** A ticket source for the api at `api`: as the owner of `token`, or by cookie with the page's `csrf` token. */
export function tickets(api = "", {token, csrf = ""} = {}) {
    const sent = token ? {Authorization: `Bearer ${token}`} : {"X-CSRFToken": csrf};
    const headers = {"Content-Type": "application/json", ...sent};
    const codes = {401: "not_signed_in", 403: "forbidden", 404: "no_such_room"};
    return async (room) => {
        const signal = AbortSignal.timeout(HEARTBEAT), body = JSON.stringify({room});
        const answer = await fetch(`${api}/api/ws-ticket/`, {method: "POST", headers, body, signal, redirect: "error"});
        if (codes[answer.status]) throw new RoomError(codes[answer.status]);
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        return (await answer.json()).ticket;
    };
}

/** A room that stays open until `close()`, or until something that cannot be mended; `closed` resolves then. */
export class Room {
    #url; #options; #socket; #timer; #attempt = 0; #renewed = false; #over = null;
    #pending = new Map(); #sending = null; #sendTimer; #tries = 0; #tokens = BURST; #paced = 0;
    #held = []; #epoch = null; #since = null; #syncedAt = null; #opening = false; #settleReady; #settleClosed;

    /** @param {string} url @param {string} name @param {Options} [options] */
    constructor(url, name, options = {}) {
        if (!/^wss?:/.test(url)) throw new TypeError("The url of a room starts with ws:// or wss://");
        this.#url = `${url.replace(/\/$/, "")}/ws/chat/${encodeURIComponent(name)}/`;
        this.name = name;
        this.#options = {outbox: 1000, ...options};
        /** @type {Place | null} Up to the last message for which onMessage returned. */
        this.place = options.place ?? null;
        /** Resolves with the first history; rejects with the `RoomError` where the room ends before. */
        this.ready = new Promise((resolve, reject) => { this.#settleReady = {resolve, reject}; });
        /** Resolves, with null after `close()` and the `RoomError` otherwise, when the room is over. */
        this.closed = new Promise((resolve) => { this.#settleClosed = resolve; });
        this.ready.catch(() => {}); // it may be that nobody waits
        this.#open();
    }

    /** True while messages come and go. */
    get connected() { return this.#syncedAt !== null; }

    /**
     * Send a message; resolves with its number once it is stored, however many connections that takes. One is on its
     * way at a time, so the order is kept, and it is repeated with the same id until it has its outcome.
     * @param {string} text @param {string} [id] @returns {Promise<number>}
     */
    async send(text, id = crypto.randomUUID()) {
        if (this.#over) throw this.#over;
        id = id.toLowerCase();
        const frame = JSON.stringify({type: "message", message: text, id});
        if (new TextEncoder().encode(frame).length > MAX_FRAME) throw new SendError("too_large", id);
        if (this.#pending.has(id)) throw new SendError("conflict", id);
        if (this.#pending.size >= this.#options.outbox) throw new SendError("outbox_full", id);
        const outcome = new Promise((resolve, reject) => this.#pending.set(id, {id, text, frame, resolve, reject}));
        this.#next();
        return outcome;
    }

    /** Say that the user is typing; nothing is done without a connection, or where it would be often. */
    typing() { if (this.connected && !this.#wait(BURST / 2)) this.#socket.send('{"type": "typing"}'); }

    /** Try again now instead of after the delay, for who knows that the network is back. */
    reconnect() {
        if (this.#over || this.#socket || this.#opening) return;
        clearTimeout(this.#timer);
        this.#attempt = 0;
        this.#open();
    }

    /** End the room; what waits to be sent fails. */
    close() { this.#end(new RoomError("closed")); }

    #tell(state) {
        try {
            this.#options.onState?.(state);
        } catch (error) { // as any callback's
            this.#end(new RoomError("closed", error));
        }
    }

    async #open() {
        this.#opening = true;
        this.#tell({state: "connecting"});
        try {
            const names = ["millrace.v1"];
            if (this.#options.ticket) names.push(`ticket.${await this.#options.ticket(this.name)}`);
            if (this.#over) return;
            const query = this.place ? `?since=${this.place.seq}&epoch=${this.place.epoch}` : "";
            this.#epoch = this.place?.epoch ?? null;
            this.#since = this.place?.seq ?? null;
            const connect = this.#options.connect ?? ((address, protocols) => new WebSocket(address, protocols));
            const socket = this.#socket = connect(this.#url + query, names);
            socket.onmessage = ({data}) => this.#received(socket, data);
            socket.onclose = ({code}) => this.#lost(socket, code);
            this.#watch(socket);
        } catch (error) {
            if (error instanceof RoomError) this.#end(error);
            else this.#again(false);
        } finally {
            this.#opening = false;
        }
    }

    #watch(socket, asked = false) { // finds a peer that is gone; a browser cannot send WebSocket's own ping
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => {
            if (asked || !this.connected) return this.#lost(socket, 1006);
            socket.send('{"type": "ping"}');
            this.#watch(socket, true);
        }, this.connected ? HEARTBEAT : PATIENCE);
    }

    #lost(socket, code) {
        if (this.#over || socket !== this.#socket) return;
        this.#leave();
        if (this.#syncedAt !== null && Date.now() - this.#syncedAt >= LASTED) this.#attempt = 0;
        if (this.#syncedAt !== null) this.#renewed = false;
        [this.#syncedAt, this.#sending, this.#held] = [null, null, []];
        if (FINAL.has(code)) return this.#end(new RoomError(FINAL.get(code)));
        if (code === 4001 && (this.#renewed || !this.#options.ticket)) return this.#end(new RoomError("not_signed_in"));
        if (code === 4001) this.#renewed = true;
        this.#again(AT_ONCE.has(code) || code === 4001);
    }

    #leave() {
        [this.#timer, this.#sendTimer].forEach(clearTimeout);
        const socket = this.#socket;
        this.#socket = null;
        if (socket) socket.onmessage = socket.onclose = null;
        socket?.close();
    }

    #again(atOnce) { // full jitter
        const bound = Math.min(CAP, (atOnce ? BASE / 5 : BASE) * 2 ** Math.min(this.#attempt++, 30));
        const ms = Math.random() * bound;
        this.#timer = setTimeout(() => this.#open(), ms);
        this.#tell({state: "waiting", ms});
    }

    #end(error) {
        if (this.#over) return;
        this.#over = error;
        this.#syncedAt = null;
        this.#leave();
        for (const pending of this.#pending.values()) pending.reject(error);
        this.#pending.clear();
        this.#tell({state: "over", code: error.code});
        this.#settleReady.reject(error);
        this.#settleClosed(error.code === "closed" && !error.cause ? null : error);
    }

    #received(socket, data) {
        this.#watch(socket);
        let frame;
        try { frame = JSON.parse(data); } catch { return; }
        try {
            if (frame?.type === "message") this.#message(socket, frame);
            else if (frame?.type === "synced") this.#synced(socket, frame);
            else if (frame?.type === "ack") this.#settle(frame.id, (pending) => pending.resolve(frame.seq));
            else if (frame?.type === "error") this.#refused(frame);
            else if (frame?.type === "resync_required") {
                [this.place, this.#epoch, this.#since] = [null, frame.epoch, null];
                this.#options.onResync?.(frame);
            } else if (EVENTS.has(frame?.type)) this.#options.onEvent?.(frame);
        } catch (error) { // a callback threw: it goes to whoever asks for `closed`
            this.#end(new RoomError("closed", error));
        }
    }

    #message(socket, {room, seq, id, message: text, username, ts}) {
        // A guest is another guest by now: the only sign that a message was stored is that it comes by.
        if (this.#pending.get(id)?.text === text) this.#settle(id, (pending) => pending.resolve(seq));
        const message = {room, seq, id, text, username, ts};
        if (this.#epoch === null) this.#held.push(message); // `synced` brings the epoch
        else if (socket === this.#socket) this.#deliver(socket, message);
    }

    #deliver(socket, message) {
        if (this.place && message.seq <= this.place.seq) return;
        if (this.place && message.seq !== this.place.seq + 1) return this.#gap(socket, message.seq);
        this.#options.onMessage?.(message);
        this.place = {epoch: this.#epoch, seq: message.seq};
    }

    #gap(socket, seq) {
        console.warn(`millrace: ${seq} after ${this.place.seq}: a message is missing`);
        this.#tell({state: "gap", after: this.place.seq, seq});
        this.#lost(socket, 1006);
    }

    #synced(socket, {seq, epoch}) {
        this.#epoch = epoch;
        for (const message of this.#held.splice(0)) if (socket === this.#socket) this.#deliver(socket, message);
        if (socket !== this.#socket) return;
        this.place ??= {epoch, seq};
        if (this.place.seq < seq) return this.#gap(socket, seq);
        [this.#syncedAt, this.#tokens, this.#paced, this.#tries] = [Date.now(), BURST, Date.now(), 0];
        this.#settleReady.resolve();
        this.#tell({state: "connected", since: this.#since, seq});
        this.#next();
    }

    #wait(spare = 0) { // milliseconds until a frame may go, and so many more could; 0 takes the turn
        const now = Date.now();
        this.#tokens = Math.min(BURST, this.#tokens + Math.max(0, now - this.#paced) * PER_MS);
        this.#paced = now;
        if (this.#tokens < 1 + spare) return (1 + spare - this.#tokens) / PER_MS + 1;
        this.#tokens -= 1;
        return 0;
    }

    #next() { // the oldest, if nothing else is on its way
        if (!this.connected || this.#sending || !this.#pending.size) return;
        const wait = this.#wait();
        clearTimeout(this.#sendTimer);
        if (wait) { this.#sendTimer = setTimeout(() => this.#next(), wait); return; }
        const socket = this.#socket;
        this.#sending = this.#pending.values().next().value;
        this.#tries += 1;
        socket.send(this.#sending.frame);
        this.#sendTimer = setTimeout(() => this.#lost(socket, 1006), PATIENCE);
    }

    #settle(id, settle) {
        const pending = this.#pending.get(id);
        if (!pending) return;
        this.#pending.delete(id);
        settle(pending);
        if (this.#sending !== pending) return;
        clearTimeout(this.#sendTimer);
        [this.#sending, this.#tries] = [null, 0];
        this.#next();
    }

    #refused({id, code, error}) { // without an id it is about the one on its way
        const pending = id ? this.#pending.get(id) : this.#sending;
        if (!pending) return;
        const passes = code === "too_fast" || code === "unavailable" || (!REFUSED.has(code) && this.#tries < TRIES);
        if (!passes) return this.#settle(pending.id, () => pending.reject(new SendError(code, pending.id, error)));
        if (code === "too_fast") this.#tokens = 0;
        const delay = Math.random() * Math.min(CAP, BASE * 2 ** Math.min(this.#tries - 1, 30));
        clearTimeout(this.#sendTimer); // nothing else goes meanwhile: the next must not overtake it
        this.#sendTimer = setTimeout(() => { this.#sending = null; this.#next(); }, delay);
    }
}
