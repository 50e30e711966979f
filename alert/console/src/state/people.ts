/** Names that one may ask about: people and channels of the roster. Read once, when they are needed first; without them one types what one knows. */
import { shallowRef } from "vue";
import { roster } from "../api/calls";
import { now } from "./clock";

export const people = shallowRef<readonly string[]>([]);
export const channels = shallowRef<readonly string[]>([]);
let asked: Promise<void> | null = null;

/** Reads them, and again the next time when that failed. */
export function wantPeople(): void {
  const [from, to] = [now.value, now.value + 60_000].map((at) => new Date(at).toISOString()) as [string, string];
  asked ??= roster.read(from, to).then(
    ({ people: named, rosters }) => {
      people.value = named;
      const reached = rosters.flatMap(({ channels, now, next }) => [
        ...channels,
        ...[...now, ...next].flatMap(({ channels }) => channels),
      ]);
      channels.value = [...new Set(reached)].sort();
    },
    () => void (asked = null),
  );
}
