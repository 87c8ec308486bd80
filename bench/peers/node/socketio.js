// Node's socket.io with its Redis adapter, WebSocket transport only.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import Redis from "ioredis";
import { Server } from "socket.io";
import { message } from "./envelope.js";

const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  perMessageDeflate: false,
});

io.on("connection", (socket) => {
  socket.on("join", async (room) => {
    socket.data.room = room;
    await socket.join(room);
    socket.emit("synced", {});
  });
  socket.on("message", (data) => io.to(socket.data.room).emit("message", message(socket.data.room, data.message)));
});

http.listen(Number(process.env.PORT), "127.0.0.1");
