/** Short notices at the foot of the page: what an act has brought about, or why it failed. */
import { ref } from "vue";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
}

const DONE_MS = 5_000;
const FAILED_MS = 12_000;

export const notices = ref<Notice[]>([]);
let count = 0;

export function notify(kind: Notice["kind"], text: string): void {
  count += 1;
  const id = count;
  notices.value = [...notices.value.slice(-2), { id, kind, text }];
  setTimeout(() => dismiss(id), kind === "done" ? DONE_MS : FAILED_MS);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
