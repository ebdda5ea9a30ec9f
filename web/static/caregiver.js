// The caregiver's side: offers with a countdown, start with the code, one-tap notes, finish.

import { get, listed, post, randomKey } from "./api.js";
import * as clock from "./clock.js";
import { action, failed, fill, h, sentence, spanOf, toast, yuan } from "./dom.js";
import { Room, orderChoice, withOrder } from "./room.js";

const ACTIVE = ["awaiting_service", "in_service"];
const ENDINGS = { taken: "手慢了,已被其他陪护接走", expired: "邀约已过期", withdrawn: "家属已取消,邀约撤回", rejected: "您已婉拒" };
const GENDERS = { male: "男", female: "女" };
const QUICK_NOTES = [
  ["milestone", "已与患者会合"], ["milestone", "已取号候诊"], ["measure", "协助饮水、如厕"], ["condition", "精神可,无不适"],
  ["milestone", "医生已看诊"], ["milestone", "已取药"],
];

export class CaregiverDesk {
  constructor({ user, live, catalog }) {
    Object.assign(this, { user, live, catalog });
    this.services = Object.fromEntries(catalog.service_types.map((type) => [type.code, type.name]));
    this.districts = Object.fromEntries(catalog.districts.map((district) => [district.code, district.name]));
    this.offers = new Map();
    this.offersPlace = h("div");
    this.roomPlace = h("div");
    this.element = h("div", null, this.offersPlace, this.roomPlace);
    setInterval(() => this.tick(), 500);
  }

  async open() {
    const [offers, orders] = await Promise.all([get("/api/order/offers"), get("/api/order/list", { limit: 50 })]);
    const fresh = new Map(listed(offers).map((offer) => [offer.offer_id, offer]));
    for (const [id, offer] of this.offers) if (offer.ended && !fresh.has(id)) fresh.set(id, offer);
    this.offers = fresh;
    this.orders = listed(orders);
    this.drawOffers();
    const held = this.room && this.orders.find((order) => order.order_id === this.room.order.order_id);
    await this.enter(held || this.orders.find((order) => ACTIVE.includes(order.status)) || null);
  }

  async enter(order) {
    if (this.room) this.room.close();
    this.room = order && new Room({
      user: this.user, live: this.live, order, services: this.services, actions: (room) => this.nextStep(room),
      onOrder: (newest) => { this.orders = withOrder(this.orders, newest); this.giveWay(newest); },
    });
    fill(this.roomPlace, orderChoice(this.orders, order, (other) => this.enter(other).catch(failed)), this.room && this.room.element);
    if (this.room) await this.room.open();
  }

  reload() {
    return this.open();
  }

  take(channel, event, offset) {
    if (event.type === "offer.opened") {
      this.offers.set(event.data.offer_id, event.data);
      this.drawOffers();
      if (navigator.vibrate) navigator.vibrate(200);
    } else if (event.type === "offer.closed") this.endOffer(event.data.offer_id, event.data.reason);
    else if (event.type === "notice") toast(event.data.title || event.data.content);
    else if (this.room && channel.startsWith("order:")) this.room.take(event, offset);
    else if (event.type === "order.status" && this.room && event.data.order_id === this.room.order.order_id) this.room.refresh().catch(() => {});
  }

  endOffer(offerId, reason) {
    const offer = this.offers.get(offerId);
    if (!offer) return;
    if (reason === "accepted") this.offers.delete(offerId);
    else Object.assign(offer, { ended: ENDINGS[reason] || "邀约已结束" });
    this.drawOffers();
  }

  drawOffers() {
    const offers = [...this.offers.values()];
    this.countdowns = [];
    fill(this.offersPlace, h("h2", null, "新的邀约"), offers.length
      ? offers.map((offer) => this.offerCard(offer))
      : h("div", { className: "card empty" }, h("p", { className: "pulse" }), "正在听单……有新的邀约会立刻出现在这里"));
    this.giveWay(this.room && this.room.order);
    this.tick();
  }

  // Whoever is in a service is not shown an empty list of offers.
  giveWay(order) {
    this.offersPlace.hidden = !this.offers.size && Boolean(order) && ACTIVE.includes(order.status);
  }

  offerCard(offer) {
    const patient = offer.patient || {};
    const about = [patient.age_band, GENDERS[patient.gender], patient.condition].filter(Boolean).join(" · ");
    const countdown = h("span", { className: "countdown" });
    if (!offer.ended) this.countdowns.push([countdown, offer]);
    return h("article", { className: `card offer${offer.ended ? " ended" : ""}` },
      h("div", { className: "offer-head" }, h("strong", { className: "income" }, `收入 ${yuan(offer.income_fen)}`), countdown),
      h("p", { className: "big" }, spanOf(offer.start_at, offer.end_at)),
      h("p", null, `${this.services[offer.service_type]} · ${offer.hospital} · ${this.districts[offer.district] || offer.district}`),
      h("p", null, `患者 ${about}`),
      offer.requirements ? h("p", { className: "quiet" }, `要求:${offer.requirements}`) : null,
      offer.ended
        ? h("div", { className: "row" }, h("p", { className: "badge warn" }, offer.ended), action("知道了", async () => { this.offers.delete(offer.offer_id); this.drawOffers(); }, { kind: "plain" }))
        : h("div", { className: "row" }, action("接单", () => this.accept(offer), { kind: "go", onFail: (error) => this.notAccepted(offer, error) }),
          action("婉拒", () => this.reject(offer), { kind: "plain" })));
  }

  tick() {
    for (const [element, offer] of this.countdowns || []) {
      const left = Math.max(Math.floor((Date.parse(offer.expires_at) - clock.now()) / 1000), 0);
      element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      element.classList.toggle("soon", left < 60);
    }
  }

  async accept(offer) {
    const answer = await this.live.rpc("order.accept", { offer_id: offer.offer_id });
    this.offers.delete(offer.offer_id);
    this.drawOffers();
    toast("接单成功!");
    const order = await get("/api/order/detail", { order_id: answer.order_id });
    await this.enter(order);
  }

  notAccepted(offer, error) {
    if (error.code.startsWith("offer_")) this.endOffer(offer.offer_id, error.code.slice("offer_".length));
    toast(sentence(error), "bad");
  }

  async reject(offer) {
    await post("/api/order/reject", { offer_id: offer.offer_id, reason: "时间不方便" });
    this.offers.delete(offer.offer_id);
    this.drawOffers();
  }

  nextStep(room) {
    const order = room.order;
    if (order.status === "awaiting_service") return this.startStep(room);
    if (order.status === "in_service" && !order.finished_at) return this.serviceStep(room);
    if (order.status === "in_service") return h("p", { className: "waiting" }, "已结束,等待家属确认(24 小时后自动确认)。");
    if (order.status === "completed" && !order.review) return h("p", { className: "quiet" }, "家属已确认,等待评价。");
    return [];
  }

  startStep(room) {
    const code = h("input", { type: "text", inputMode: "numeric", maxLength: 6, autocomplete: "off", placeholder: "六位开始码", className: "code-input", "aria-label": "开始码" });
    return [h("p", null, "见面后请家属念出开始码:"), h("div", { className: "say" }, code, action("开始服务", async () => {
      await post("/api/order/start", { order_id: room.order.order_id, start_code: code.value.trim() });
      toast("服务开始");
      await room.refresh();
    }, { kind: "go" }))];
  }

  serviceStep(room) {
    const text = h("input", { type: "text", maxLength: 2000, placeholder: "写一条记录……", "aria-label": "记录内容" });
    const summary = h("textarea", { rows: 2, maxLength: 2000, value: "血压控制可,医生建议继续原药,两周后复诊;药已取齐并讲解。", "aria-label": "服务小结" });
    return [h("p", null, "一键记录,家属立刻看到:"),
      h("div", { className: "row wrap" }, QUICK_NOTES.map(([kind, note]) => action(note, () => this.note(room, { kind, text: note }), { kind: "chip" })),
        action("量一次生命体征", () => this.note(room, { kind: "vital", vitals: measured() }), { kind: "chip" })),
      h("div", { className: "say" }, text, action("记录", async () => {
        if (!text.value.trim()) return;
        await this.note(room, { kind: "measure", text: text.value.trim() });
        text.value = "";
      })),
      h("details", null, h("summary", null, "结束服务"), summary, action("结束并提交小结", async () => {
        await post("/api/order/finish", { order_id: room.order.order_id, summary: summary.value.trim() });
        await room.refresh();
      }, { kind: "go wide" }))];
  }

  note(room, note) {
    return this.live.rpc("note.append", { order_id: room.order.order_id, msg_id: randomKey(), recorded_at: new Date(clock.now()).toISOString(), ...note });
  }
}

// What a cuff and a thermometer would say; the demo has no patient to measure.
function measured() {
  const around = (middle, spread) => Math.round(middle + (Math.random() - 0.5) * spread);
  return {
    temperature_c: around(366, 6) / 10, pulse_bpm: around(76, 14), systolic_mmhg: around(132, 18),
    diastolic_mmhg: around(82, 10), spo2_percent: around(97, 3),
  };
}
