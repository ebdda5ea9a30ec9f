// The numbers of the design: contrast, sizes of text and of what is tapped.
import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

const text = readFileSync(new URL("../src/styles/tokens.scss", import.meta.url), "utf-8");
const [plainText, elderText] = text.split(".frame.elder {");
const read = (part: string): Record<string, string> => Object.fromEntries([...part.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((match) => [match[1], match[2]]));
const plain = read(plainText);
const elder = { ...plain, ...read(elderText) };

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS: [string, string[]][] = [
  ["color-page", ["color-ink", "color-soft", "color-brand", "color-price", "color-danger", "color-brand-ink", "color-wait"]],
  ["color-card", ["color-ink", "color-soft", "color-brand", "color-price", "color-danger", "color-brand-ink", "color-wait"]],
  ["color-brand", ["color-on-brand"]],
  ["color-danger", ["color-on-brand"]],
  ["color-brand-soft", ["color-brand-ink", "color-brand", "color-soft"]],
  ...["wait", "info", "good", "danger", "rest"].map((tone): [string, string[]] => [`color-${tone}-soft`, [`color-${tone}`]]),
];
const PAIRS = GROUNDS.flatMap(([ground, inks]) => inks.map((ink) => [ink, ground]));

it.each(PAIRS)("%s on %s can be read", (ink, ground) => {
  for (const tokens of [plain, elder]) expect(contrast(tokens[ink], tokens[ground])).toBeGreaterThanOrEqual(4.5);
});

it("computes contrast as the guideline does", () => {
  expect(contrast("#ffffff", "#000000")).toBeCloseTo(21, 1);
  expect(contrast("#777777", "#ffffff")).toBeLessThan(4.5);
});

it("has targets that fingers hit, and in elder mode larger type and targets", () => {
  const px = (tokens: Record<string, string>, name: string): number => Number.parseInt(tokens[name], 10);
  expect(px(plain, "target")).toBeGreaterThanOrEqual(44);
  expect(px(elder, "target")).toBeGreaterThanOrEqual(60);
  for (const name of ["type-badge", "type-small", "type-body", "type-lead"]) expect(px(elder, name)).toBeGreaterThanOrEqual(18);
  for (const name of ["type-title", "type-large"]) expect(px(elder, name)).toBeGreaterThanOrEqual(24);
});
