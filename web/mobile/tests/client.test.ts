import { describe, expect, it } from "vitest";

import { queryText } from "@/api/client";
import { Intentions, newId } from "@/api/intentions";
import { offline, Problem, timedOut } from "@/api/problem";
import { furnished, loginAnswer, ok, refused, TableTransport } from "./fakes";

function entered(transport: TableTransport) {
  const house = furnished({ transport });
  house.logins.enter(loginAnswer() as never, true);
  return house;
}

const problemOfCall = (call: Promise<unknown>): Promise<Problem> => call.then(() => Promise.reject(new Error("it went well")), (thrown) => thrown as Problem);
const BODY = { order_id: "o1", method: "sandbox", amount_fen: 100 } as const;

describe("a call", () => {
  it("opens the envelope and carries the login", async () => {
    const transport = new TableTransport().on("/api/order/list", ok({ items: [], next_cursor: null }));
    expect(await entered(transport).api.get("/api/order/list", { limit: 20 })).toEqual({ items: [], next_cursor: null });
    expect(transport.asked[0].url).toBe("http://server/api/order/list?limit=20");
    expect(transport.asked[0].headers.Authorization).toBe("Bearer t1");
  });

  it("says a refusal in the server's words, with the fields", async () => {
    const errors = [{ field: "phone", code: "invalid", message: "手机号不正确" }];
    const transport = new TableTransport().on("/api/user/login", refused(422, "invalid", { errors }));
    const problem = await problemOfCall(furnished({ transport }).api.post("/api/user/login", { phone: "1" }));
    expect([problem.status, problem.code, problem.about("phone"), problem.about("password")]).toEqual([422, "invalid", "手机号不正确", ""]);
    expect(transport.asked).toHaveLength(1);
  });

  it("asks nothing without a login that would only be refused", async () => {
    const transport = new TableTransport().on("/api/catalog", ok({ service_types: [] }));
    const { api } = furnished({ transport });
    const problem = await problemOfCall(api.get("/api/order/detail", { order_id: "o1" }));
    expect([problem.status, problem.code]).toEqual([401, "unauthorized"]);
    expect((await problemOfCall(api.post("/api/order/pay", BODY))).code).toBe("unauthorized");
    await api.get("/api/catalog");
    expect(transport.asked.map((ask) => ask.url)).toEqual(["http://server/api/catalog"]);
  });

  it("does not take a proxy's page for an answer", async () => {
    const transport = new TableTransport().on("/api/user/login", { status: 502, headers: {}, body: "<html>bad gateway" });
    const problem = await problemOfCall(furnished({ transport }).api.post("/api/user/login", { phone: "1" }));
    expect(problem.code).toBe("unavailable");
    expect(problem.sentence).toContain("稍后再试");
  });

  it("asks again under the same key when the answer got lost", async () => {
    const transport = new TableTransport().on("/api/order/pay", timedOut(), refused(503, "unavailable"), ok({ payment_id: "p" }));
    await entered(transport).api.post("/api/order/pay", BODY);
    const keys = transport.asked.map((ask) => ask.headers["Idempotency-Key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\x21-\x7e]{20,}$/);
  });

  it("keeps the key for the next tap while nobody knows how it ended, and not longer", async () => {
    const transport = new TableTransport().on("/api/order/pay", offline(), offline(), offline(), ok({}), ok({}));
    const { api } = entered(transport);
    expect((await problemOfCall(api.post("/api/order/pay", BODY))).code).toBe("offline");
    await api.post("/api/order/pay", BODY);
    await api.post("/api/order/pay", BODY);
    const keys = transport.asked.map((ask) => ask.headers["Idempotency-Key"]);
    expect(new Set(keys.slice(0, 4)).size).toBe(1);
    expect(keys[4]).not.toBe(keys[3]);
  });

  it("takes another key for another body", async () => {
    const transport = new TableTransport().on("/api/order/pay", offline(), offline(), offline(), ok({}));
    const { api } = entered(transport);
    await problemOfCall(api.post("/api/order/pay", BODY));
    await api.post("/api/order/pay", { ...BODY, amount_fen: 200 });
    expect(transport.asked[3].headers["Idempotency-Key"]).not.toBe(transport.asked[0].headers["Idempotency-Key"]);
  });

  it("repeats nothing that has no key, and no refusal", async () => {
    const transport = new TableTransport().on("/api/user/sms_code", offline()).on("/api/order/pay", refused(409, "amount_mismatch"));
    const { api } = entered(transport);
    await problemOfCall(api.post("/api/user/sms_code", { phone: "13800000000", purpose: "login" }));
    await problemOfCall(api.post("/api/order/pay", BODY));
    expect(transport.asked).toHaveLength(2);
    expect(transport.asked[0].headers["Idempotency-Key"]).toBeUndefined();
  });

  it("leaves a long Retry-After to the person", async () => {
    const transport = new TableTransport().on("/api/order/pay", refused(503, "unavailable", {}, { "retry-after": "30" }));
    const problem = await problemOfCall(entered(transport).api.post("/api/order/pay", BODY));
    expect(problem.retryAfterS).toBe(30);
    expect(transport.asked).toHaveLength(1);
  });

  it("renews an expired login once for all who wait, and asks again", async () => {
    const expiredUntilRenewed = (ask: { headers: Record<string, string> }) =>
      ask.headers.Authorization === "Bearer t1" ? refused(401, "token_expired") : ok("there");
    const transport = new TableTransport().on("/api/user/me", expiredUntilRenewed).on("/api/user/refresh", ok(loginAnswer("t2")));
    const { api } = entered(transport);
    expect(await Promise.all([api.get("/api/user/me"), api.get("/api/user/me"), api.get("/api/user/me")])).toEqual(["there", "there", "there"]);
    expect(transport.to("/api/user/refresh")).toHaveLength(1);
  });

  it("keeps the key over the renewal", async () => {
    const transport = new TableTransport()
      .on("/api/order/pay", refused(401, "token_expired"), ok({}))
      .on("/api/user/refresh", ok(loginAnswer("t2")));
    await entered(transport).api.post("/api/order/pay", BODY);
    const [first, second] = transport.to("/api/order/pay");
    expect(second.headers["Idempotency-Key"]).toBe(first.headers["Idempotency-Key"]);
    expect(second.headers.Authorization).toBe("Bearer t2");
  });
});

describe("intentions", () => {
  it("forgets an intention after ten minutes", () => {
    let now = 0;
    const intentions = new Intentions(newId, () => now);
    intentions.leaveOpen("/x", "{}", "key");
    now = 9 * 60_000;
    expect(intentions.keyFor("/x", "{}")).toBe("key");
    now = 11 * 60_000;
    expect(intentions.keyFor("/x", "{}")).not.toBe("key");
  });

  it("draws ids that do not repeat", () => {
    const ids = Array.from({ length: 2000 }, () => newId());
    expect(new Set(ids).size).toBe(2000);
  });
});

it("writes lists as repeated names and leaves out what is not there", () => {
  expect(queryText({ skill: ["a", "b c"], keyword: undefined, cursor: null, limit: 2 })).toBe("?skill=a&skill=b%20c&limit=2");
  expect(queryText(undefined)).toBe("");
});
