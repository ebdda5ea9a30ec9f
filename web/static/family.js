// The family's side: book, pay, read out the start code, confirm, review.

import { get, listed, post } from "./api.js";
import * as clock from "./clock.js";
import { action, dayOf, failed, fill, h, timeOf, toast, yuan } from "./dom.js";
import { Room, orderChoice, priceTable, withOrder } from "./room.js";

const QUARTER_MS = 900000;
const LEAD_MS = 2 * 3600000;
const START_EARLY_MS = 10 * 60000;
const OPEN = ["pending_payment", "paid", "awaiting_service", "in_service"];

export class FamilyDesk {
  constructor({ user, live, catalog }) {
    Object.assign(this, { user, live, catalog });
    this.services = Object.fromEntries(catalog.service_types.map((type) => [type.code, type.name]));
    this.bar = h("div", { className: "bar" });
    this.place = h("div");
    this.element = h("div", null, this.bar, this.place);
    this.orders = [];
  }

  async open() {
    const [patients, orders] = await Promise.all([get("/api/patient/list"), get("/api/order/list", { limit: 50 })]);
    this.patients = listed(patients);
    this.orders = listed(orders);
    await this.enter(this.orders.find((order) => OPEN.includes(order.status)) || null);
  }

  async enter(order) {
    if (this.room) this.room.close();
    this.room = null;
    if (order) {
      this.room = new Room({
        user: this.user, live: this.live, order, services: this.services, actions: (room) => this.nextStep(room),
        onOrder: (newest) => { this.orders = withOrder(this.orders, newest); this.drawBar(newest); },
      });
    } else this.drawBar(null);
    fill(this.place, this.room ? this.room.element : [this.bookingForm(), this.familyCard()]);
    window.scrollTo(0, 0);
    if (this.room) await this.room.open();
  }

  drawBar(current) {
    fill(this.bar, orderChoice(this.orders, current, (order) => this.enter(order).catch(failed)),
      current ? action("再约一单", () => this.enter(null), { kind: "plain" }) : null);
  }

  take(channel, event, offset) {
    if (event.type === "payment.status" && event.data.status === "failed") toast("支付没有成功,请再试一次", "bad");
    if (event.type === "notice") toast(event.data.title || event.data.content);
    if (this.room && channel.startsWith("order:")) this.room.take(event, offset);
    else if (event.type === "order.status" && this.room && event.data.order_id === this.room.order.order_id) this.room.refresh().catch(() => {});
  }

  reload() {
    return this.room ? this.room.reload() : this.open();
  }

  bookingForm() {
    if (!this.patients.length) return h("div", { className: "card empty" }, "还没有登记就诊人。");
    const start = Math.ceil((clock.now() + LEAD_MS) / QUARTER_MS) * QUARTER_MS;
    const times = Array.from({ length: 60 }, (_, place) => start + place * 2 * QUARTER_MS);
    const choose = (label, options) => {
      const select = h("select", null, options.map(([value, text]) => h("option", { value }, text)));
      return [h("label", { className: "field" }, label, select), select];
    };
    const [patientField, patient] = choose("给谁预约", this.patients.map((p) => [p.patient_id, `${p.name}(${p.age} 岁)`]));
    const [serviceField, service] = choose("服务", this.catalog.service_types.map((t) => [t.code, `${t.name} ${yuan(t.base_price_fen)} 起`]));
    const [hospitalField, hospital] = choose("医院", this.catalog.hospitals.map((x) => [x.hospital_id, x.name]));
    const [timeField, time] = choose("开始时间", times.map((t) => [new Date(t).toISOString(), `${dayOf(t)} ${timeOf(t)}`]));
    service.value = "escort_half_day";
    this.preferHome(hospital);
    const wish = h("input", { type: "text", maxLength: 2000, value: "老人腿脚慢,请陪同取号、候诊,记下医嘱", "aria-label": "服务要求" });
    const offer = h("div", { className: "offer-place" });
    const body = () => {
      const type = this.catalog.service_types.find((t) => t.code === service.value);
      const minutes = type.duration_min || 120;
      return {
        patient_id: patient.value, caregiver_id: null, service_type: service.value, hospital_id: hospital.value,
        start_at: time.value, end_at: new Date(Date.parse(time.value) + minutes * 60000).toISOString(), requirements: wish.value.trim(),
      };
    };
    for (const field of [patient, service, hospital, time]) field.addEventListener("change", () => fill(offer));
    return h("div", { className: "card" }, h("h2", null, "预约陪护"),
      h("div", { className: "fields" }, patientField, serviceField, hospitalField, timeField, h("label", { className: "field wide" }, "服务要求", wish)),
      action("看看多少钱", async () => this.showQuote(offer, body()), { kind: "main wide" }), offer);
  }

  // The demo's caregivers work in the district with the most hospitals.
  preferHome(select) {
    const count = {};
    for (const place of this.catalog.hospitals) count[place.district] = (count[place.district] || 0) + 1;
    const home = Object.keys(count).sort((a, b) => count[b] - count[a])[0];
    select.value = this.catalog.hospitals.find((place) => place.district === home).hospital_id;
  }

  async showQuote(place, body) {
    const quote = await post("/api/order/quote", body);
    fill(place, quote.is_urgent ? h("p", { className: "badge warn" }, "加急单:4 小时内开始") : null,
      priceTable(quote.lines, quote.amount_fen),
      action(`下单 ${yuan(quote.amount_fen)}`, async () => {
        const order = await post("/api/order/create", { ...body, quote_id: quote.quote_id });
        await this.enter(order);
        toast("下单成功,请在 15 分钟内支付");
      }, { kind: "go wide" }));
  }

  familyCard() {
    const code = h("p", { className: "code", hidden: true });
    const input = h("input", { type: "text", placeholder: "输入邀请码", "aria-label": "邀请码" });
    return h("div", { className: "card" }, h("h3", null, "一家人一起看"),
      h("div", { className: "row" }, this.patients.slice(0, 2).map((patient) => action(`邀请家人看护${patient.name}`, async () => {
        const invitation = await post("/api/patient/invite", { patient_id: patient.patient_id });
        code.hidden = false;
        code.textContent = invitation.invite_code;
      }, { kind: "plain" }))), code,
      h("div", { className: "say" }, input, action("加入", async () => {
        await post("/api/patient/join", { invite_code: input.value.trim() });
        toast("已加入,可以看到这位家人的订单");
        await this.open();
      }, { kind: "plain" })));
  }

  nextStep(room) {
    const order = room.order;
    const booked = order.amount_fen !== undefined && order.amount_fen !== null;
    if (!booked) return h("p", { className: "quiet" }, "您是这位患者的家属:可以实时查看,也可以聊天。");
    if (order.status === "pending_payment") {
      return [h("p", null, "确认费用后支付,款项由平台保管,服务完成才结算。"),
        action(`支付 ${yuan(order.amount_fen)}`, () => this.pay(room), { kind: "go wide" })];
    }
    if (order.status === "paid") return h("p", { className: "waiting" }, "正在为您寻找陪护,接单后会立刻通知您……");
    if (order.status === "awaiting_service") return this.codeStep(room);
    if (order.status === "in_service" && order.finished_at) {
      return [h("p", null, "陪护已结束服务,请确认。"), action("确认服务完成", async () => {
        await post("/api/order/confirm", { order_id: order.order_id });
        await room.refresh();
      }, { kind: "go wide" })];
    }
    if (order.status === "in_service") return h("p", { className: "waiting" }, "服务进行中,记录会实时出现在下面。");
    if (order.status === "completed" && !order.review) return this.reviewForm(room);
    return [];
  }

  async pay(room) {
    const order = room.order;
    const payment = await post("/api/order/pay", { order_id: order.order_id, method: "sandbox", amount_fen: order.amount_fen });
    for (let tries = 0; tries < 12; tries += 1) {
      const state = await get("/api/order/payment", { payment_id: payment.payment_id });
      if (state.status === "succeeded") break;
      if (state.status !== "processing") throw new Error(state.status_text);
      if (tries === 4) await post("/sandbox/pay", { payment_id: payment.payment_id, result: "approve" }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    toast("支付成功");
    await room.refresh();
  }

  codeStep(room) {
    const order = room.order;
    const ahead = Date.parse(order.start_at) - START_EARLY_MS - clock.now();
    return [h("p", null, "见面后,把开始码念给陪护:"), h("p", { className: "code" }, order.start_code || "······"),
      ahead > 0 ? action("演示:时间快进到开始前十分钟", async () => {
        await clock.advance(ahead / 1000);
        await room.refresh();
        toast("已快进,陪护现在可以开始服务");
      }, { kind: "plain" }) : null];
  }

  reviewForm(room) {
    let score = 5;
    const stars = h("div", { className: "stars", role: "radiogroup", "aria-label": "评分" });
    const draw = () => fill(stars, [1, 2, 3, 4, 5].map((value) => h("button", {
      type: "button", className: value <= score ? "on" : "", role: "radio", "aria-checked": String(value === score), "aria-label": `${value} 星`,
      onclick: () => { score = value; draw(); },
    }, "★")));
    draw();
    const text = h("textarea", { rows: 3, maxLength: 2000, value: "非常细心,每一步都发消息,老人说下次还找她。", "aria-label": "评价内容" });
    return [h("p", null, "这次服务怎么样?"), stars, text, action("提交评价", async () => {
      await post("/api/order/review", { order_id: room.order.order_id, score, content: text.value.trim() });
      toast("谢谢您的评价");
      await room.refresh();
    }, { kind: "go wide" })];
  }
}
