// What is wrong in the form, by place, before anybody is asked.
import type { Settings } from "./answers";
import type { Draft } from "./draft";
import { NUMBERS, PRICE_FIELDS, TIERS, WAVES } from "./fields";
import { boundsOf, mistakeAt, parsed } from "./units";

export type Mistakes = Record<string, string>;

export function mistakesOf(settings: Settings, draft: Draft): Mistakes {
  const found: Mistakes = {};
  for (const { place, unit } of NUMBERS) note(found, place, mistakeAt(place, draft.texts[place] ?? "", unit));
  for (const { service_type } of settings.prices) ofPrice(found, draft, service_type);
  for (const { name, variables } of settings.templates) ofWords(found, draft, name, variables);
  note(found, WAVES, ofWaves(draft));
  note(found, TIERS, ofTiers(draft));
  return found;
}

function note(found: Mistakes, place: string, mistake: string): void {
  if (mistake) found[place] = mistake;
}

function ofPrice(found: Mistakes, draft: Draft, service: string): void {
  const place = (name: string): string => `prices.${service}.${name}`;
  for (const [name] of PRICE_FIELDS) note(found, place(name), mistakeAt(`prices[].${name}`, draft.texts[place(name)] ?? "", "元"));
  const [base, least, most] = PRICE_FIELDS.map(([name]) => parsed(draft.texts[place(name)] ?? "", "元"));
  if (base == null || least == null || most == null) return;
  if (least <= 0) note(found, place("min_price_fen"), "最低价要大于 0");
  else if (base < least || base > most) note(found, place("base_price_fen"), "基准价要在最低价与最高价之间");
}

/** Braces hold only what the program fills in for this notice; a title has none. */
function ofWords(found: Mistakes, draft: Draft, name: string, variables: readonly string[]): void {
  for (const part of ["title", "content"] as const) {
    const place = `templates.${name}.${part}`;
    const text = (draft.texts[place] ?? "").trim();
    const longest = boundsOf(`templates[].${part}`).maxLength ?? Infinity;
    if (!text) note(found, place, "不能为空");
    else if ([...text].length > longest) note(found, place, `最多 ${longest} 字`);
    else if (part === "title" && /[{}]/.test(text)) note(found, place, "标题里不能有花括号");
    else if (part === "content" && /[{}]/.test(without(text, variables)))
      note(found, place, variables.length ? `花括号里只能是：${variables.join("、")}` : "这条消息没有可用的变量，不能有花括号");
  }
}

function without(text: string, variables: readonly string[]): string {
  return variables.reduce((left, name) => left.replaceAll(`{${name}}`, ""), text);
}

function ofWaves({ waves }: Draft): string {
  const delays = waves.map((row) => parsed(row.after, "秒"));
  if (!waves.length) return "至少要有一批";
  const isOff = waves.some((row) => mistakeAt(`${WAVES}[].after_s`, row.after, "秒") || (row.more.trim() && mistakeAt(`${WAVES}[].more`, row.more, "人")));
  if (isOff) return "秒数与人数请填整数，每批至少 1 人，最晚 24 小时";
  if (delays[0] !== 0) return "第一批要从 0 秒开始";
  if (delays.some((delay, place) => place > 0 && (delay ?? 0) <= (delays[place - 1] ?? 0))) return "每一批都要比上一批晚";
  return waves.slice(0, -1).some((row) => !row.more.trim()) ? "只有最后一批可以面向全部人员" : "";
}

function ofTiers({ tiers }: Draft): string {
  const leads = tiers.map((row) => parsed(row.lead, "分钟"));
  const fees = tiers.map((row) => parsed(row.fee, "%"));
  const isOff = tiers.some(
    (row) => mistakeAt(`${TIERS}[].lead_at_least_min`, row.lead, "分钟") || mistakeAt(`${TIERS}[].fee_bp`, row.fee, "%") || mistakeAt(`${TIERS}[].commission_bp`, row.commission, "%"),
  );
  if (isOff) return "时间请填不超过 10080 的整数分钟，比例请填 0 到 100";
  if (tiers.some((row) => !row.text.trim() || [...row.text.trim()].length > 50)) return "每一档都要有 50 字以内的说明";
  if (leads.at(-1) !== 0) return "最后一档要从 0 分钟算起";
  if (leads.some((lead, place) => place > 0 && (lead ?? 0) >= (leads[place - 1] ?? 0))) return "各档要由早到晚排列";
  return fees.some((fee, place) => place > 0 && (fee ?? 0) < (fees[place - 1] ?? 0)) ? "越晚取消，收费不能越低" : "";
}
