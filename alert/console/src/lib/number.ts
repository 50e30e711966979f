/** Numbers as the board shows them. */

/** Whole numbers with groups of three. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** An expectation: one decimal below ten, where it matters, none above. */
export function rough(value: number): string {
  return value < 9.95 ? value.toFixed(1) : whole(value);
}

/** A share from 0 to 1 as per cent; what is not quite all does not show as 100 %. */
export function percent(share: number): string {
  const clipped = Math.min(1, Math.max(0, share));
  const rounded = Math.round(clipped * 100);
  if (rounded === 100 && clipped < 1) return "99%";
  if (rounded === 0 && clipped > 0) return "1%";
  return `${rounded}%`;
}

/** How many times the expectation a count is; nothing where none was expected. */
export function factor(count: number, expected: number): string | null {
  if (expected < 0.05) return null;
  const times = count / expected;
  return times < 9.95 ? times.toFixed(1) : whole(times);
}
