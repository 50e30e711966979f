/** An answer that is read again by itself; another question is asked at once, and what was asked before is answered no more. */
import { onBeforeUnmount, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { isAbort } from "../api/client";
import { singleFlight } from "../lib/flight";
import { now } from "./clock";
import { reading } from "./live";

/** A reading that failed is tried again after this time where nothing else says when. */
const AGAIN_MS = 10_000;

export interface Reading<Answer> {
  /** Nothing before the first answer to this question. */
  answer: ShallowRef<Answer | null>;
  /** Why the last reading failed; what was read before stays. */
  failure: ShallowRef<unknown>;
  /** When it was read, by the server's clock. */
  readAt: Ref<number | null>;
  /** Reads at once: something was changed here. */
  again: () => Promise<void>;
}

/**
 * For as long as the component lives. `pace` says after how many milliseconds a question is asked again, null for one whose answer
 * stands; a reading that failed is always done again.
 */
export function useReading<Question, Answer>(
  asked: Ref<Question>,
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
  pace: (question: Question) => number | null,
): Reading<Answer> {
  const answer = shallowRef<Answer | null>(null);
  const failure = shallowRef<unknown>(null);
  const readAt = ref<number | null>(null);
  const life = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = singleFlight(async () => {
    clearTimeout(timer);
    const question = asked.value;
    try {
      const found = await ask(question, life.signal);
      if (question !== asked.value) return;
      answer.value = found;
      readAt.value = now.value;
      failure.value = null;
    } catch (error) {
      if (!isAbort(error) && question === asked.value) failure.value = error;
    }
    const again = pace(question) ?? (failure.value === null ? null : AGAIN_MS);
    if (again !== null && !life.signal.aborted) timer = setTimeout(() => void read(), again);
  });

  watch(asked, () => {
    answer.value = null;
    failure.value = null;
    void read();
  });
  watch(reading, () => void read());
  onBeforeUnmount(() => {
    clearTimeout(timer);
    life.abort();
  });
  void read();
  return { answer, failure, readAt, again: read };
}
