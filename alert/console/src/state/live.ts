/**
 * The live board: reads the lists, follows the stream of events, and says honestly how fresh the data is.
 *
 * Order: the stream is opened first, then the lists are read; what comes as an event meanwhile outlives the reading
 * (board.ts). After every break, and when the gateway says that it dropped events (`reload`), everything is read anew.
 *
 * The stream, topics and sources are not for a unit's people: for them the incidents alone are read, again and again.
 */
import { computed, ref, shallowRef } from "vue";
import { coverage, incidents, topics } from "../api/calls";
import { ApiError, open } from "../api/client";
import type { IncidentRecord, Pulse, SourceAlert, SourceState } from "../api/types";
import { EventParser, type ServerEvent } from "../lib/sse";
import * as reduce from "./board";
import { announce } from "./alarm";
import { now } from "./clock";

/** The gateway shows life every 15 s; after this long without any the line counts as dead. */
const SILENCE_MS = 35_000;
/** The gateway ends a stream now and then on purpose; one that has lasted this long and ended in order is no break. */
const ORDERLY_MS = 60_000;
/** How often the incidents are read where there is no stream. */
const POLL_MS = 15_000;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export type List = "incidents" | "topics" | "sources";
export type Connection = "connecting" | "open" | "lost";

export const board = shallowRef(reduce.emptyBoard);
export const connection = ref<Connection>("connecting");
/** Up to when the data is good, by the server's clock; nothing before the first reading. */
export const goodUntil = ref<number | null>(null);
/** Whether the lists have been read at least once. */
export const loaded = ref(false);
/** Which lists could not be read, and why. One stage that is down must not hide what the others know. */
export const failures = shallowRef<ReadonlyMap<List, unknown>>(new Map());
/** The last change of an incident that came as an event. */
export const lastRecord = shallowRef<IncidentRecord | null>(null);
/** The last alert about a source that began or ended, as it came as an event. */
export const lastSourceAlert = shallowRef<SourceAlert | null>(null);
/** Rises with every complete reading: what is shown beside the board is read anew then, too. */
export const reading = ref(0);
/** Stale data never looks fresh: the line is lost, or the incidents could not be read. */
export const stale = computed(() => loaded.value && (connection.value === "lost" || failures.value.has("incidents")));

let running: AbortController | null = null;
let watching = true;
let wake: (() => void) | null = null;

/** Begins; `all` is for whoever may see more than the incidents of a unit. */
export function startLive(all = true): void {
  if (running) return;
  running = new AbortController();
  watching = all;
  window.addEventListener("online", hurry);
  void (all ? follow(running.signal) : poll(running.signal));
}

export function stopLive(): void {
  running?.abort();
  running = null;
  window.removeEventListener("online", hurry);
  board.value = reduce.emptyBoard;
  connection.value = "connecting";
  goodUntil.value = null;
  loaded.value = false;
  failures.value = new Map();
  lastRecord.value = null;
  lastSourceAlert.value = null;
}

/** Takes an incident in that an act of this console has just returned, ahead of its event. */
export function take(change: (board: reduce.Board) => reduce.Board): void {
  const before = board.value;
  board.value = change(before);
  if (loaded.value) announce(reduce.freshIncidents(before, board.value, !watching));
}

/** Tries again at once. */
export function hurry(): void {
  wake?.();
}

async function follow(stopped: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopped.aborted) {
    const begun = performance.now();
    try {
      await listen(stopped, () => (failures = 0));
      if (performance.now() - begun > ORDERLY_MS) continue;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (stopped.aborted) return;
    connection.value = "lost";
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!, stopped);
    failures += 1;
  }
}

/** Reads the incidents until it is stopped. */
async function poll(stopped: AbortSignal): Promise<void> {
  let failed = 0;
  while (!stopped.aborted) {
    board.value = reduce.beginReading(board.value);
    try {
      const change = await READERS.incidents(stopped);
      if (stopped.aborted) return;
      take(change);
      arrived();
      failed = 0;
    } catch (error) {
      if (stopped.aborted || (error instanceof ApiError && error.status === 401)) return;
      connection.value = "lost";
      failed += 1;
    }
    await pause(failed === 0 ? POLL_MS : RETRY_MS[Math.min(failed - 1, RETRY_MS.length - 1)]!, stopped);
  }
}

/** Follows one connection until it ends. */
async function listen(stopped: AbortSignal, opened: () => void): Promise<void> {
  const line = new AbortController();
  const stop = () => line.abort();
  stopped.addEventListener("abort", stop);
  let watchdog = setTimeout(stop, SILENCE_MS);
  try {
    const response = await open("/api/events", line.signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    opened();
    board.value = reduce.beginReading(board.value);
    void readAll(line.signal);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, SILENCE_MS);
      if (connection.value === "open" && !stale.value) goodUntil.value = now.value;
      for (const event of parser.feed(value)) dispatch(event, line.signal);
    }
  } finally {
    clearTimeout(watchdog);
    stopped.removeEventListener("abort", stop);
    line.abort();
  }
}

function dispatch(event: ServerEvent, signal: AbortSignal): void {
  if (event.name === "reload") {
    board.value = reduce.beginReading(board.value);
    void readAll(signal);
    return;
  }
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return;
  }
  if (event.name === "pulse") take((board) => reduce.takePulse(board, data as Pulse));
  if (event.name === "source") take((board) => reduce.takeSource(board, data as SourceState));
  if (event.name === "source_alert") lastSourceAlert.value = data as SourceAlert;
  if (event.name === "incident") {
    lastRecord.value = data as IncidentRecord;
    take((board) => reduce.takeIncident(board, (data as IncidentRecord).incident));
  }
}

/** Reads the lists, and again those that failed, until all are read or the line ends. The line is open once the incidents are. */
async function readAll(signal: AbortSignal): Promise<void> {
  const missing = new Set<List>(["incidents", "topics", "sources"]);
  for (let tries = 0; missing.size > 0 && !signal.aborted; tries += 1) {
    if (tries > 0) await pause(RETRY_MS[Math.min(tries - 1, RETRY_MS.length - 1)]!, signal);
    const failed = new Map<List, unknown>();
    await Promise.all(
      [...missing].map(async (list) => {
        try {
          const change = await READERS[list](signal);
          if (signal.aborted) return;
          take(change);
          missing.delete(list);
          if (list === "incidents") arrived();
        } catch (error) {
          failed.set(list, error);
        }
      }),
    );
    if (!signal.aborted) failures.value = failed;
  }
}

const READERS: Record<List, (signal: AbortSignal) => Promise<(board: reduce.Board) => reduce.Board>> = {
  incidents: async (signal) => {
    const list = await incidents.list("open", 500, signal);
    return (board) => reduce.readIncidents(board, list);
  },
  topics: async (signal) => {
    const [all, hot] = await Promise.all([topics.all(signal), topics.hot("1h", 50, signal)]);
    const known = new Set(all.map(({ topic }) => topic.id));
    const both = [...all, ...hot.filter(({ topic }) => !known.has(topic.id))];
    return (board) => reduce.readTopics(board, both);
  },
  sources: async (signal) => {
    const list = await coverage.all(signal);
    return (board) => reduce.readSources(board, list);
  },
};

function arrived(): void {
  loaded.value = true;
  connection.value = "open";
  goodUntil.value = now.value;
  reading.value += 1;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      if (wake === finish) wake = null;
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
    wake = finish;
  });
}
