// Work history as it is filled in: rows of a form, what they lack, what is sent.
import type { CaregiverProfile } from "@/api/answers";

type Period = CaregiverProfile["work_history"][number];

export interface Row {
  employer: string;
  role: string;
  /** `2019-03`, or as exact as it was kept. */
  from: string;
  to: string;
  isCurrent: boolean;
}

export const MOST_ROWS = 30;

export function rowsOf(periods: readonly Period[]): Row[] {
  return periods.map(({ employer, role, from, to }) => ({ employer, role, from, to: to ?? "", isCurrent: to === null }));
}

export function emptyRow(): Row {
  return { employer: "", role: "", from: "", to: "", isCurrent: true };
}

/** What one row lacks or has wrong, or "". */
export function lackOf(row: Row): string {
  if (!row.employer.trim()) return "请填写单位";
  if (!row.role.trim()) return "请填写职务";
  if (!row.from) return "请选择开始年月";
  if (row.isCurrent) return "";
  if (!row.to) return "请选择结束年月，或选“至今”";
  return isBefore(row.to, row.from) ? "结束年月不能早于开始年月" : "";
}

/** As exact as the less exact of both, so that 2019 is not before 2019-03. */
function isBefore(to: string, from: string): boolean {
  const length = Math.min(to.length, from.length);
  return to.slice(0, length) < from.slice(0, length);
}

/** The newest first, as families read it; the rows lack nothing. */
export function periodsOf(rows: readonly Row[]): Period[] {
  const periods = rows.map((row) => ({ employer: row.employer.trim(), role: row.role.trim(), from: row.from, to: row.isCurrent ? null : row.to }));
  return periods.sort((one, other) => (other.to ?? "9999").localeCompare(one.to ?? "9999") || other.from.localeCompare(one.from));
}
