/**
 * What a person of a role is offered to do with an incident, in the order of its tabs. Pure; the gateway decides.
 *
 * | role | open | closed |
 * |---|---|---|
 * | operator, admin | note, assign; answer and return where a unit has it; respond, close, false alarm, merge; split where topics have joined | reopen |
 * | unit | note, answer and return while a unit has it | nothing |
 * | every other | nothing | nothing |
 */
import type { ActName, Incident, JoinName, Role } from "../api/types";

export type Form = Exclude<ActName, "ack" | "unit_ack" | "pause" | "resume"> | JoinName;

/** What nobody needs to have signed. */
const UNSIGNED: readonly Form[] = ["note", "false_alarm", "merge", "split"];

export function formsOf(incident: Incident, role: Role): Form[] {
  const byUnit: Form[] = incident.unit ? ["answer", "return"] : [];
  const open = incident.state !== "closed";
  if (role === "unit") return open && incident.unit ? ["note", ...byUnit] : [];
  if (role !== "operator" && role !== "admin") return [];
  if (!open) return ["reopen"];
  const split: Form[] = incident.related?.length ? ["split"] : [];
  return ["note", "assign", ...byUnit, "respond", "close", "false_alarm", "merge", ...split];
}

/** Whether somebody has to sign first. */
export const needsSignature = (incident: Incident, form: Form): boolean =>
  incident.state === "new" && !UNSIGNED.includes(form);
