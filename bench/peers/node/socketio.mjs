// A Socket.IO server: rooms, and a call that is told to a room and acknowledged.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { typing } from "./event.mjs";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  socket.on("hello", ({ user, channels }, acknowledge) => {
    socket.data.user = user;
    for (const name of channels) socket.join(name);
    acknowledge("ok");
  });
  socket.on("chat.typing", ({ channel }, acknowledge) => {
    io.to(channel).emit("push", { channel, pub: { data: typing(socket.data.user) } });
    acknowledge("ok");
  });
});

http.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
