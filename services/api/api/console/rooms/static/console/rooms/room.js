// The page of a room: two people, each with a network of their own, and the event stream beside them.
import { tickets } from "/static/millrace/client.js";
import { call, csrf } from "../api.js";
import { Pane } from "./pane.js";
import { SecondUser } from "./second.js";
import { Stream } from "./stream.js";
import { ReadMarks, showUnread, watchRooms } from "./unread.js";

const { room: name, username } = document.querySelector(".room").dataset;
const url = document.body.dataset.realtimeUrl;
const marks = new ReadMarks(username);
const plainTitle = document.title;

const first = new Pane(document.getElementById("pane-1"), {
  url,
  name,
  onLook({ seq, unread, read }) {
    if (read) marks.set(name, seq);
    document.title = unread ? `(${unread}) ${plainTitle}` : plainTitle;
  },
});
const second = new Pane(document.getElementById("pane-2"), { url, name });
new SecondUser(second);

if (username) {
  first.open({
    username,
    ticket: tickets("", { csrf: csrf()["X-CSRFToken"] }),
    older: async (before, limit) => {
      const { messages } = await call("GET", `/api/rooms/${name}/messages/?before=${before}&limit=${limit}`);
      return messages.map((stored) => ({ ...stored, text: stored.message }));
    },
  });
  new Stream(document.getElementById("stream"), name).open();
  watchRooms(marks, name);
} else {
  first.open({ username: "" });
}
showUnread(marks, name);
