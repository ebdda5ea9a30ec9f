// The booking form: which starts there are, what is asked for, what is still missing.
import { describe, expect, it } from "vitest";

import type { ServiceType } from "@/api/answers";
import { byPart, daysFrom, openSlots, thinned, type Slot } from "@/pages-family/booking/slots";
import { missingOf, wishOf } from "@/pages-family/booking/wish";
import type { Draft } from "@/stores/booking";

const NOW = Date.parse("2026-12-01T22:40:00+08:00");
const HOURLY = { code: "escort_hourly", duration_min: null } as ServiceType;
const HALF = { code: "escort_half_day", duration_min: 240 } as ServiceType;

function draft(changes: Partial<Draft> = {}): Draft {
  return {
    service_type: "escort_half_day", hours: 2, caregiver: null, hospital_id: "h1", department: "", bed_no: "", date: "2026-12-02",
    start_at: "2026-12-02T09:00:00+08:00", patient_id: "p1", contact_phone: "", wishes: [], requirements: "", ...changes,
  };
}

describe("the days", () => {
  it("begin today in Shanghai and go over the month's end", () => {
    const days = daysFrom(Date.parse("2026-12-30T23:30:00+08:00"), 4);
    expect(days.map((day) => day.date)).toEqual(["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]);
    expect(days.map((day) => day.name)).toEqual(["今天", "明天", "后天", "周六"]);
    expect(days[2].short).toBe("1/1");
  });
});

describe("the starts of an open request", () => {
  it("leave out what is less than an hour ahead", () => {
    expect(openSlots("2026-12-01", 60, NOW).map((slot) => slot.start_at)).toEqual([]);
    const late = Date.parse("2026-12-01T21:59:00+08:00");
    expect(openSlots("2026-12-01", 60, late).map((slot) => Date.parse(slot.start_at))).toEqual([
      Date.parse("2026-12-01T23:00:00+08:00"),
      Date.parse("2026-12-01T23:30:00+08:00"),
    ]);
  });

  it("are all half hours of a later day, and end after the service's length", () => {
    const slots = openSlots("2026-12-02", 240, NOW);
    expect(slots).toHaveLength(48);
    expect(Date.parse(slots[0].end_at) - Date.parse(slots[0].start_at)).toBe(4 * 3_600_000);
  });

  it("are shown by part of the day, the hours before dawn last", () => {
    const parts = byPart(openSlots("2026-12-02", 60, NOW));
    expect(parts.map((part) => part.name)).toEqual(["上午", "下午", "晚上", "凌晨"]);
    expect(parts.map((part) => part.slots[0].time)).toEqual(["06:00", "12:00", "18:00", "00:00"]);
    expect(parts[2].slots[parts[2].slots.length - 1].time).toBe("23:30");
  });
});

describe("the starts of somebody by name", () => {
  const quarter = (at: number): Slot => ({ start_at: new Date(Date.parse("2026-12-02T08:15:00+08:00") + at * 900_000).toISOString(), end_at: "", price_fen: 1 });

  it("are all shown when they are few, and by the half hour when they are many", () => {
    const few = Array.from({ length: 3 }, (_, at) => quarter(at));
    expect(thinned(few)).toEqual(few);
    const many = thinned(Array.from({ length: 40 }, (_, at) => quarter(at)));
    expect(many).toHaveLength(20);
    expect(byPart(many)[0].slots[0].time).toBe("08:30");
  });
});

describe("what is asked for", () => {
  it("names what is missing first", () => {
    expect(missingOf(draft({ hospital_id: "", start_at: "" }))).toBe("请选择医院");
    expect(missingOf(draft({ start_at: "" }))).toBe("请选择开始时间");
    expect(missingOf(draft({ contact_phone: "123" }))).toBe("请填写正确的联系电话");
    expect(missingOf(draft())).toBe("");
    expect(wishOf(draft({ patient_id: "" }), HALF)).toBeNull();
  });

  it("ends after the type's length, or after the hours that were chosen", () => {
    expect(wishOf(draft(), HALF)?.end_at).toBe("2026-12-02T05:00:00.000Z");
    expect(wishOf(draft({ service_type: "escort_hourly", hours: 3 }), HOURLY)?.end_at).toBe("2026-12-02T04:00:00.000Z");
  });

  it("sends ticks and words as one text, and null for what was left empty", () => {
    const wish = wishOf(draft({ wishes: ["需要轮椅"], requirements: " 带老花镜 " }), HALF);
    expect(wish).toMatchObject({ caregiver_id: null, department: null, contact_phone: null, requirements: "需要轮椅；带老花镜" });
    expect(wishOf(draft({ caregiver: { caregiver_id: "c1", name: "周" } }), HALF)).toMatchObject({ caregiver_id: "c1", requirements: null });
  });
});
