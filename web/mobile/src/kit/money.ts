// Money for people: whole fen in, yuan out.

/** `¥60.00`, `-¥3.50`; what is not known is `--`. */
export function yuan(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return "--";
  const positive = Math.abs(fen);
  const cents = String(positive % 100).padStart(2, "0");
  return `${fen < 0 ? "-" : ""}¥${Math.floor(positive / 100)}.${cents}`;
}
