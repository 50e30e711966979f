/** A search as the address of its page, and back. Pure. The address holds what the API is asked, so it can be passed on. */
import type { Kind, Label, SearchQuery } from "../api/types";

export type Sort = NonNullable<SearchQuery["sort"]>;

export interface Search {
  q: string;
  source: string;
  kind: Kind | "";
  sentiment: Label | "";
  topic: string;
  /** RFC 3339, or empty. */
  from: string;
  to: string;
  sort: Sort;
}

export const KINDS: readonly Kind[] = ["post", "comment", "repost", "report"];
export const LABELS: readonly Label[] = ["negative", "neutral", "positive"];
export const SORTS: readonly Sort[] = ["time", "oldest", "relevance", "heat"];

export const emptySearch: Search = {
  q: "",
  source: "",
  kind: "",
  sentiment: "",
  topic: "",
  from: "",
  to: "",
  sort: "time",
};

type Query = Record<string, unknown>;

/** What an address asks for; what makes no sense in it is left out. */
export function fromQuery(query: Query): Search {
  const text = (name: string) => (typeof query[name] === "string" ? query[name] : "");
  const time = (name: string) => (Number.isNaN(Date.parse(text(name))) ? "" : text(name));
  const one = <T extends string>(name: string, allowed: readonly T[]) =>
    allowed.find((value) => value === text(name)) ?? "";
  return {
    q: text("q").slice(0, 1000),
    source: text("source"),
    kind: one("kind", KINDS),
    sentiment: one("sentiment", LABELS),
    topic: text("topic"),
    from: time("from"),
    to: time("to"),
    sort: one("sort", SORTS) || "time",
  };
}

/** The address's query for a search. `q` is there even when it is empty: that is what tells "everything" from "not asked yet". */
export function toQuery(search: Search): Record<string, string> {
  const query: Record<string, string> = { q: search.q.trim() };
  for (const name of ["source", "kind", "sentiment", "topic", "from", "to"] as const) {
    if (search[name]) query[name] = search[name];
  }
  if (search.sort !== "time") query.sort = search.sort;
  return query;
}

/** Whether an address asks for anything at all. */
export function isAsked(query: Query): boolean {
  return ["q", "source", "kind", "sentiment", "topic", "from", "to", "sort"].some(
    (name) => typeof query[name] === "string",
  );
}

/** What the API is asked. */
export function toCall(search: Search, limit: number, cursor?: string): SearchQuery {
  const { q, source, kind, sentiment, topic, from, to, sort } = search;
  return {
    q: q.trim() || undefined,
    source: source || undefined,
    kind: kind || undefined,
    sentiment: sentiment || undefined,
    topic: topic || undefined,
    from: from || undefined,
    to: to || undefined,
    sort,
    limit,
    cursor,
  };
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
