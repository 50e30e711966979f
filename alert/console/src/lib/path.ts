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
  responded: "responded",
  watching: "watching",
  returned: "acked",
  closed: "closed",
  false_alarm: "closed",
  reopened: "acked",
};

/** The steps from 新发 to 办结. */
export function path(state: State, history: readonly HistoryEvent[]): Step[] {
  const reached = new Map<State, HistoryEvent>();
  for (const event of history) {
    const step = Object.hasOwn(REACHED_BY, event.action) ? REACHED_BY[event.action] : undefined;
    if (step) reached.set(step, event);
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
