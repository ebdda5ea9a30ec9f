// The page's entrance: choose a demo person, go live, show their desk beside the event log.

import { enter, get, keepLogin, login, post, renew } from "./api.js";
import { CaregiverDesk } from "./caregiver.js";
import * as clock from "./clock.js";
import { action, fill, h, sentence, toast } from "./dom.js";
import { FamilyDesk } from "./family.js";
import { Live } from "./live.js";
import { EventLog } from "./log.js";

const ROLES = [["patient", "患者家属", "下单、支付、看服务记录"], ["caregiver", "陪护", "听单、接单、记录服务"], ["admin", "管理员", "看实时告警"]];
const main = document.getElementById("main");
const bar = document.getElementById("account");
let live = null;

async function showEntrance() {
  fill(bar);
  let accounts;
  try {
    accounts = await get("/sandbox/accounts");
  } catch (error) {
    return fill(main, passwordForm(error.status === 404 ? "" : sentence(error)));
  }
  fill(main, h("div", { className: "card intro" }, h("h2", null, "选一个身份,一键进入"),
    h("p", null, "开两个窗口并排:一个当家属,一个当陪护,看一张订单如何从下单走到评价。")),
    ROLES.map(([type, title, hint]) => h("section", { className: "card" }, h("h3", null, title, h("small", null, hint)),
      h("div", { className: "people" }, accounts.filter((account) => account.user_type === type).map((account) =>
        action(account.name, () => begin(account.phone, account.password), { kind: `person ${type}` }))))));
}

function passwordForm(problem) {
  const phone = h("input", { type: "tel", autocomplete: "username", "aria-label": "手机号", placeholder: "手机号" });
  const password = h("input", { type: "password", autocomplete: "current-password", "aria-label": "密码", placeholder: "密码" });
  return h("div", { className: "card intro" }, h("h2", null, "登录"), problem ? h("p", { className: "badge bad" }, problem) : null,
    h("div", { className: "fields" }, phone, password),
    h("div", { className: "row" }, action("登录", () => begin(phone.value.trim(), password.value), { kind: "go" }),
      problem ? action("再试一次", showEntrance, { kind: "plain" }) : null));
}

async function begin(phone, password) {
  await enter(phone, password);
  await showDesk();
}

class OpsDesk {
  constructor({ live: line }) {
    this.element = h("div", { className: "card" }, h("h2", null, "运营台"), h("p", null, "告警会实时出现在事件栏里。"));
    line.follow("ops");
  }
  async open() {}
  async reload() {}
  take() {}
}

async function showDesk() {
  const { user } = login();
  const log = new EventLog();
  const state = h("span", { className: "state off" }, "连接中");
  live = new Live({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`,
    getToken: (fresh) => (fresh ? renew() : Promise.resolve(login().token)),
    onEvent: (channel, event, offset) => {
      clock.hear(event.at);
      log.add(channel, event, offset);
      desk.take(channel, event, offset);
    },
    onState: (next, reason) => {
      state.className = `state ${next}`;
      state.textContent = { on: "实时在线", off: "重连中……", ended: "已断开" }[next];
      log.say(next === "on" ? "已连接" : next === "off" ? "断开,自动重连" : `服务器结束了连接 ${reason || ""}`);
    },
    onGap: (channel) => { log.say(`${channel} 无法补齐,重新读取`); desk.reload().catch(() => {}); },
    onSeen: (channel, { recovered, count }) => recovered && count && log.say(`断线期间的 ${count} 条已补齐`),
  });
  await Promise.resolve(clock.advance(1)).catch(() => {});
  const catalog = await get("/api/catalog");
  const Desk = { patient: FamilyDesk, caregiver: CaregiverDesk, admin: OpsDesk }[user.user_type];
  const desk = new Desk({ user, live, catalog });
  const role = ROLES.find(([type]) => type === user.user_type)[1];
  fill(bar, state, h("span", { className: "name" }, `${role} ${user.username}`), action("换人", leave, { kind: "plain small" }));
  fill(main, h("div", { className: "two" }, desk.element, log.element));
  live.start();
  await desk.open();
}

async function leave() {
  if (live) live.stop();
  await post("/api/user/logout").catch(() => {});
  keepLogin(null);
  location.reload();
}

async function start() {
  if (!login()) return showEntrance();
  try {
    await showDesk();
  } catch (error) {
    if (error.status === 401) {
      keepLogin(null);
      location.reload();
      return;
    }
    toast(sentence(error), "bad");
    fill(main, h("div", { className: "card intro" }, h("h2", null, "暂时打不开"), h("p", null, sentence(error)),
      h("div", { className: "row" }, action("再试一次", async () => location.reload(), { kind: "go" }), action("换人", leave, { kind: "plain" }))));
  }
}

start();
