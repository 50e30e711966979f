/**
 * What a silence keeps back and how long it may last, before the gateway has to refuse it (alert/src/quiet/silence.rs). Pure.
 *
 * | draft | fault |
 * |---|---|
 * | no topic, or no source, where one is to be silenced | `nothing` |
 * | no reason | `reason` |
 * | a reason of more than 500 characters | `long_reason` |
 * | no end, or half of one | `end` |
 * | an end that is not ahead | `past` |
 * | one more than 8 hours ahead; of a supervisor or administrator more than 7 days | `long` |
 * | else | none |
 */
import type { Level, Role, Silence, SilenceWanted } from "../api/types";
import { dueToday, date, fromField, moment } from "./time";
import { shifted } from "./roster";

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** The gateway's clock may be so far behind this one, and it is the one that judges. */
const LEEWAY = 5_000;

export const LONGEST_REASON = 500;
/** The levels below which there is something, the mildest first. */
export const BELOW: readonly Level[] = ["III", "II", "I"];
/** When a night ends. */
export const MORNING = "08:00";

const LEVELS: readonly Level[] = ["IV", "III", "II", "I"];

export type ScopeKind = "topic" | "source" | "below";

/** When it is to end: after so many hours, at the end of the night, or at a moment (null: not yet named). */
export type End = { hours: number } | "morning" | { at: number | null };

export interface Draft {
  kind: ScopeKind;
  topic: string;
  source: string;
  below: Level;
  end: End;
  reason: string;
  red: boolean;
}

export type Fault = "nothing" | "reason" | "long_reason" | "end" | "past" | "long";

/** How many hours a silence of this role may last. */
export const longestHours = (role: Role): number => (role === "supervisor" || role === "admin" ? 7 * 24 : 8);

/** The next morning in a zone: today's, while it lies ahead. */
export function morning(now: number, zone: string): number | null {
  return dueToday(now, MORNING, zone) ?? fromField(`${shifted(date(now, zone), 1)}T${MORNING}`, zone);
}

/** When a draft ends. A length ends on the full minute, as it is shown, and never beyond the length. */
export function endOf(end: End, now: number, zone: string): number | null {
  if (end === "morning") return morning(now, zone);
  if ("at" in end) return end.at;
  return Math.floor((now + end.hours * HOUR - LEEWAY) / MINUTE) * MINUTE;
}

/** Whether somebody of this role may let a silence end then. */
export const isTooLong = (end: number, now: number, role: Role): boolean => end - now > longestHours(role) * HOUR;

/** What must be mended first, by the module's table. */
export function faultOf(draft: Draft, now: number, zone: string, role: Role): Fault | null {
  if (draft.kind !== "below" && !draft[draft.kind].trim()) return "nothing";
  const reason = draft.reason.trim();
  if (!reason) return "reason";
  if ([...reason].length > LONGEST_REASON) return "long_reason";
  const end = endOf(draft.end, now, zone);
  if (end === null) return "end";
  if (end <= now) return "past";
  return isTooLong(end, now, role) ? "long" : null;
}

/** Whether red ones can be kept back at all: below a level they never are, and a source has no incidents. */
export const mayKeepRed = (kind: ScopeKind): boolean => kind === "topic";

/** A draft without faults, as the gateway wants it. */
export function wantedOf(draft: Draft, now: number, zone: string): SilenceWanted {
  const scope = {
    topic: { topic: draft.topic.trim() },
    source: { source: draft.source.trim() },
    below: { below: draft.below },
  }[draft.kind];
  const until = new Date(endOf(draft.end, now, zone) ?? now).toISOString();
  const red = mayKeepRed(draft.kind) && draft.red;
  return { ...scope, until, reason: draft.reason.trim(), ...(red && { red }) };
}

/** What a silence is of. */
export function scopeOf({ topic, source }: Silence): ScopeKind {
  return topic ? "topic" : source ? "source" : "below";
}

/**
 * Which pages break through.
 *
 * | silence | pages that are written all the same |
 * |---|---|
 * | of a source | of every incident: its alerts alone are kept back (`incidents`) |
 * | below a level | of that level and graver (`from`) |
 * | of a topic with an open incident | of that one when it gets graver than it was (`rises` to a level); of none where nothing is graver (`none`) |
 * | of a topic without | of one that opens and gets graver than it was at its first page (`graver`) |
 *
 * Red ones are, whatever else holds, unless the silence says so.
 */
export type Through =
  { how: "incidents" } | { how: "from" | "rises"; level: Level } | { how: "none" } | { how: "graver" };

export function throughOf(silence: Pick<Silence, "topic" | "source" | "below" | "up_to">): Through {
  if (silence.source) return { how: "incidents" };
  if (silence.below) return { how: "from", level: silence.below };
  if (!silence.up_to) return { how: "graver" };
  const graver = LEVELS[LEVELS.indexOf(silence.up_to) + 1];
  return graver ? { how: "rises", level: graver } : { how: "none" };
}

/** When it ended, or will. */
export function overAt({ until, ended_at }: Silence): number {
  return Math.min(moment(until) ?? 0, moment(ended_at) ?? Infinity);
}

/** Whether it holds: what was read a while ago may be over by now. */
export const holds = (silence: Silence, now: number): boolean => silence.active && now < overAt(silence);
