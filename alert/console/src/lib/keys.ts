/** Keys to commands. Pure: (what was pressed before, key) → (what is pending, command). */

export type Command =
  | "search"
  | "board"
  | "hot"
  | "incidents"
  | "searchPage"
  | "coverage"
  | "watch"
  | "roster"
  | "quiet"
  | "next"
  | "previous"
  | "open"
  | "sign"
  | "unfold"
  | "correct"
  | "facets"
  | "time"
  | "saved"
  | "help";

const SINGLE: Record<string, Command> = {
  "/": "search",
  "?": "help",
  j: "next",
  k: "previous",
  Enter: "open",
  a: "sign",
  e: "unfold",
  c: "correct",
  f: "facets",
  t: "time",
  s: "saved",
};

const AFTER_G: Record<string, Command> = {
  b: "board",
  h: "hot",
  i: "incidents",
  s: "searchPage",
  c: "coverage",
  w: "watch",
  d: "roster",
  q: "quiet",
};

/** `g` waits for a second key; any other second key is taken for itself. */
export function interpret(pending: string, key: string): { pending: string; command: Command | null } {
  if (pending === "g" && Object.hasOwn(AFTER_G, key)) return { pending: "", command: AFTER_G[key]! };
  if (key === "g") return { pending: "g", command: null };
  return { pending: "", command: Object.hasOwn(SINGLE, key) ? SINGLE[key]! : null };
}

/** The place in a list after a step; the first step from nowhere lands on the first or last entry. */
export function step(ids: readonly string[], selected: string | null, by: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const at = selected === null ? -1 : ids.indexOf(selected);
  if (at < 0) return (by > 0 ? ids[0] : ids.at(-1)) ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, at + by))] ?? null;
}
