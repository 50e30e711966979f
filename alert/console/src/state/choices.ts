/** The classes, places and units that a correction can name: read once, when they are needed first. */
import { shallowRef } from "vue";
import { corrections } from "../api/calls";
import type { CorrectionChoices } from "../api/types";

export const choices = shallowRef<CorrectionChoices | null>(null);
let asked: Promise<void> | null = null;

/** Reads them, and again the next time when that failed. Without them one types what one knows. */
export function wantChoices(): void {
  asked ??= corrections.choices().then(
    (read) => void (choices.value = read),
    () => void (asked = null),
  );
}
