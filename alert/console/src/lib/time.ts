/** Times and durations as a duty desk reads them: in the session's zone, two digits, nothing that jumps about. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A zone that this browser knows, or another. */
export function zoneOr(zone: string, fallback: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return fallback;
  }
}

/** The wall clock in a zone. */
export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0 is Sunday. */
  weekday: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

/** What the wall clock in `zone` shows at a moment. */
export function wall(at: number, zone: string): Wall {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return { year, month, day, hour, minute, second, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
}

/** Milliseconds of an RFC 3339 time; nothing for what is none. */
export function moment(text: string | null | undefined): number | null {
  const at = text ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : at;
}

const two = (value: number) => String(value).padStart(2, "0");

/** `03:04:05`, or `03:04` without seconds. */
export function clock(at: number, zone: string, seconds = true): string {
  const { hour, minute, second } = wall(at, zone);
  return `${two(hour)}:${two(minute)}${seconds ? `:${two(second)}` : ""}`;
}

/** `2026-11-24`. */
export function date(at: number, zone: string): string {
  const { year, month, day } = wall(at, zone);
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

/** `03:04` on the day of `now`, `11-23 03:04` in its year, `2025-11-23 03:04` else. */
export function stamp(at: number, now: number, zone: string): string {
  const then = wall(at, zone);
  const today = wall(now, zone);
  const time = `${two(then.hour)}:${two(then.minute)}`;
  if (then.year !== today.year) return `${date(at, zone)} ${time}`;
  if (then.month !== today.month || then.day !== today.day) return `${two(then.month)}-${two(then.day)} ${time}`;
  return time;
}

/** A running time: `04:12`, `1:04:12` from an hour on. Never negative. */
export function running(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** A duration as one number and its unit, rounded down. */
export function span(ms: number): { value: number; unit: "second" | "minute" | "hour" | "day" } {
  const length = Math.max(0, ms);
  if (length < MINUTE) return { value: Math.floor(length / 1000), unit: "second" };
  if (length < HOUR) return { value: Math.floor(length / MINUTE), unit: "minute" };
  if (length < 2 * DAY) return { value: Math.floor(length / HOUR), unit: "hour" };
  return { value: Math.floor(length / DAY), unit: "day" };
}

/** How long until a deadline, and how it looks: calm, soon, or over. */
export interface Countdown {
  phase: "calm" | "soon" | "over";
  text: string;
}

/** The countdown to `due`; `soon` begins a minute before. The second in which it ends is over already. */
export function countdown(due: number, now: number): Countdown {
  const left = due - now;
  if (left <= 0) return { phase: "over", text: running(-left) };
  // Rounded up: a clock that shows 00:00 has run out.
  return { phase: left <= MINUTE ? "soon" : "calm", text: running(Math.ceil(left / 1000) * 1000) };
}

/** A time of day such as `17:00`, today in a zone; nothing when it is over. */
export function dueToday(now: number, time: string, zone: string): number | null {
  const at = fromField(`${date(now, zone)}T${time}`, zone);
  return at !== null && at > now ? at : null;
}

/** `2026-11-24T03:04` as a date-time field shows it. */
export function toField(at: number, zone: string): string {
  return `${date(at, zone)}T${clock(at, zone, false)}`;
}

/**
 * The moment that a date-time field's value names in a zone. Where the clocks are put forward the gap is skipped over;
 * where they are put back the first of the two moments is meant.
 */
export function fromField(value: string, zone: string): number | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?$/.exec(value);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((digits) => Number(digits ?? 0)) as number[];
  // While a year is being typed it passes through the first century, which Date would take for the twentieth.
  if (year! < 1970) return null;
  const asUtc = Date.UTC(year!, month! - 1, day!, hour!, minute!, second);
  if (new Date(asUtc).getUTCDate() !== day) return null;
  const early = asUtc - offset(asUtc - DAY, zone);
  if (asUtc - offset(early, zone) === early) return early;
  return asUtc - offset(asUtc + DAY, zone);
}

/** How far the wall clock of a zone is ahead of UTC at a moment. */
function offset(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = wall(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}
