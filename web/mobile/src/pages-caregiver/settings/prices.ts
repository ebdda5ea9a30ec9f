// Prices as they are typed: yuan in fields, fen on the wire. Never through a float.
import type { ServicePrice } from "@/api/answers";

export type Typed = Record<string, string>;

/** The field of a price. */
export function placeOf(serviceType: string, band: ServicePrice["band"]): string {
  return `${serviceType}/${band}`;
}

export function typedOf(prices: readonly ServicePrice[]): Typed {
  return Object.fromEntries(prices.map((one) => [placeOf(one.service_type, one.band), yuanText(one.price_fen)]));
}

function yuanText(fen: number): string {
  return fen % 100 ? `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}` : String(fen / 100);
}

/** The rows to send; null: something is no amount. Empty fields are no rows. */
export function pricesOf(typed: Typed): { service_type: string; band: ServicePrice["band"]; price_fen: number }[] | null {
  const rows = [];
  for (const [place, text] of Object.entries(typed)) {
    if (!text.trim()) continue;
    const found = /^(\d{1,6})(?:\.(\d{1,2}))?$/.exec(text.trim());
    if (!found) return null;
    const [service_type, band] = place.split("/") as [string, ServicePrice["band"]];
    rows.push({ service_type, band, price_fen: Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) });
  }
  return rows;
}
