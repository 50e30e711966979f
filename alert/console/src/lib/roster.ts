/** The duty roster as a week: which turn stands in which cell, and what may be done with it. Pure. */
import type { Roster, RosterTurn } from "../api/types";
import { clock, date, fromField, moment } from "./time";

const DAY = 86_400_000;

/** A day of the grid. */
export interface Day {
  /** `2026-11-24`. */
  date: string;
  /** Milliseconds. */
  begin: number;
  end: number;
}

/** A turn with the roster that it is of. */
export interface Placed {
  roster: Roster;
  turn: RosterTurn;
  from: number;
  to: number;
}

/** A row of the grid. */
export interface Row {
  name: string;
  /** For each day the turns that begin on it, the earliest first. */
  days: Placed[][];
}

/** The date so many days after another, whatever the clocks do in between. */
export function shifted(day: string, by: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY).toISOString().slice(0, 10);
}

/** The Monday of the week that a moment lies in. */
export function monday(at: number, zone: string): string {
  const today = date(at, zone);
  const weekday = new Date(`${today}T00:00:00Z`).getUTCDay();
  return shifted(today, -((weekday + 6) % 7));
}

/** Seven days from a date, by the wall clock of a zone. */
export function week(first: string, zone: string): Day[] {
  const begin = (day: string): number => fromField(`${day}T00:00`, zone) ?? Date.parse(`${day}T00:00:00Z`);
  return Array.from({ length: 7 }, (_, at) => {
    const day = shifted(first, at);
    return { date: day, begin: begin(day), end: begin(shifted(day, 1)) };
  });
}

/** All turns with their rosters. */
export function placed(rosters: readonly Roster[]): Placed[] {
  return rosters.flatMap((roster) =>
    roster.turns.map((turn) => ({ roster, turn, from: moment(turn.from) ?? 0, to: moment(turn.to) ?? 0 })),
  );
}

/**
 * The grid: a row for each name. A turn stands on the day on which it begins; one that began before the first day and goes on stands
 * on the first.
 */
export function grid(
  turns: readonly Placed[],
  days: readonly Day[],
  name: (turn: Placed) => string,
  names: string[],
): Row[] {
  const all = [...new Set([...names, ...turns.map(name)])];
  const first = days[0]?.begin ?? 0;
  return all.map((row) => ({
    name: row,
    days: days.map(({ begin, end }) =>
      turns
        .filter((turn) => name(turn) === row && turn.to > first)
        .filter(({ from }) => Math.max(from, first) >= begin && Math.max(from, first) < end)
        .sort((a, b) => a.from - b.from || a.to - b.to),
    ),
  }));
}

/** `20:00–08:00`. */
export function hours({ from, to }: { from: number; to: number }, zone: string): string {
  return `${clock(from, zone, false)}–${clock(to, zone, false)}`;
}

/** Turns that may be swapped: not begun, of the plan or of a change alike, and not extra ones. */
export function swappable(turns: readonly Placed[], now: number): Placed[] {
  return turns.filter(({ turn, from }) => from > now && turn.source !== "extra");
}

/** Names one turn among others. */
export const keyOf = ({ roster, turn }: Placed): string => `${roster.id}/${turn.from}/${turn.to}/${turn.person}`;
