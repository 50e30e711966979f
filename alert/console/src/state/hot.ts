/** The hot list of a time, read again by itself; another time is read at once. */
import { onBeforeUnmount, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { topics } from "../api/calls";
import { isAbort } from "../api/client";
import type { HotTopic, HotWindow } from "../api/types";
import { singleFlight } from "../lib/flight";
import { now } from "./clock";
import { reading } from "./live";

/** An hour's list moves with every post, a week's does not. */
const PACE_MS: Record<HotWindow, number> = { "1h": 10_000, "24h": 30_000, "7d": 60_000 };
const MOST = 50;

export interface HotList {
  /** Nothing before the first reading of this time. */
  list: ShallowRef<readonly HotTopic[] | null>;
  /** Why the last reading failed; what was read before stays. */
  failure: ShallowRef<unknown>;
  /** When the list was read, by the server's clock. */
  readAt: Ref<number | null>;
}

/** For as long as the component lives. */
export function useHot(asked: Ref<HotWindow>): HotList {
  const list = shallowRef<readonly HotTopic[] | null>(null);
  const failure = shallowRef<unknown>(null);
  const readAt = ref<number | null>(null);
  const life = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = singleFlight(async () => {
    clearTimeout(timer);
    const window = asked.value;
    try {
      const found = await topics.hot(window, MOST, life.signal);
      if (window !== asked.value) return;
      list.value = found;
      readAt.value = now.value;
      failure.value = null;
    } catch (error) {
      if (!isAbort(error) && window === asked.value) failure.value = error;
    }
    if (!life.signal.aborted) timer = setTimeout(() => void read(), PACE_MS[window]);
  });

  watch(asked, () => {
    list.value = null;
    failure.value = null;
    void read();
  });
  watch(reading, () => void read());
  onBeforeUnmount(() => {
    clearTimeout(timer);
    life.abort();
  });
  void read();
  return { list, failure, readAt };
}
