/** The answer to "why was I not paged?" for a topic: of a moment once, of now again and again, by itself. */
import { onBeforeUnmount, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { topics } from "../api/calls";
import { isAbort } from "../api/client";
import type { WhyQuiet } from "../api/types";
import { singleFlight } from "../lib/flight";
import { reading } from "./live";

const PACE_MS = 10_000;

export interface LiveWhy {
  why: ShallowRef<WhyQuiet | null>;
  failure: ShallowRef<unknown>;
}

/** `at` is a moment in milliseconds, null for now. For as long as the component lives; another topic needs another component. */
export function useWhy(id: string, at: Ref<number | null>): LiveWhy {
  const why = shallowRef<WhyQuiet | null>(null);
  const failure = shallowRef<unknown>(null);
  const life = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = singleFlight(async () => {
    clearTimeout(timer);
    const asked = at.value;
    try {
      const moment = asked === null ? undefined : new Date(asked).toISOString();
      const answer = await topics.why(id, moment, life.signal);
      if (asked !== at.value) return;
      why.value = answer;
      failure.value = null;
    } catch (error) {
      if (!isAbort(error) && asked === at.value) failure.value = error;
    }
    // A moment of the past has its answer.
    const open = at.value === null || failure.value !== null;
    if (open && !life.signal.aborted) timer = setTimeout(() => void read(), PACE_MS);
  });

  // What was asked before is answered no more.
  watch(at, () => {
    why.value = null;
    failure.value = null;
    void read();
  });
  watch(reading, () => void read());
  onBeforeUnmount(() => {
    clearTimeout(timer);
    life.abort();
  });
  void read();
  return { why, failure };
}
