// The live event log: what the socket really delivers, newest first.

import { fill, h, secondOf, yuan } from "./dom.js";
import { vitalsText } from "./room.js";

const KEPT = 80;
const REASONS = { accepted: "归我", taken: "已被接走", expired: "过期", withdrawn: "撤回", rejected: "婉拒" };

function words(event) {
  const data = event.data;
  switch (event.type) {
    case "offer.opened": return `新邀约,收入 ${yuan(data.income_fen)}`;
    case "offer.closed": return `邀约结束:${REASONS[data.reason] || data.reason}`;
    case "order.status": return `订单 ${data.status_text}${data.finished_at && data.status === "in_service" ? "(服务已结束)" : ""}`;
    case "payment.status": return `支付 ${data.status_text}`;
    case "chat.message": return `消息:${data.text || "[文件]"}`;
    case "chat.read": return `已读到 ${data.offset}`;
    case "chat.typing": return "正在输入……";
    case "note.added": return `记录:${[data.text, vitalsText(data.vitals)].filter(Boolean).join(" ")}`;
    case "notice": return `通知:${data.title}`;
    case "ops.alarm": return `告警:${data.text}`;
    default: return event.type;
  }
}

export class EventLog {
  constructor() {
    this.rows = [];
    this.list = h("ul", { className: "log" });
    this.element = h("aside", { className: "card log-card" }, h("h3", null, "实时事件"), this.list);
    this.draw();
  }

  add(channel, event, offset) {
    this.push({ kind: event.type.split(".")[0], at: secondOf(Date.now()), name: event.type, text: words(event), place: `${channel.split(":")[0]}${offset ? ` #${offset}` : ""}` });
  }

  say(text) {
    this.push({ kind: "line", at: secondOf(Date.now()), name: "连接", text, place: "" });
  }

  push(row) {
    this.rows = [row, ...this.rows].slice(0, KEPT);
    this.draw();
  }

  draw() {
    fill(this.list, this.rows.length ? this.rows.map((row) => h("li", { className: row.kind },
      h("span", { className: "when" }, row.at), h("span", { className: "tag" }, row.name), h("span", { className: "where" }, row.place), h("span", { className: "what" }, row.text)))
      : h("li", { className: "empty" }, "还没有事件"));
  }
}
