/**
 * The curve of a topic, kept fresh: read at first and when another length is wanted, then when a younger pulse has come, at most every
 * ten seconds, and every minute while none comes, because a quiet topic's time goes on, too.
 */
import { onBeforeUnmount, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from "vue";
import { topics } from "../api/calls";
import { isAbort } from "../api/client";
import type { TopicCurve } from "../api/types";
import { singleFlight } from "../lib/flight";
import { board, reading } from "./live";

const PACE_MS = 10_000;
const QUIET_MS = 60_000;

export interface LiveCurve {
  curve: ShallowRef<TopicCurve | null>;
  failure: ShallowRef<unknown>;
}

/** For as long as the component lives; another topic needs another component. */
export function useCurve(id: string, minutes: MaybeRefOrGetter<number>): LiveCurve {
  const curve = shallowRef<TopicCurve | null>(null);
  const failure = shallowRef<unknown>(null);
  const life = new AbortController();
  let readAt = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const read = singleFlight(async () => {
    clearTimeout(timer);
    timer = undefined;
    readAt = performance.now();
    const asked = toValue(minutes);
    try {
      const read = await topics.curve(id, asked, life.signal);
      if (asked !== toValue(minutes)) return;
      curve.value = read;
      failure.value = null;
    } catch (error) {
      if (!isAbort(error)) failure.value = error;
    }
  });
  const quiet = setInterval(() => performance.now() - readAt >= QUIET_MS && void read(), QUIET_MS / 4);

  watch(
    () => board.value.pulses.get(id)?.at,
    () => (timer ??= setTimeout(read, Math.max(0, readAt + PACE_MS - performance.now()))),
  );
  watch([reading, () => toValue(minutes)], () => void read());
  onBeforeUnmount(() => {
    clearInterval(quiet);
    clearTimeout(timer);
    life.abort();
  });
  void read();
  return { curve, failure };
}
