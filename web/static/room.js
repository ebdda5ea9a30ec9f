// One order as both sides see it: where it stands, its notes, its chat. Everything arrives live.

import { get, listed, randomKey } from "./api.js";
import { dayOf, fill, h, sentence, spanOf, timeOf, toast, yuan } from "./dom.js";

const STEPS = [["pending_payment", "待支付"], ["paid", "等待接单"], ["awaiting_service", "待服务"], ["in_service", "服务中"], ["completed", "已完成"]];
export const NOTE_KINDS = { measure: "护理措施", condition: "病情变化", vital: "生命体征", milestone: "进度" };
const CHAT_STATES = ["awaiting_service", "in_service", "completed"];

export function vitalsText(vitals) {
  if (!vitals) return "";
  const parts = [];
  if (vitals.temperature_c) parts.push(`体温 ${vitals.temperature_c}℃`);
  if (vitals.pulse_bpm) parts.push(`脉搏 ${vitals.pulse_bpm}`);
  if (vitals.systolic_mmhg) parts.push(`血压 ${vitals.systolic_mmhg}/${vitals.diastolic_mmhg}`);
  if (vitals.spo2_percent) parts.push(`血氧 ${vitals.spo2_percent}%`);
  if (vitals.glucose_mmol_l) parts.push(`血糖 ${vitals.glucose_mmol_l}`);
  return parts.join(" · ");
}

export function priceTable(lines, amountFen) {
  return h("table", { className: "prices" },
    h("tbody", null, lines.map((line) => h("tr", null,
      h("td", null, line.label), h("td", null, `${yuan(line.unit_price_fen)} × ${line.quantity}`), h("td", null, yuan(line.amount_fen))))),
    h("tfoot", null, h("tr", null, h("th", null, "合计"), h("th"), h("th", null, yuan(amountFen)))));
}

export class Room {
  // actions(room) -> elements for the next step of this role; services: code -> name;
  // onOrder(order) hears every newer state of the order.
  constructor({ user, live, order, actions, services, onOrder }) {
    Object.assign(this, { user, live, actions, services, onOrder });
    this.notes = new Map();
    this.messages = new Map();
    this.readUpTo = 0;
    this.head = h("div", { className: "card" });
    this.next = h("div", { className: "card next" });
    this.timeline = h("section", { className: "card" });
    this.chat = this.buildChat();
    this.element = h("div", { className: "room" }, this.head, this.next, this.timeline, this.chat);
    this.show(order);
  }

  get channel() {
    return `order:${this.order.order_id}`;
  }

  get chatting() {
    return CHAT_STATES.includes(this.order.status);
  }

  async open() {
    this.live.follow(this.channel);
    await this.reload();
  }

  close() {
    this.live.unfollow(this.channel);
  }

  async reload() {
    const id = { order_id: this.order.order_id };
    this.show(await get("/api/order/detail", id));
    const notes = await get("/api/note/list", id).catch(() => []);
    for (const note of listed(notes)) this.notes.set(note.note_id, note);
    if (this.chatting) {
      const messages = await get("/api/chat/history", { ...id, limit: 100 }).catch(() => []);
      for (const message of listed(messages)) this.messages.set(message.message_id, message);
    }
    this.drawTimeline();
    this.drawChat();
  }

  async refresh() {
    this.show(await get("/api/order/detail", { order_id: this.order.order_id }));
  }

  show(order) {
    this.order = order;
    this.onOrder(order);
    this.drawHead();
    fill(this.next, this.actions(this));
    this.next.hidden = !this.next.childElementCount;
    this.drawTimeline();
    this.drawChat();
  }

  // Returns true when the event was about this order's room.
  take(event, offset) {
    if (event.data.order_id && event.data.order_id !== this.order.order_id) return false;
    if (event.type === "order.status") this.refresh().catch((error) => toast(sentence(error), "bad"));
    else if (event.type === "note.added") { this.notes.set(event.data.note_id, { ...event.data, fresh: true }); this.drawTimeline(); }
    else if (event.type === "chat.message") { this.messages.set(event.data.message_id, { ...event.data, offset }); this.drawChat(); this.markRead(event.data, offset); }
    else if (event.type === "chat.read" && event.data.user_id !== this.user.user_id) { this.readUpTo = Math.max(this.readUpTo, event.data.offset); this.drawChat(); }
    else if (event.type === "chat.typing" && event.data.user_id !== this.user.user_id) this.showTyping();
    return true;
  }

  drawHead() {
    const order = this.order;
    const reached = order.status === "completed" ? STEPS.length : STEPS.findIndex(([status]) => status === order.status);
    const place = [order.hospital, order.department_text || "", order.bed_no || ""].filter(Boolean).join(" · ");
    const person = this.user.user_type === "caregiver"
      ? `患者 ${order.patient.name},${order.patient.age} 岁 · ${order.patient.condition || ""}`
      : order.caregiver ? `陪护 ${order.caregiver.name} · ${order.caregiver.contact_phone || ""}` : "还没有陪护接单";
    fill(this.head,
      order.status === "cancelled"
        ? h("p", { className: "badge bad" }, "已取消")
        : h("ol", { className: "steps" }, STEPS.map(([, text], step) =>
          h("li", { className: step < reached ? "done" : step === reached ? "now" : "" }, text))),
      h("h2", null, this.services[order.service_type] || order.service_type),
      h("p", { className: "big" }, spanOf(order.start_at, order.end_at)),
      h("p", null, place), h("p", null, person),
      order.requirements ? h("p", { className: "quiet" }, `要求:${order.requirements}`) : null,
      order.amount_fen !== undefined && order.amount_fen !== null && order.lines
        ? h("details", null, h("summary", null, `费用 ${yuan(order.amount_fen)}`), priceTable(order.lines, order.amount_fen)) : null,
      order.review ? h("p", null, `评价 ${"★".repeat(order.review.score)} ${order.review.content}`) : null);
  }

  drawTimeline() {
    const notes = [...this.notes.values()].sort((a, b) => a.offset - b.offset || a.received_at.localeCompare(b.received_at));
    this.timeline.hidden = !["in_service", "completed"].includes(this.order.status);
    fill(this.timeline, h("h3", null, "服务记录"),
      notes.length ? h("ul", { className: "notes" }, notes.map((note) => h("li", { className: `${note.kind}${note.fresh ? " fresh" : ""}` },
        h("span", { className: "when" }, timeOf(note.recorded_at)),
        h("span", { className: "tag" }, NOTE_KINDS[note.kind]),
        h("span", null, [note.text, vitalsText(note.vitals)].filter(Boolean).join(" "))))) : h("p", { className: "empty" }, "服务开始后,陪护的每条记录会实时出现在这里"));
  }

  buildChat() {
    this.lines = h("ul", { className: "lines" });
    this.typing = h("p", { className: "typing", role: "status" });
    this.input = h("input", { type: "text", maxLength: 2000, placeholder: "说点什么……", "aria-label": "聊天内容", oninput: () => this.tellTyping() });
    const form = h("form", { className: "say", onsubmit: (event) => { event.preventDefault(); this.say(); } }, this.input, h("button", { className: "button main", type: "submit" }, "发送"));
    return h("section", { className: "card chat" }, h("h3", null, "聊天"), this.lines, this.typing, form);
  }

  drawChat() {
    this.chat.hidden = !this.chatting;
    const messages = [...this.messages.values()].sort((a, b) => (a.offset || 1e15) - (b.offset || 1e15));
    const atEnd = this.lines.scrollTop + this.lines.clientHeight >= this.lines.scrollHeight - 40;
    fill(this.lines, messages.length ? messages.map((message) => {
      const own = message.sender_id === this.user.user_id;
      const state = !own ? "" : !message.offset ? " · 发送中" : message.offset <= this.readUpTo ? " · 已读" : "";
      const who = own ? "我" : message.sender_type === "caregiver" ? "陪护" : "家属";
      return h("li", { className: own ? "own" : "" }, h("span", { className: "who" }, `${who} ${timeOf(message.sent_at)}${state}`), h("span", { className: "bubble" }, message.text || "[文件]"));
    }) : h("li", { className: "empty" }, "接单后就可以和对方说话了"));
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }

  async say() {
    const text = this.input.value.trim();
    if (!text) return;
    const msgId = randomKey();
    const body = { order_id: this.order.order_id, msg_id: msgId, kind: "text", text };
    this.input.value = "";
    try {
      await this.sendTwice(body);
    } catch (error) {
      this.input.value = text;
      toast(sentence(error), "bad");
    }
  }

  // The same msg_id makes a repetition after a break harmless.
  async sendTwice(body) {
    try {
      return await this.live.rpc("chat.send", body);
    } catch (error) {
      if (!error.temporary) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return this.live.rpc("chat.send", body);
    }
  }

  tellTyping() {
    const now = Date.now();
    if (now - (this.typedAt || 0) < 2000) return;
    this.typedAt = now;
    this.live.rpc("chat.typing", { order_id: this.order.order_id }).catch(() => {});
  }

  showTyping() {
    this.typing.textContent = "对方正在输入……";
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => { this.typing.textContent = ""; }, 3500);
  }

  markRead(message, offset) {
    this.typing.textContent = "";
    if (message.sender_id === this.user.user_id || document.hidden || !offset) return;
    this.live.rpc("chat.read", { order_id: this.order.order_id, offset }).catch(() => {});
  }
}

// The list of one's orders with the newest state of one of them.
export function withOrder(orders, order) {
  return orders.some((other) => other.order_id === order.order_id)
    ? orders.map((other) => (other.order_id === order.order_id ? order : other)) : [order, ...orders];
}

export function orderChoice(orders, current, choose) {
  if (orders.length < 2) return null;
  return h("label", { className: "field" }, "我的订单",
    h("select", { onchange: (event) => choose(orders.find((order) => order.order_id === event.target.value)) },
      orders.map((order) => h("option", { value: order.order_id, selected: current && order.order_id === current.order_id },
        `${dayOf(order.start_at)} ${timeOf(order.start_at)} · ${order.status_text}`))));
}
