/** What a search has found so far: a first page with what is counted of the whole, and further pages by cursor. */
import { computed, onBeforeUnmount, ref, shallowRef, watch, type Ref } from "vue";
import { search as call } from "../api/calls";
import { ApiError, isAbort } from "../api/client";
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

/** What has become of a call. */
type Outcome = "done" | "failed" | "passed over";

/** Whether the bars would be too many. */
function isTooFine(error: unknown): boolean {
  return error instanceof ApiError && error.code === "too_many" && error.message.startsWith("histogram");
}

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
  /** The search that the hits are of, and the scale that the bars are of. */
  let shown: Search | null = null;

  /** Makes one call, in place of one that is under way. */
  async function ask(query: ReturnType<typeof toCall>, take: (page: SearchPage) => void): Promise<Outcome> {
    request?.abort();
    const mine = new AbortController();
    request = mine;
    busy.value = true;
    failure.value = null;
    try {
      const page = await call(query, mine.signal);
      if (request === mine) take(page);
    } catch (error) {
      if (isAbort(error) || request !== mine) return "passed over";
      failure.value = error;
    }
    if (request !== mine) return "passed over";
    busy.value = false;
    return failure.value === null ? "done" : "failed";
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
    shown = null;
  }

  function take(search: Search, page: SearchPage): void {
    shown = search;
    hits.value = page.hits;
    total.value = page.total;
    texts.value = page.texts ?? null;
    facets.value = page.facets ?? {};
    histogram.value = page.histogram ?? null;
    lacking.value = page.lacking ?? [];
    cursor.value = page.next;
  }

  /** Searches anew. What was found before stays in sight until the answer is there, so that nothing jumps. */
  async function run(): Promise<void> {
    const search = asked.value;
    if (!search) return forget();
    const first = (search: Search) => ask(toFirstCall(search, PAGE, COUNTED, VALUES), (page) => take(search, page));
    let outcome = await first(search);
    // Bars that would be too many are no reason to show no posts.
    const tooFine = failure.value;
    if (outcome === "failed" && isTooFine(tooFine) && search.scale !== "auto") {
      outcome = await first({ ...search, scale: "auto" });
      if (outcome === "done") failure.value = tooFine;
    }
    if (outcome === "failed") {
      const why = failure.value;
      forget();
      failure.value = why;
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
    await ask(toFirstCall(search, 0, [], 0), (page) => {
      histogram.value = page.histogram ?? null;
      shown = search;
    });
  }

  /** A hit as it stands now: somebody has corrected it. */
  function replace(hit: Hit): void {
    hits.value = hits.value.map((known) => (known.id === hit.id ? { ...hit, copies: known.copies } : known));
  }

  const known = left;
  const who = session.value?.name;
  if (returning && known?.who === who && asked.value && known && findsTheSame(asked.value, known.search)) {
    shown = known.search;
    hits.value = known.hits;
    total.value = known.total;
    texts.value = known.texts;
    facets.value = known.facets;
    histogram.value = known.histogram;
    lacking.value = known.lacking;
    cursor.value = known.cursor;
  } else void run();

  watch(asked, (now, before) => {
    // Another page is shown now, and this one is about to go.
    if (now === undefined) return request?.abort();
    if (!now || !shown || !findsTheSame(now, shown)) void run();
    else if (now.scale !== shown.scale) void rescale();
    else if (before && !findsTheSame(now, before)) {
      // Back at what is shown, before the other was answered.
      request?.abort();
      busy.value = false;
      failure.value = null;
    }
  });
  onBeforeUnmount(() => {
    request?.abort();
    // What is half read, or could not be, is asked for again.
    left =
      shown && total.value !== null && !busy.value
        ? {
            who,
            search: shown,
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
