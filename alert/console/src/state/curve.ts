/** The curve of a topic, kept fresh: read at first, then when a younger pulse has come, at most every ten seconds. */
import { onBeforeUnmount, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { topics } from "../api/calls";
import { isAbort } from "../api/client";
import type { TopicCurve } from "../api/types";
import { board, reading } from "./live";

const PACE_MS = 10_000;

export interface LiveCurve {
  curve: ShallowRef<TopicCurve | null>;
  failure: ShallowRef<unknown>;
}

export function useCurve(id: Readonly<Ref<string>>, minutes: number): LiveCurve {
  const curve = shallowRef<TopicCurve | null>(null);
  const failure = shallowRef<unknown>(null);
  let request: AbortController | null = null;
  let readAt = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function read(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    readAt = performance.now();
    request?.abort();
    request = new AbortController();
    try {
      curve.value = await topics.curve(id.value, minutes, request.signal);
      failure.value = null;
    } catch (error) {
      if (!isAbort(error)) failure.value = error;
    }
  }

  function soon(): void {
    timer ??= setTimeout(read, Math.max(0, readAt + PACE_MS - performance.now()));
  }

  watch(
    id,
    () => {
      curve.value = null;
      void read();
    },
    { immediate: true },
  );
  watch(() => board.value.pulses.get(id.value)?.at, soon);
  watch(reading, () => void read());
  onBeforeUnmount(() => {
    clearTimeout(timer);
    request?.abort();
  });
  return { curve, failure };
}
