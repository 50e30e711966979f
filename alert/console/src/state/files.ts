/** Files that are fetched for somebody: one at a time, with a way to stop, and in words when it fails. */
import { ref } from "vue";
import { isAbort } from "../api/client";
import { problem, t } from "../words";
import { notify } from "./notices";

/** What is on its way; empty when nothing is. */
export const fetching = ref("");
let request: AbortController | null = null;

/** Fetches a file and hands it to the browser, which asks or keeps it as its person has set. */
export async function fetchFile(name: string, fetch: (signal: AbortSignal) => Promise<File>): Promise<void> {
  if (fetching.value) return;
  request = new AbortController();
  fetching.value = name;
  try {
    keep(await fetch(request.signal));
    notify("done", t("file.done", { name }));
  } catch (error) {
    if (!isAbort(error)) notify("failed", t("file.failed", { name, why: problem(error) }));
  } finally {
    fetching.value = "";
    request = null;
  }
}

export function stopFile(): void {
  request?.abort();
}

function keep(file: File): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read it by then; a little later nobody needs the address any more.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
