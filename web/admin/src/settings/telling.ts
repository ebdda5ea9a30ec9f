// Changes of the rules in a person's words: what, from what, to what.
import type { Settings } from "./answers";
import type { Draft, TierRow, WaveRow } from "./draft";
import { CHAPTERS, HOLIDAYS, NUMBERS, PRICE_FIELDS, TIERS, WAVES } from "./fields";

export interface Told {
  place: string;
  label: string;
  before: string;
  after: string;
}

export function told(settings: Settings, before: Draft, after: Draft, places: readonly string[]): Told[] {
  return places.map((place) => {
    const added = place === HOLIDAYS ? daysText(before, after) : "";
    return { place, label: labelOf(settings, place), before: valueOf(before, place), after: valueOf(after, place) + added };
  });
}

export function labelOf(settings: Settings, place: string): string {
  const [chapter, name, part] = place.split(".");
  const field = NUMBERS.find((one) => one.place === place);
  if (field) return `${CHAPTERS[chapter as string]} · ${field.label}`;
  if (chapter === "prices")
    return `${settings.prices.find((one) => one.service_type === name)?.service_type_text ?? name} · ${PRICE_FIELDS.find(([code]) => code === part)?.[1]}`;
  if (chapter === "templates")
    return `消息“${settings.templates.find((one) => one.name === name)?.default_title ?? name}” · ${part === "title" ? "标题" : "内容"}`;
  return { [WAVES]: "派单 · 批次", [TIERS]: "取消费 · 档位", [HOLIDAYS]: "计价规则 · 节假日" }[place] ?? place;
}

function valueOf(draft: Draft, place: string): string {
  if (place === WAVES) return draft.waves.map(waveText).join("；");
  if (place === TIERS) return draft.tiers.map(tierText).join("；");
  if (place === HOLIDAYS) return `${draft.holidays.length} 天`;
  const unit = NUMBERS.find((one) => one.place === place)?.unit ?? (place.startsWith("prices.") ? "元" : "");
  return `${draft.texts[place] ?? "—"}${unit === "时刻" || !unit ? "" : ` ${unit}`}`;
}

function waveText(row: WaveRow): string {
  return `${row.after} 秒 ${row.more.trim() ? `${row.more} 人` : "全部"}`;
}

function tierText(row: TierRow): string {
  return `提前 ${row.lead} 分钟收 ${row.fee}%`;
}

/** Which days came and which went. */
function daysText(before: Draft, after: Draft): string {
  const came = after.holidays.filter((day) => !before.holidays.includes(day)).sort();
  const went = before.holidays.filter((day) => !after.holidays.includes(day)).sort();
  return `${came.length ? `，加上 ${came.join("、")}` : ""}${went.length ? `，去掉 ${went.join("、")}` : ""}`;
}
