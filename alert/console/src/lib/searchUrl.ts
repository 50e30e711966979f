/** A search as the address of its page, and back. Pure. The address holds what the API is asked, so it can be passed on. */
import type { Kind, Label, Scale, SearchQuery } from "../api/types";

export type Sort = NonNullable<SearchQuery["sort"]>;
/** How the counts over time are shown: each for itself, or summed up from the first on. */
export type View = "bars" | "growth";
type Choice = "" | "true" | "false";

export interface Search {
  q: string;
  source: string;
  kind: Kind | "";
  sentiment: Label | "";
  topic: string;
  category: string;
  place: string;
  unit: string;
  official: Choice;
  gone: Choice;
  /** RFC 3339, or empty. */
  from: string;
  to: string;
  sort: Sort;
  /** Whether one post stands for all copies of its text. */
  collapse: boolean;
  scale: Scale;
  view: View;
}

export const KINDS: readonly Kind[] = ["post", "comment", "repost", "report"];
export const LABELS: readonly Label[] = ["negative", "neutral", "positive"];
export const SORTS: readonly Sort[] = ["time", "oldest", "relevance", "heat"];
export const SCALES: readonly Scale[] = ["auto", "minute", "hour", "day", "week", "month"];
const CHOICES: readonly Exclude<Choice, "">[] = ["true", "false"];

export const emptySearch: Search = {
  q: "",
  source: "",
  kind: "",
  sentiment: "",
  topic: "",
  category: "",
  place: "",
  unit: "",
  official: "",
  gone: "",
  from: "",
  to: "",
  sort: "time",
  collapse: false,
  scale: "auto",
  view: "bars",
};

/** What narrows a search beside its query. */
export const FILTERS = [
  "source",
  "kind",
  "sentiment",
  "topic",
  "category",
  "place",
  "unit",
  "official",
  "gone",
  "from",
  "to",
] as const;
export type Filter = (typeof FILTERS)[number];

/** The longest query that the API reads, in characters as people count them. */
export const LONGEST = 1000;

type Query = Record<string, unknown>;

/** What an address asks for; what makes no sense in it is left out. */
export function fromQuery(query: Query): Search {
  const text = (name: string) => (typeof query[name] === "string" ? query[name] : "");
  const time = (name: string) => (Number.isNaN(Date.parse(text(name))) ? "" : text(name));
  const one = <T extends string>(name: string, allowed: readonly T[]) =>
    allowed.find((value) => value === text(name)) ?? "";
  return {
    q: [...text("q")].slice(0, LONGEST).join(""),
    source: text("source"),
    kind: one("kind", KINDS),
    sentiment: one("sentiment", LABELS),
    topic: text("topic"),
    category: text("category"),
    place: text("place"),
    unit: text("unit"),
    official: one("official", CHOICES),
    gone: one("gone", CHOICES),
    from: time("from"),
    to: time("to"),
    sort: one("sort", SORTS) || "time",
    collapse: text("collapse") === "true",
    scale: one("scale", SCALES) || "auto",
    view: text("view") === "growth" ? "growth" : "bars",
  };
}

/** The address's query for a search. `q` is there even when it is empty: that is what tells "everything" from "not asked yet". */
export function toQuery(search: Search): Record<string, string> {
  const query: Record<string, string> = { q: search.q.trim() };
  for (const name of FILTERS) {
    if (search[name]) query[name] = search[name];
  }
  if (search.sort !== "time") query.sort = search.sort;
  if (search.collapse) query.collapse = "true";
  if (search.scale !== "auto") query.scale = search.scale;
  if (search.view !== "bars") query.view = search.view;
  return query;
}

/** The same as what stands behind the `?` of an address: what a saved search keeps. */
export function toAddress(search: Search): string {
  return new URLSearchParams(toQuery(search)).toString();
}

/** A saved search's address as the router takes it. */
export function fromAddress(address: string): Record<string, string> {
  return toQuery(fromQuery(Object.fromEntries(new URLSearchParams(address))));
}

/** Whether an address asks for anything at all. */
export function isAsked(query: Query): boolean {
  return ["q", ...FILTERS, "sort", "collapse"].some((name) => typeof query[name] === "string");
}

/** Whether anything but the query and the order is set. */
export function isFiltered(search: Search): boolean {
  return FILTERS.some((name) => search[name] !== "");
}

/** Whether two searches find the same posts in the same order; how they are drawn does not matter. */
export function findsTheSame(one: Search, other: Search): boolean {
  const plain = (search: Search) => toAddress({ ...search, scale: "auto", view: "bars" });
  return plain(one) === plain(other);
}

/** What is found, without which page of it: what search and export have in common. */
function wanted(search: Search): SearchQuery {
  const { q, source, kind, sentiment, topic, category, place, unit, official, gone, from, to, sort, collapse } = search;
  const choice = (value: Choice) => (value === "" ? undefined : value === "true");
  return {
    q: q.trim() || undefined,
    source: source || undefined,
    kind: kind || undefined,
    sentiment: sentiment || undefined,
    topic: topic || undefined,
    category: category || undefined,
    place: place || undefined,
    unit: unit || undefined,
    official: choice(official),
    gone: choice(gone),
    from: from || undefined,
    to: to || undefined,
    sort,
    collapse: collapse || undefined,
  };
}

/** What the API is asked for a page of hits. */
export function toCall(search: Search, limit: number, cursor?: string): SearchQuery {
  return { ...wanted(search), limit, cursor };
}

/** What the API is asked for a first page: it comes with what is counted of the whole result. */
export function toFirstCall(search: Search, limit: number, facets: readonly string[], top: number): SearchQuery {
  return { ...toCall(search, limit), facets: facets.join(","), top, histogram: search.scale };
}

/** The copies of a hit's text that the search finds, the first published first. */
export function toCopiesCall(search: Search, id: string, limit: number, cursor?: string): SearchQuery {
  return { ...toCall({ ...search, collapse: false, sort: "oldest" }, limit, cursor), copies_of: id };
}

/** What the API is asked for the whole result as a file. */
export function toExportCall(search: Search): SearchQuery {
  return wanted(search);
}

export interface QueryFault {
  /** The character, from 1. */
  at: number;
  what: string;
  /** The query in front of the fault, the character itself, and what follows. */
  before: string;
  character: string;
  after: string;
}

/** Where a query is wrong, when the gateway says so: `at character N: what`. Characters are code points. */
export function queryFault(message: string, query: string): QueryFault | null {
  const match = /at character (\d+): (.*)/s.exec(message);
  if (!match) return null;
  const at = Number(match[1]);
  const characters = [...query];
  if (at < 1 || at > characters.length + 1) return null;
  return {
    at,
    what: match[2] ?? "",
    before: characters.slice(0, at - 1).join(""),
    character: characters[at - 1] ?? "",
    after: characters.slice(at).join(""),
  };
}
