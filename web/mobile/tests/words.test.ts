import { describe, expect, it } from "vitest";

import { yuan } from "@/kit/money";
import { chartAddress, isUsual, pointsOf, VITAL_KINDS } from "@/kit/vitals";
import { isPhone, passwordProblem } from "@/session/words";
import { Clock } from "@/time/clock";
import { dateTimeOf, dayText, durationText, leftText, sinceText, spanText } from "@/time/shanghai";

it("shows whole fen as yuan", () => {
  expect([yuan(6000), yuan(5), yuan(-350), yuan(0), yuan(null)]).toEqual(["¥60.00", "¥0.05", "-¥3.50", "¥0.00", "--"]);
});

describe("Shanghai's calendar, wherever the phone is", () => {
  const now = Date.parse("2026-12-01T00:30:00+08:00");

  it("writes instants of other zones in Shanghai's", () => {
    expect(dateTimeOf("2026-11-30T16:30:00Z")).toBe("2026-12-01 00:30");
  });

  it("counts days at Shanghai's midnight", () => {
    expect(dayText("2026-11-30T23:59:00+08:00", now)).toBe("昨天");
    expect(dayText("2026-12-01T23:59:00+08:00", now)).toBe("今天");
    expect(dayText("2026-12-05T08:00:00+08:00", now)).toBe("12月5日 周六");
    expect(dayText("2027-01-02T08:00:00+08:00", now)).toBe("2027年1月2日 周六");
  });

  it("says an end on another day with its day", () => {
    expect(spanText("2026-12-02T08:00:00+08:00", "2026-12-02T12:00:00+08:00", now)).toBe("明天 08:00-12:00");
    expect(spanText("2026-12-01T20:00:00+08:00", "2026-12-02T08:00:00+08:00", now)).toBe("今天 20:00 至 明天 08:00");
  });

  it("says how long ago, how long, and how much is left", () => {
    expect(sinceText(now - 5_000, now)).toBe("刚刚");
    expect(sinceText(now - 300_000, now)).toBe("5 分钟前");
    expect([durationText(240), durationText(90), durationText(0)]).toEqual(["4 小时", "1 小时 30 分钟", "0 分钟"]);
    expect([leftText(3_723_000), leftText(59_001), leftText(-1)]).toEqual(["1:02:03", "1:00", "0:00"]);
  });
});

it("sets the clock by the middle of a call", () => {
  let local = 1_000_000;
  const clock = new Clock(() => local);
  local = 1_000_400;
  clock.set(new Date(2_000_000).toISOString(), 1_000_000);
  expect(clock.now()).toBe(2_000_200);
  local += 1_000;
  expect(clock.now()).toBe(2_001_200);
});

it("checks phones and passwords before they are sent", () => {
  expect([isPhone("13800000000"), isPhone("1380000000"), isPhone("23800000000")]).toEqual([true, false, false]);
  expect([passwordProblem("1234567"), passwordProblem("12345678")]).toEqual(["密码至少 8 位", ""]);
});

describe("vital signs", () => {
  const temperature = VITAL_KINDS[0];
  const notes = [
    { recorded_at: "2026-12-01T10:00:00+08:00", vitals: { temperature_c: 38.2 } },
    { recorded_at: "2026-12-01T09:00:00+08:00", vitals: { temperature_c: 36.5, pulse_bpm: 80 } },
    { recorded_at: "2026-12-01T11:00:00+08:00", vitals: null },
  ];

  it("are sorted by the time of measuring", () => {
    expect(pointsOf(temperature, notes).map((point) => point.value)).toEqual([36.5, 38.2]);
  });

  it("are drawn inside the picture, the unusual in another colour", () => {
    const svg = decodeURIComponent(chartAddress(temperature, pointsOf(temperature, notes)));
    const ys = [...svg.matchAll(/cy="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(ys).toHaveLength(2);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...ys)).toBeLessThanOrEqual(64);
    expect(svg.match(/#ad2218/g)).toHaveLength(1);
    expect([isUsual(temperature, 36.5), isUsual(temperature, 38.2)]).toEqual([true, false]);
  });

  it("of one value are a dot without NaN", () => {
    const svg = decodeURIComponent(chartAddress(temperature, pointsOf(temperature, notes.slice(1))));
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("polyline");
  });
});
