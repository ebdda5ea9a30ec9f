import { expect, it } from "vitest";

import { emptyRow, lackOf, periodsOf, rowsOf } from "@/pages-caregiver/profile/history";

const PAST = { employer: "首都某医院", role: "护理员", from: "2012", to: "2019-03" };
const NOW = { employer: "陪护中心", role: "陪护人员", from: "2019-04-01", to: null };

it("keeps what was there as exact as it was, the newest first", () => {
  expect(periodsOf(rowsOf([PAST, NOW]))).toEqual([NOW, PAST]);
  expect(periodsOf([{ ...emptyRow(), employer: " 养老院 ", role: "护工 ", from: "2020-01", to: "2021-01", isCurrent: true }])).toEqual([
    { employer: "养老院", role: "护工", from: "2020-01", to: null },
  ]);
});

it("says what a row lacks, one thing after the other", () => {
  const row = emptyRow();
  expect(lackOf(row)).toBe("请填写单位");
  expect(lackOf({ ...row, employer: "养老院" })).toBe("请填写职务");
  expect(lackOf({ ...row, employer: "养老院", role: "护工" })).toBe("请选择开始年月");
  const begun = { ...row, employer: "养老院", role: "护工", from: "2019-03" };
  expect(lackOf(begun)).toBe("");
  expect(lackOf({ ...begun, isCurrent: false })).toBe("请选择结束年月，或选“至今”");
  expect(lackOf({ ...begun, isCurrent: false, to: "2019-02" })).toBe("结束年月不能早于开始年月");
  expect(lackOf({ ...begun, isCurrent: false, to: "2019" })).toBe("");
});
