// The login inside WeChat's browser: only what this tab began counts, and it leads to where one wanted to go.
import { expect, it } from "vitest";

import { begin, finish, isWeChatBrowser, returnOf } from "@/session/officialAccount";

import { furnished, loginAnswer, MemoryStorage, ok, refused, TableTransport } from "./fakes";

const TARGET = "/pages-family/order/index?order_id=o1";
const BEGUN = ok({ authorize_url: "https://open.weixin.qq.com/connect/oauth2/authorize", proof: "p1", expires_in: 600 });

function house(login: ReturnType<typeof ok>) {
  const transport = new TableTransport().on("/api/user/wechat_begin", BEGUN).on("/api/user/login", login);
  return { transport, api: furnished({ transport }).api };
}

it("comes back with code, state and the proof of this tab, and goes where it wanted to", async () => {
  const tab = new MemoryStorage();
  const { api, transport } = house(ok(loginAnswer()));
  expect(await begin(api, tab, TARGET)).toContain("open.weixin.qq.com");
  const arrival = await finish(api, tab, { code: "c", state: "s" });
  expect(arrival).toMatchObject({ target: TARGET, answer: { token: "t1" } });
  expect(JSON.parse(transport.to("/api/user/login")[0].body ?? "")).toEqual({ wechat_code: "c", wechat_app: "oa", wechat_state: "s", wechat_proof: "p1" });
});

it("takes no code that this tab did not begin, and none twice", async () => {
  const tab = new MemoryStorage();
  const { api, transport } = house(ok(loginAnswer()));
  expect(await finish(api, tab, { code: "c", state: "s" })).toBeNull();
  await begin(api, tab, TARGET);
  await finish(api, tab, { code: "c", state: "s" });
  expect(await finish(api, tab, { code: "c", state: "s" })).toBeNull();
  expect(transport.to("/api/user/login")).toHaveLength(1);
});

it("goes on to binding when nobody has this WeChat yet", async () => {
  const tab = new MemoryStorage();
  const { api } = house(refused(401, "wechat_unbound", { data: { bind_token: "b1" } }));
  await begin(api, tab, TARGET);
  expect(await finish(api, tab, { code: "c", state: "s" })).toEqual({ bindToken: "b1", target: TARGET });
});

it("reads an address with and without what WeChat puts there", () => {
  expect(returnOf("?code=a%2Fb&state=1x2")).toEqual({ code: "a/b", state: "1x2" });
  expect(returnOf("?code=a")).toBeNull();
  expect(returnOf("")).toBeNull();
  expect(isWeChatBrowser("Mozilla/5.0 MicroMessenger/8.0.50")).toBe(true);
});
