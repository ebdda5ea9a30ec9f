// A conversation keeps its order, shows each message once, and says what was read and what still waits.
import { expect, it } from "vitest";

import type { ChatMessage } from "@/api/answers";
import type { OutboxItem } from "@/outbox/outbox";
import { isChatOpen, linesOf, merged, nameOf, rejoined } from "@/talk/conversation";

const NOW = Date.parse("2026-12-01T12:00:00+08:00");

function message(offset: number, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    message_id: `m${offset}`, msg_id: `c${offset}`, order_id: "o1", sender_id: "u2", sender_type: "caregiver", kind: "text", text: `第 ${offset} 句`,
    file_id: null, sent_at: "2026-12-01T11:00:00+08:00", offset, ...more,
  };
}

function waiting(msgId: string, more: Partial<OutboxItem> = {}): OutboxItem {
  return { msg_id: msgId, order_id: "o1", kind: "chat", body: { kind: "text", text: "等网络" }, pictures: [], uploaded: [], state: "waiting", sentence: "", written_at: NOW, ...more };
}

const view = { me: "u1", readUpTo: 0, nameOf: () => "周丽华", now: NOW };

it("takes a message that comes by the line and by REST once, in the order of the channel", () => {
  expect(merged([message(3), message(5)], [message(4), message(3)]).map((one) => one.offset)).toEqual([3, 4, 5]);
});

it("forgets what is old when something may be missing in between", () => {
  expect(rejoined([message(1), message(2)], [message(9), message(8)], true).map((one) => one.offset)).toEqual([8, 9]);
  expect(rejoined([message(1), message(8)], [message(9), message(8)], true).map((one) => one.offset)).toEqual([1, 8, 9]);
  expect(rejoined([message(1)], [message(9)], false).map((one) => one.offset)).toEqual([1, 9]);
});

it("shows what waits below, until the server has it", () => {
  const mine = message(4, { sender_id: "u1", sender_type: "patient", msg_id: "x1" });
  expect(linesOf([message(3)], [waiting("x1")], view).map((line) => line.state)).toEqual(["sent", "waiting"]);
  expect(linesOf([message(3), mine], [waiting("x1")], view).map((line) => line.key)).toEqual(["m3", "m4"]);
});

it("says read of the own messages only, up to where the other has read", () => {
  const mine = [4, 6].map((offset) => message(offset, { sender_id: "u1" }));
  expect(linesOf([message(3), ...mine], [], { ...view, readUpTo: 5 }).map((line) => line.state)).toEqual(["sent", "read", "sent"]);
});

it("keeps notes of the same order out, and tells why something was refused", () => {
  const lines = linesOf([], [waiting("n1", { kind: "note" }), waiting("x2", { state: "refused", sentence: "会话已关闭" })], view);
  expect(lines.map((line) => [line.key, line.sentence])).toEqual([["x2", "会话已关闭"]]);
});

it("says the time again after a pause of five minutes", () => {
  const later = message(5, { sent_at: "2026-12-01T11:06:00+08:00" });
  expect(linesOf([message(3), message(4), later], [], view).map((line) => line.when)).toEqual(["今天 11:00", "", "今天 11:06"]);
});

it("tells who of the family wrote, and says no name that it was not told", () => {
  const family = { sender_type: "patient" };
  const booker = { user_id: "u1", name: "李秀兰", relation: "booker", relation_text: "预约人" } as const;
  const carer = { user_id: "u2", name: "周丽华", relation: "caregiver", relation_text: "陪护人员" } as const;
  expect(nameOf(family, booker)).toBe("李秀兰 · 预约人");
  expect(nameOf(message(3), carer)).toBe("周丽华");
  expect([nameOf(family, undefined), nameOf(message(3), undefined)]).toEqual(["家属", "陪护人员"]);
});

it("is open from acceptance until seven days after completion", () => {
  expect(isChatOpen({ status: "paid", completed_at: null }, NOW)).toBe(false);
  expect(isChatOpen({ status: "awaiting_service", completed_at: null }, NOW)).toBe(true);
  expect(isChatOpen({ status: "completed", completed_at: "2026-11-24T12:00:01+08:00" }, NOW)).toBe(true);
  expect(isChatOpen({ status: "completed", completed_at: "2026-11-24T12:00:00+08:00" }, NOW)).toBe(false);
});
