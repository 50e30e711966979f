/** What the history says of an event beside its name. Pure. */
import type { Clock, HistoryEvent } from "../api/types";

/** Words of the gateway that say again what the event's name says. */
const AGAIN: Record<string, RegExp> = {
  assigned: /^交办 /,
  answered: /^单位答复: /,
  returned: /^退回: /,
  false_alarm: /^误报: /,
  reopened: /^重开: /,
};

/** The words of an event; a clock is called by its name, and an event whose words only repeat its name has nothing more to say. */
export function wordsOf(event: HistoryEvent, name: string, clocks: readonly Clock[] = []): string {
  const text = event.text.trim();
  if (text === name) return "";
  if (event.action === "paused" || event.action === "resumed") {
    const [, id, , said = ""] = /^(?:暂停|恢复)计时 (\S+?)(: |$)([\s\S]*)$/.exec(text) ?? [];
    const clock = clocks.find((clock) => clock.id === id);
    if (clock) return said ? `${clock.name}: ${said}` : clock.name;
  }
  const again = Object.hasOwn(AGAIN, event.action) ? AGAIN[event.action] : undefined;
  return again ? text.replace(again, "") : text;
}
