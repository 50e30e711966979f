/**
 * After an upgrade the chunks of the old build are gone, and a console that has been open since then can't load them: it
 * loads itself anew, once per build, and only while the gateway answers. A line that is down is no upgrade.
 */
const KEY = "wanglou.reloaded";

export function watchUpgrades(): void {
  window.addEventListener("vite:preloadError", () => void reload());
}

async function reload(): Promise<void> {
  try {
    const build = import.meta.url;
    if (sessionStorage.getItem(KEY) === build) return;
    const answer = await fetch("/", { method: "HEAD", cache: "no-store" });
    if (!answer.ok) return;
    sessionStorage.setItem(KEY, build);
    location.reload();
  } catch {
    // The gateway can't be reached, or nothing may be stored: better an old page than none.
  }
}
