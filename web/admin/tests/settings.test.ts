import { describe, expect, it } from "vitest";

import type { Settings } from "../src/settings/answers";
import { changedPlaces, changeOf, copied, draftOf, rebased } from "../src/settings/draft";
import { NUMBERS } from "../src/settings/fields";
import { mistakesOf } from "../src/settings/mistakes";
import { told } from "../src/settings/telling";
import { boundsOf, mistakeAt, parsed, written } from "../src/settings/units";

const SETTINGS: Settings = {
  version: 3, changed: ["price"], reason: "国庆", made_by_name: "沈佳", made_at: "2026-11-29T10:00:00.000+08:00", is_newest: true,
  time: {
    grid_min: 15, lead_min: 60, horizon_days: 60, start_window_min: 30, pay_within_min: 15, quote_valid_min: 10, auto_confirm_after_h: 24,
    chat_open_after_completion_days: 7, start_code_attempts: 5, caregiver_travel_buffer_min: 30, caregiver_buffer_min: 0, patient_buffer_min: 0,
  },
  price: {
    night_starts_at_min: 1320, night_ends_at_min: 360, night_rate_bp: 15000, holiday_rate_bp: 20000, urgent_within_min: 240,
    urgent_rate_bp: 2000, commission_rate_bp: 1250, holidays: ["2026-10-01", "2026-10-02"],
  },
  offers: {
    waves: [{ after_s: 0, more: 5 }, { after_s: 60, more: 5 }, { after_s: 120, more: null }], life_min: 15, life_share_bp: 5000, give_up_after_h: 24,
    ranking: {
      rating_points: 600, experience_points: 200, fair_share_points: 200, prior_reviews: 10, prior_mean_centi: 450, experience_cap_years: 10,
      fair_share_window_h: 24,
    },
  },
  cancellation: {
    tiers: [
      { lead_at_least_min: 1440, fee_bp: 0, commission_bp: 0, text: "24小时以上全额退款" },
      { lead_at_least_min: 0, fee_bp: 5000, commission_bp: 0, text: "收取50%" },
    ],
  },
  caregiver: { age_at_least: 18, age_at_most: 65, review_opens_for_days: 14 },
  settlement: { due_after_days: 7 },
  refunds: { second_person_from_fen: 50000 },
  alarms: { near_start_min: 120, not_started_min: 15, overrun_min: 60, refund_slow_min: 30 },
  prices: [
    { service_type: "escort_half_day", service_type_text: "半天陪诊", unit_text: "半天", base_price_fen: 20000, min_price_fen: 10000, max_price_fen: 60000 },
  ],
  templates: [
    {
      name: "order_completed", title: "订单已完成", content: "{service_name}订单已完成。", default_title: "订单已完成",
      default_content: "{service_name}订单已完成。", variables: ["service_name"], critical: false, preview: "陪诊服务订单已完成。",
    },
  ],
};
const BASE = "prices.escort_half_day.base_price_fen";

/** The draft of the settings above with other texts. */
function draft(texts: Record<string, string> = {}) {
  const made = draftOf(SETTINGS);
  Object.assign(made.texts, texts);
  return made;
}

/** What is asked for a draft, and what is wrong in it. */
const asked = (made: ReturnType<typeof draft>) => changeOf(made, changedPlaces(draft(), made));
const wrong = (made: ReturnType<typeof draft>) => mistakesOf(SETTINGS, made);

describe("numbers as people write them", () => {
  it("come back as they went", () => {
    for (const [value, unit, text] of [[1320, "时刻", "22:00"], [15000, "%", "150"], [1250, "%", "12.5"], [20050, "元", "200.50"], [450, "星", "4.50"], [15, "分钟", "15"]] as const) {
      expect(written(value, unit)).toBe(text);
      expect(parsed(text, unit)).toBe(value);
    }
  });

  it("are no number when they are something else", () => {
    for (const text of ["", "-1", "1.5", "十", "1e2"]) expect(parsed(text, "分钟")).toBeNull();
    for (const text of ["24:00", "7:00", "07:60"]) expect(parsed(text, "时刻")).toBeNull();
  });

  it("keep to the bounds that the server names", () => {
    expect(mistakeAt("time.lead_min", "1440", "分钟")).toBe("");
    expect(mistakeAt("time.lead_min", "1441", "分钟")).toBe("请填 0 到 1440 之间的数");
    expect(mistakeAt("price.night_rate_bp", "99.99", "%")).toBe("请填 100 到 500 之间的数");
    expect(NUMBERS.filter((field) => boundsOf(field.place).minimum === undefined)).toEqual([]);
  });
});

describe("a change", () => {
  it("names only what differs, in the server's units", () => {
    expect(asked(draft())).toEqual({});
    expect(asked(draft({ "time.lead_min": "90", "price.night_starts_at_min": "21:30", "offers.ranking.prior_mean_centi": "4.20" }))).toEqual({
      time: { lead_min: 90 }, price: { night_starts_at_min: 1290 }, offers: { ranking: { prior_mean_centi: 420 } },
    });
  });

  it("carries a whole price and whole words, whichever part differs", () => {
    expect(asked(draft({ [BASE]: "199.50", "templates.order_completed.title": "已完成 " }))).toEqual({
      prices: [{ service_type: "escort_half_day", base_price_fen: 19950, min_price_fen: 10000, max_price_fen: 60000 }],
      templates: [{ name: "order_completed", title: "已完成", content: "{service_name}订单已完成。" }],
    });
  });

  it("carries lists whole, and days in no order are no change", () => {
    const made = draft();
    made.holidays.reverse();
    expect(asked(made)).toEqual({});
    made.waves = [{ after: "0", more: "3" }, { after: "30", more: "" }];
    made.holidays.push("2026-01-01");
    expect(asked(made)).toEqual({
      offers: { waves: [{ after_s: 0, more: 3 }, { after_s: 30, more: null }] }, price: { holidays: ["2026-01-01", "2026-10-01", "2026-10-02"] },
    });
  });

  it("is told in the page's words", () => {
    const made = draft({ [BASE]: "210.00", "refunds.second_person_from_fen": "800" });
    made.holidays = ["2026-10-01", "2026-12-31"];
    expect(told(SETTINGS, draft(), made, changedPlaces(draft(), made)).map(({ label, before, after }) => [label, before, after])).toEqual([
      ["退款 · 同一订单退款累计达到多少须另一位管理员复核", "500.00 元", "800 元"],
      ["半天陪诊 · 基准价", "200.00 元", "210.00 元"],
      ["计价规则 · 节假日", "2 天", "2 天，加上 2026-12-31，去掉 2026-10-02"],
    ]);
  });
});

describe("mistakes", () => {
  it("are none in what is in force", () => {
    expect(wrong(draft())).toEqual({});
  });

  it("are found in prices that do not fit together", () => {
    expect(wrong(draft({ [BASE]: "700" }))).toEqual({ [BASE]: "基准价要在最低价与最高价之间" });
    expect(wrong(draft({ "prices.escort_half_day.min_price_fen": "0" }))).toEqual({ "prices.escort_half_day.min_price_fen": "最低价要大于 0" });
    expect(wrong(draft({ [BASE]: "1.234" }))).toEqual({ [BASE]: "请填数字，最多两位小数" });
  });

  it("are found in words with braces that nothing fills", () => {
    const place = "templates.order_completed";
    expect(wrong(draft({ [`${place}.content`]: "{service_name}好了，{name}" }))).toEqual({ [`${place}.content`]: "花括号里只能是：service_name" });
    expect(wrong(draft({ [`${place}.title`]: "{service_name}" }))).toEqual({ [`${place}.title`]: "标题里不能有花括号" });
    expect(wrong(draft({ [`${place}.content`]: "  " }))).toEqual({ [`${place}.content`]: "不能为空" });
  });

  it("are found in waves and tiers that do not follow each other", () => {
    const waves = (...rows: [string, string][]) => wrong({ ...draft(), waves: rows.map(([after, more]) => ({ after, more })) })["offers.waves"];
    expect(waves(["0", "5"], ["60", ""])).toBeUndefined();
    expect(waves(["0", "5"], ["0", ""])).toBe("每一批都要比上一批晚");
    expect(waves(["0", ""], ["60", "5"])).toBe("只有最后一批可以面向全部人员");
    expect(waves(["5", "5"])).toBe("第一批要从 0 秒开始");
    const tiers = (...rows: [string, string][]) => wrong({ ...draft(), tiers: rows.map(([lead, fee]) => ({ lead, fee, commission: "0", text: "收费" })) })["cancellation.tiers"];
    expect(tiers(["60", "10"], ["0", "50"])).toBeUndefined();
    expect(tiers(["60", "10"], ["0", "5"])).toBe("越晚取消，收费不能越低");
    expect(tiers(["60", "10"])).toBe("最后一档要从 0 分钟算起");
  });
});

describe("when somebody else saved first", () => {
  it("my changes go upon theirs, and what both changed is named", () => {
    const theirs = draft({ "time.lead_min": "120", "time.horizon_days": "30", [BASE]: "180.00" });
    const mine = draft({ "time.lead_min": "90", "time.pay_within_min": "20", [BASE]: "180.00" });
    const { draft: both, clashes } = rebased(draft(), mine, theirs);
    expect(clashes).toEqual(["time.lead_min"]);
    expect(changeOf(both, changedPlaces(theirs, both))).toEqual({ time: { lead_min: 90, pay_within_min: 20 } });
    expect(both.texts["time.horizon_days"]).toBe("30");
  });

  it("a list that only I changed is mine, and theirs stays where only they did", () => {
    const [theirs, mine] = [copied(draft()), copied(draft())];
    theirs.holidays = ["2026-10-01"];
    mine.waves = [{ after: "0", more: "" }];
    const { draft: both, clashes } = rebased(draft(), mine, theirs);
    expect([both.holidays, both.waves, clashes]).toEqual([["2026-10-01"], [{ after: "0", more: "" }], []]);
  });
});
