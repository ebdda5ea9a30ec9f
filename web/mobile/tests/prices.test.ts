import { expect, it } from "vitest";

import { pricesOf, typedOf } from "@/pages-caregiver/settings/prices";
import { vitalsOf } from "@/pages-caregiver/order/nodes";

it("writes and reads prices without being off by a fen", () => {
  const rows = [19999, 5, 10000, 12340].map((price_fen, at) => ({ service_type: `s${at}`, service_type_text: "", band: "day" as const, band_text: "", price_fen }));
  const typed = typedOf(rows);
  expect(Object.values(typed)).toEqual(["199.99", "0.05", "100", "123.40"]);
  expect(pricesOf(typed)?.map((one) => one.price_fen)).toEqual([19999, 5, 10000, 12340]);
  expect(pricesOf({ "a/day": "", "b/night": " 60 " })).toEqual([{ service_type: "b", band: "night", price_fen: 6000 }]);
  for (const bad of ["1.999", "-1", "1e3", "１２", "abc"]) expect(pricesOf({ "a/day": bad })).toBeNull();
});

it("takes vital signs that are numbers, and leaves out what was not measured", () => {
  expect(vitalsOf({ temperature_c: "36.6", pulse_bpm: " 78 ", pain_0_10: "" })).toEqual({ temperature_c: 36.6, pulse_bpm: 78 });
  expect(vitalsOf({ pulse_bpm: "78.5" })).toBeNull();
  expect(vitalsOf({ temperature_c: "三十六" })).toBeNull();
  expect(vitalsOf({})).toEqual({});
});
