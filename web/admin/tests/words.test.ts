import { expect, it } from "vitest";

import { fenOf, instant, yuan } from "../src/words";

it("tells Shanghai's time whatever the desk's zone is", () => {
  expect(instant("2026-11-29T16:30:00Z")).toBe("2026-11-30 00:30");
  expect(instant("2026-11-29T14:00:00.000+08:00")).toBe("2026-11-29 14:00");
  expect(instant(null)).toBe("—");
});

it("writes fen as yuan to the last one", () => {
  expect([yuan(123450), yuan(5), yuan(-1999), yuan(0), yuan(null)]).toEqual(["¥1,234.50", "¥0.05", "-¥19.99", "¥0.00", "—"]);
});

it("reads yuan without ever being off by a fen", () => {
  expect([fenOf("19.99"), fenOf("0.1"), fenOf(" 200 "), fenOf("1234567.89")]).toEqual([1999, 10, 20000, 123456789]);
  for (const bad of ["", "1.999", "-1", "1e3", "１２", "12.", "a"]) expect(fenOf(bad)).toBeNull();
});
