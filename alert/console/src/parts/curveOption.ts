/** What ECharts is told of a curve: bars over the usual range, the expectation as a line, the rise as a mark. */
import type { EChartsCoreOption } from "echarts/core";
import type { TopicCurve } from "../api/types";
import { barAt, bars, labelEvery, labelled } from "../lib/curve";
import { rough } from "../lib/number";
import { clock, date, moment, stamp } from "../lib/time";
import { t } from "../words";
import { tooltip, type Palette } from "./tooltip";

export interface Frame {
  width: number;
  now: number;
  zone: string;
  palette: Palette;
  /** Without labels on the axes: a curve beside a figure. */
  bare: boolean;
  /** A moment that somebody has chosen, in milliseconds. */
  chosen: number | null;
}

/** Free room beside the bars, in pixels, of a curve that is not bare. */
export const LEFT = 34;
export const RIGHT = 6;
/** What the words of two marks need beside each other, in pixels. */
const LABEL_ROOM = 150;
const DAY_MS = 86_400_000;

export function curveOption(curve: TopicCurve, { width, now, zone, palette, bare, chosen }: Frame): EChartsCoreOption {
  const steps = bars(curve, now);
  const every = labelEvery(steps.length, curve.step_seconds, width);
  const spikeAt = barAt(steps, curve.step_seconds, moment(curve.pulse?.spike?.since));
  // A moment belongs to the step that it ends.
  const chosenAt = chosen === null ? -1 : barAt(steps, curve.step_seconds, chosen - 1);
  const long = steps.length * curve.step_seconds * 1_000 > DAY_MS;
  const name = (at: number) => (long ? stamp(at, now, zone) : clock(at, zone, false));
  const label = (at: number) => {
    const time = clock(at, zone, false);
    return long && time === "00:00" ? date(at, zone).slice(5) : time;
  };
  const labels = steps.map((step) => label(step.at));
  const mark = (at: number, colour: string, text: string) => ({
    xAxis: at,
    lineStyle: { color: palette(colour), width: 1, type: "solid" as const },
    label: {
      formatter: text,
      color: palette(colour),
      fontSize: 11,
      position: "end",
      distance: 3,
      align: at > steps.length * 0.85 ? "right" : at < steps.length * 0.15 ? "left" : "center",
    },
  });
  const risesAt = moment(curve.pulse?.spike?.since) ?? 0;
  // Where the words would lie upon each other, those of the chosen moment are said; the line stays.
  const apart = chosenAt < 0 || (Math.abs(chosenAt - spikeAt) / Math.max(1, steps.length)) * width > LABEL_ROOM;
  const marks = [
    ...(spikeAt < 0 ? [] : [mark(spikeAt, "--warn", apart ? `${t("chart.spike")} ${name(risesAt)}` : "")]),
    ...(chosenAt < 0 ? [] : [mark(chosenAt, "--accent", name(chosen ?? 0))]),
  ];
  const colour = (part: "negative" | "rest", hot: boolean) =>
    palette(`--bar-${hot ? "hot" : "calm"}${part === "negative" ? "-negative" : ""}`);
  const stack = (part: "negative" | "rest") => ({
    type: "bar",
    stack: "count",
    barCategoryGap: steps.length > 90 ? "10%" : "22%",
    data: steps.map((step) => ({
      value: part === "negative" ? step.negative : step.count - step.negative,
      itemStyle: { color: colour(part, step.hot), opacity: step.growing ? 0.55 : 1 },
    })),
  });
  return {
    animation: false,
    textStyle: { fontFamily: palette("--sans") },
    grid: { left: bare ? 0 : LEFT, right: bare ? 0 : RIGHT, top: marks.length > 0 ? 20 : 8, bottom: bare ? 2 : 22 },
    tooltip: tooltip(palette, (index) => {
      const step = steps[index];
      if (!step) return [];
      return [
        name(step.at) + (step.growing ? `  ${t("chart.growing")}` : ""),
        `${t("chart.count")} ${step.count}   ${t("chart.negative")} ${step.negative}`,
        `${t("chart.expected")} ${rough(step.expected)}   ${t("chart.usual")} ≤ ${rough(step.upper)}`,
      ];
    }),
    xAxis: {
      type: "category",
      data: labels,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: palette("--line-strong") } },
      axisLabel: {
        show: !bare,
        color: palette("--faint"),
        fontSize: 11,
        interval: (index: number) => labelled(steps[index]!, every, curve.step_seconds, zone),
      },
    },
    yAxis: {
      type: "value",
      min: 0,
      minInterval: 1,
      splitNumber: 2,
      // A quiet curve is not blown up to full height.
      max: (range: { max: number }) => (range.max < 4 ? 4 : null),
      axisLabel: { show: !bare, color: palette("--faint"), fontSize: 11 },
      splitLine: { show: !bare, lineStyle: { color: palette("--line") } },
    },
    series: [
      {
        type: "line",
        silent: true,
        symbol: "none",
        step: "middle",
        lineStyle: { width: 0 },
        areaStyle: { color: palette("--usual"), opacity: 1 },
        data: steps.map((step) => step.upper),
        z: 1,
      },
      { ...stack("negative"), z: 2 },
      { ...stack("rest"), z: 2 },
      {
        type: "line",
        silent: true,
        symbol: "none",
        step: "middle",
        lineStyle: { color: palette("--usual-line"), width: 1.2, type: [4, 3] },
        data: steps.map((step) => step.expected),
        z: 3,
        markLine: marks.length === 0 ? undefined : { silent: true, symbol: "none", data: marks },
      },
    ],
  };
}
