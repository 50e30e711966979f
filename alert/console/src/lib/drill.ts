/** What became of a drill, from its incident and its history. Pure. */
import type { HistoryEvent, Incident } from "../api/types";

/** The longest text of a drill, in characters. */
export const LONGEST_TEXT = 200;

/** Whether the gateway would take the text. */
export const fits = (text: string): boolean => [...text.trim()].length <= LONGEST_TEXT;

/** Drills among incidents, the youngest first. */
export function drillsOf(incidents: readonly Incident[], most: number): Incident[] {
  return incidents
    .filter(({ drill }) => drill)
    .sort((a, b) => (a.opened_at < b.opened_at ? 1 : -1))
    .slice(0, most);
}

/** What the gateway noted last: when it was signed, and again when it was closed. Nothing while nobody has done either. */
export function resultOf(history: readonly HistoryEvent[]): HistoryEvent | null {
  return history.findLast(({ action }) => action === "drill_result") ?? null;
}
