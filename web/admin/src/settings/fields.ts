// Every plain number of the rules: where it stands, how it is called, what it counts.
import type { Unit } from "./units";

export interface Field {
  /** Dotted, as the server names it. */
  place: string;
  label: string;
  unit: Unit;
  hint?: string;
  choices?: readonly number[];
}

export interface Group {
  title: string;
  fields: readonly Field[];
}

const f = (place: string, label: string, unit: Unit, more: Partial<Field> = {}): Field => ({ place, label, unit, ...more });

export const TIME: Group = {
  title: "预约与服务时间",
  fields: [
    f("time.grid_min", "预约时间刻度", "分钟", { choices: [15, 30, 60] }),
    f("time.lead_min", "最少提前预约", "分钟"),
    f("time.horizon_days", "最多提前预约", "天"),
    f("time.quote_valid_min", "报价有效期", "分钟"),
    f("time.pay_within_min", "下单后支付期限", "分钟", { hint: "到期未支付，订单自动取消" }),
    f("time.start_window_min", "可提前开始服务", "分钟"),
    f("time.start_code_attempts", "开始码错几次后更换", "次"),
    f("time.auto_confirm_after_h", "结束后自动确认", "小时"),
    f("time.chat_open_after_completion_days", "完成后还能聊天", "天"),
    f("time.caregiver_travel_buffer_min", "陪护人员换医院的间隔", "分钟"),
    f("time.caregiver_buffer_min", "陪护人员同院两单的间隔", "分钟"),
    f("time.patient_buffer_min", "同一患者两单的间隔", "分钟"),
  ],
};

export const PRICE: Group = {
  title: "计价",
  fields: [
    f("price.night_starts_at_min", "夜间开始", "时刻"),
    f("price.night_ends_at_min", "夜间结束", "时刻"),
    f("price.night_rate_bp", "夜间价为日间价的", "%", { hint: "陪护人员没有单独定夜间价时" }),
    f("price.holiday_rate_bp", "节假日价为日间价的", "%", { hint: "陪护人员没有单独定节假日价时" }),
    f("price.urgent_within_min", "距开始多久以内算加急", "分钟"),
    f("price.urgent_rate_bp", "加急加收日间价的", "%"),
    f("price.commission_rate_bp", "平台佣金", "%"),
  ],
};

export const OFFERS: Group = {
  title: "邀约",
  fields: [
    f("offers.life_min", "邀约有效期", "分钟"),
    f("offers.life_share_bp", "且不超过距开始时间的", "%"),
    f("offers.give_up_after_h", "多久无人接单就取消并退款", "小时"),
  ],
};

export const RANKING: Group = {
  title: "先派给谁",
  fields: [
    f("offers.ranking.rating_points", "评分占", "分"),
    f("offers.ranking.experience_points", "经验占", "分"),
    f("offers.ranking.fair_share_points", "公平派单占", "分"),
    f("offers.ranking.prior_reviews", "评价少时按几条平均评价补足", "条"),
    f("offers.ranking.prior_mean_centi", "补足时按几星计", "星"),
    f("offers.ranking.experience_cap_years", "经验最多计", "年"),
    f("offers.ranking.fair_share_window_h", "公平派单看最近", "小时"),
  ],
};

export const PEOPLE: readonly Group[] = [
  {
    title: "陪护人员",
    fields: [
      f("caregiver.age_at_least", "最小年龄", "岁"),
      f("caregiver.age_at_most", "最大年龄", "岁"),
      f("caregiver.review_opens_for_days", "完成后多久内可评价", "天"),
    ],
  },
  {
    title: "结算与退款",
    fields: [
      f("settlement.due_after_days", "完成后多久结算", "天"),
      f("refunds.second_person_from_fen", "同一订单退款累计达到多少须另一位管理员复核", "元"),
    ],
  },
  {
    title: "告警",
    fields: [
      f("alarms.near_start_min", "距开始多久仍无人接单", "分钟"),
      f("alarms.not_started_min", "过了开始时间多久仍未开始", "分钟"),
      f("alarms.overrun_min", "过了结束时间多久仍未结束", "分钟"),
      f("alarms.refund_slow_min", "退款多久仍未完成", "分钟"),
    ],
  },
];

export const NUMBERS: readonly Field[] = [TIME, PRICE, OFFERS, RANKING, ...PEOPLE].flatMap((group) => [...group.fields]);

export const PRICE_FIELDS = [
  ["base_price_fen", "基准价"], ["min_price_fen", "最低价"], ["max_price_fen", "最高价"],
] as const;

export const CHAPTERS: Record<string, string> = {
  prices: "服务价格", time: "时间规则", price: "计价规则", offers: "派单", cancellation: "取消费",
  caregiver: "陪护人员", settlement: "结算", refunds: "退款", alarms: "告警", templates: "消息模板",
};

export const HOLIDAYS = "price.holidays";
export const WAVES = "offers.waves";
export const TIERS = "cancellation.tiers";
