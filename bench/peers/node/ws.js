// Node's ws with a Redis subscription a room: what is published is sent to each socket of the room as it comes.
import { createServer } from "node:http";
import Redis from "ioredis";
import { WebSocketServer } from "ws";
import { message } from "./envelope.js";

const publisher = new Redis(process.env.REDIS_URL);
const subscriber = new Redis(process.env.REDIS_URL);
const rooms = new Map();

subscriber.on("messageBuffer", (channel, data) => {
  for (const socket of rooms.get(channel.toString()) ?? []) socket.send(data, { binary: false });
});

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on("connection", async (socket, request) => {
  const room = request.url.split("/")[3];
  if (!rooms.has(room)) rooms.set(room, new Set());
  rooms.get(room).add(socket);
  socket.on("message", (data) =>
    publisher.publish(room, JSON.stringify(message(room, JSON.parse(data).message))),
  );
  socket.on("close", () => rooms.get(room).delete(socket));
  await subscriber.subscribe(room);
  socket.send('{"type": "synced"}');
});

server.listen(Number(process.env.PORT), "127.0.0.1");
