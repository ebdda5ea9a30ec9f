// The form of one patient: what is typed, what is wrong with it, what is sent.
import type { Patient } from "@/api/answers";
import type { BodyOf } from "@/api/types";

export interface PatientForm {
  name: string;
  birth_date: string;
  gender: "male" | "female" | "";
  relation: "self" | "parent" | "child" | "spouse" | "other" | "";
  id_number: string;
  contact_phone: string;
  condition: string;
  department: string;
  bed_no: string;
}

export const RELATIONS = [
  { value: "parent", text: "父母" },
  { value: "spouse", text: "配偶" },
  { value: "child", text: "子女" },
  { value: "self", text: "本人" },
  { value: "other", text: "其他" },
];
export const GENDERS = [{ value: "female", text: "女" }, { value: "male", text: "男" }];

export function emptyForm(): PatientForm {
  return { name: "", birth_date: "", gender: "", relation: "", id_number: "", contact_phone: "", condition: "", department: "", bed_no: "" };
}

export function formOf(patient: Patient): PatientForm {
  return {
    name: patient.name,
    birth_date: patient.birth_date,
    gender: patient.gender as PatientForm["gender"],
    relation: patient.relation as PatientForm["relation"],
    id_number: "", // never comes back; empty means as it was
    contact_phone: patient.contact_phone ?? "",
    condition: patient.condition ?? "",
    department: patient.department ?? "",
    bed_no: patient.bed_no ?? "",
  };
}

/** The first thing that is missing, or "". */
export function missingOf(form: PatientForm): string {
  if (!form.name.trim()) return "请填写姓名";
  if (!form.relation) return "请选择与您的关系";
  if (!form.gender) return "请选择性别";
  if (!form.birth_date) return "请选择出生日期";
  return "";
}

type Kept = Omit<BodyOf<"/api/patient/create">, "health_consent">;

export function bodyOf(form: PatientForm): Kept {
  const optional = (text: string): string | null => text.trim() || null;
  return {
    name: form.name.trim(),
    birth_date: form.birth_date,
    gender: form.gender as "male",
    relation: form.relation as "self",
    ...(form.id_number.trim() ? { id_number: form.id_number.trim().toUpperCase() } : {}),
    contact_phone: optional(form.contact_phone),
    condition: optional(form.condition),
    department: optional(form.department),
    bed_no: optional(form.bed_no),
  };
}
