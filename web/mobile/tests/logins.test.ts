import { describe, expect, it } from "vitest";

import { timedOut } from "@/api/problem";
import { furnished, loginAnswer, MemoryStorage, ok, refused, TableTransport } from "./fakes";

describe("a login", () => {
  it("outlives the app when it is remembered", () => {
    const device = new MemoryStorage();
    furnished({ device }).logins.enter(loginAnswer() as never, true);
    expect(furnished({ device }).logins.user?.username).toBe("张敏");
  });

  it("of a demo account stays in its window, so that two windows are two people", () => {
    const device = new MemoryStorage();
    const [one, other] = [new MemoryStorage(), new MemoryStorage()];
    furnished({ device, tab: one }).logins.enter(loginAnswer() as never, false);
    expect(furnished({ device, tab: one }).logins.user).not.toBeNull();
    expect(furnished({ device, tab: other }).logins.user).toBeNull();
  });

  it("takes over what another tab has renewed instead of spending the refresh token twice", async () => {
    const device = new MemoryStorage();
    const transport = new TableTransport().on("/api/user/refresh", ok(loginAnswer("t2")));
    const one = furnished({ device, transport });
    one.logins.enter(loginAnswer() as never, true);
    const other = furnished({ device, transport });
    expect(await one.logins.renew("t1")).toBe("t2");
    expect(await other.logins.renew("t1")).toBe("t2");
    expect(transport.to("/api/user/refresh")).toHaveLength(1);
  });

  it("leaves alone who has logged in in another tab meanwhile", async () => {
    const device = new MemoryStorage();
    const transport = new TableTransport().on("/api/user/refresh", ok(loginAnswer("t2")));
    const tab = new MemoryStorage();
    const one = furnished({ device, tab, transport });
    one.logins.enter(loginAnswer() as never, true);
    const somebodyElse = { ...loginAnswer("x1"), user: { ...loginAnswer().user, user_id: "u2" } };
    furnished({ device, transport }).logins.enter(somebodyElse as never, true);
    expect(await one.logins.renew("t1")).toBe("t2");
    expect(furnished({ device, tab, transport }).logins.user?.user_id).toBe("u1"); // this tab, loaded again
    one.logins.forget();
    expect(furnished({ device }).logins.user?.user_id).toBe("u2");
  });

  it("asks again with the same token when the answer to a renewal got lost", async () => {
    const transport = new TableTransport().on("/api/user/refresh", timedOut(), ok(loginAnswer("t2")));
    const { logins } = furnished({ transport });
    logins.enter(loginAnswer() as never, true);
    expect(await logins.renew("t1")).toBe("t2");
    expect(new Set(transport.asked.map((ask) => ask.body)).size).toBe(1);
  });

  it("ends with a sentence when the server does not know it any more", async () => {
    const device = new MemoryStorage();
    const transport = new TableTransport().on("/api/user/refresh", refused(401, "refresh_reused"));
    const { logins } = furnished({ device, transport });
    const said: string[] = [];
    logins.onEnded = (sentence) => said.push(sentence);
    logins.enter(loginAnswer() as never, true);
    await expect(logins.renew("t1")).rejects.toThrow();
    expect(said).toEqual(["登录已过期，请重新登录"]);
    expect([logins.user, furnished({ device }).logins.user]).toEqual([null, null]);
  });

  it("is kept while the server only cannot be reached", async () => {
    const { logins } = furnished({ transport: new TableTransport().on("/api/user/refresh", timedOut()) });
    logins.enter(loginAnswer() as never, true);
    await expect(logins.renew("t1")).rejects.toThrow();
    expect(logins.user).not.toBeNull();
  });

  it("that was left while it was renewed does not come back", async () => {
    const transport = new TableTransport();
    const house = furnished({ transport });
    transport.on("/api/user/refresh", () => {
      house.logins.forget();
      return ok(loginAnswer("t2"));
    });
    house.logins.enter(loginAnswer() as never, true);
    await expect(house.logins.renew("t1")).rejects.toThrow();
    expect(house.logins.user).toBeNull();
  });
});
