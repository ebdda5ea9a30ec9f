// Business time: the server's, which the sandbox may move forward.

import { post } from "./api.js";

let offsetMs = 0;

export const now = () => Date.now() + offsetMs;

// An event's instant is business time too; the clock never goes back.
export function hear(instant) {
  const ahead = Date.parse(instant) - Date.now();
  if (ahead > offsetMs) offsetMs = ahead;
}

export async function advance(seconds) {
  const moved = await post("/sandbox/clock", { advance_s: Math.max(Math.ceil(seconds), 1) });
  offsetMs = Date.parse(moved.now) - Date.now();
}
