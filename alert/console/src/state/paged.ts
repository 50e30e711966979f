/** The answer to "why was I not paged?" about an incident or a topic: of a moment once, of now again and again. */
import { computed, type Ref } from "vue";
import { paged } from "../api/calls";
import type { WhyPaged } from "../api/types";
import { queryOf, type Whom } from "../lib/paged";
import { useReading, type Reading } from "./reading";

const PACE_MS = 10_000;

/** `at` is a moment in milliseconds, null for now. For as long as the component lives; another subject needs another component. */
export function usePaged(
  of: "incident" | "topic",
  id: string,
  whom: Ref<Whom>,
  at: Ref<number | null>,
): Reading<WhyPaged> {
  const asked = computed(() => ({ at: at.value, query: queryOf(whom.value, at.value) }));
  return useReading(
    asked,
    ({ query }, signal) => paged[of](id, query, signal),
    ({ at }) => (at === null ? PACE_MS : null),
  );
}
