// The story of an order: what happened to it and what was noted, in one row by time.
import type { Order, ServiceNote, Vitals } from "@/api/answers";
import type { IconName } from "@/kit/icons";
import { isUsual, VITAL_KINDS } from "@/kit/vitals";

export type Note = Omit<ServiceNote, "offset"> & { offset?: number };

export interface Entry {
  key: string;
  at: string;
  icon: IconName;
  title: string;
  text: string;
  /** `体温 36.8℃` and its like; unusual ones are marked. */
  measured: { text: string; isUnusual: boolean }[];
  fileIds: string[];
  /** Written long after it happened: both times are told. */
  receivedAt: string;
  /** A later note puts it right. */
  isReplaced: boolean;
  isCorrection: boolean;
  isNote: boolean;
}

const LATE_MS = 3 * 60_000;
const NOTE_TITLES = { measure: "护理措施", condition: "病情变化", vital: "生命体征", milestone: "进度" } as const;
const NOTE_ICONS = { measure: "heart", condition: "info", vital: "pulse", milestone: "flag" } as const;

function plain(order: Order, key: keyof Order, icon: IconName, title: string, text = ""): Entry | null {
  const at = order[key];
  if (typeof at !== "string") return null;
  return { key, at, icon, title, text, measured: [], fileIds: [], receivedAt: "", isReplaced: false, isCorrection: false, isNote: false };
}

/** What the states of the order say of themselves. */
function milestonesOf(order: Order): (Entry | null)[] {
  const name = order.caregiver?.name ?? "陪护人员";
  return [
    plain(order, "created_at", "orders", "下单"),
    plain(order, "paid_at", "wallet", "支付成功"),
    plain(order, "accepted_at", "check", `${name}接单`),
    plain(order, "started_at", "walk", "服务开始"),
    plain(order, "finished_at", "flag", "服务结束", order.summary || (order.completed_at ? "" : "等待家属确认")),
    plain(order, "completed_at", "check", "订单完成"),
    plain(order, "cancelled_at", "close", "订单取消"),
  ];
}

/** `血压 128/76 mmHg`, `体温 36.8℃`. */
export function measuredOf(vitals: Vitals | null): Entry["measured"] {
  if (!vitals) return [];
  const found: Entry["measured"] = [];
  for (const kind of VITAL_KINDS) {
    const value = vitals[kind.key];
    if (typeof value !== "number") continue;
    const { systolic_mmhg: high, diastolic_mmhg: low } = vitals;
    const isPair = typeof high === "number" && typeof low === "number";
    if (isPair && kind.key === "diastolic_mmhg") continue;
    if (isPair && kind.key === "systolic_mmhg") {
      const lowKind = VITAL_KINDS.find((one) => one.key === "diastolic_mmhg");
      found.push({ text: `血压 ${high}/${low} ${kind.unit}`, isUnusual: !isUsual(kind, high) || (lowKind !== undefined && !isUsual(lowKind, low)) });
      continue;
    }
    found.push({ text: `${kind.name} ${value}${kind.unit === "℃" || kind.unit === "%" ? "" : " "}${kind.unit}`, isUnusual: !isUsual(kind, value) });
  }
  return found;
}

function noted(note: Note, replaced: Set<string>): Entry {
  const late = Date.parse(note.received_at) - Date.parse(note.recorded_at) > LATE_MS;
  return {
    key: note.note_id,
    at: note.recorded_at,
    icon: NOTE_ICONS[note.kind],
    title: note.kind === "milestone" && note.text ? note.text : NOTE_TITLES[note.kind],
    text: note.kind === "milestone" ? "" : note.text ?? "",
    measured: measuredOf(note.vitals),
    fileIds: note.file_ids,
    receivedAt: late ? note.received_at : "",
    isReplaced: replaced.has(note.note_id),
    isCorrection: note.corrects !== null,
    isNote: true,
  };
}

/** Newest first. */
export function timelineOf(order: Order, notes: Note[]): Entry[] {
  const replaced = new Set(notes.map((note) => note.corrects).filter((one): one is string => one !== null));
  const entries = [...milestonesOf(order).filter((one): one is Entry => one !== null), ...notes.map((note) => noted(note, replaced))];
  return entries
    .map((entry, at) => ({ entry, at }))
    .sort((one, other) => Date.parse(other.entry.at) - Date.parse(one.entry.at) || other.at - one.at)
    .map(({ entry }) => entry);
}

/** Notes by id; a note that comes twice is one. In the order of the server's receiving. */
export function withNote(notes: Note[], note: Note): Note[] {
  return notes.some((one) => one.note_id === note.note_id) ? notes : [...notes, note];
}

/** What counts: notes that were put right are left out of charts. */
export function standing(notes: Note[]): Note[] {
  const replaced = new Set(notes.map((note) => note.corrects));
  return notes.filter((note) => !replaced.has(note.note_id));
}
