/** What a search has found so far: a first page with what is counted of the whole, and further pages by cursor. */
import { computed, onBeforeUnmount, ref, shallowRef, watch, type Ref } from "vue";
import { search as call } from "../api/calls";
import { isAbort } from "../api/client";
import type { FacetValue, Histogram, Hit, SearchPage } from "../api/types";
import { COUNTED } from "../lib/facets";
import { findsTheSame, toCall, toFirstCall, type Search } from "../lib/searchUrl";
import { session } from "./session";

const PAGE = 30;
/** Values of a facet: what a column shows without becoming a list to search in. */
const VALUES = 20;

/** What a search had found when its page was left: whoever comes back from a thread goes on where he was. */
interface Left {
  /** Whose it was: nobody else sees it. */
  who: string | undefined;
  search: Search;
  hits: Hit[];
  total: number | null;
  texts: number | null;
  facets: Record<string, FacetValue[]> | undefined;
  histogram: Histogram | null;
  lacking: readonly string[];
  cursor: string | null;
}
let left: Left | null = null;

/**
 * Follows what is asked for, `null` while nothing is, `undefined` while another page is shown, for as long as the component lives.
 * `returning`: somebody comes back to it.
 */
export function useSearch(asked: Ref<Search | null | undefined>, returning: boolean) {
  const hits = shallowRef<Hit[]>([]);
  const total = ref<number | null>(null);
  const texts = ref<number | null>(null);
  const facets = shallowRef<Record<string, FacetValue[]> | undefined>();
  const histogram = shallowRef<Histogram | null>(null);
  const lacking = shallowRef<readonly string[]>([]);
  const cursor = ref<string | null>(null);
  const busy = ref(false);
  const failure = shallowRef<unknown>(null);
  let request: AbortController | null = null;

  /** Makes one call, in place of one that is under way. */
  async function ask(query: ReturnType<typeof toCall>, take: (page: SearchPage) => void): Promise<void> {
    request?.abort();
    const mine = new AbortController();
    request = mine;
    busy.value = true;
    failure.value = null;
    try {
      const page = await call(query, mine.signal);
      if (request === mine) take(page);
    } catch (error) {
      if (isAbort(error)) return;
      failure.value = error;
    }
    if (request === mine) busy.value = false;
  }

  function forget(): void {
    request?.abort();
    hits.value = [];
    total.value = texts.value = cursor.value = null;
    facets.value = undefined;
    histogram.value = null;
    lacking.value = [];
    failure.value = null;
    busy.value = false;
  }

  /** Searches anew. What was found before stays in sight until the answer is there, so that nothing jumps. */
  async function run(): Promise<void> {
    const search = asked.value;
    if (!search) return forget();
    await ask(toFirstCall(search, PAGE, COUNTED, VALUES), (page) => {
      hits.value = page.hits;
      total.value = page.total;
      texts.value = page.texts ?? null;
      facets.value = page.facets ?? {};
      histogram.value = page.histogram ?? null;
      lacking.value = page.lacking ?? [];
      cursor.value = page.next;
    });
    if (failure.value !== null) {
      const error = failure.value;
      forget();
      failure.value = error;
    }
  }

  /** The next page. A post that has come up from below is not shown twice. */
  async function more(): Promise<void> {
    const search = asked.value;
    if (!search || !cursor.value || busy.value) return;
    await ask(toCall(search, PAGE, cursor.value), (page) => {
      const known = new Set(hits.value.map(({ id }) => id));
      hits.value = [...hits.value, ...page.hits.filter(({ id }) => !known.has(id))];
      cursor.value = page.next;
    });
  }

  /** Only the bars, at another scale. Bars that would be too many leave those that are there. */
  async function rescale(): Promise<void> {
    const search = asked.value;
    if (!search) return;
    await ask(toFirstCall(search, 0, [], 0), (page) => (histogram.value = page.histogram ?? null));
  }

  /** A hit as it stands now: somebody has corrected it. */
  function replace(hit: Hit): void {
    hits.value = hits.value.map((known) => (known.id === hit.id ? { ...hit, copies: known.copies } : known));
  }

  const known = left;
  const who = session.value?.name;
  if (returning && known?.who === who && asked.value && known && findsTheSame(asked.value, known.search)) {
    hits.value = known.hits;
    total.value = known.total;
    texts.value = known.texts;
    facets.value = known.facets;
    histogram.value = known.histogram;
    lacking.value = known.lacking;
    cursor.value = known.cursor;
  } else void run();

  /** What was asked last: the page is left with it, when another is asked already. */
  let last = asked.value;
  watch(asked, (now, before) => {
    // Another page is shown now, and this one is about to go.
    if (now === undefined) return request?.abort();
    last = now;
    const sameHits = now && before && findsTheSame(now, before) && total.value !== null;
    if (!sameHits) void run();
    else if (now.scale !== before.scale) void rescale();
  });
  onBeforeUnmount(() => {
    request?.abort();
    // What is half read, or could not be, is asked for again.
    left =
      last && !busy.value && total.value !== null
        ? {
            who,
            search: last,
            hits: hits.value,
            total: total.value,
            texts: texts.value,
            facets: facets.value,
            histogram: histogram.value,
            lacking: lacking.value,
            cursor: cursor.value,
          }
        : null;
  });

  const found = computed(() => total.value !== null);
  return { hits, total, texts, facets, histogram, lacking, cursor, busy, failure, found, run, more, replace };
}
