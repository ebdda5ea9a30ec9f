// A bare `ws` server: channels, and a call that is told to all who follow one and acknowledged.
import { WebSocketServer, WebSocket } from "ws";
import { typing } from "./event.mjs";

const channels = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

function follow(socket, name) {
  if (!channels.has(name)) channels.set(name, new Set());
  channels.get(name).add(socket);
  socket.on("close", () => channels.get(name).delete(socket));
}

function tell(name, data) {
  const message = Buffer.from(JSON.stringify({ push: { channel: name, pub: { data } } })); // once for all
  for (const socket of channels.get(name) ?? []) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false });
  }
}

server.on("connection", (socket) => {
  let user = "";
  socket.alive = true;
  socket.on("pong", () => { socket.alive = true; });
  socket.on("message", (raw) => {
    const command = JSON.parse(raw);
    if (command.hello) {
      user = command.hello.user;
      for (const name of command.hello.channels) follow(socket, name);
    } else {
      tell(command.data.channel, typing(user));
    }
    socket.send(JSON.stringify({ id: command.id }));
  });
});

setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.alive) { socket.terminate(); continue; }
    socket.alive = false;
    socket.ping();
  }
}, 25_000);

server.on("listening", () => console.log("listening"));
