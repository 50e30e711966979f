/**
 * From the answer to "why was I not paged?" to what is shown of it. Pure.
 *
 * | asked | answer |
 * |---|---|
 * | which window speaks for the outcome | of those with its verdict the rarest by chance, then the one with more posts; none for an outcome that is no verdict |
 * | how far a window came | judged posts against the line, 1 at the line; unknown where the line says nothing |
 * | whether the line says anything | not without history, but in the five minutes in which alone `min_count` counts |
 */
import type { WhyQuiet, WindowSeen } from "../api/types";

const FIVE_MINUTES = 300;

/** The window that the outcome was drawn from. */
export function speaking({ outcome, windows }: WhyQuiet): WindowSeen | null {
  const of = windows.filter(({ verdict }) => verdict === outcome);
  const rarity = ({ once_in_days }: WindowSeen) => once_in_days ?? 0;
  return of.reduce<WindowSeen | null>((best, seen) => {
    if (best === null) return seen;
    const rarer = rarity(seen) - rarity(best);
    return rarer > 0 || (rarer === 0 && seen.count > best.count) ? seen : best;
  }, null);
}

/** The least count that would have been a rise; none where no count of this window would have been one. */
export function lineOf({ line, seconds, verdict }: WindowSeen): number | null {
  return verdict === "no_history" && seconds !== FIVE_MINUTES ? null : line;
}

/** How far the judged posts came on the way to the line, 0 to 1. */
export function nearness(seen: WindowSeen): number | null {
  const line = lineOf(seen);
  return line === null || line <= 0 ? null : Math.min(1, seen.judged / line);
}

/** Whether somebody was told. */
export function wasTold({ outcome }: WhyQuiet): boolean {
  return outcome === "told" || outcome === "rise_of_before";
}

/** How often chance brings as much: a number of units of time, rounded as far as it is known. */
export interface Rarity {
  value: number;
  unit: "minute" | "hour" | "day" | "year" | "ages";
}

/** From days; nothing for what is not above the usual. Beyond a thousand years the number says no more. */
export function rarity(days: number | null | undefined): Rarity | null {
  if (days === null || days === undefined || !(days > 0)) return null;
  const minutes = days * 1_440;
  if (minutes < 59.5) return { value: Math.max(1, Math.round(minutes)), unit: "minute" };
  if (days < 0.98) return { value: Math.round(days * 24), unit: "hour" };
  if (days < 9.95) return { value: Math.round(days * 10) / 10, unit: "day" };
  if (days < 730) return { value: Math.round(days), unit: "day" };
  const years = days / 365.25;
  return years < 1_000 ? { value: Math.round(years), unit: "year" } : { value: 1_000, unit: "ages" };
}

/**
 * The moment that a step of the curve stands for: its end, with all that it counts. Of the step that still grows it is now, which has
 * no name.
 */
export function momentOf(begin: number, stepSeconds: number, now: number): number | null {
  const end = begin + stepSeconds * 1_000;
  return end < now ? end : null;
}
