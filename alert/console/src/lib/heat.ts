/** From a topic's heat to what the hot list shows. Pure. */
import type { HeatPart, HotWindow } from "../api/types";

export const HOT_WINDOWS: readonly HotWindow[] = ["1h", "24h", "7d"];

const SECONDS: Record<HotWindow, number> = { "1h": 3_600, "24h": 86_400, "7d": 604_800 };

/** The parts of a heat, in the order in which they are stacked. */
export const PARTS = [
  "rising",
  "volume",
  "growth",
  "negative",
  "reach",
  "sources",
] as const satisfies readonly HeatPart["part"][];

/** A part of the heat as a piece of a bar, in per cent of the bar's whole length. */
export interface Slice {
  part: string;
  left: number;
  width: number;
}

/** The pieces of a stacked bar on which `whole` points are the full length, in order; parts without points are left out. */
export function slices(parts: readonly HeatPart[], whole: number): Slice[] {
  const pieces: Slice[] = [];
  let left = 0;
  for (const { part, points } of parts) {
    const width = whole > 0 ? Math.min(100 - left, (Math.max(0, points) / whole) * 100) : 0;
    if (width > 0) pieces.push({ part, left, width });
    left += width;
  }
  return pieces;
}

/** Why a hot list is empty: no post ever came in, none within its time, none that belongs to a topic, or one cannot tell. */
export type Emptiness = "nothing" | "silent" | "unmatched" | "unknown";

/** Judged by how many posts ever came in and when the last one did, in milliseconds; null for what is not known. */
export function emptiness(total: number | null, lastPostAt: number | null, now: number, window: HotWindow): Emptiness {
  if (total === 0) return "nothing";
  if (lastPostAt === null) return "unknown";
  return lastPostAt < now - SECONDS[window] * 1_000 ? "silent" : "unmatched";
}
