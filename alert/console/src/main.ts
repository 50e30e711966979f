/**
 * The console of Wanglou: what the duty desk sees.
 *
 *   api/      the contract: generated types (schema.d.ts), fetch with errors in words, one function per call
 *   lib/      pure helpers: times, highlights, keys, server-sent events; no Vue, no network
 *   state/    what the console knows: board.ts (pure reducer) and live.ts (stream and readings around it), session, clock,
 *             preferences, signing, shortcuts, alarm
 *   words/    Chinese and English, key by key
 *   parts/    what pages are made of
 *   pages/    one file per page
 *   styles/   colours and type (tokens.css), shared shapes (base.css); the rest stands beside its component
 *
 * Crawled text is only ever shown as text: `v-html` and its like are refused by `npm run check`.
 */
import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./router";
import { startClock } from "./state/clock";
import { applyPrefs } from "./state/prefs";
import { startShortcuts } from "./state/shortcuts";
import "./styles/tokens.css";
import "./styles/base.css";

// After an upgrade the chunks of the old build are gone: a page that has been open since then loads itself anew, once.
window.addEventListener("vite:preloadError", () => {
  const loaded = performance.timeOrigin;
  if (Date.now() - loaded > 10_000) location.reload();
});

applyPrefs();
startClock();
startShortcuts();
createApp(App).use(router).mount("#app");
