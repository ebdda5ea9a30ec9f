// The family's small rules: filters, vouchers, the next order, the words on an order, a patient's form.
import { describe, expect, it } from "vitest";

import type { Order } from "@/api/answers";
import { nextOf } from "@/family/next";
import { headlineOf, isBooker, mayCancel, stepOf, whyNotCancel } from "@/pages-family/order/words";
import { bodyOf, emptyForm, missingOf } from "@/pages-family/patient/form";
import { channelFor, nextStepOf } from "@/pages-family/pay/voucher";
import { countOf, fenOf, noFilters, queryOf } from "@/pages-family/search/filters";

const NOW = Date.parse("2026-12-01T08:00:00+08:00");

function order(more: Partial<Order>): Order {
  return {
    order_id: "o1", status: "paid", start_at: "2026-12-02T09:00:00+08:00", hospital: "中日友好医院", caregiver: null, caregiver_id: null, finished_at: null, review: null,
    refund: null, amount_fen: 20_000, ...more,
  } as Order;
}

describe("the search", () => {
  it("asks nothing that was not chosen", () => {
    const asked = Object.entries(queryOf(noFilters())).filter(([, value]) => value !== undefined);
    expect(asked).toEqual([["skill", []], ["sort", "rating"]]);
    expect(countOf(noFilters())).toBe(0);
  });

  it("turns words of people into the server's", () => {
    const filters = { ...noFilters(), age: "56-", experience: "5", priceFrom: "60", priceTo: "99.5", skills: ["a", "b"], date: "2026-12-03", time: "22:30", hours: 4 };
    expect(queryOf(filters)).toMatchObject({
      min_age: 56, max_age: undefined, min_experience: 5, min_price_fen: 6_000, max_price_fen: 9_950, skill: ["a", "b"],
      start_at: "2026-12-03T14:30:00.000Z", end_at: "2026-12-03T18:30:00.000Z",
    });
    expect(countOf(filters)).toBe(5);
  });

  it("takes no price that is none", () => {
    expect(["abc", "-5", "1.234", ""].map(fenOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("a voucher", () => {
  it("says what the device does next", () => {
    expect(nextStepOf({ sandbox: true, approves_itself: false })).toEqual({ kind: "sandbox", approvesItself: false });
    const ask = { timeStamp: "1", nonceStr: "n", package: "prepay_id=p", signType: "RSA", paySign: "s" };
    expect(nextStepOf({ ...ask, appId: "wx1" })).toEqual({ kind: "wechat", ask: { appId: "wx1", ...ask } });
    expect(nextStepOf({ h5_url: "https://wx.tenpay.com/x" })).toEqual({ kind: "address", url: "https://wx.tenpay.com/x" });
  });

  it("never leads to an address that is not https", () => {
    expect(nextStepOf({ pay_url: "javascript:alert(1)" })).toEqual({ kind: "wait" });
    expect(nextStepOf({})).toEqual({ kind: "wait" });
  });

  it("names no channel where nothing is asked of the device", () => {
    expect(channelFor("sandbox", "MicroMessenger")).toBeNull();
  });
});

describe("the order that matters now", () => {
  it("is what runs, then what waits for money, then what begins first", () => {
    const later = order({ order_id: "later", status: "awaiting_service", start_at: "2026-12-09T09:00:00+08:00" });
    const sooner = order({ order_id: "sooner", status: "awaiting_service" });
    const unpaid = order({ order_id: "unpaid", status: "pending_payment" });
    const runs = order({ order_id: "runs", status: "in_service" });
    expect(nextOf([later, sooner])?.order_id).toBe("sooner");
    expect(nextOf([later, sooner, unpaid])?.order_id).toBe("unpaid");
    expect(nextOf([later, unpaid, runs])?.order_id).toBe("runs");
    expect(nextOf([order({ status: "completed" }), order({ status: "cancelled" })])).toBeNull();
  });
});

describe("the words on an order", () => {
  it("say what happens next, in every state", () => {
    expect(headlineOf(order({ caregiver_id: "c1" }), NOW).title).toBe("等待陪护人员接单");
    expect(headlineOf(order({ status: "in_service", finished_at: "2026-12-02T12:00:00+08:00" }), NOW).title).toBe("服务已结束，请确认");
    expect(headlineOf(order({ status: "cancelled", refund: { status: "succeeded", amount_fen: 18_000 } }), NOW).hint).toBe("¥180.00 已按原支付方式退回");
    expect(stepOf(order({ status: "in_service" }))).toBe(3);
  });

  it("offer no money and no cancellation to whoever was invited", () => {
    const seen = order({ amount_fen: undefined });
    expect(isBooker(seen)).toBe(false);
    expect(mayCancel(seen)).toBe(false);
    expect(mayCancel(order({}))).toBe(true);
    expect(mayCancel(order({ status: "in_service" }))).toBe(false);
    expect(whyNotCancel(seen)).toBe("只有预约的人可以取消");
    expect(whyNotCancel(order({ status: "in_service" }))).toContain("服务已经开始");
  });
});

describe("a patient's form", () => {
  it("asks for what is needed, one thing at a time", () => {
    expect(missingOf(emptyForm())).toBe("请填写姓名");
    expect(missingOf({ ...emptyForm(), name: "李", relation: "parent", gender: "female" })).toBe("请选择出生日期");
  });

  it("sends no ID number that was not typed, so that the known one stays", () => {
    const form = { ...emptyForm(), name: " 李淑芬 ", relation: "parent", gender: "female", birth_date: "1955-01-01" } as const;
    expect(bodyOf(form)).toEqual({
      name: "李淑芬", birth_date: "1955-01-01", gender: "female", relation: "parent", contact_phone: null, condition: null, department: null, bed_no: null,
    });
    expect(bodyOf({ ...form, id_number: "11010519491231002x" })).toMatchObject({ id_number: "11010519491231002X" });
  });
});
