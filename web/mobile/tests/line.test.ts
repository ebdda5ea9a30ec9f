import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { furnished, loginAnswer, ok, TableTransport } from "./fakes";
import { SocketServer } from "./socketServer";

function house(server: SocketServer, transport = new TableTransport()) {
  const built = furnished({ websocket: server.websocket, transport });
  built.logins.enter(loginAnswer() as never, true);
  return built;
}

const notice = (id: string, at = "2026-12-01T08:00:00.000+08:00") => ({ type: "notice", id, at, data: { message_id: id } });
const flush = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("the live line", () => {
  let server: SocketServer;
  beforeEach(() => {
    vi.useFakeTimers();
    server = new SocketServer();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("connects with the login and hands each event to its handlers once", async () => {
    const { line } = house(server);
    const heard: string[] = [];
    line.onUserEvent("notice", (event) => heard.push(event.id));
    line.start();
    await flush();
    expect([line.state, server.asked("connect")[0].connect?.token]).toEqual(["on", "t1"]);
    server.publish("user:u1", notice("n1"), 2);
    server.publish("user:u1", notice("n1"), 2);
    server.publish("user:u1", { type: "order.status", id: "s1", at: "", data: {} }, 3);
    await flush();
    expect(heard).toEqual(["n1"]);
    line.stop();
  });

  it("comes back by itself, with what it missed, and asks nobody to fetch again", async () => {
    const { line } = house(server);
    const heard: string[] = [];
    let gaps = 0;
    line.onUserEvent("notice", (event) => heard.push(event.id));
    line.onGap(() => (gaps += 1));
    line.start();
    await flush();
    expect(gaps).toBe(1); // the first time: what was before is known to REST only
    server.userSub = { missed: [{ data: notice("n1"), offset: 2 }, { data: notice("n2"), offset: 3 }] };
    server.close(3001, "shutdown");
    expect(line.state).toBe("connecting");
    await flush(2_000);
    expect([line.state, heard, gaps]).toEqual(["on", ["n1", "n2"], 1]);
    line.stop();
  });

  it("asks to fetch again when the server could not recover", async () => {
    const { line } = house(server);
    let gaps = 0;
    line.onGap(() => (gaps += 1));
    line.start();
    await flush();
    server.userSub = { recovered: false };
    server.close(1006, "");
    await flush(2_000);
    expect(gaps).toBe(2);
    line.stop();
  });

  it("renews an expired login and goes on", async () => {
    server.expired.add("t1");
    const transport = new TableTransport().on("/api/user/refresh", ok(loginAnswer("t2")));
    const { line } = house(server, transport);
    line.start();
    await flush(3_000);
    expect(line.state).toBe("on");
    expect(server.asked("connect").map((command) => command.connect?.token)).toEqual(["t1", "t2"]);
    line.stop();
  });

  it.each([
    [3503, "账号已在别处退出或被停用，请重新登录"],
    [3501, "当前版本过旧，请更新后重新登录"],
    [4500, "连接被服务器结束，请重新登录"],
  ])("ends the login with a sentence at close code %i", async (code, sentence) => {
    const { line, logins } = house(server);
    const said: string[] = [];
    logins.onEnded = (one) => said.push(one);
    line.start();
    await flush();
    server.close(code, "for good");
    await flush(30_000);
    expect([said, logins.user, line.state]).toEqual([[sentence], null, "off"]);
    expect(server.asked("connect")).toHaveLength(1);
  });

  it("after an hour in the background connects at once and fetches again", async () => {
    const { line } = house(server);
    let gaps = 0;
    line.onGap(() => (gaps += 1));
    line.start();
    await flush();
    line.comeBack(3_600_000);
    await flush();
    expect([line.state, gaps, server.asked("connect").length]).toEqual(["on", 2, 2]);
    line.comeBack(2_000);
    await flush();
    expect(server.asked("connect")).toHaveLength(2);
    line.stop();
  });

  it("moves the clock forward by what it hears, never back", async () => {
    const { line, clock } = house(server);
    line.start();
    await flush();
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    server.publish("user:u1", notice("n1", ahead), 2);
    await flush();
    expect(clock.now()).toBe(Date.parse(ahead));
    server.publish("user:u1", notice("n2", new Date(Date.now() - 3_600_000).toISOString()), 3);
    await flush();
    expect(clock.now()).toBe(Date.parse(ahead));
    line.stop();
  });

  describe("an order's channel", () => {
    it("fetches at its first subscription and after a gap, not after a recovery", async () => {
      const { line } = house(server);
      line.start();
      await flush();
      const channel = line.order("o1");
      let fetches = 0;
      channel.onGap(() => (fetches += 1));
      channel.join();
      await flush();
      expect([channel.state, fetches]).toEqual(["live", 1]);
      server.close(1006, "");
      await flush(3_000);
      expect([channel.state, fetches]).toEqual(["live", 1]);
      server.subs.set("order:o1", { recovered: false });
      server.close(1006, "");
      await flush(3_000);
      expect(fetches).toBe(2);
      line.stop();
    });

    it("is one subscription however many look, and ends with the last of them", async () => {
      const { line } = house(server);
      line.start();
      await flush();
      const channel = line.order("o1");
      channel.join();
      line.order("o1").join();
      await flush();
      expect(server.asked("subscribe")).toHaveLength(1);
      channel.leave();
      await flush();
      expect(server.asked("unsubscribe")).toHaveLength(0);
      channel.leave();
      await flush();
      expect(server.asked("unsubscribe")).toHaveLength(1);
      line.order("o1").join();
      await flush();
      expect(server.asked("subscribe")).toHaveLength(2);
      line.stop();
    });

    it("says that it is closed when the order is not ours to see, and lets REST explain", async () => {
      server.subs.set("order:o1", { error: { code: 103, message: "permission denied" } });
      const { line } = house(server);
      line.start();
      await flush();
      const channel = line.order("o1");
      let fetches = 0;
      channel.onGap(() => (fetches += 1));
      channel.join();
      await flush();
      expect([channel.state, fetches]).toEqual(["closed", 1]);
      line.stop();
    });

    it("tells who is there, and sends typing at most every few seconds", async () => {
      const { line } = house(server);
      line.start();
      await flush();
      const channel = line.order("o1");
      channel.join();
      await flush();
      server.say({ push: { channel: "order:o1", join: { info: { user: "u2", client: "c2" } } } });
      await flush();
      expect(channel.presentUsers.sort()).toEqual(["u1", "u2"]);
      server.say({ push: { channel: "order:o1", leave: { info: { user: "u2", client: "c2" } } } });
      await flush();
      expect(channel.presentUsers).toEqual(["u1"]);
      channel.typing();
      channel.typing();
      await flush(3_000);
      channel.typing();
      await flush();
      expect(server.asked("rpc").map((command) => command.rpc)).toEqual([
        { method: "chat.typing", data: { order_id: "o1" } },
        { method: "chat.typing", data: { order_id: "o1" } },
      ]);
      line.stop();
    });

    it("that was joined before the line stood is subscribed when it does", async () => {
      const { line } = house(server);
      line.order("o1").join();
      line.start();
      await flush();
      expect(server.asked("subscribe").map((command) => command.subscribe?.channel)).toEqual(["order:o1"]);
      line.stop();
    });
  });
});
