/**
 * Cuts a text into pieces that are shown as text, some of them marked. Ranges are [begin, end) in UTF-16 code units, which
 * is what a JavaScript string is counted in. The ranges come from outside: what does not fit the text is clipped or left out.
 */

export interface Piece {
  text: string;
  mark: boolean;
}

type Range = readonly number[];

/** The ranges that fit into `length`, in order, merged where they touch. */
export function tidy(ranges: readonly Range[], length: number): [number, number][] {
  const clipped = ranges
    .map(([begin, end]) => [Math.max(0, begin ?? 0), Math.min(length, end ?? 0)] as [number, number])
    .filter(([begin, end]) => Number.isInteger(begin) && Number.isInteger(end) && begin < end)
    .sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const range of clipped) {
    const last = result.at(-1);
    if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
    else result.push(range);
  }
  return result;
}

/** The text in pieces. Joined they are the text again. */
export function pieces(text: string, ranges: readonly Range[]): Piece[] {
  const result: Piece[] = [];
  let at = 0;
  for (const [begin, end] of tidy(ranges, text.length)) {
    if (begin > at) result.push({ text: text.slice(at, begin), mark: false });
    result.push({ text: text.slice(begin, end), mark: true });
    at = end;
  }
  if (at < text.length) result.push({ text: text.slice(at), mark: false });
  return result;
}

export interface Excerpt {
  pieces: Piece[];
  /** Whether something was left out in front or behind. */
  cut: boolean;
}

/** At most some `limit` code units of a text, with the first match in sight; a cut shows as an ellipsis. */
export function excerpt(text: string, ranges: readonly Range[], limit: number): Excerpt {
  if (text.length <= limit) return { pieces: pieces(text, ranges), cut: false };
  const first = tidy(ranges, text.length)[0];
  const lead = Math.floor(limit / 4);
  const begin = first && first[1] > limit ? onBoundary(text, Math.min(first[0] - lead, text.length - limit)) : 0;
  const end = onBoundary(text, Math.min(text.length, begin + limit));
  const shifted = ranges.map(([from, to]) => [(from ?? 0) - begin, (to ?? 0) - begin]);
  const result = pieces(text.slice(begin, end), shifted);
  if (begin > 0) result.unshift({ text: "…", mark: false });
  if (end < text.length) result.push({ text: "…", mark: false });
  return { pieces: result, cut: true };
}

/** The place itself, or one before it when it would cut a surrogate pair in two. */
function onBoundary(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
