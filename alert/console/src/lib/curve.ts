/** From a topic's series to what is drawn. Pure. */
import type { CurveStep, TopicCurve } from "../api/types";
import { clock, moment } from "./time";

export interface Bar {
  /** Begin of the step, in milliseconds. */
  at: number;
  count: number;
  negative: number;
  expected: number;
  upper: number;
  /** Above the expected band. */
  hot: boolean;
  /** The step is not over yet. */
  growing: boolean;
}

/** The bars of a curve at a moment. */
export function bars(curve: TopicCurve, now: number): Bar[] {
  const length = curve.step_seconds * 1000;
  return curve.series.map((step: CurveStep) => {
    const at = moment(step.at) ?? 0;
    const negative = Math.min(step.negative, step.count);
    return {
      at,
      count: step.count,
      negative,
      expected: step.expected,
      upper: step.upper,
      hot: step.count > step.upper,
      growing: at + length > now,
    };
  });
}

/** The bar in which a moment lies; -1 when it lies outside. */
export function barAt(bars: readonly Bar[], stepSeconds: number, at: number | null): number {
  if (at === null) return -1;
  return bars.findIndex((bar) => bar.at <= at && at < bar.at + stepSeconds * 1000);
}

/** How many bars lie between two labels: whole quarters of hours, as few as fit. */
export function labelEvery(count: number, stepSeconds: number, room: number): number {
  const most = Math.max(1, Math.floor(room / 64));
  for (const minutes of [5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880]) {
    const every = Math.max(1, Math.round((minutes * 60) / stepSeconds));
    if (count / every <= most) return every;
  }
  return Math.max(1, Math.ceil(count / most));
}

/** Whether the bar at an index bears a label: the wall clock stands at a multiple of the distance. */
export function labelled(bar: Bar, every: number, stepSeconds: number, zone: string): boolean {
  const [hours = 0, minutes = 0] = clock(bar.at, zone, false).split(":").map(Number);
  const seconds = (hours * 60 + minutes) * 60;
  return seconds % (every * stepSeconds) < stepSeconds;
}
