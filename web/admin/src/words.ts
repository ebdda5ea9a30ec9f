// Numbers and times as people read them.

const SHANGHAI = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});

/** `2026-11-29 14:00` in Shanghai, whatever the desk's own zone; "—" for none. */
export function instant(text: string | null | undefined): string {
  if (!text) return "—";
  const part = Object.fromEntries(SHANGHAI.formatToParts(new Date(text)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour === "24" ? "00" : part.hour}:${part.minute}`;
}

/** Fen as `¥1,234.50`. */
export function yuan(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return "—";
  const sign = fen < 0 ? "-" : "";
  const whole = Math.floor(Math.abs(fen) / 100).toLocaleString("en-US");
  return `${sign}¥${whole}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
}

/** What was typed as yuan, in fen; null for what is no amount. Never through a float. */
export function fenOf(text: string): number | null {
  const found = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(text.trim());
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}

type Tone = "primary" | "success" | "info" | "warning" | "danger";
const TONES: Record<string, Tone> = {
  pending_payment: "warning", paid: "primary", awaiting_service: "primary", in_service: "success", completed: "info", cancelled: "info",
  pending: "warning", approved: "success", rejected: "danger", verified: "success", unverified: "info",
};

export function toneOf(status: string): Tone {
  return TONES[status] ?? "info";
}
