/**
 * The live board: reads the lists, follows the stream of events, and says honestly how fresh the data is.
 *
 * Order: the stream is opened first, then the lists are read; what comes as an event meanwhile outlives the reading
 * (board.ts). After every break, and when the gateway says that it dropped events (`reload`), everything is read anew.
 */
import { computed, ref, shallowRef } from "vue";
import { coverage, incidents, topics } from "../api/calls";
import { ApiError, isAbort, open } from "../api/client";
import type { IncidentRecord, Pulse, SourceState } from "../api/types";
import { EventParser, type ServerEvent } from "../lib/sse";
import * as reduce from "./board";
import { announce } from "./alarm";
import { now } from "./clock";

/** The gateway shows life every 15 s; after this long without any the line counts as dead. */
const SILENCE_MS = 35_000;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export type Connection = "connecting" | "open" | "lost";

export const board = shallowRef(reduce.emptyBoard);
export const connection = ref<Connection>("connecting");
/** Up to when the data is good, by the server's clock; nothing before the first reading. */
export const goodUntil = ref<number | null>(null);
/** Whether the lists have been read at least once. */
export const loaded = ref(false);
/** What kept the lists from being read, if anything did. */
export const readFailure = shallowRef<unknown>(null);
/** The last change of an incident that came as an event. */
export const lastRecord = shallowRef<IncidentRecord | null>(null);
/** Rises with every complete reading: what is shown beside the board is read anew then, too. */
export const reading = ref(0);
/** Stale data never looks fresh: lost, or read before a failure. */
export const stale = computed(() => loaded.value && (connection.value === "lost" || readFailure.value !== null));

let running: AbortController | null = null;
let wake: (() => void) | null = null;

export function startLive(): void {
  if (running) return;
  running = new AbortController();
  window.addEventListener("online", hurry);
  void follow(running.signal);
}

export function stopLive(): void {
  running?.abort();
  running = null;
  window.removeEventListener("online", hurry);
  board.value = reduce.emptyBoard;
  connection.value = "connecting";
  goodUntil.value = null;
  loaded.value = false;
  readFailure.value = null;
  lastRecord.value = null;
}

/** Takes an incident in that an act of this console has just returned, ahead of its event. */
export function take(change: (board: reduce.Board) => reduce.Board): void {
  const before = board.value;
  board.value = change(before);
  if (loaded.value) announce(reduce.freshIncidents(before, board.value));
}

/** Tries again at once. */
export function hurry(): void {
  wake?.();
}

async function follow(stopped: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopped.aborted) {
    try {
      await listen(stopped, () => (failures = 0));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
    }
    if (stopped.aborted) return;
    connection.value = "lost";
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!, stopped);
    failures += 1;
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
      if (connection.value === "open" && readFailure.value === null) goodUntil.value = now.value;
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
  if (event.name === "incident") {
    lastRecord.value = data as IncidentRecord;
    take((board) => reduce.takeIncident(board, (data as IncidentRecord).incident));
  }
}

/** Reads the lists; tries again until it succeeds or the line ends. The line counts as open when it has. */
async function readAll(signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const [list, all, hot, sources] = await Promise.all([
        incidents.list("open", 500, signal),
        topics.all(signal),
        topics.hot(signal),
        coverage(signal),
      ]);
      if (signal.aborted) return;
      const known = new Set(all.map(({ topic }) => topic.id));
      const both = [...all, ...hot.filter(({ topic }) => !known.has(topic.id))];
      take((board) => reduce.readSources(reduce.readTopics(reduce.readIncidents(board, list), both), sources));
      loaded.value = true;
      readFailure.value = null;
      connection.value = "open";
      goodUntil.value = now.value;
      reading.value += 1;
      return;
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      readFailure.value = error;
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!, signal);
    }
  }
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
