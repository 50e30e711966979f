/**
 * The deadlines of an incident as people read them. Pure.
 *
 * | the clock | phase |
 * |---|---|
 * | has stopped, and had run out before | late (逾期) |
 * | has stopped | inTime (按时) |
 * | is paused | paused: what is left stands still |
 * | its end lies behind | over |
 * | people are warned by now | soon |
 * | else | calm |
 *
 * Order of those that run: the one that ran out or runs out first comes first; paused ones come last. The stopped: the youngest first.
 */
import type { Clock, Incident } from "../api/types";
import { moment } from "./time";

export interface Deadline {
  clock: Clock;
  phase: "calm" | "soon" | "over" | "paused" | "inTime" | "late";
  /** When it runs out, in milliseconds. */
  due: number;
  /** Milliseconds until it runs out; negative when it has. */
  left: number;
}

const phaseOf = (clock: Clock, due: number, now: number): Deadline["phase"] => {
  // Whether a pause lay between is not told, so the moments alone prove nothing: the gateway has counted.
  if (clock.stopped_at) return clock.expired ? "late" : "inTime";
  if (clock.paused) return "paused";
  if (due <= now) return "over";
  return (moment(clock.warn_at) ?? due) <= now ? "soon" : "calm";
};

function deadline(clock: Clock, now: number): Deadline {
  const due = moment(clock.due_at) ?? now;
  const left = clock.paused ? clock.paused.left_seconds * 1000 : due - now;
  return { clock, phase: phaseOf(clock, due, now), due, left };
}

/** Those that run or are paused, and those that have stopped. */
export function deadlines(
  clocks: readonly Clock[] | undefined,
  now: number,
): { open: Deadline[]; stopped: Deadline[] } {
  const all = (clocks ?? []).map((clock) => deadline(clock, now));
  const paused = ({ phase }: Deadline) => Number(phase === "paused");
  const open = all
    .filter(({ clock }) => !clock.stopped_at)
    .sort((a, b) => paused(a) - paused(b) || a.left - b.left || (a.clock.id < b.clock.id ? -1 : 1));
  const stopped = all
    .filter(({ clock }) => clock.stopped_at)
    .sort((a, b) => (moment(b.clock.stopped_at) ?? 0) - (moment(a.clock.stopped_at) ?? 0));
  return { open, stopped };
}

/** The one that a person must think of first; a paused one only where nothing else runs. */
export function mostUrgent(incident: Incident, now: number): Deadline | null {
  return incident.state === "closed" ? null : (deadlines(incident.clocks, now).open[0] ?? null);
}
