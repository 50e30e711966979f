/** In which order the board shows incidents and topics. Pure. */
import type { Incident, Level, Pulse, State, Window } from "../api/types";
import { moment } from "./time";

const LEVELS: readonly Level[] = ["IV", "III", "II", "I"];

/** The steps of an incident's way, in order. */
export const STATES: readonly State[] = ["new", "acked", "assigned", "handling", "responded", "watching", "closed"];

/** 1 for IV, the mildest, to 4 for I. */
export function severity(level: Level): number {
  return LEVELS.indexOf(level) + 1;
}

/** Whether it awaits a signature: the desk's while it is new, a unit's while the unit has not signed what it was given. */
export function awaitsSignature(incident: Incident, forUnit: boolean): boolean {
  if (!forUnit) return incident.state === "new";
  return incident.state !== "closed" && Boolean(incident.unit) && !incident.unit_acked_by;
}

/** Unsigned before signed; among the unsigned the one that is due first; then the graver, then the younger. */
export function byUrgency(a: Incident, b: Incident): number {
  const unsigned = Number(b.state === "new") - Number(a.state === "new");
  if (unsigned !== 0) return unsigned;
  const due = a.state === "new" ? (moment(a.ack_due_at) ?? Infinity) - (moment(b.ack_due_at) ?? Infinity) : 0;
  if (due !== 0 && !Number.isNaN(due)) return due;
  return (
    severity(b.level) - severity(a.level) ||
    (moment(b.opened_at) ?? 0) - (moment(a.opened_at) ?? 0) ||
    compare(b.id, a.id)
  );
}

/** Topics that rise before topics that fall back, then by how surprising they are. */
export function byRise(a: Pulse, b: Pulse): number {
  return PHASES[b.phase] - PHASES[a.phase] || surprise(b) - surprise(a) || compare(a.topic.id, b.topic.id);
}

const PHASES = { rising: 3, peak: 2, decaying: 1, quiet: 0 } as const;

/** The window of this length. */
export function windowOf(pulse: Pulse | null | undefined, seconds: number): Window | undefined {
  return pulse?.windows.find((window) => window.seconds === seconds);
}

function surprise(pulse: Pulse): number {
  return Math.max(0, ...pulse.windows.map((window) => window.surprise));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
