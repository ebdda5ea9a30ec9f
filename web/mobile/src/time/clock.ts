// Business time: the server's, which may be ahead of the phone's and never goes back.

export class Clock {
  private offsetMs = 0;

  constructor(private readonly local: () => number = Date.now) {}

  /** Epoch milliseconds. */
  now(): number {
    return this.local() + this.offsetMs;
  }

  /** What the server called now, in an answer that was asked for at `askedAt` (local). */
  set(instant: string, askedAt: number): void {
    const parsed = Date.parse(instant);
    if (Number.isNaN(parsed)) return;
    const arrived = this.local();
    this.offsetMs = parsed + (arrived - askedAt) / 2 - arrived;
  }

  /** An event happened at this instant, so now is not before it; the sandbox may have moved time on. */
  hear(instant: string): void {
    const ahead = Date.parse(instant) - this.local();
    if (ahead > this.offsetMs) this.offsetMs = ahead;
  }
}
