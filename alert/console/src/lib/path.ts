/** How far an incident has come on its way, step by step. Pure. */
import type { HistoryEvent, State } from "../api/types";
import { STATES } from "./ranking";

export interface Step {
  state: State;
  /** done: it was there. here: it is there now. passed: left out on the way. ahead: not yet. */
  phase: "done" | "here" | "passed" | "ahead";
  /** When it came there, and by whom, where the history tells. */
  at: string | null;
  who: string | null;
}

const REACHED_BY: Record<string, State> = {
  opened: "new",
  acked: "acked",
  assigned: "assigned",
  rebound: "handling",
  responded: "responded",
  watching: "watching",
  returned: "acked",
  closed: "closed",
  false_alarm: "closed",
  merged: "closed",
  reopened: "acked",
};
/** What moves a matter on only while the unit that it was given to has not yet said anything. */
const PROGRESS = ["unit_acked", "answered", "reported", "noted"];

function reachedBy(action: string, reached: ReadonlyMap<State, HistoryEvent>, from: State | null): State | undefined {
  if (PROGRESS.includes(action)) return from === "assigned" ? "handling" : undefined;
  // What was split from another incident begins signed; the other one stays where it is.
  if (action === "split") return reached.size === 0 ? "acked" : undefined;
  return Object.hasOwn(REACHED_BY, action) ? REACHED_BY[action] : undefined;
}

/** The steps from 新发 to 办结. */
export function path(state: State, history: readonly HistoryEvent[]): Step[] {
  const reached = new Map<State, HistoryEvent>();
  let at: State | null = null;
  for (const event of history) {
    const step = reachedBy(event.action, reached, at);
    if (!step) continue;
    reached.set(step, event);
    // The incident that another one was merged into goes on as it was.
    if (event.action !== "merged") at = step;
  }
  const here = STATES.indexOf(state);
  return STATES.map((step, index) => {
    const event = reached.get(step);
    const phase = index === here ? "here" : index > here ? "ahead" : event ? "done" : "passed";
    return {
      state: step,
      phase,
      at: index <= here ? (event?.at ?? null) : null,
      who: index <= here ? (event?.who ?? null) : null,
    };
  });
}
