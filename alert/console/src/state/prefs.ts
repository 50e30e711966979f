/** What a person sets at this desk: kept in this browser, never sent anywhere. */
import { ref, watch, watchEffect, type Ref } from "vue";

export type Theme = "night" | "day";
export type Language = "zh" | "en";

export const theme = kept<Theme>("theme", "night", ["night", "day"]);
export const language = kept<Language>("language", "zh", ["zh", "en"]);
/** Whether a new incident beeps and notifies. Off until somebody asks for it. */
export const alarm = kept<"off" | "on">("alarm", "off", ["off", "on"]);

/** Keeps the document's attributes in step. */
export function applyPrefs(): void {
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value;
    document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  });
}

function kept<T extends string>(name: string, initial: T, allowed: readonly T[]): Ref<T> {
  const key = `wanglou.${name}`;
  const value = ref(read(key, initial, allowed)) as Ref<T>;
  watch(value, (next) => {
    try {
      localStorage.setItem(key, next);
    } catch {
      // Storage may be forbidden; the setting then lasts as long as the page.
    }
  });
  return value;
}

function read<T extends string>(key: string, initial: T, allowed: readonly T[]): T {
  try {
    const stored = localStorage.getItem(key);
    return allowed.find((value) => value === stored) ?? initial;
  } catch {
    return initial;
  }
}
