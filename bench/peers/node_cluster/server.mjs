// One instance of the same work: notices to single users, and accepts of offers, told to sockets on any instance.
// It trusts the name that a caller gives (X-User), keeps no log of events and recovers nothing: all in its favour.
import { randomInt, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import express from "express";
import mysql from "mysql2/promise";
import { createClient } from "redis";
import { Server } from "socket.io";
import { TABLES } from "./schema.mjs";

const [port, databaseUrl, redisUrl] = process.argv.slice(2);
const pool = mysql.createPool({ uri: databaseUrl, connectionLimit: 16, timezone: "Z", charset: "utf8mb4" });
pool.pool.on("connection", (connection) => {
  connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
});
for (const statement of TABLES) await pool.query(statement);

const publisher = createClient({ url: redisUrl });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const app = express();
const http = createServer(app);
const io = new Server(http, {
  transports: ["websocket"], serveClient: false, adapter: createAdapter(publisher, subscriber),
});
io.on("connection", (socket) => {
  socket.on("hello", ({ user, channels }, acknowledge) => {
    socket.data.user = user;
    for (const name of channels) socket.join(name);
    acknowledge("ok");
  });
});

class Refused extends Error {}

// Runs a body in a transaction, again after a deadlock; the answer is kept under the caller's key by the same commit.
async function once(request, body) {
  const user = request.get("X-User"), key = request.get("Idempotency-Key");
  for (let attempt = 1; ; attempt++) {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      const [kept] = await connection.execute(
        "SELECT answer FROM idempotency_keys WHERE user_id = ? AND route = ? AND idempotency_key = ?",
        [user, request.path, key]);
      if (kept.length) {
        await connection.rollback();
        return { data: JSON.parse(kept[0].answer), tell: [] };
      }
      const done = await body(connection, user);
      await connection.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, 200, ?, UTC_TIMESTAMP(3))",
        [user, request.path, key, JSON.stringify(done.data)]);
      await connection.commit();
      return done;
    } catch (error) {
      await connection.rollback();
      if (![1213, 1205].includes(error.errno) || attempt === 4) throw error;
    } finally {
      connection.release();
    }
  }
}

function answering(body) {
  return async (request, response) => {
    try {
      const { data, tell } = await once(request, (connection, user) => body(connection, user, request.body));
      for (const [channel, event] of tell) io.to(channel).emit("push", { channel, pub: { data: event } });
      response.json({ code: "ok", message: "", data });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      response.status(409).json({ code: error.message, message: "", data: null });
    }
  };
}

async function notify(connection, user, template, title, content) {
  const id = randomUUID(), at = new Date();
  await connection.execute(
    "INSERT INTO notices (id, user_id, template, title, content, sent_at) VALUES (?, ?, ?, ?, ?, ?)",
    [id, user, template, title, content, at]);
  return [`user:${user}`, { type: "notice", id, at: at.toISOString(), data: { message_id: id, template, title, content } }];
}

app.use(express.json({ limit: "64kb" }));

app.post("/api/message/send", answering(async (connection, _, { user_id, template }) => {
  const told = await notify(connection, user_id, template, "服务已完成", "本次陪护服务已经完成，感谢您的信任。");
  return { data: { message_id: told[1].id, status: "sent", deliveries: [] }, tell: [told] };
}));

app.post("/api/order/offer", answering(async (connection, _, { order_id }) => {
  const [[order]] = await connection.execute("SELECT * FROM orders WHERE id = ? FOR UPDATE", [order_id]);
  const [asked] = await connection.execute("SELECT id, user_id FROM caregivers WHERE papers_valid_until > CURRENT_DATE");
  const now = new Date(), at = now.toISOString(), expires = new Date(now.getTime() + 900_000);
  const offers = asked.map(({ id, user_id }) => ({ offer_id: randomUUID(), id, user_id }));
  await connection.query(
    "INSERT INTO offers (id, order_id, caregiver_id, state, expires_at) VALUES ?",
    [offers.map((one) => [one.offer_id.replaceAll("-", ""), order.id, one.id, "open", expires])]);
  const card = {
    order_id, expires_at: expires.toISOString(), service_type: "escort_hourly", start_at: order.start_at, end_at: order.end_at,
    is_urgent: false, income_fen: 12_000, district: "330106", hospital: "浙江大学医学院附属第一医院", requirements: null,
    patient: { age_band: "70-79", gender: "female", condition: "行动不便" },
  };
  return {
    data: { order_id },
    tell: offers.map(({ offer_id, user_id }) =>
      [`user:${user_id}`, { type: "offer.opened", id: `${offer_id}.opened`, at, data: { offer_id, ...card } }]),
  };
}));

app.post("/api/order/accept", answering(async (connection, user, { offer_id }) => {
  const [[mine]] = await connection.execute(
    "SELECT o.id, o.order_id, o.caregiver_id, c.papers_valid_until FROM offers o JOIN caregivers c ON c.id = o.caregiver_id " +
    "WHERE o.id = ? AND c.user_id = ?", [offer_id, user]);
  if (!mine) throw new Refused("not_found");
  const now = new Date();
  await connection.execute("UPDATE caregivers SET calendar_version = calendar_version + 1 WHERE id = ?", [mine.caregiver_id]);
  const [[order]] = await connection.execute("SELECT * FROM orders WHERE id = ? FOR UPDATE", [mine.order_id]);
  const [taken] = await connection.execute(
    "UPDATE offers SET state = 'accepted', closed_at = ? WHERE id = ? AND state = 'open' AND expires_at > ?",
    [now, offer_id, now]);
  if (taken.affectedRows !== 1 || order.status !== "paid") throw new Refused("offer_taken");
  const version = order.version + 1, code = String(randomInt(1_000_000)).padStart(6, "0");
  await connection.execute(
    "UPDATE orders SET status = 'awaiting_service', version = ?, caregiver_id = ?, accepted_at = ?, start_code = ? " +
    "WHERE id = ? AND status = 'paid'", [version, mine.caregiver_id, now, code, order.id]);
  await connection.execute(
    "INSERT INTO order_events (order_id, version, event, at) VALUES (?, ?, 'accept', ?)", [order.id, version, now]);
  const [engaged] = await connection.execute(
    "INSERT INTO engagements (caregiver_id, order_id, start_at, end_at) SELECT ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS " +
    "(SELECT 1 FROM engagements WHERE caregiver_id = ? AND start_at < ? AND end_at > ?)",
    [mine.caregiver_id, order.id, order.start_at, order.end_at, mine.caregiver_id, order.end_at, order.start_at]);
  if (engaged.affectedRows !== 1) throw new Refused("caregiver_busy");
  const [siblings] = await connection.execute(
    "SELECT o.id, c.user_id FROM offers o JOIN caregivers c ON c.id = o.caregiver_id WHERE o.order_id = ? AND o.state = 'open'",
    [order.id]);
  await connection.execute(
    "UPDATE offers SET state = 'taken', closed_at = ? WHERE order_id = ? AND state = 'open'", [now, order.id]);
  const at = now.toISOString();
  const status = {
    type: "order.status", id: `${order.id}.${version}`, at,
    data: { order_id: order.id, status: "awaiting_service", version, finished_at: null },
  };
  const closed = (id, reason) => ({ type: "offer.closed", id: `${id}.closed`, at, data: { offer_id: id, order_id: order.id, reason } });
  return {
    data: { order_id: order.id, status: "awaiting_service" },
    tell: [
      [`order:${order.id}`, status], [`user:${order.user_id}`, status], [`user:${user}`, status],
      [`user:${user}`, closed(offer_id, "accepted")],
      ...siblings.map((one) => [`user:${one.user_id}`, closed(one.id, "taken")]),
      await notify(connection, order.user_id, "caregiver_accepted", "护理员已接单", "护理员已接受您的预约，请留意开始时间。"),
    ],
  };
}));

http.listen(Number(port), "127.0.0.1", () => console.log("listening"));
