/** The curve of a topic, kept fresh: read at first, then when a younger pulse has come, at most every ten seconds. */
import { onBeforeUnmount, shallowRef, watch, type ShallowRef } from "vue";
import { topics } from "../api/calls";
import { isAbort } from "../api/client";
import type { TopicCurve } from "../api/types";
import { singleFlight } from "../lib/flight";
import { board, reading } from "./live";

const PACE_MS = 10_000;

export interface LiveCurve {
  curve: ShallowRef<TopicCurve | null>;
  failure: ShallowRef<unknown>;
}

/** For as long as the component lives; another topic needs another component. */
export function useCurve(id: string, minutes: number): LiveCurve {
  const curve = shallowRef<TopicCurve | null>(null);
  const failure = shallowRef<unknown>(null);
  const life = new AbortController();
  let readAt = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = singleFlight(async () => {
    clearTimeout(timer);
    timer = undefined;
    readAt = performance.now();
    try {
      curve.value = await topics.curve(id, minutes, life.signal);
      failure.value = null;
    } catch (error) {
      if (!isAbort(error)) failure.value = error;
    }
  });

  watch(
    () => board.value.pulses.get(id)?.at,
    () => (timer ??= setTimeout(read, Math.max(0, readAt + PACE_MS - performance.now()))),
  );
  watch(reading, () => void read());
  onBeforeUnmount(() => {
    clearTimeout(timer);
    life.abort();
  });
  void read();
  return { curve, failure };
}
