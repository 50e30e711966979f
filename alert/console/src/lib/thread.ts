/** Who answers whom in a thread. Pure. */
import type { Hit } from "../api/types";

type Answer = Pick<Hit, "native_id" | "parent_id" | "id">;

/** For an answer, the number (from 1) of the one before it that it answers; nothing when it answers the post, or what is not here. */
export function answered(answers: readonly Answer[]): (answer: Answer) => number | null {
  const numbers = new Map<string, number>();
  // A source may name a parent by its own id or by the whole one.
  answers.forEach(({ native_id, id }, index) => {
    numbers.set(native_id, index + 1);
    numbers.set(id, index + 1);
  });
  return (answer) => {
    const number = answer.parent_id ? numbers.get(answer.parent_id) : undefined;
    return number !== undefined && number < (numbers.get(answer.id) ?? 0) ? number : null;
  };
}
