import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref, type EffectScope } from "vue";
import { search as call } from "../api/calls";
import { ApiError } from "../api/client";
import type { SearchPage, SearchQuery } from "../api/types";
import { emptySearch, type Search } from "../lib/searchUrl";
import { useSearch } from "./search";

vi.mock("../api/calls", () => ({ search: vi.fn(), session: {} }));
vi.mock("./session", () => ({ session: { value: { name: "赵倩" } } }));
// Only in a component there is something to unmount.
vi.mock("vue", async (original) => ({ ...(await original<typeof import("vue")>()), onBeforeUnmount: vi.fn() }));

const asking = vi.mocked(call);
/** Questions that wait for their answers, in the order in which they were asked. */
let waiting: {
  query: SearchQuery;
  signal: AbortSignal;
  answer: (page: unknown) => void;
  fail: (error: unknown) => void;
}[];
let scope: EffectScope;

beforeEach(() => {
  waiting = [];
  asking.mockImplementation(
    (query, signal) =>
      new Promise<SearchPage>((resolve, reject) => {
        signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
        waiting.push({ query, signal: signal!, answer: (page) => resolve(page as SearchPage), fail: reject });
      }),
  );
  scope = effectScope();
});
afterEach(() => scope.stop());

const page = (ids: string[], more: object = {}) => ({ total: 9, hits: ids.map((id) => ({ id })), next: null, ...more });
const settled = () => new Promise((resolve) => setTimeout(resolve));
const ids = (search: ReturnType<typeof useSearch>) => search.hits.value.map(({ id }) => id);

function follow(first: Search | null) {
  const asked = ref<Search | null | undefined>(first);
  return { asked, search: scope.run(() => useSearch(asked, false))! };
}

describe("a search that is followed", () => {
  it("counts once, then goes on by cursor, and shows no post twice", async () => {
    const { search } = follow({ ...emptySearch, q: "停水" });
    expect(waiting[0]!.query).toMatchObject({ q: "停水", histogram: "auto" });
    waiting[0]!.answer(
      page(["a", "b"], { next: "c1", facets: { kind: [] }, histogram: { scale: "day", buckets: [] } }),
    );
    await settled();
    expect([ids(search), search.total.value, search.busy.value]).toEqual([["a", "b"], 9, false]);
    void search.more();
    expect(waiting[1]!.query).toMatchObject({ cursor: "c1" });
    expect(waiting[1]!.query.facets).toBeUndefined();
    waiting[1]!.answer(page(["b", "c"]));
    await settled();
    expect(ids(search)).toEqual(["a", "b", "c"]);
    expect(search.facets.value).toEqual({ kind: [] });
    void search.more();
    expect(waiting).toHaveLength(2);
  });

  it("takes the answer to what is asked now, not to what was asked before", async () => {
    const { asked, search } = follow({ ...emptySearch, q: "停" });
    asked.value = { ...emptySearch, q: "停水" };
    await nextTick();
    expect(waiting[0]!.signal.aborted).toBe(true);
    waiting[1]!.answer(page(["new"]));
    waiting[0]!.answer(page(["old"]));
    await settled();
    expect(ids(search)).toEqual(["new"]);
  });

  it("asks nothing when it is only drawn in another way, and for the bars alone at another scale", async () => {
    const { asked, search } = follow(emptySearch);
    waiting[0]!.answer(page(["a"], { histogram: { scale: "day", buckets: [] } }));
    await settled();
    asked.value = { ...emptySearch, view: "growth" };
    await nextTick();
    expect(waiting).toHaveLength(1);
    asked.value = { ...emptySearch, scale: "minute" };
    await nextTick();
    expect(waiting[1]!.query).toMatchObject({ limit: 0, histogram: "minute" });
    waiting[1]!.fail(new ApiError(400, "too_many", "histogram: too many"));
    await settled();
    expect([ids(search), search.histogram.value?.scale]).toEqual([["a"], "day"]);
    expect(search.failure.value).toBeInstanceOf(ApiError);
  });

  it("shows the posts all the same when the bars would be too many", async () => {
    const { search } = follow({ ...emptySearch, scale: "minute" });
    const error = new ApiError(400, "too_many", "histogram: too many");
    waiting[0]!.fail(error);
    await settled();
    expect(waiting[1]!.query).toMatchObject({ histogram: "auto", limit: 30 });
    waiting[1]!.answer(page(["a"], { histogram: { scale: "day", buckets: [] } }));
    await settled();
    expect([ids(search), search.failure.value]).toEqual([["a"], error]);
  });

  it("never mixes the hits of one search with the bars of another", async () => {
    const { asked, search } = follow({ ...emptySearch, q: "停电" });
    waiting[0]!.answer(page(["a"]));
    await settled();
    asked.value = { ...emptySearch, q: "停水" };
    await nextTick();
    asked.value = { ...emptySearch, q: "停水", scale: "day" };
    await nextTick();
    expect(waiting[2]!.query).toMatchObject({ q: "停水", histogram: "day", limit: 30 });
    // Back at what is shown: nothing needs to be asked, and what was under way comes too late.
    asked.value = { ...emptySearch, q: "停电" };
    await nextTick();
    expect([waiting.length, waiting[2]!.signal.aborted, search.busy.value, ids(search)]).toEqual([
      3,
      true,
      false,
      ["a"],
    ]);
  });

  it("leaves nothing of an older search where a new one fails", async () => {
    const { asked, search } = follow(emptySearch);
    waiting[0]!.answer(page(["a"]));
    await settled();
    asked.value = { ...emptySearch, q: ")" };
    await nextTick();
    expect(ids(search)).toEqual(["a"]);
    waiting[1]!.fail(new ApiError(400, "bad_query", "q: at character 1: x"));
    await settled();
    expect([ids(search), search.found.value, search.busy.value]).toEqual([[], false, false]);
    expect(search.failure.value).toBeInstanceOf(ApiError);
  });

  it("forgets everything when nothing is asked any more, but not when another page is shown", async () => {
    const { asked, search } = follow(emptySearch);
    waiting[0]!.answer(page(["a"]));
    await settled();
    asked.value = undefined;
    await nextTick();
    expect(ids(search)).toEqual(["a"]);
    asked.value = null;
    await nextTick();
    expect([ids(search), search.found.value]).toEqual([[], false]);
  });

  it("shows a hit as it was corrected, and how many it stands for all the same", async () => {
    const { search } = follow(emptySearch);
    waiting[0]!.answer({ ...page([]), hits: [{ id: "a", copies: 4 }] });
    await settled();
    search.replace({ id: "a", unit: null } as never);
    expect(search.hits.value).toEqual([{ id: "a", unit: null, copies: 4 }]);
  });
});
