/** What was understood of a post, in the few words that a line has room for. Pure. */
import type { Hit } from "../api/types";

type Category = NonNullable<Hit["category"]>;
type Unit = NonNullable<Hit["unit"]>;

/** The classes from the widest to the narrowest, as far as they are known. */
export function levels(category: Category): string[] {
  return [category.level1, category.level2, category.level3].filter((level): level is string => Boolean(level));
}

/** Below this a proposal is no more than a guess. */
const SURE = 0.6;

/** Whether a person should look at the other units before he follows the proposal. */
export function isUnsure(unit: Unit): boolean {
  return unit.confidence < SURE;
}

/** A probability as per cent; what is not quite sure does not show as 100 %. */
export function probability(share: number): string {
  const rounded = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return `${rounded === 100 && share < 1 ? 99 : rounded}%`;
}

/** Everybody who reacted. */
export function reach({ likes, replies, reposts }: Pick<Hit, "likes" | "replies" | "reposts">): number {
  return likes + replies + reposts;
}
