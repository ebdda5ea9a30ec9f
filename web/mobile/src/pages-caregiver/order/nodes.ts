// What is written with one tap: where a visit stands.
export const NODES = ["已到医院", "已取号", "候诊中", "就诊中", "检查中", "已缴费", "已取药", "已离院"] as const;

export interface VitalInput {
  key: "temperature_c" | "pulse_bpm" | "systolic_mmhg" | "diastolic_mmhg" | "spo2_percent" | "glucose_mmol_l" | "pain_0_10";
  label: string;
  /** Whether there is something behind the decimal point. */
  digits: boolean;
}

export const VITALS: VitalInput[] = [
  { key: "temperature_c", label: "体温（℃）", digits: true },
  { key: "pulse_bpm", label: "脉搏（次/分）", digits: false },
  { key: "systolic_mmhg", label: "收缩压（mmHg）", digits: false },
  { key: "diastolic_mmhg", label: "舒张压（mmHg）", digits: false },
  { key: "spo2_percent", label: "血氧（%）", digits: false },
  { key: "glucose_mmol_l", label: "血糖（mmol/L）", digits: true },
  { key: "pain_0_10", label: "疼痛（0-10）", digits: false },
];

/** What was typed, as the numbers of a note; what is empty is left out. Null: something is no number. */
export function vitalsOf(typed: Partial<Record<VitalInput["key"], string>>): Record<string, number> | null {
  const found: Record<string, number> = {};
  for (const { key, digits } of VITALS) {
    const text = (typed[key] ?? "").trim();
    if (!text) continue;
    if (!(digits ? /^\d{1,3}(\.\d)?$/ : /^\d{1,3}$/).test(text)) return null;
    found[key] = Number(text);
  }
  return found;
}
