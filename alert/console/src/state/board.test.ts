import { describe, expect, it } from "vitest";
import type { Incident, Pulse, SourceState } from "../api/types";
import * as reduce from "./board";
import { byRise, byUrgency } from "../lib/ranking";

const incident = (id: string, version: number, more: Partial<Incident> = {}): Incident => ({
  id,
  version,
  title: "停水",
  level: "IV",
  state: "new",
  topic: { id: "water", kind: "watch", name: "停水" },
  opened_at: "2026-11-24T03:04:05Z",
  updated_at: "2026-11-24T03:04:05Z",
  spikes: [],
  count: version,
  peak: 1,
  negative_share: 0,
  reach: 0,
  surprise: 0,
  why: "",
  ...more,
});

const pulse = (id: string, at: string, total: number, more: Partial<Pulse> = {}): Pulse => ({
  v: 1,
  topic: { id, kind: id === "all" ? "all" : "watch", name: id },
  at,
  phase: "quiet",
  windows: [],
  total,
  negative_share: 0,
  reach: 0,
  lag_seconds: 0,
  ...more,
});

const source = (id: string, last_visit_at: string | null, posts_24h: number): SourceState => ({
  id,
  name: id,
  kind: "html",
  state: "ok",
  last_visit_at,
  last_success_at: last_visit_at,
  last_new_at: null,
  next_visit_at: null,
  posts_24h,
  visits_24h: 1,
  failed_24h: 0,
  reason: null,
  finding: null,
  proof: null,
});

const permutations = <T>(list: T[]): T[][] =>
  list.length < 2
    ? [list]
    : list.flatMap((first, at) =>
        permutations(list.filter((_, index) => index !== at)).map((rest) => [first, ...rest]),
      );

describe("what arrives in any order", () => {
  it("ends at the highest version of an incident", () => {
    for (const order of permutations([1, 2, 3, 3, 4])) {
      const board = order.reduce(
        (board, version) => reduce.takeIncident(board, incident("a", version)),
        reduce.emptyBoard,
      );
      expect(board.incidents.get("a")?.version).toBe(4);
    }
  });

  it("ends at the largest figures of a version, which figures leave alone", () => {
    const early = incident("a", 2, { count: 15 });
    const late = incident("a", 2, { count: 70 });
    const signed = incident("a", 3, { count: 40, state: "acked", updated_at: "2026-11-24T03:05:00Z" });
    for (const order of permutations([early, late])) {
      expect(order.reduce(reduce.takeIncident, reduce.emptyBoard).incidents.get("a")?.count).toBe(70);
    }
    for (const order of permutations([early, late, signed])) {
      expect(order.reduce(reduce.takeIncident, reduce.emptyBoard).incidents.get("a")?.state).toBe("acked");
    }
  });

  it("ends at the latest pulse of a topic, by moment and not by letters", () => {
    // As text "…05Z" stands behind "…05.5Z".
    const pulses = [
      pulse("water", "2026-11-24T03:04:05Z", 1),
      pulse("water", "2026-11-24T03:04:05.5Z", 2),
      pulse("water", "2026-11-24T03:04:04Z", 0),
    ];
    for (const order of permutations(pulses)) {
      expect(order.reduce(reduce.takePulse, reduce.emptyBoard).pulses.get("water")?.total).toBe(2);
    }
  });

  it("ends at the latest visit of a source", () => {
    const states = [
      source("forum", null, 0),
      source("forum", "2026-11-24T03:04:05Z", 1),
      source("forum", "2026-11-24T03:05:05Z", 2),
    ];
    for (const order of permutations(states)) {
      expect(order.reduce(reduce.takeSource, reduce.emptyBoard).sources.get("forum")?.posts_24h).toBe(2);
    }
  });

  it("leaves the board itself alone when nothing is newer", () => {
    const board = reduce.takeIncident(reduce.emptyBoard, incident("a", 3));
    expect(reduce.takeIncident(board, incident("a", 2))).toBe(board);
  });
});

describe("a reading", () => {
  it("replaces what it does not name", () => {
    let board = reduce.takeIncident(reduce.emptyBoard, incident("gone", 3));
    board = reduce.readIncidents(reduce.beginReading(board), [incident("here", 1)]);
    expect([...board.incidents.keys()]).toEqual(["here"]);
  });

  it("keeps what came as an event while it went on", () => {
    let board = reduce.beginReading(reduce.emptyBoard);
    board = reduce.takeIncident(board, incident("fresh", 1));
    board = reduce.takeIncident(board, incident("both", 5));
    board = reduce.readIncidents(board, [incident("both", 4), incident("read", 1)]);
    expect([...board.incidents.keys()].sort()).toEqual(["both", "fresh", "read"]);
    expect(board.incidents.get("both")?.version).toBe(5);
  });

  it("is believed where it is newer than the event", () => {
    let board = reduce.takePulse(reduce.beginReading(reduce.emptyBoard), pulse("water", "2026-11-24T03:00:00Z", 1));
    board = reduce.readTopics(board, [
      { topic: { id: "water", kind: "watch", name: "停水" }, pulse: pulse("water", "2026-11-24T03:01:00Z", 2) },
      { topic: { id: "noise", kind: "watch", name: "噪音" }, pulse: null },
    ]);
    expect(board.pulses.get("water")?.total).toBe(2);
    expect([...board.topics.keys()]).toEqual(["water", "noise"]);
  });

  it("is believed after a restart that began to count anew", () => {
    let board = reduce.readIncidents(reduce.emptyBoard, [incident("a", 9)]);
    board = reduce.readIncidents(reduce.beginReading(board), [incident("a", 1)]);
    expect(board.incidents.get("a")?.version).toBe(1);
  });
});

describe("the last post", () => {
  it("is the latest that anything tells of", () => {
    let board = reduce.readSources(reduce.emptyBoard, [
      { ...source("forum", null, 0), last_new_at: "2026-11-24T03:00:00Z" },
    ]);
    expect(board.lastPostAt).toBe(Date.parse("2026-11-24T03:00:00Z"));
    board = reduce.takePulse(board, pulse("all", "2026-11-24T03:01:00Z", 10));
    expect(board.lastPostAt).toBe(Date.parse("2026-11-24T03:00:00Z"));
    board = reduce.takePulse(board, pulse("all", "2026-11-24T03:02:00Z", 10));
    expect(board.lastPostAt).toBe(Date.parse("2026-11-24T03:00:00Z"));
    board = reduce.takePulse(board, pulse("all", "2026-11-24T03:03:00Z", 11));
    expect(board.lastPostAt).toBe(Date.parse("2026-11-24T03:03:00Z"));
  });
});

describe("an alarm", () => {
  it("is for what is new and was not known", () => {
    const before = reduce.takeIncident(reduce.emptyBoard, incident("known", 1));
    let after = reduce.takeIncident(before, incident("fresh", 1));
    after = reduce.takeIncident(after, incident("signed", 2, { state: "acked" }));
    after = reduce.takeIncident(after, incident("known", 2));
    expect(reduce.freshIncidents(before, after).map(({ id }) => id)).toEqual(["fresh"]);
  });
});

describe("the order", () => {
  it("of incidents: what must be signed first stands first", () => {
    const list = [
      incident("signed-red", 1, { state: "acked", level: "I" }),
      incident("later", 1, { ack_due_at: "2026-11-24T03:20:00Z", level: "II" }),
      incident("sooner", 1, { ack_due_at: "2026-11-24T03:10:00Z" }),
      incident("no-deadline", 1, { level: "III" }),
      incident("signed-blue", 1, { state: "assigned" }),
    ];
    for (const order of [list, [...list].reverse()]) {
      expect([...order].sort(byUrgency).map(({ id }) => id)).toEqual([
        "sooner",
        "later",
        "no-deadline",
        "signed-red",
        "signed-blue",
      ]);
    }
  });

  it("of topics: what rises stands before what falls back", () => {
    const window = { seconds: 300, count: 1, negative: 0, expected: 1, upper: 2 };
    const list = [
      pulse("falling", "2026-11-24T03:00:00Z", 1, { phase: "decaying", windows: [{ ...window, surprise: 90 }] }),
      pulse("small", "2026-11-24T03:00:00Z", 1, { phase: "rising", windows: [{ ...window, surprise: 3 }] }),
      pulse("large", "2026-11-24T03:00:00Z", 1, { phase: "rising", windows: [{ ...window, surprise: 9 }] }),
    ];
    expect([...list].sort(byRise).map(({ topic }) => topic.id)).toEqual(["large", "small", "falling"]);
  });
});
