// Instants and dates as people in Shanghai read them, without Intl (old WeChat has none).

const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;
const WEEKDAYS = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];

type Instant = string | number;

function shifted(instant: Instant): Date {
  return new Date((typeof instant === "number" ? instant : Date.parse(instant)) + OFFSET_MS);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-12-01` */
export function dateOf(instant: Instant): string {
  const at = shifted(instant);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
}

/** `08:30` */
export function timeOf(instant: Instant): string {
  const at = shifted(instant);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** `2026-12-01 08:30` */
export function dateTimeOf(instant: Instant): string {
  return `${dateOf(instant)} ${timeOf(instant)}`;
}

/** Midnight in Shanghai of a date such as `2026-12-01`, in epoch milliseconds. */
export function dayStart(date: string): number {
  return Date.parse(`${date}T00:00:00+08:00`);
}

/** `周二` */
export function weekdayOf(instant: Instant): string {
  return WEEKDAYS[shifted(instant).getUTCDay()];
}

function dayNumber(instant: Instant): number {
  return Math.floor(shifted(instant).getTime() / DAY_MS);
}

/** `今天`, `明天`, `后天`, `昨天`, else `12月1日 周二`; with the year when it is another one. */
export function dayText(instant: Instant, now: number): string {
  const names: Record<number, string> = { [-1]: "昨天", 0: "今天", 1: "明天", 2: "后天" };
  const name = names[dayNumber(instant) - dayNumber(now)];
  if (name) return name;
  const at = shifted(instant);
  const year = at.getUTCFullYear() === shifted(now).getUTCFullYear() ? "" : `${at.getUTCFullYear()}年`;
  return `${year}${at.getUTCMonth() + 1}月${at.getUTCDate()}日 ${WEEKDAYS[at.getUTCDay()]}`;
}

/** `明天 08:30-12:30`; an end on another day is said with its day. */
export function spanText(start: Instant, end: Instant, now: number): string {
  const sameDay = dayNumber(start) === dayNumber(end);
  const last = sameDay ? timeOf(end) : `${dayText(end, now)} ${timeOf(end)}`;
  return `${dayText(start, now)} ${timeOf(start)}${sameDay ? "-" : " 至 "}${last}`;
}

/** For lists of what happened: `刚刚`, `5 分钟前`, `今天 08:30`, `11月2日 周一 08:30`. */
export function sinceText(instant: Instant, now: number): string {
  const past = now - (typeof instant === "number" ? instant : Date.parse(instant));
  if (past >= 0 && past < 60_000) return "刚刚";
  if (past >= 0 && past < 3_600_000) return `${Math.floor(past / 60_000)} 分钟前`;
  return `${dayText(instant, now)} ${timeOf(instant)}`;
}

/** `4 小时`, `1 小时 30 分钟`, `45 分钟` */
export function durationText(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours ? `${hours} 小时` : "", rest || !hours ? `${rest} 分钟` : ""].filter(Boolean).join(" ");
}

/** What is left, for a countdown: `1:02:03`, `14:05`. */
export function leftText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
