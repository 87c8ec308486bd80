// The list of rooms: what is unread in each.
import { ReadMarks, showUnread, watchRooms } from "./unread.js";

const { username } = document.querySelector(".room-cards").dataset;
const marks = new ReadMarks(username);
showUnread(marks);
if (username) watchRooms(marks);
