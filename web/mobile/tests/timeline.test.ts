// The story of an order: by time, corrections told, pressures as a pair.
import { expect, it } from "vitest";

import type { Order } from "@/api/answers";
import { measuredOf, standing, timelineOf, withNote, type Note } from "@/care/timeline";

const order = {
  created_at: "2026-12-01T08:00:00+08:00", paid_at: "2026-12-01T08:01:00+08:00", accepted_at: "2026-12-01T08:02:00+08:00", started_at: "2026-12-01T09:00:00+08:00",
  finished_at: null, completed_at: null, cancelled_at: null, caregiver: { name: "周丽华" },
} as unknown as Order;

function note(id: string, minute: number, more: Partial<Note> = {}): Note {
  const at = `2026-12-01T09:${String(minute).padStart(2, "0")}:00+08:00`;
  return { note_id: id, msg_id: id, order_id: "o1", caregiver_id: "c1", kind: "measure", text: id, vitals: null, file_ids: [], corrects: null, recorded_at: at, received_at: at, ...more };
}

it("puts notes and states into one row, newest first", () => {
  const titles = timelineOf(order, [note("n1", 5), note("n2", 3, { kind: "milestone", text: "已到达" })]).map((entry) => entry.title);
  expect(titles).toEqual(["护理措施", "已到达", "服务开始", "周丽华接单", "支付成功", "下单"]);
});

it("marks what was put right, and leaves it out of what counts", () => {
  const notes = [note("n1", 1), note("n2", 2, { corrects: "n1" })];
  expect(timelineOf(order, notes).slice(0, 2).map((entry) => [entry.key, entry.isCorrection, entry.isReplaced])).toEqual([["n2", true, false], ["n1", false, true]]);
  expect(standing(notes).map((one) => one.note_id)).toEqual(["n2"]);
});

it("tells when a note arrived long after it was written", () => {
  const [late] = timelineOf(order, [note("n1", 1, { received_at: "2026-12-01T09:30:00+08:00" })]);
  expect(late.receivedAt).toBe("2026-12-01T09:30:00+08:00");
  expect(timelineOf(order, [note("n1", 1)])[0].receivedAt).toBe("");
});

it("says blood pressure as a pair and marks what is unusual", () => {
  expect(measuredOf({ temperature_c: 36.8, systolic_mmhg: 148, diastolic_mmhg: 84 })).toEqual([
    { text: "体温 36.8℃", isUnusual: false },
    { text: "血压 148/84 mmHg", isUnusual: true },
  ]);
  expect(measuredOf({ systolic_mmhg: 120 })).toEqual([{ text: "收缩压 120 mmHg", isUnusual: false }]);
});

it("takes a note that comes twice once", () => {
  expect(withNote([note("n1", 1)], note("n1", 1))).toHaveLength(1);
});
