// How the numbers of the rules are written and read by people.
import limits from "../api/generated/bounds.json";
import { fenOf } from "../words";

export type Unit = "分钟" | "小时" | "天" | "秒" | "次" | "岁" | "年" | "人" | "条" | "分" | "元" | "%" | "星" | "时刻";

interface Bounds {
  minimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  maxLength?: number;
  maxItems?: number;
}

// Written in hundredths: fen, a hundredth of a percent, a hundredth of a star.
const HUNDREDTHS = new Set<Unit>(["元", "%", "星"]);
const HOUR_MIN = 60;

/** What the server takes at a place (`prices[].base_price_fen`); `{}` where it names no bound. */
export function boundsOf(place: string): Bounds {
  return (limits as Record<string, Bounds>)[place] ?? {};
}

/** `1320` as `22:00`, `15000` as `150`, `20050` fen as `200.50`. */
export function written(value: number, unit: Unit): string {
  if (unit === "时刻") return `${two(Math.floor(value / HOUR_MIN))}:${two(value % HOUR_MIN)}`;
  if (!HUNDREDTHS.has(unit)) return String(value);
  const exact = (value / 100).toFixed(2);
  return unit === "%" ? String(Number(exact)) : exact;
}

/** The number behind a text; null for what is none. */
export function parsed(text: string, unit: Unit): number | null {
  const typed = text.trim();
  if (unit === "时刻") {
    const found = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(typed);
    return found ? Number(found[1]) * HOUR_MIN + Number(found[2]) : null;
  }
  if (HUNDREDTHS.has(unit)) return fenOf(typed);
  return /^\d{1,9}$/.test(typed) ? Number(typed) : null;
}

/** What is wrong with a text at a place, or "". */
export function mistakeAt(place: string, text: string, unit: Unit): string {
  const value = parsed(text, unit);
  if (value === null) return HUNDREDTHS.has(unit) ? "请填数字，最多两位小数" : "请填整数";
  const { minimum, maximum } = boundsOf(place);
  const inside = value >= (minimum ?? 0) && value <= (maximum ?? Infinity);
  return inside ? "" : `请填 ${written(minimum ?? 0, unit)} 到 ${written(maximum ?? value, unit)} 之间的数`;
}

/** Every quarter of an hour of a day, as night begins and ends on one. */
export const QUARTERS: readonly string[] = Array.from({ length: 96 }, (_, at) => written(at * 15, "时刻"));

function two(number: number): string {
  return String(number).padStart(2, "0");
}
