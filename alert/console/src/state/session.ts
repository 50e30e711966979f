/** Who is logged in, and what their role allows. The gateway decides; the console only leaves out what it would refuse. */
import { computed, shallowRef } from "vue";
import { session as calls } from "../api/calls";
import { ApiError } from "../api/client";
import type { Role, Session } from "../api/types";
import { zoneOr } from "../lib/time";
import { closes, zone } from "./clock";
import { startLive, stopLive } from "./live";

export const session = shallowRef<Session | null>(null);

const WATCH: readonly Role[] = ["viewer", "operator", "analyst", "supervisor", "admin"];
const HANDLE: readonly Role[] = ["operator", "admin"];
const SEARCH: readonly Role[] = ["operator", "analyst", "supervisor", "admin"];
const EXPORT: readonly Role[] = ["analyst", "supervisor", "admin"];
const ROSTER: readonly Role[] = ["operator", "supervisor", "admin"];
const RULE: readonly Role[] = ["supervisor", "admin"];
const SILENCE: readonly Role[] = ["operator", "supervisor", "admin"];
const DRILL: readonly Role[] = ["supervisor", "admin"];
const TEACH: readonly Role[] = ["analyst", "supervisor", "admin"];

/** Who sees the board, topics, coverage and the roster. A unit's people see nothing but the incidents of their unit. */
export const mayWatch = computed(() => session.value !== null && WATCH.includes(session.value.role));
/** Whether it is a unit's person: they sign, report, answer and send back what their unit was given. */
export const ofUnit = computed(() => session.value?.role === "unit");
export const mayHandle = computed(() => session.value !== null && HANDLE.includes(session.value.role));
export const maySearch = computed(() => session.value !== null && SEARCH.includes(session.value.role));
/** Who may take results and briefs away. */
export const mayExport = computed(() => session.value !== null && EXPORT.includes(session.value.role));
/** Who may correct what was understood, and define watch topics and words of the dictionary. */
export const mayTeach = computed(() => session.value !== null && TEACH.includes(session.value.role));

/** Who may hold a clock and let it go on. */
export const mayPause = computed(() => session.value !== null && RULE.includes(session.value.role));
/** Who may keep pages back for a while, and end that. */
export const maySilence = computed(() => session.value !== null && SILENCE.includes(session.value.role));
/** Who may let a page be practised. */
export const mayDrill = computed(() => session.value !== null && DRILL.includes(session.value.role));
/** Who may propose a swap and hand over. */
export const mayRoster = computed(() => session.value !== null && ROSTER.includes(session.value.role));
/** Who may change anything of a roster. */
export const mayRule = computed(() => session.value !== null && RULE.includes(session.value.role));

let asked: Promise<void> | null = null;

/** Finds out once whether a session is there already. Throws when the gateway can't be asked. */
export function resume(): Promise<void> {
  asked ??= calls.read().then(enter, (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) return;
    asked = null;
    throw error;
  });
  return asked;
}

export async function login(name: string, password: string): Promise<void> {
  enter(await calls.begin(name, password));
}

/** Logs out. The console forgets the session even if the gateway can't be told. */
export async function logout(): Promise<void> {
  try {
    await calls.end();
  } finally {
    leave();
  }
}

/** The session has ended: nothing of it stays on the screen. */
export function leave(): void {
  session.value = null;
  stopLive();
}

function enter(found: Session): void {
  session.value = found;
  zone.value = zoneOr(found.timezone, zone.value);
  closes.value = found.closes;
  startLive(mayWatch.value);
}
