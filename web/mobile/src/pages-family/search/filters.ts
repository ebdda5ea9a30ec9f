// What caregivers are looked for by, and how the server is asked.
import type { QueryOf } from "@/api/types";
import { dayStart } from "@/time/shanghai";

export interface Filters {
  keyword: string;
  skills: string[];
  gender: "" | "female" | "male";
  /** `31-45`, `56-`; "" for any. */
  age: string;
  /** At least so many years; "" for any. */
  experience: string;
  /** In yuan, as typed. */
  priceFrom: string;
  priceTo: string;
  service_type: string;
  district: string;
  hospital_id: string;
  /** Free on this date, from this time on, for so many hours. */
  date: string;
  time: string;
  hours: number;
  sort: "rating" | "price" | "experience";
}

export const ANY = { value: "", text: "不限" };
export const AGES = [ANY, { value: "18-30", text: "30 岁以下" }, { value: "31-45", text: "31-45 岁" }, { value: "46-55", text: "46-55 岁" }, { value: "56-", text: "56 岁以上" }];
export const EXPERIENCES = [ANY, { value: "1", text: "1 年以上" }, { value: "3", text: "3 年以上" }, { value: "5", text: "5 年以上" }, { value: "10", text: "10 年以上" }];
export const GENDERS = [ANY, { value: "female", text: "女" }, { value: "male", text: "男" }];
export const SORTS = [{ value: "rating", text: "好评优先" }, { value: "price", text: "价格最低" }, { value: "experience", text: "经验最多" }];

export function noFilters(): Filters {
  return {
    keyword: "", skills: [], gender: "", age: "", experience: "", priceFrom: "", priceTo: "", service_type: "", district: "", hospital_id: "",
    date: "", time: "09:00", hours: 4, sort: "rating",
  };
}

/** How many are set, beside the words and the order. */
export function countOf(filters: Filters): number {
  const { skills, gender, age, experience, priceFrom, priceTo, service_type, district, hospital_id, date } = filters;
  return [skills.length, gender, age, experience, priceFrom || priceTo, service_type, district, hospital_id, date].filter(Boolean).length;
}

/** `60` or `60.5` yuan in fen; undefined for what is no price. */
export function fenOf(yuan: string): number | undefined {
  return /^\d{1,6}(\.\d{1,2})?$/.test(yuan.trim()) ? Math.round(Number(yuan) * 100) : undefined;
}

export function queryOf(filters: Filters): NonNullable<QueryOf<"/api/caregiver/query">> {
  const [from, to] = filters.age.split("-");
  const start = filters.date ? dayStart(filters.date) + minutesOf(filters.time) * 60_000 : 0;
  return {
    keyword: filters.keyword.trim() || undefined,
    skill: filters.skills,
    gender: filters.gender || undefined,
    min_age: from ? Number(from) : undefined,
    max_age: to ? Number(to) : undefined,
    min_experience: filters.experience ? Number(filters.experience) : undefined,
    min_price_fen: fenOf(filters.priceFrom),
    max_price_fen: fenOf(filters.priceTo),
    service_type: filters.service_type || undefined,
    district: filters.district || undefined,
    hospital_id: filters.hospital_id || undefined,
    start_at: start ? new Date(start).toISOString() : undefined,
    end_at: start ? new Date(start + filters.hours * 3_600_000).toISOString() : undefined,
    sort: filters.sort,
  };
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number);
  return hours * 60 + minutes;
}
