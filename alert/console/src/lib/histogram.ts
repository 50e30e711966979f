/** Counts over time, from the API's buckets to what is drawn and what is asked next. Pure. */
import type { Histogram, Scale } from "../api/types";
import type { Search } from "./searchUrl";
import { clock, date, fromField, moment, wall } from "./time";

export interface Bin {
  /** Begin and end, in milliseconds. */
  at: number;
  end: number;
  count: number;
  /** All from the first bar up to here. */
  total: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** When the bucket after one begins, in the zone that days and months are counted in. */
export function bucketEnd(at: number, scale: Scale, zone: string): number {
  if (scale === "minute" || scale === "auto") return at + MINUTE;
  if (scale === "hour") return at + 60 * MINUTE;
  const { year, month, day } = wall(at, zone);
  const next =
    scale === "month"
      ? Date.UTC(year, month, 1)
      : scale === "week"
        ? Date.UTC(year, month - 1, day) + 7 * DAY
        : Date.UTC(year, month - 1, day) + DAY;
  return fromField(`${new Date(next).toISOString().slice(0, 10)}T00:00`, zone) ?? at + DAY;
}

/** The bars of a histogram; each ends where the next begins. */
export function bins(histogram: Histogram, zone: string): Bin[] {
  const begins = histogram.buckets.map(({ from }) => moment(from) ?? 0);
  let total = 0;
  return histogram.buckets.map(({ count }, index) => {
    const at = begins[index] ?? 0;
    total += count;
    return { at, end: begins[index + 1] ?? bucketEnd(at, histogram.scale, zone), count, total };
  });
}

/** The time from one bar to another, both included, in whichever order; within the time that is asked for already. */
export function narrowed(search: Search, bars: readonly Bin[], one: number, other: number): Search {
  const first = bars[Math.max(0, Math.min(one, other))];
  const last = bars[Math.min(bars.length - 1, Math.max(one, other))];
  if (!first || !last) return search;
  const from = Math.max(first.at, moment(search.from) ?? -Infinity);
  const to = Math.min(last.end, moment(search.to) ?? Infinity);
  // A finer look: the scale that was chosen for the longer time says little about the shorter.
  return { ...search, from: new Date(from).toISOString(), to: new Date(to).toISOString(), scale: "auto" };
}

/** Whether narrowing to these bars would change anything. */
export function narrows(search: Search, bars: readonly Bin[], one: number, other: number): boolean {
  const next = narrowed(search, bars, one, other);
  return moment(next.from) !== moment(search.from) || moment(next.to) !== moment(search.to);
}

/** What stands under a bar. */
export function label(at: number, scale: Scale, zone: string): string {
  const day = date(at, zone);
  if (scale === "month") return day.slice(0, 7);
  if (scale === "week" || scale === "day") return day.slice(5);
  const time = clock(at, zone, false);
  return time === "00:00" ? day.slice(5) : time;
}

/** From when to when a bar counts, in words. */
export function span(bin: Bin, scale: Scale, zone: string): string {
  const day = date(bin.at, zone);
  if (scale === "month") return day.slice(0, 7);
  if (scale === "day") return day;
  if (scale === "week") return `${day} – ${date(bin.end - 1, zone).slice(5)}`;
  return `${day} ${clock(bin.at, zone, false)} – ${clock(bin.end, zone, false)}`;
}

/** Between two labels, in minutes: what a clock's face is divided by. */
const STEPS: Partial<Record<Scale, readonly number[]>> = {
  minute: [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440],
  hour: [60, 120, 180, 360, 720, 1440],
};
/** The room that a label takes, in pixels. */
const ROOM = 62;

/**
 * Which bars bear a label, so that they do not touch in a picture so many pixels wide. Minutes and hours are labelled where the clock
 * shows a round time, at last where a day begins: an hour without its day says nothing.
 */
export function labelled(bars: readonly Bin[], scale: Scale, zone: string, room: number): ReadonlySet<number> {
  const most = Math.max(1, Math.floor(room / ROOM));
  const length = scale === "minute" ? 1 : 60;
  const step = STEPS[scale]?.find((minutes) => (bars.length * length) / minutes <= most);
  let places = bars.map((_, index) => index);
  if (STEPS[scale]) {
    places = places.filter((index) => {
      const { hour, minute } = wall(bars[index]!.at, zone);
      return (hour * 60 + minute) % (step ?? 1440) < length;
    });
  }
  const every = Math.ceil(places.length / most);
  return new Set(places.filter((_, index) => index % Math.max(1, every) === 0));
}

/** The bar that counts most; -1 when there is none. */
export function peak(bars: readonly Bin[]): number {
  return bars.reduce((best, bin, index) => (bin.count > (bars[best]?.count ?? 0) ? index : best), -1);
}
