// What the charts draw, as plain options; only the parts of ECharts that they need are loaded.
import { BarChart, LineChart, PieChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import type { Overview } from "../api/answers";

use([LineChart, BarChart, PieChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

type Series = Overview["series"];
const COLORS = ["#0b7468", "#c98500", "#1c5a9e", "#ad3f0b", "#6a4fa3", "#4d635f"];
const COMMON = { color: COLORS, animation: false, textStyle: { fontFamily: "inherit" } };
const GRID = { left: 8, right: 16, top: 40, bottom: 8, containLabel: true };
const MOST_GROUPS = 8;

/** Orders a day: created, and of these completed and cancelled by now. */
export function ordersByDay({ daily }: Series): Record<string, unknown> {
  const line = (name: string, pick: (one: Series["daily"][number]) => number) => ({ name, type: "line", data: daily.map(pick) });
  return {
    ...COMMON,
    grid: GRID,
    legend: { top: 4 },
    tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: daily.map((one) => one.day.slice(5)) },
    yAxis: { type: "value", minInterval: 1 },
    series: [line("下单", (one) => one.orders), line("已完成", (one) => one.completed), line("已取消", (one) => one.cancelled)],
  };
}

/** Money a day in yuan: what came in, what went back, the platform's share. */
export function moneyByDay({ daily }: Series): Record<string, unknown> {
  const bar = (name: string, pick: (one: Series["daily"][number]) => number) => ({ name, type: "bar", data: daily.map((one) => pick(one) / 100) });
  return {
    ...COMMON,
    grid: GRID,
    legend: { top: 4 },
    tooltip: { trigger: "axis", valueFormatter: (value: unknown) => `¥${Number(value).toFixed(2)}` },
    xAxis: { type: "category", data: daily.map((one) => one.day.slice(5)) },
    yAxis: { type: "value" },
    series: [bar("到账", (one) => one.gross_fen), bar("退款", (one) => one.refunds_fen), bar("佣金", (one) => one.commission_fen)],
  };
}

/** Names stand around the ring; on a phone, where they have no room, with their numbers below it. */
export function shareOfServices({ by_service_type }: Series, isNarrow: boolean): Record<string, unknown> {
  const sold = by_service_type.filter((one) => one.orders > 0);
  const data = sold.map((one) => ({ name: isNarrow ? `${one.name} ${one.orders} 单` : one.name, value: one.orders }));
  const legend = isNarrow ? { bottom: 0, type: "plain", itemGap: 8 } : { bottom: 0, type: "scroll" };
  const ring = { radius: isNarrow ? ["30%", "54%"] : ["38%", "66%"], center: ["50%", isNarrow ? "34%" : "44%"] };
  const label = isNarrow ? { show: false } : { formatter: "{b} {c} 单" };
  return { ...COMMON, tooltip: { trigger: "item" }, legend, series: [{ type: "pie", ...ring, label, data }] };
}

export function ordersByDistrict({ by_district }: Series): Record<string, unknown> {
  const most = by_district.slice(0, MOST_GROUPS).reverse();
  return {
    ...COMMON,
    grid: { ...GRID, top: 8, right: 48 }, // room for what stands behind the longest bar
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: { type: "value", minInterval: 1 },
    yAxis: { type: "category", data: most.map((one) => one.name) },
    series: [{ type: "bar", name: "订单", barMaxWidth: 36, label: { show: true, position: "right", formatter: "{c} 单" }, data: most.map((one) => one.orders) }],
  };
}
