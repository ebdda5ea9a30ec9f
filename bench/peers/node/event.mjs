// The event that our own server makes of a call: the same fields, the same size.
import { randomBytes } from "node:crypto";

const minutesEast = 480;

export function typing(user) {
  const at = new Date(Date.now() + minutesEast * 60_000).toISOString().replace("Z", "+08:00");
  return { type: "chat.typing", id: randomBytes(13).toString("hex"), at, data: { user_id: user } };
}
