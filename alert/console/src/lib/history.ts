/** What the history says of an event beside its name. Pure. */
import type { Clock, HistoryEvent } from "../api/types";

/** Words of the gateway that say again what the event's name says. */
const AGAIN: Record<string, RegExp> = {
  assigned: /^交办 /,
  answered: /^单位答复: /,
  reported: /^单位进展: /,
  returned: /^退回: /,
  false_alarm: /^误报: /,
  reopened: /^重开: /,
};

/** Words of the gateway that say no more than the name does, in whatever language that is. */
const PLAIN = ["签收", "单位签收"];

/** The words of an event; a clock is called by its name, and an event whose words only repeat its name has nothing more to say. */
export function wordsOf(event: HistoryEvent, name: string, clocks: readonly Clock[] = []): string {
  const text = event.text.trim();
  if (text === name || PLAIN.includes(text)) return "";
  if (event.action === "paused" || event.action === "resumed") {
    const [, id, , said = ""] = /^(?:暂停|恢复)计时 (\S+?)(: |$)([\s\S]*)$/.exec(text) ?? [];
    const clock = clocks.find((clock) => clock.id === id);
    if (clock) return said ? `${clock.name}: ${said}` : clock.name;
  }
  const again = Object.hasOwn(AGAIN, event.action) ? AGAIN[event.action] : undefined;
  return again ? text.replace(again, "") : text;
}

/** What was asked of the unit that has a matter now, and what it answered last. */
export interface Exchange {
  asked: HistoryEvent | null;
  answered: HistoryEvent | null;
}

/** The words of both, without what the state of the incident says anyway. Nothing once the unit has sent it back. */
export function exchange(history: readonly HistoryEvent[]): Exchange {
  const none: Exchange = { asked: null, answered: null };
  return history.reduce((known, event) => {
    if (event.action === "returned" || event.action === "reopened") return none;
    if (event.action === "assigned") {
      // `交办 UNIT[, 协办 UNITS][: WHAT IS ASKED]`
      const said = /^交办 .+?: ([\s\S]+)$/.exec(event.text.trim())?.[1];
      return { asked: said ? { ...event, text: said } : null, answered: null };
    }
    if (event.action === "answered") return { ...known, answered: { ...event, text: wordsOf(event, "") } };
    return known;
  }, none);
}
