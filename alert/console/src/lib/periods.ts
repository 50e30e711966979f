/** The stretches of time that one press asks for. Pure: what today is comes with the clock and the zone. */
import { date, fromField } from "./time";

export const PERIODS = ["today", "yesterday", "hours24", "days7", "days30"] as const;
export type Period = (typeof PERIODS)[number];

const HOUR = 3_600_000;

/** Midnight so many days before the day of `now`. */
function midnight(now: number, zone: string, days: number): number {
  const day = new Date(Date.parse(`${date(now, zone)}T00:00:00Z`) - days * 24 * HOUR);
  return fromField(`${day.toISOString().slice(0, 10)}T00:00`, zone) ?? now - days * 24 * HOUR;
}

/**
 * From, and up to but not including: RFC 3339, empty where it has no end. Hours are counted back from the full minute, so that an
 * address does not change with every second; days are those of the calendar, today among them.
 */
export function period(name: Period, now: number, zone: string): { from: string; to: string } {
  const iso = (at: number) => new Date(at).toISOString();
  if (name === "today") return { from: iso(midnight(now, zone, 0)), to: "" };
  if (name === "yesterday") return { from: iso(midnight(now, zone, 1)), to: iso(midnight(now, zone, 0)) };
  if (name === "hours24") return { from: iso(Math.floor(now / 60_000) * 60_000 - 24 * HOUR), to: "" };
  return { from: iso(midnight(now, zone, name === "days7" ? 6 : 29)), to: "" };
}
