/** The hot list of a time, read again by itself; another time is read at once. */
import type { Ref } from "vue";
import { topics } from "../api/calls";
import type { HotTopic, HotWindow } from "../api/types";
import { useReading, type Reading } from "./reading";

/** An hour's list moves with every post, a week's does not. */
const PACE_MS: Record<HotWindow, number> = { "1h": 10_000, "24h": 30_000, "7d": 60_000 };
const MOST = 50;

/** For as long as the component lives. */
export function useHot(asked: Ref<HotWindow>): Reading<readonly HotTopic[]> {
  return useReading(
    asked,
    (window, signal) => topics.hot(window, MOST, signal),
    (window) => PACE_MS[window],
  );
}
