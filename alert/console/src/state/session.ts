/** Who is logged in, and what their role allows. The gateway decides; the console only leaves out what it would refuse. */
import { computed, shallowRef } from "vue";
import { session as calls } from "../api/calls";
import { ApiError } from "../api/client";
import type { Role, Session } from "../api/types";
import { zoneOr } from "../lib/time";
import { zone } from "./clock";
import { startLive, stopLive } from "./live";

export const session = shallowRef<Session | null>(null);

const HANDLE: readonly Role[] = ["operator", "admin"];
const SEARCH: readonly Role[] = ["operator", "analyst", "supervisor", "admin"];
const EXPORT: readonly Role[] = ["analyst", "supervisor", "admin"];
const ROSTER: readonly Role[] = ["operator", "supervisor", "admin"];
const RULE: readonly Role[] = ["supervisor", "admin"];
const TEACH: readonly Role[] = ["analyst", "supervisor", "admin"];

export const mayHandle = computed(() => session.value !== null && HANDLE.includes(session.value.role));
export const maySearch = computed(() => session.value !== null && SEARCH.includes(session.value.role));
/** Who may take results and briefs away. */
export const mayExport = computed(() => session.value !== null && EXPORT.includes(session.value.role));
/** Who may correct what was understood, and define watch topics and words of the dictionary. */
export const mayTeach = computed(() => session.value !== null && TEACH.includes(session.value.role));

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
  startLive();
}
