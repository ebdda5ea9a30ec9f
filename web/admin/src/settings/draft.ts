// The rules as they stand in a form: texts by place, and what becomes of them.
//
// Lists (waves, tiers, holidays) are one place each, because the server takes them whole.
import type { Change, Settings, Tier, Wave } from "./answers";
import { HOLIDAYS, NUMBERS, PRICE_FIELDS, TIERS, WAVES } from "./fields";
import { parsed, written } from "./units";

export interface WaveRow {
  after: string;
  /** How many more; "" for all. */
  more: string;
}

export interface TierRow {
  lead: string;
  fee: string;
  commission: string;
  text: string;
}

export interface Draft {
  /** Numbers, prices (`prices.<service>.base_price_fen`) and words (`templates.<name>.title`). */
  texts: Record<string, string>;
  waves: WaveRow[];
  tiers: TierRow[];
  holidays: string[];
}

export function draftOf(settings: Settings): Draft {
  const texts: Record<string, string> = {};
  for (const field of NUMBERS) texts[field.place] = written(at(settings, field.place) as number, field.unit);
  for (const price of settings.prices)
    for (const [name] of PRICE_FIELDS) texts[`prices.${price.service_type}.${name}`] = written(price[name], "元");
  for (const { name, title, content } of settings.templates) {
    texts[`templates.${name}.title`] = title;
    texts[`templates.${name}.content`] = content;
  }
  return {
    texts,
    waves: settings.offers.waves.map(({ after_s, more }) => ({ after: String(after_s), more: more === null ? "" : String(more) })),
    tiers: settings.cancellation.tiers.map((tier) => ({
      lead: String(tier.lead_at_least_min), fee: written(tier.fee_bp, "%"), commission: written(tier.commission_bp, "%"), text: tier.text,
    })),
    holidays: [...settings.price.holidays],
  };
}

function at(settings: object, place: string): unknown {
  return place.split(".").reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], settings);
}

/** The places that differ, in the order of the form. */
export function changedPlaces(before: Draft, after: Draft): string[] {
  const places = Object.keys(after.texts).filter((place) => before.texts[place] !== undefined && before.texts[place] !== after.texts[place]);
  for (const [place, part] of LISTS) if (JSON.stringify(part(before)) !== JSON.stringify(part(after))) places.push(place);
  return places;
}

const LISTS: readonly (readonly [string, (draft: Draft) => unknown])[] = [
  [WAVES, (draft) => draft.waves], [TIERS, (draft) => draft.tiers], [HOLIDAYS, (draft) => [...draft.holidays].sort()],
];

/** What to ask of the server for these places. The draft has no mistakes. */
export function changeOf(draft: Draft, places: readonly string[]): Change {
  const change: Change = {};
  for (const field of NUMBERS) if (places.includes(field.place)) put(change, field.place, parsed(draft.texts[field.place] ?? "", field.unit));
  if (places.includes(WAVES)) put(change, WAVES, draft.waves.map(wave));
  if (places.includes(TIERS)) put(change, TIERS, draft.tiers.map(tier));
  if (places.includes(HOLIDAYS)) put(change, HOLIDAYS, [...draft.holidays].sort());
  const prices = named(places, "prices").map((service_type) => ({
    service_type, ...Object.fromEntries(PRICE_FIELDS.map(([name]) => [name, parsed(draft.texts[`prices.${service_type}.${name}`] ?? "", "元")])),
  }));
  const templates = named(places, "templates").map((name) => ({
    name, title: draft.texts[`templates.${name}.title`]?.trim(), content: draft.texts[`templates.${name}.content`]?.trim(),
  }));
  return { ...change, ...(prices.length ? { prices } : {}), ...(templates.length ? { templates } : {}) };
}

/** Which services or templates are among the places. */
export function named(places: readonly string[], chapter: "prices" | "templates"): string[] {
  return [...new Set(places.filter((place) => place.startsWith(`${chapter}.`)).map((place) => place.split(".")[1] as string))];
}

function wave(row: WaveRow): Wave {
  return { after_s: parsed(row.after, "秒") ?? 0, more: row.more.trim() === "" ? null : parsed(row.more, "人") };
}

function tier(row: TierRow): Tier {
  return { lead_at_least_min: parsed(row.lead, "分钟") ?? 0, fee_bp: parsed(row.fee, "%") ?? 0, commission_bp: parsed(row.commission, "%") ?? 0, text: row.text.trim() };
}

function put(change: Change, place: string, value: unknown): void {
  const names = place.split(".");
  const last = names.pop() as string;
  const part = names.reduce<Record<string, unknown>>((into, name) => (into[name] ??= {}) as Record<string, unknown>, change);
  part[last] = value;
}

export interface Rebased {
  draft: Draft;
  /** Places that both changed, to different ends. */
  clashes: string[];
}

/** My changes of `before` upon what somebody else has saved meanwhile. */
export function rebased(before: Draft, mine: Draft, newest: Draft): Rebased {
  const places = changedPlaces(before, mine);
  const theirs = new Set(changedPlaces(before, newest));
  const draft = copied(newest);
  for (const place of places) {
    if (place === WAVES) draft.waves = copied(mine).waves;
    else if (place === TIERS) draft.tiers = copied(mine).tiers;
    else if (place === HOLIDAYS) draft.holidays = [...mine.holidays];
    else draft.texts[place] = mine.texts[place] as string;
  }
  const differing = new Set(changedPlaces(newest, draft));
  return { draft, clashes: places.filter((place) => theirs.has(place) && differing.has(place)) };
}

export function copied(draft: Draft): Draft {
  return JSON.parse(JSON.stringify(draft)) as Draft;
}
