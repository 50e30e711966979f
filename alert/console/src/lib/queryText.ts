/**
 * Queries written by the console, in the language that people type. Pure. Only what the language reads back as the same is written:
 *
 * | wanted | written |
 * |---|---|
 * | a value or phrase with blanks, brackets, quotes or a word of the language in it | in quotes that it does not hold |
 * | leaving a value out of a query | `query -来源:x`, the query in brackets where it says OR |
 * | a search's filters as text | `query 来源:x 情感:负面`, as above |
 */
import type { Filter, Search } from "./searchUrl";

/** The fields of the language by the filters of the page. */
const FIELDS: Partial<Record<Filter, string>> = {
  source: "来源",
  kind: "类型",
  sentiment: "情感",
  topic: "话题",
  category: "类别",
  place: "街道",
  unit: "单位",
  official: "官方",
  gone: "已删",
};

const VALUES: Partial<Record<Filter, Record<string, string>>> = {
  kind: { post: "帖子", comment: "评论", repost: "转发", report: "报送" },
  sentiment: { negative: "负面", neutral: "中性", positive: "正面" },
  official: { true: "是", false: "否" },
  gone: { true: "是", false: "否" },
};

const PAIRS = [
  ['"', '"'],
  ["“", "”"],
  ["「", "」"],
  ["『", "』"],
] as const;
const OPERATORS = new Set(["and", "or", "not", "或", "非"]);

/** A phrase as a term of a query, whatever is in it. One that holds every kind of closing quote loses the plain ones. */
export function quoted(phrase: string): string {
  const text = phrase.replace(/\s+/g, " ").trim();
  const [open, close] = PAIRS.find(([, close]) => !holds(text, close)) ?? PAIRS[0];
  return `${open}${PAIRS.every(([, other]) => holds(text, other)) ? text.replace(/["＂]/g, "") : text}${close}`;
}

/** Whether a text holds a quote; full-width forms are read as the narrow ones. */
function holds(text: string, quote: string): boolean {
  return text.includes(quote) || (quote === '"' && text.includes("＂")) || (quote === "」" && text.includes("｣"));
}

/** A value behind a field's name, in quotes where it would be read as something else without. */
function value(text: string): string {
  const folded = text.normalize("NFKC").toLowerCase();
  const plain =
    folded !== "" && !/[\s()&|"“”「」『』]/.test(folded) && !folded.startsWith("-") && !OPERATORS.has(folded);
  return plain ? text : quoted(text);
}

/** A filter as text; nothing for times, which have fields of their own. */
export function condition(filter: Filter, of: string): string | null {
  const field = FIELDS[filter];
  return field ? `${field}:${VALUES[filter]?.[of] ?? value(of)}` : null;
}

/** Whether the query says OR outside quotes: then it must stand in brackets before anything is added to it. */
function saysOr(query: string): boolean {
  const outside = query.normalize("NFKC").replace(/"[^"]*"|[“”][^”]*”|「[^」]*」|『[^』]*』/g, " ");
  return /\||(^|[\s()])(or|或)(?=$|[\s()])/i.test(outside);
}

/** A query with more conditions, which all must hold. */
export function joined(query: string, conditions: readonly string[]): string {
  const text = query.trim();
  if (text === "" || conditions.length === 0) return [text, ...conditions].filter(Boolean).join(" ");
  return [saysOr(text) ? `(${text})` : text, ...conditions].join(" ");
}

/** A query that leaves out what has a value. */
export function without(query: string, filter: Filter, of: string): string {
  const left = condition(filter, of);
  return left === null ? query : joined(query, [`-${left}`]);
}

/** A search's query and filters as one text; what was published when stays apart. */
export function asText(search: Search): string {
  const conditions = (Object.keys(FIELDS) as Filter[])
    .filter((filter) => search[filter] !== "")
    .flatMap((filter) => condition(filter, search[filter]) ?? []);
  return joined(search.q, conditions);
}
