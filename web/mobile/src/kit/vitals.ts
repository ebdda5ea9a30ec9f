// Vital signs as people read them, and as a small line chart.
import type { Vitals } from "@/api/answers";
import { svgAddress } from "./icons";

export interface VitalKind {
  key: keyof Vitals;
  name: string;
  unit: string;
  /** What is usual for an adult at rest; outside it is marked, never judged. */
  usual: [number, number];
}

// For orientation only, adults at rest; the operator's clinicians have the last word on these numbers.
export const VITAL_KINDS: VitalKind[] = [
  { key: "temperature_c", name: "体温", unit: "℃", usual: [36.0, 37.3] },
  { key: "pulse_bpm", name: "脉搏", unit: "次/分", usual: [60, 100] },
  { key: "systolic_mmhg", name: "收缩压", unit: "mmHg", usual: [90, 139] },
  { key: "diastolic_mmhg", name: "舒张压", unit: "mmHg", usual: [60, 89] },
  { key: "spo2_percent", name: "血氧", unit: "%", usual: [95, 100] },
  { key: "glucose_mmol_l", name: "血糖", unit: "mmol/L", usual: [3.9, 7.8] },
  { key: "pain_0_10", name: "疼痛", unit: "分", usual: [0, 3] },
];

export interface VitalPoint {
  at: string;
  value: number;
}

export function isUsual(kind: VitalKind, value: number): boolean {
  return value >= kind.usual[0] && value <= kind.usual[1];
}

/** The values of one kind, oldest first. */
export function pointsOf(kind: VitalKind, notes: { recorded_at: string; vitals: Vitals | null }[]): VitalPoint[] {
  const found: VitalPoint[] = [];
  for (const note of notes) {
    const value = note.vitals?.[kind.key];
    if (typeof value === "number") found.push({ at: note.recorded_at, value });
  }
  return found.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

const WIDTH = 240;
const HEIGHT = 84;
const EDGE = 8;

/** A line over the usual band; a single value is a dot. Times are spaced as they were. */
export function chartAddress(kind: VitalKind, points: VitalPoint[]): string {
  const values = points.map((point) => point.value);
  const low = Math.min(kind.usual[0], ...values);
  const high = Math.max(kind.usual[1], ...values);
  const span = high - low || 1;
  const times = points.map((point) => Date.parse(point.at));
  const first = times[0] ?? 0;
  const length = (times[times.length - 1] ?? 0) - first || 1;
  const x = (time: number): number => EDGE + ((time - first) / length) * (WIDTH - 2 * EDGE);
  const y = (value: number): number => EDGE + (1 - (value - low) / span) * (HEIGHT - 2 * EDGE);
  const band = `<rect x="0" y="${y(kind.usual[1]).toFixed(1)}" width="${WIDTH}" height="${(y(kind.usual[0]) - y(kind.usual[1])).toFixed(1)}" fill="#e1f1ed"/>`;
  const path = points.map((point, at) => `${x(times[at]).toFixed(1)},${y(point.value).toFixed(1)}`).join(" ");
  const line = points.length > 1 ? `<polyline points="${path}" fill="none" stroke="#0b7468" stroke-width="2" stroke-linejoin="round"/>` : "";
  const dots = points
    .map((point, at) => {
      const colour = isUsual(kind, point.value) ? "#0b7468" : "#ad2218";
      return `<circle cx="${x(times[at]).toFixed(1)}" cy="${y(point.value).toFixed(1)}" r="3.5" fill="${colour}"/>`;
    })
    .join("");
  return svgAddress(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">${band}${line}${dots}</svg>`);
}
