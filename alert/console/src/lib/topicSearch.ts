/**
 * Which search finds a topic's posts. Pure.
 *
 * | the topic | its search |
 * |---|---|
 * | was defined | posts that were matched with it |
 * | is a category, or one × a unit | by category and unit, which its name holds |
 * | was found | posts that say words of its headline, most of them first, of the last week: posts are not marked with what was found later |
 * | is everything | every post |
 */
import type { TopicRef } from "../api/types";
import { quoted } from "./queryText";
import { emptySearch, toQuery } from "./searchUrl";

const WEEK_MS = 7 * 86_400_000;
const HOUR_MS = 3_600_000;
/** More words find nothing more. */
const MOST_WORDS = 8;

/** The query of the search page's address. */
export function topicSearch({ id, kind, name }: TopicRef, now: number): Record<string, string> {
  if (kind === "watch") return toQuery({ ...emptySearch, topic: id });
  if (kind === "category") {
    const [category = name, ...unit] = name.split(" · ");
    return toQuery({ ...emptySearch, category, unit: unit.join(" · ") });
  }
  if (kind === "emerging") {
    const from = new Date(Math.floor((now - WEEK_MS) / HOUR_MS) * HOUR_MS).toISOString();
    return toQuery({ ...emptySearch, q: headlineQuery(name), sort: "relevance", from });
  }
  return toQuery(emptySearch);
}

/** The words of a headline, one of which a post must say; the headline itself where it has no words of two characters. */
export function headlineQuery(headline: string): string {
  const words = [...new Intl.Segmenter("zh", { granularity: "word" }).segment(headline)]
    .filter(({ isWordLike, segment }) => isWordLike && [...segment].length > 1)
    .map(({ segment }) => segment);
  const different = [...new Set(words)].slice(0, MOST_WORDS);
  return different.length > 0 ? different.map(term).join(" 或 ") : quoted(headline);
}

/** A word as a term; one of another script could be a word of the query language. */
const term = (word: string) => (/^\p{Script=Han}+$/u.test(word) ? word : quoted(word));
