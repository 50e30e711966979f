/** The answer to "why was I not paged?" for a topic: of a moment once, of now again and again, by itself. */
import type { Ref } from "vue";
import { topics } from "../api/calls";
import type { WhyQuiet } from "../api/types";
import { useReading, type Reading } from "./reading";

const PACE_MS = 10_000;

/** `at` is a moment in milliseconds, null for now. For as long as the component lives; another topic needs another component. */
export function useWhy(id: string, at: Ref<number | null>): Reading<WhyQuiet> {
  return useReading(
    at,
    (moment, signal) => topics.why(id, moment === null ? undefined : new Date(moment).toISOString(), signal),
    // A moment of the past has its answer.
    (moment) => (moment === null ? PACE_MS : null),
  );
}
