// A conversation as it is shown: what the server has, in its order, and what still waits below it.
import type { ChatMessage, Order, Speaker } from "@/api/answers";
import type { OutboxItem } from "@/outbox/outbox";
import { dayText, timeOf } from "@/time/shanghai";

const OPEN_AFTER_MS = 7 * 86_400_000;
const PAUSE_MS = 5 * 60_000;

export interface Line {
  key: string;
  /** Said above it where a while had passed: `今天 08:30`. */
  when: string;
  isOwn: boolean;
  name: string;
  text: string;
  fileId: string;
  /** A picture that is not sent yet, as the picture box keeps it. */
  kept: string;
  state: "sent" | "read" | "waiting" | "sending" | "refused";
  sentence: string;
  msgId: string;
}

/** From acceptance until seven days after completion. */
export function isChatOpen(order: Pick<Order, "status" | "completed_at">, now: number): boolean {
  if (order.status === "awaiting_service" || order.status === "in_service") return true;
  return order.status === "completed" && order.completed_at !== null && now < Date.parse(order.completed_at) + OPEN_AFTER_MS;
}

/** Both together, each message once, by offset. */
export function merged(known: ChatMessage[], more: ChatMessage[]): ChatMessage[] {
  const byId = new Map(known.map((message) => [message.message_id, message]));
  for (const message of more) byId.set(message.message_id, message);
  return [...byId.values()].sort((one, other) => one.offset - other.offset);
}

/** After a gap: the newest page joins what is known, or stands alone when something may be missing in between. */
export function rejoined(known: ChatMessage[], newest: ChatMessage[], hasOlder: boolean): ChatMessage[] {
  const last = known[known.length - 1];
  const touches = !last || !hasOlder || newest.some((message) => message.offset <= last.offset);
  return merged(touches ? known : [], newest);
}

/** Several of a family may write: each with the own name, and what they are to the order. */
export function nameOf(message: Pick<ChatMessage, "sender_type">, speaker: Speaker | undefined): string {
  if (!speaker) return message.sender_type === "caregiver" ? "陪护人员" : "家属";
  return speaker.relation === "caregiver" ? speaker.name : `${speaker.name} · ${speaker.relation_text}`;
}

interface View {
  me: string;
  /** The furthest that anybody else has read. */
  readUpTo: number;
  nameOf: (message: ChatMessage) => string;
  now: number;
}

export function linesOf(messages: ChatMessage[], waiting: OutboxItem[], view: View): Line[] {
  let before = 0;
  const whenOf = (at: number): string => {
    const isNew = at - before > PAUSE_MS;
    before = Math.max(before, at);
    return isNew ? `${dayText(at, view.now)} ${timeOf(at)}` : "";
  };
  const lines = messages.map((message): Line => {
    const isOwn = message.sender_id === view.me;
    return {
      key: message.message_id,
      when: whenOf(Date.parse(message.sent_at)),
      isOwn,
      name: isOwn ? "" : view.nameOf(message),
      text: message.kind === "audio" ? "[语音]" : message.text ?? "",
      fileId: message.kind === "image" ? message.file_id ?? "" : "",
      kept: "",
      state: isOwn && message.offset <= view.readUpTo ? "read" : "sent",
      sentence: "",
      msgId: message.msg_id,
    };
  });
  const arrived = new Set(messages.filter((message) => message.sender_id === view.me).map((message) => message.msg_id));
  for (const item of waiting) {
    if (item.kind !== "chat" || arrived.has(item.msg_id)) continue;
    lines.push({
      key: item.msg_id, when: whenOf(item.written_at), isOwn: true, name: "", text: String(item.body.text ?? ""), fileId: "", kept: item.pictures[0] ?? "",
      state: item.state, sentence: item.sentence, msgId: item.msg_id,
    });
  }
  return lines;
}
