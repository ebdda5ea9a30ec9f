// From the form to the request: what is asked for, or what is still missing.
import type { ServiceType } from "@/api/answers";
import type { BodyOf } from "@/api/types";
import { isPhone } from "@/session/words";
import type { Draft } from "@/stores/booking";

export type Wish = BodyOf<"/api/order/quote">;

export const WISHES = ["需要轮椅", "行动缓慢，需要搀扶", "听力不好，请大声慢说", "请代取报告和药品", "请记录医嘱", "希望由女性陪护"];

export function minutesOf(service: ServiceType, hours: number): number {
  return service.duration_min ?? hours * 60;
}

/** What the person has to do next, or "" when nothing is missing. */
export function missingOf(draft: Draft): string {
  if (!draft.service_type) return "请选择服务";
  if (!draft.hospital_id) return "请选择医院";
  if (!draft.start_at) return "请选择开始时间";
  if (!draft.patient_id) return "请选择就诊人";
  if (draft.contact_phone && !isPhone(draft.contact_phone)) return "请填写正确的联系电话";
  return "";
}

/** The body of quote and create; null while something is missing. */
export function wishOf(draft: Draft, service: ServiceType | undefined): Wish | null {
  if (!service || missingOf(draft)) return null;
  const end = Date.parse(draft.start_at) + minutesOf(service, draft.hours) * 60_000;
  const requirements = [...draft.wishes, draft.requirements.trim()].filter(Boolean).join("；");
  return {
    patient_id: draft.patient_id,
    caregiver_id: draft.caregiver?.caregiver_id ?? null,
    service_type: draft.service_type,
    hospital_id: draft.hospital_id,
    start_at: draft.start_at,
    end_at: new Date(end).toISOString(),
    department: draft.department || null,
    bed_no: draft.bed_no.trim() || null,
    contact_phone: draft.contact_phone || null,
    requirements: requirements || null,
  };
}
