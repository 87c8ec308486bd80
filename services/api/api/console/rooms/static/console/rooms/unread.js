// Up to which number each room was read in this browser, and how many messages came since.
import { call } from "../api.js";

const EVERY = 5000; // milliseconds between two looks at the rooms

/** Kept for each user in localStorage, as far as the browser has one. */
export class ReadMarks {
  #key;
  #marks;

  constructor(username) {
    this.#key = `millrace-read:${username}`;
    try {
      this.#marks = JSON.parse(localStorage.getItem(this.#key)) ?? {};
    } catch {
      this.#marks = {};
    }
  }

  of(room) {
    return this.#marks[room] ?? 0;
  }

  set(room, seq) {
    if (this.#marks[room] === seq) return;
    this.#marks[room] = seq;
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#marks));
    } catch {
      // It holds for this page then.
    }
  }
}

/** Every badge of the page shows what is unread of its room; `current` is being read. */
export function showUnread(marks, current = null) {
  for (const badge of document.querySelectorAll("[data-unread]")) {
    const room = badge.dataset.unread;
    const unread = Number(badge.dataset.lastSeq) - marks.of(room);
    badge.hidden = room === current || unread <= 0;
    badge.textContent = `${unread} new`;
  }
}

/** Keeps the badges up to date for as long as somebody who is signed in looks. */
export function watchRooms(marks, current = null) {
  setInterval(async () => {
    if (document.hidden) return;
    let rooms;
    try {
      ({ rooms } = await call("GET", "/api/rooms/"));
    } catch {
      return; // the next look tells
    }
    for (const { name, last_seq: last } of rooms) {
      for (const badge of document.querySelectorAll(`[data-unread="${name}"]`)) badge.dataset.lastSeq = last;
      for (const count of document.querySelectorAll(`[data-count="${name}"]`)) count.textContent = last;
    }
    showUnread(marks, current);
  }, EVERY);
}
