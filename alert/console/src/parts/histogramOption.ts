/** What ECharts is told of counts over time: bars, or how they sum up. */
import type { EChartsCoreOption } from "echarts/core";
import type { Scale } from "../api/types";
import { label, labelled, span, type Bin } from "../lib/histogram";
import { whole } from "../lib/number";
import type { View } from "../lib/searchUrl";
import { t } from "../words";
import { tooltip, type Palette } from "./tooltip";

/** The room for numbers on the left, and on the right: whoever maps a place in the picture to a bar needs them. */
export const LEFT = 44;
export const RIGHT = 8;

interface Frame {
  width: number;
  zone: string;
  palette: Palette;
}

export function histogramOption(
  bars: readonly Bin[],
  scale: Scale,
  view: View,
  { width, zone, palette }: Frame,
): EChartsCoreOption {
  const places = labelled(bars, scale, zone, width - LEFT - RIGHT);
  const growth = view === "growth";
  return {
    animation: false,
    textStyle: { fontFamily: palette("--sans") },
    grid: { left: LEFT, right: RIGHT, top: 8, bottom: 22 },
    tooltip: tooltip(palette, (index) => {
      const bar = bars[index];
      if (!bar) return [];
      return [
        span(bar, scale, zone),
        `${t("search.total", { n: whole(bar.count) })}   ${t("search.upTo", { n: whole(bar.total) })}`,
      ];
    }),
    xAxis: {
      type: "category",
      data: bars.map((bar) => label(bar.at, scale, zone)),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: palette("--line-strong") } },
      axisLabel: { color: palette("--faint"), fontSize: 11, interval: (index: number) => places.has(index) },
    },
    yAxis: {
      type: "value",
      min: 0,
      minInterval: 1,
      splitNumber: 2,
      max: (range: { max: number }) => (range.max < 4 ? 4 : null),
      axisLabel: { color: palette("--faint"), fontSize: 11, formatter: short },
      splitLine: { lineStyle: { color: palette("--line") } },
    },
    series: [
      growth
        ? {
            type: "line",
            step: bars.length > 200 ? false : "middle",
            symbol: "none",
            lineStyle: { color: palette("--accent"), width: 1.6 },
            areaStyle: { color: palette("--usual"), opacity: 1 },
            data: bars.map((bar) => bar.total),
          }
        : {
            type: "bar",
            barCategoryGap: bars.length > 90 ? "8%" : "20%",
            barMinHeight: 2,
            itemStyle: { color: palette("--bar-calm-negative") },
            // A bar without any is none, also where small ones are drawn larger than they are.
            data: bars.map((bar) => (bar.count > 0 ? bar.count : null)),
          },
    ],
  };
}

/** `12k` where the room is for four characters. */
function short(value: number): string {
  if (value < 10_000) return whole(value);
  return value < 1_000_000 ? `${whole(value / 1000)}k` : `${(value / 1_000_000).toFixed(1)}M`;
}
