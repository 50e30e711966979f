/**
 * The console of Wanglou: what the duty desk sees.
 *
 *   api/      the contract: generated types (schema.d.ts), fetch with errors in words, one function per call
 *   lib/      pure helpers: times, deadlines, what is offered to whom, highlights, keys, server-sent events; no Vue, no network
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
import { watchUpgrades } from "./state/upgrade";
import { startShortcuts } from "./state/shortcuts";
import "./styles/tokens.css";
import "./styles/base.css";

applyPrefs();
startClock();
startShortcuts();
watchUpgrades();
createApp(App).use(router).mount("#app");
