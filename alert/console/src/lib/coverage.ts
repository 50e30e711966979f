/** What the coverage page makes of a source's record: order, shares, runs of a grid. Pure. */
import type { CoverageSeconds, SourceState } from "../api/types";

/** A stretch's state: covered, late, unwatched, failing, gap. */
export type Letter = "c" | "l" | "u" | "f" | "g";

/** The letters, the worst first. */
export const LETTERS: readonly Letter[] = ["g", "f", "u", "l", "c"];

export type Show = "all" | "trouble" | "gaps" | "ok";
export const SHOWS: readonly Show[] = ["all", "trouble", "gaps", "ok"];

export interface Run {
  from: number;
  to: number;
  letter: Letter;
}

/** Equal cells that follow on, as one. A letter that nobody knows counts as unwatched: never as covered. */
export function runs(grid: string): Run[] {
  const result: Run[] = [];
  [...grid].forEach((cell, at) => {
    const letter = LETTERS.find((known) => known === cell) ?? "u";
    const last = result.at(-1);
    if (last?.letter === letter) last.to = at + 1;
    else result.push({ from: at, to: at + 1, letter });
  });
  return result;
}

/** Seconds by letter, those of which there are none left out, the worst first. */
export function parts(seconds: CoverageSeconds): { letter: Letter; seconds: number }[] {
  const of: Record<Letter, number> = {
    g: seconds.gap,
    f: seconds.failing,
    u: seconds.unwatched,
    l: seconds.late,
    c: seconds.covered,
  };
  return LETTERS.map((letter) => ({ letter, seconds: of[letter] })).filter(({ seconds }) => seconds > 0);
}

/** The share of the time that was read in full, late or not. */
export function complete(seconds: CoverageSeconds): number {
  const all = parts(seconds).reduce((sum, part) => sum + part.seconds, 0);
  return all === 0 ? 0 : (seconds.covered + seconds.late) / all;
}

/** A share with as many digits as it takes to see that something is missing: what is not all never shows as 100 %. */
export function fine(share: number): string {
  if (share >= 1) return "100%";
  if (share <= 0) return "0%";
  const digits = share >= 0.99 ? 2 : 1;
  const scale = 10 ** digits;
  return `${(Math.floor(share * 100 * scale) / scale).toFixed(digits)}%`;
}

/** How bad it is with a source; the higher, the worse. */
export function badness({ state, finding, proof }: SourceState): number {
  if (state === "failing") return 6;
  if (state === "late") return 5;
  if (finding) return 4;
  if (proof && proof.open_gaps.length > 0) return 3;
  if (state === "waiting") return 2;
  return proof ? 1 : 0;
}

/** Whether something is wrong with a source. */
export const troubled = (source: SourceState) => badness(source) >= 3;

/** The worst first; among those, whichever is worse for longer; then by name. */
export function byBadness(a: SourceState, b: SourceState): number {
  return (
    badness(b) - badness(a) ||
    compare(a.finding?.since ?? "", b.finding?.since ?? "") ||
    compare(a.name || a.id, b.name || b.id)
  );
}

const SHOWN: Record<Show, (source: SourceState) => boolean> = {
  all: () => true,
  trouble: troubled,
  gaps: (source) => (source.proof?.open_gaps.length ?? 0) > 0,
  ok: (source) => !troubled(source),
};

/** The sources that fit a filter. */
export function filtered(sources: readonly SourceState[], show: Show, text: string): SourceState[] {
  const wanted = text.trim().toLowerCase();
  return sources.filter(
    (source) => SHOWN[show](source) && `${source.name}\n${source.id}`.toLowerCase().includes(wanted),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
