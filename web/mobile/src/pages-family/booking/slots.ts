// When a visit may begin: the days, and the starts of one day.
import { dateOf, dayStart, dayText, timeOf, weekdayOf } from "@/time/shanghai";

export interface Slot {
  start_at: string;
  end_at: string;
  price_fen: number | null;
}

export interface Day {
  date: string;
  /** `今天`, `周三` */
  name: string;
  /** `12/1` */
  short: string;
}

export interface PartOfDay {
  name: string;
  slots: (Slot & { time: string })[];
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const STEP_MS = 30 * MINUTE_MS; // quarter hours are bookable, half hours are enough to choose from
const MANY_SLOTS = 24;
const LEAD_MS = 60 * MINUTE_MS;

/** From today on as far as may be booked. */
export function daysFrom(now: number, count: number): Day[] {
  const first = dayStart(dateOf(now));
  return Array.from({ length: count }, (_, at) => {
    const midnight = first + at * DAY_MS;
    const date = dateOf(midnight);
    const name = at < 3 ? dayText(midnight, now) : weekdayOf(midnight);
    return { date, name, short: `${Number(date.slice(5, 7))}/${Number(date.slice(8))}` };
  });
}

/** Starts of a day when the platform finds somebody: every half hour that is not too soon. */
export function openSlots(date: string, minutes: number, now: number): Slot[] {
  const midnight = dayStart(date);
  const found: Slot[] = [];
  for (let at = midnight; at < midnight + DAY_MS; at += STEP_MS) {
    if (at < now + LEAD_MS) continue;
    found.push({ start_at: new Date(at).toISOString(), end_at: new Date(at + minutes * MINUTE_MS).toISOString(), price_fen: null });
  }
  return found;
}

/** Of a day that is free all over, half hours are enough to choose from. */
export function thinned(slots: Slot[]): Slot[] {
  if (slots.length <= MANY_SLOTS) return slots;
  return slots.filter((slot) => (Date.parse(slot.start_at) - dayStart(dateOf(slot.start_at))) % STEP_MS === 0);
}

const PARTS: [string, string][] = [["上午", "06:00"], ["下午", "12:00"], ["晚上", "18:00"], ["凌晨", ""]];

/** What people look for first comes first: the hours before dawn stand last. */
export function byPart(slots: Slot[]): PartOfDay[] {
  const parts: PartOfDay[] = PARTS.map(([name]) => ({ name, slots: [] }));
  for (const slot of slots) {
    const time = timeOf(slot.start_at);
    const at = time < "06:00" ? PARTS.length - 1 : PARTS.filter(([, from]) => from && from <= time).length - 1;
    parts[at].slots.push({ ...slot, time });
  }
  return parts.filter((part) => part.slots.length > 0);
}
