/** The live board against a gateway of cardboard: streams that break, fall silent, and come back. Time is moved, not waited for. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick, watch } from "vue";
import * as live from "./live";

const encoder = new TextEncoder();

class Gateway {
  readonly asked: string[] = [];
  readonly streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  incidents: object[] = [];
  /** What to do to the next calls instead of answering them. */
  down = false;
  status = 200;
  /** Calls that begin like this fail. */
  broken: string | null = null;

  fetch = async (path: string, init: RequestInit): Promise<Response> => {
    this.asked.push(path);
    if (this.down || (this.broken !== null && path.startsWith(this.broken))) throw new TypeError("failed to fetch");
    if (this.status !== 200) return Response.json({ error: { code: "x", message: "y" } }, { status: this.status });
    if (path === "/api/events") {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.streams.push(controller);
          init.signal?.addEventListener("abort", () => {
            try {
              controller.error(new DOMException("aborted", "AbortError"));
            } catch {
              // It has ended already.
            }
          });
        },
      });
      return new Response(body);
    }
    if (path.startsWith("/api/incidents")) return Response.json({ incidents: this.incidents });
    if (path.startsWith("/api/topics")) return Response.json({ topics: [] });
    return Response.json({ sources: [] });
  };

  send(text: string): void {
    this.streams.at(-1)!.enqueue(encoder.encode(text));
  }

  readings(): number {
    return this.asked.filter((path) => path.startsWith("/api/incidents")).length;
  }
}

const incident = (id: string, version: number) => ({ id, version, state: "acked", level: "IV", title: id });
let gateway: Gateway;

/** Lets everything that is ready run, without moving the clock. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(async () => {
  vi.useFakeTimers();
  gateway = new Gateway();
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("fetch", gateway.fetch);
  live.startLive();
  await settle();
  await nextTick();
});

afterEach(() => {
  live.stopLive();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the live board", () => {
  it("opens the stream first, then reads the lists", () => {
    expect(gateway.asked[0]).toBe("/api/events");
    expect(gateway.readings()).toBe(1);
    expect(live.connection.value).toBe("open");
    expect(live.stale.value).toBe(false);
  });

  it("takes events in, cut anywhere", async () => {
    const text = `event: incident\ndata: ${JSON.stringify({ v: 1, event: { seq: 1 }, incident: incident("停水", 3) })}\n\n`;
    const bytes = encoder.encode(text);
    for (const byte of bytes) gateway.streams[0]!.enqueue(Uint8Array.of(byte));
    await settle();
    expect(live.board.value.incidents.get("停水")?.version).toBe(3);
    expect(live.lastRecord.value?.incident.id).toBe("停水");
  });

  it("goes on after an event that can't be read", async () => {
    gateway.send("event: incident\ndata: {oops\n\nevent: surprise\ndata: 1\n\n");
    gateway.send(`event: incident\ndata: ${JSON.stringify({ incident: incident("a", 1) })}\n\n`);
    await settle();
    expect(live.board.value.incidents.has("a")).toBe(true);
    expect(live.connection.value).toBe("open");
  });

  it("says at once that a line has ended, and since when the data is old", async () => {
    const until = live.goodUntil.value;
    gateway.down = true;
    gateway.streams[0]!.close();
    await settle();
    expect(live.connection.value).toBe("lost");
    expect(live.stale.value).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(live.goodUntil.value).toBe(until);
  });

  it("reads everything anew after a break, and forgets what is gone", async () => {
    gateway.send(`event: incident\ndata: ${JSON.stringify({ incident: incident("gone", 7) })}\n\n`);
    await settle();
    gateway.incidents = [incident("here", 1)];
    gateway.streams[0]!.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.connection.value).toBe("open");
    expect([...live.board.value.incidents.keys()]).toEqual(["here"]);
  });

  it("takes the orderly end of a long stream for no break, and reads everything anew", async () => {
    const seen: string[] = [];
    const stop = watch(live.connection, (state) => seen.push(state), { flush: "sync" });
    for (let minute = 0; minute < 60; minute += 0.5) {
      gateway.send(": alive\n\n");
      await vi.advanceTimersByTimeAsync(30_000);
    }
    gateway.incidents = [incident("here", 1)];
    gateway.streams[0]!.close();
    await settle();
    stop();
    expect(seen).toEqual([]);
    expect(gateway.streams.length).toBe(2);
    expect(live.board.value.incidents.has("here")).toBe(true);
  });

  it("takes a line without any sign of life for dead; a comment is a sign of life", async () => {
    await vi.advanceTimersByTimeAsync(30_000);
    gateway.send(": alive\n\n");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(live.connection.value).toBe("open");
    gateway.down = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(live.connection.value).toBe("lost");
  });

  it("reads everything anew when the gateway says that it dropped events", async () => {
    gateway.incidents = [incident("late", 1)];
    gateway.send("event: reload\ndata: {}\n\n");
    await settle();
    expect(gateway.readings()).toBe(2);
    expect(live.board.value.incidents.has("late")).toBe(true);
  });

  it("tries ever more slowly, and at once when somebody asks for it", async () => {
    gateway.down = true;
    gateway.streams[0]!.close();
    await settle();
    const tries = () => gateway.asked.filter((path) => path === "/api/events").length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries()).toBeGreaterThan(5);
    expect(tries()).toBeLessThan(10);
    gateway.down = false;
    live.hurry();
    await settle();
    expect(live.connection.value).toBe("open");
  });

  it("does not show old incidents as fresh when only the stream is there", async () => {
    gateway.streams[0]!.close();
    await settle();
    gateway.broken = "/api/incidents";
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.stale.value).toBe(true);
    gateway.broken = null;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(live.stale.value).toBe(false);
    expect(live.failures.value.size).toBe(0);
  });

  it("shows the incidents when another stage is down, and says which", async () => {
    gateway.incidents = [incident("a", 1)];
    gateway.broken = "/api/coverage";
    gateway.streams[0]!.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.stale.value).toBe(false);
    expect(live.board.value.incidents.has("a")).toBe(true);
    expect([...live.failures.value.keys()]).toEqual(["sources"]);
    gateway.broken = null;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(live.failures.value.size).toBe(0);
  });

  it("stops asking when the session has ended", async () => {
    gateway.status = 401;
    gateway.streams[0]!.close();
    await vi.advanceTimersByTimeAsync(1_000);
    const asked = gateway.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.asked.length).toBe(asked);
  });

  it("forgets everything when it is stopped", () => {
    live.stopLive();
    expect(live.board.value.incidents.size).toBe(0);
    expect(live.goodUntil.value).toBeNull();
    expect(live.loaded.value).toBe(false);
  });
});

describe("the incidents of a unit", () => {
  beforeEach(async () => {
    live.stopLive();
    gateway.asked.length = 0;
    gateway.incidents = [incident("a", 1)];
    live.startLive(false);
    await settle();
  });

  it("are read again and again, and nothing else is asked for", async () => {
    expect(live.connection.value).toBe("open");
    expect([...live.board.value.incidents.keys()]).toEqual(["a"]);
    gateway.incidents = [incident("b", 1)];
    await vi.advanceTimersByTimeAsync(15_000);
    expect([...live.board.value.incidents.keys()]).toEqual(["b"]);
    expect(live.reading.value).toBeGreaterThan(1);
    expect(new Set(gateway.asked)).toEqual(new Set(["/api/incidents?state=open&limit=500"]));
  });

  it("are said to be old when they can't be read, and read again by themselves", async () => {
    gateway.down = true;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(live.stale.value).toBe(true);
    expect(live.board.value.incidents.has("a")).toBe(true);
    gateway.down = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.stale.value).toBe(false);
  });

  it("are read no more when the session has ended, or the console was left", async () => {
    live.stopLive();
    const asked = gateway.asked.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.asked.length).toBe(asked);
    gateway.status = 401;
    live.startLive(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.asked.length).toBe(asked + 1);
  });
});
