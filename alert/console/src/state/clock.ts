/**
 * The one clock of the console: the server's time, ticking once a second. A desk's own clock may be minutes off, and a
 * countdown to 签收 must not be. The server's `Date` header is good to a second, so smaller differences are left alone.
 */
import { computed, ref } from "vue";
import { zoneOr } from "../lib/time";

const TOLERANCE_MS = 2_000;

/** How far the server's clock is ahead of this machine's, in milliseconds; 0 when they agree. */
export const skew = ref(0);

const machine = ref(Date.now());

/** Now, by the server's clock, in milliseconds since 1970. */
export const now = computed(() => machine.value + skew.value);

/** The zone in which people read times: the session's. */
export const zone = ref(zoneOr(Intl.DateTimeFormat().resolvedOptions().timeZone, "Asia/Shanghai"));

/** When a working day ends there, such as `17:00`: the session's. */
export const closes = ref("17:00");

/** Learns from an answer's `Date` header. The header is cut to the second, so half a second is added. */
export function observeServerTime(date: string | null, asked: number, answered: number): void {
  const server = date === null ? NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const difference = server + 500 - (asked + answered) / 2;
  skew.value = Math.abs(difference) > TOLERANCE_MS ? Math.round(difference) : 0;
}

/** Starts the ticking; each tick falls just behind the full second, so that no second is shown twice. */
export function startClock(): void {
  const tick = () => {
    machine.value = Date.now();
    setTimeout(tick, 1_005 - (now.value % 1_000));
  };
  tick();
}
