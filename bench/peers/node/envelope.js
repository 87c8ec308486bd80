// The message that every fan-out peer sends: the fields that Millrace's have, so the bytes are as many.
import { randomUUID } from "node:crypto";

let number = 0;

export const message = (room, text) => ({
  type: "message",
  room,
  seq: ++number,
  id: randomUUID(),
  message: text,
  username: "guest-1a2b",
  ts: new Date().toISOString(),
});
