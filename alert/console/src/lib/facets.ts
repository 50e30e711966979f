/** The facets of a search as the column beside it shows them. Pure. */
import type { FacetValue } from "../api/types";
import type { Filter, Search } from "./searchUrl";

/** The groups of the column, and the filter that a value of each sets. */
export const GROUPS = ["sentiment", "category", "place", "unit", "source", "kind", "topic"] as const;
export type Group = (typeof GROUPS)[number];

/** What the API is asked to count. */
export const COUNTED = ["source", "kind", "sentiment", "topic", "category", "category2", "category3", "place", "unit"];

export interface FacetRow {
  value: string;
  count: number;
  /** It is what the search is narrowed to. */
  chosen: boolean;
  /** How deep a class lies below the one above it. */
  depth: 0 | 1;
}

type Facets = Record<string, FacetValue[]> | undefined;

/** The rows of a group. A class that was chosen shows those below it, so that one can go on. */
export function rows(facets: Facets, group: Group, search: Search): FacetRow[] {
  const chosen = search[group];
  const counted = (name: string) => facets?.[name] ?? [];
  const row = ({ value, count }: FacetValue, depth: 0 | 1 = 0) => ({ value, count, depth, chosen: value === chosen });
  if (group !== "category" || chosen === "") return counted(group).map((value) => row(value));
  const levels = ["category", "category2", "category3"];
  const level = levels.findIndex((name) => counted(name).some(({ value }) => value === chosen));
  if (level < 0) return [];
  const at = counted(levels[level]!).filter(({ value }) => value === chosen);
  const below = levels[level + 1] ? counted(levels[level + 1]!) : [];
  return [...at.map((value) => row(value)), ...below.map((value) => row(value, 1))];
}

/** A search narrowed to a value, or no more narrowed when it was already. */
export function toggled(search: Search, filter: Filter, value: string): Search {
  return { ...search, [filter]: search[filter] === value ? "" : value };
}
