// Idempotency keys: one for one intention, kept until the server has said how it ended.
//
// When the answer to a POST is lost, nobody knows whether it happened. Whoever taps again means the same thing, so
// the same path with the same body gets the same key again and the server repeats its answer instead of its work.

const KEPT_MS = 10 * 60_000;
const KEPT_COUNT = 50;

interface Unsettled {
  key: string;
  since: number;
}

export class Intentions {
  private readonly unsettled = new Map<string, Unsettled>();

  constructor(private readonly newKey: () => string, private readonly now: () => number = Date.now) {}

  keyFor(path: string, body: string): string {
    const held = this.unsettled.get(`${path} ${body}`);
    if (held && this.now() - held.since < KEPT_MS) return held.key;
    return this.newKey();
  }

  /** Nobody knows how it ended: the next try is the same intention. */
  leaveOpen(path: string, body: string, key: string): void {
    const name = `${path} ${body}`;
    if (this.unsettled.has(name)) return;
    this.unsettled.set(name, { key, since: this.now() });
    if (this.unsettled.size > KEPT_COUNT) this.unsettled.delete(this.unsettled.keys().next().value as string);
  }

  settle(path: string, body: string): void {
    this.unsettled.delete(`${path} ${body}`);
  }
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** 24 characters that nobody else draws; for idempotency keys and msg_ids, not for secrets. */
export function newId(random: () => number = Math.random): string {
  const time = Date.now().toString(32).padStart(9, "0");
  let tail = "";
  for (let at = 0; at < 15; at += 1) tail += ALPHABET[Math.floor(random() * 32)];
  return time + tail;
}
