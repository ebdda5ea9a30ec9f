import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { offline } from "@/api/problem";
import { moveIn, type House } from "@/house";
import { useNotices } from "@/stores/notices";
import { useOrders } from "@/stores/orders";
import { useOutbox } from "@/stores/outbox";
import { useSession } from "@/stores/session";
import { useAction } from "@/kit/useAction";
import { useLoad } from "@/kit/useLoad";
import { furnished, loginAnswer, ok, TableTransport } from "./fakes";
import { SocketServer } from "./socketServer";

let server: SocketServer;
let transport: TableTransport;
let house: House;
const flush = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const AT = "2026-12-01T08:00:00.000+08:00";
const inbox = (items: unknown[], unread_count: number) => ok({ items, next_cursor: null, unread_count });

beforeEach(() => {
  vi.useFakeTimers();
  server = new SocketServer();
  transport = new TableTransport().on("/api/message/list", inbox([], 0));
  house = moveIn(furnished({ transport, websocket: server.websocket }));
  setActivePinia(createPinia());
});
afterEach(() => {
  house.line.stop();
  vi.useRealTimers();
});

describe("the session", () => {
  it("goes live on entering and quiet on leaving", async () => {
    transport.on("/api/user/logout", ok({}));
    const session = useSession();
    await session.enter(loginAnswer() as never);
    await flush();
    expect([house.line.state, session.isIn, session.role]).toEqual(["on", true, "patient"]);
    const left = session.leave();
    await flush(2_000);
    await left;
    expect([house.line.state, session.isIn, house.logins.access()]).toEqual(["off", false, null]);
  });

  it("leaves also when the server cannot be reached", async () => {
    transport.on("/api/user/logout", offline());
    const session = useSession();
    await session.enter(loginAnswer() as never);
    const left = session.leave();
    await flush(2_000);
    await left;
    expect(session.isIn).toBe(false);
  });

  it("sends administrators to their own pages", async () => {
    const answer = { ...loginAnswer(), user: { ...loginAnswer().user, user_type: "admin" } };
    await expect(useSession().enter(answer as never)).rejects.toThrow("管理后台");
    expect(house.logins.user).toBeNull();
  });
});

describe("notices", () => {
  it("count live ones once, also when REST brings them again", async () => {
    await useSession().enter(loginAnswer() as never);
    await flush();
    const notices = useNotices();
    const item = { message_id: "n1", read_at: null, title: "已接单" };
    server.publish("user:u1", { type: "notice", id: "e1", at: AT, data: item }, 2);
    await flush();
    expect([notices.unread, notices.items.length]).toEqual([1, 1]);
    transport.on("/api/message/list", inbox([item], 1));
    await notices.refresh();
    server.publish("user:u1", { type: "notice", id: "e2", at: AT, data: item }, 3);
    await flush();
    expect([notices.unread, notices.items.length]).toEqual([1, 1]);
  });

  it("are read one by one or all at once", async () => {
    transport.on("/api/message/list", inbox([{ message_id: "a", read_at: null }, { message_id: "b", read_at: null }], 2));
    transport.on("/api/message/read", ok({ read_count: 1, unread_count: 1 }), ok({ read_count: 1, unread_count: 0 }));
    await useSession().enter(loginAnswer() as never);
    const notices = useNotices();
    await notices.refresh();
    await notices.read(["b"]);
    expect([notices.unread, notices.items.map((item) => item.read_at !== null)]).toEqual([1, [false, true]]);
    await notices.read("all");
    expect(notices.unread).toBe(0);
    expect(transport.to("/api/message/read").map((ask) => JSON.parse(ask.body as string))).toEqual([{ message_ids: ["b"] }, { all: true }]);
  });
});

describe("orders", () => {
  const order = (version: number, status = "paid") => ({ order_id: "o1", version, status, status_text: status }) as never;

  it("never go back to an older version, whoever tells it later", async () => {
    await useSession().enter(loginAnswer() as never);
    await flush();
    const orders = useOrders();
    orders.put(order(3));
    const tell = (version: number, status: string, id: string) =>
      server.publish("user:u1", { type: "order.status", id, at: AT, data: { order_id: "o1", status, status_text: status, version, finished_at: null } }, version);
      await flush();
    tell(5, "in_service", "e5");
    tell(4, "awaiting_service", "e4");
    await flush();
    expect(orders.byId.o1).toMatchObject({ version: 5, status: "in_service" });
    orders.put(order(4, "awaiting_service"));
    expect(orders.byId.o1.version).toBe(5);
    orders.put(order(6, "completed"));
    expect(orders.byId.o1.status).toBe("completed");
  });

  it("let lists know that something changed, also an order they never saw", async () => {
    const orders = useOrders();
    const before = orders.changes;
    orders.hear({ order_id: "new", status: "paid", status_text: "已支付", version: 2, finished_at: null });
    expect(orders.changes).toBe(before + 1);
  });
});

it("a note keeps the time of its writing and goes out with its file", async () => {
  transport.on("/api/file/upload", ok({ file_id: "f1" })).on("/api/note/append", offline(), offline(), offline(), ok({ note_id: "n", offset: 3 }));
  house.logins.enter(loginAnswer() as never, true);
  house.outbox.open("u1");
  const outbox = useOutbox();
  vi.setSystemTime(Date.parse("2026-12-01T02:00:00Z"));
  await outbox.note("o1", { kind: "condition", text: "睡着了" }, ["picture"]);
  await flush(0);
  expect(outbox.of("o1")).toMatchObject([{ state: "waiting", uploaded: ["f1"] }]);
  vi.setSystemTime(Date.parse("2026-12-01T03:00:00Z"));
  house.outbox.flush();
  await flush(0);
  expect(outbox.items).toHaveLength(0);
  const bodies = transport.to("/api/note/append").map((ask) => JSON.parse(ask.body as string));
  expect(bodies[3]).toMatchObject({ order_id: "o1", kind: "condition", text: "睡着了", file_ids: ["f1"], recorded_at: "2026-12-01T02:00:00.000Z" });
  expect(new Set(bodies.map((body) => body.msg_id)).size).toBe(1);
  expect(transport.uploads.map((ask) => ask.fields)).toEqual([{ purpose: "note" }]);
});

it("a double tap is one tap", async () => {
  let runs = 0;
  const action = useAction(async () => {
    runs += 1;
    await Promise.resolve();
  });
  expect(await Promise.all([action.run(), action.run()])).toEqual([true, false]);
  expect([runs, action.isBusy]).toEqual([1, false]);
});

describe("loading", () => {
  it("keeps what is shown when a later fetch fails, and says so when there is nothing", async () => {
    let fails = true;
    const load = useLoad(async () => {
      if (fails) throw offline();
      return "news";
    });
    await load.refresh();
    expect([load.data, load.problem?.code, load.isLoading]).toEqual([null, "offline", false]);
    fails = false;
    await load.refresh();
    fails = true;
    await load.refresh();
    expect([load.data, load.problem]).toEqual(["news", null]);
  });

  it("counts the fetch that was asked for last, not the one that arrives last", async () => {
    const answers: ((value: string) => void)[] = [];
    const load = useLoad(() => new Promise<string>((resolve) => answers.push(resolve)));
    const both = Promise.all([load.refresh(), load.refresh()]);
    answers[1]("second");
    answers[0]("first");
    await both;
    expect(load.data).toBe("second");
  });
});
