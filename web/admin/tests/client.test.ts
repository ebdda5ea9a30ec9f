import { beforeEach, describe, expect, it } from "vitest";

import { Client, queryText } from "../src/api/client";
import { Problem } from "../src/api/problem";
import { Session } from "../src/api/session";

interface Asked {
  path: string;
  method: string;
  headers: Record<string, string>;
}

/** A server of a few answers, in order; what runs out is no network. */
class Server {
  readonly asked: Asked[] = [];
  constructor(private readonly answers: [number, object][]) {}

  readonly fetch = (path: unknown, init?: RequestInit): Promise<Response> => {
    this.asked.push({ path: String(path), method: init?.method ?? "", headers: init?.headers as Record<string, string> });
    const answer = this.answers.shift();
    if (!answer) return Promise.reject(new TypeError("no network"));
    return Promise.resolve(new Response(JSON.stringify(answer[1]), { status: answer[0] }));
  };
}

const OK = (data: unknown): [number, object] => [200, { code: "ok", message: "成功", data }];
const refused = (status: number, code: string): [number, object] => [status, { code, message: `不行：${code}`, data: null }];

function made(answers: [number, object][], renewBy = () => Promise.resolve({ token: "new", refresh_token: "r2" })) {
  const server = new Server(answers);
  const session = new Session(localStorage, renewBy);
  session.begin({ token: "old", refresh_token: "r1", user: { user_id: "a", username: "沈佳", user_type: "admin", phone_masked: "1" } });
  return { server, session, client: new Client(() => session, server.fetch as typeof fetch, () => Promise.resolve()) };
}

beforeEach(() => localStorage.clear());

describe("a call", () => {
  it("carries the login and gives the data of the envelope", async () => {
    const { client, server } = made([OK({ items: [] })]);
    expect(await client.get("/api/admin/order/list", { status: "paid", cursor: null })).toEqual({ items: [] });
    expect(server.asked[0]).toMatchObject({ path: "/api/admin/order/list?status=paid", headers: { Authorization: "Bearer old" } });
  });

  it("renews an expired token once and asks again", async () => {
    const { client, server, session } = made([refused(401, "token_expired"), OK(1)]);
    expect(await client.get("/api/x")).toBe(1);
    expect(server.asked.map((one) => one.headers["Authorization"])).toEqual(["Bearer old", "Bearer new"]);
    expect(session.login?.refresh_token).toBe("r2");
  });

  it("ends the login when the server does not know it any more", async () => {
    const { client, session } = made([refused(401, "unauthorized")]);
    let ended = 0;
    session.onEnd(() => (ended += 1));
    await expect(client.get("/api/x")).rejects.toMatchObject({ code: "unauthorized" });
    expect([session.login, ended]).toEqual([null, 1]);
  });

  it("sends a lost intention again under its key, also when it is tapped again", async () => {
    const { client, server } = made([refused(503, "unavailable"), refused(503, "unavailable"), refused(503, "unavailable"), OK(2), OK(3)]);
    await expect(client.post("/api/admin/order/cancel", { order_id: "1" })).rejects.toMatchObject({ status: 503 });
    expect(await client.post("/api/admin/order/cancel", { order_id: "1" })).toBe(2);
    expect(await client.post("/api/admin/order/cancel", { order_id: "1" })).toBe(3);
    const keys = server.asked.map((one) => one.headers["Idempotency-Key"]);
    expect(new Set(keys.slice(0, 4)).size).toBe(1);
    expect(keys[4]).not.toBe(keys[0]);
  });

  it("repeats no refusal and says it in the server's words", async () => {
    const { client, server } = made([refused(409, "wrong_state")]);
    await expect(client.post("/api/x", {})).rejects.toThrow("不行：wrong_state");
    expect(server.asked).toHaveLength(1);
  });

  it("says in Chinese that there is no network", async () => {
    const { client } = made([]);
    const problem = await client.get("/api/x").catch((thrown: unknown) => thrown);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).sentence).toContain("没有连上服务器");
  });
});

it("renews once for all who ask at the same time", async () => {
  let asked = 0;
  const { session } = made([], () => {
    asked += 1;
    return Promise.resolve({ token: "new", refresh_token: "r2" });
  });
  expect(await Promise.all([session.renewed("old"), session.renewed("old"), session.renewed("old")])).toEqual(["new", "new", "new"]);
  expect(await session.renewed("old")).toBe("new");
  expect(asked).toBe(1);
});

it("leaves out of a query what is empty, and keeps what is false or zero", () => {
  expect(queryText({ a: "", b: null, c: undefined, d: 0, e: false, f: "中 文" })).toBe("?d=0&e=false&f=%E4%B8%AD%20%E6%96%87");
  expect(queryText({})).toBe("");
});
