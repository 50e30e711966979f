import { describe, expect, it } from "vitest";
import type { SourceState } from "../api/types";
import { badness, byBadness, complete, filtered, fine, parts, runs } from "./coverage";

const none = { covered: 0, late: 0, gap: 0, failing: 0, unwatched: 0 };

const source = (id: string, more: Partial<SourceState> = {}): SourceState => ({
  id,
  name: id,
  kind: "html",
  state: "ok",
  last_visit_at: null,
  last_success_at: null,
  last_new_at: null,
  next_visit_at: null,
  posts_24h: 0,
  visits_24h: 0,
  failed_24h: 0,
  reason: null,
  finding: null,
  proof: {
    day: none,
    month: none,
    grid: "c".repeat(96),
    grid_from: "2026-11-24T00:00:00Z",
    days: "c".repeat(30),
    lag_24h: null,
    lag_30d: null,
    open_gaps: [],
    clock_offset_ms: null,
  },
  ...more,
});

describe("a grid", () => {
  it("is drawn by runs, and what is unknown never counts as covered", () => {
    expect(runs("ccfgg?")).toEqual([
      { from: 0, to: 2, letter: "c" },
      { from: 2, to: 3, letter: "f" },
      { from: 3, to: 5, letter: "g" },
      { from: 5, to: 6, letter: "u" },
    ]);
    expect(runs("")).toEqual([]);
  });
});

describe("shares", () => {
  it("count what came late as read", () => {
    expect(complete({ ...none, covered: 60, late: 30, gap: 10 })).toBeCloseTo(0.9);
    expect(complete(none)).toBe(0);
  });

  it("show that something is missing", () => {
    expect([1, 0.99999, 0.995, 0.9876, 0.5, 0].map(fine)).toEqual(["100%", "99.99%", "99.50%", "98.7%", "50.0%", "0%"]);
  });

  it("name the worst first and leave out what there is none of", () => {
    expect(parts({ ...none, covered: 5, gap: 1 }).map(({ letter }) => letter)).toEqual(["g", "c"]);
  });
});

describe("sources", () => {
  const finding = (kind: "failing" | "silent", since: string) => ({ kind, since, until: null, reason: "" });
  const gap = { from: "2026-11-24T00:00:00Z", to: "2026-11-24T01:00:00Z", reason: "" };
  const well = source("a");
  const silent = source("b", { finding: finding("silent", "2026-11-24T02:00:00Z") });
  const failing = source("c", { state: "failing", finding: finding("failing", "2026-11-24T03:00:00Z") });
  const longer = source("d", { state: "failing", finding: finding("failing", "2026-11-24T01:00:00Z") });
  const missing = source("e", { proof: { ...well.proof!, open_gaps: [gap] } });
  const pushed = source("f", { proof: null, kind: "push" });

  it("stand in the order of how bad it is, and since when", () => {
    const sorted = [well, pushed, silent, failing, missing, longer].sort(byBadness).map(({ id }) => id);
    expect(sorted).toEqual(["d", "c", "b", "e", "a", "f"]);
    expect(badness(source("x", { state: "late" }))).toBeGreaterThan(badness(silent));
  });

  it("are filtered by what is wrong and by what they are called", () => {
    const all = [well, silent, failing, missing];
    const ids = (list: SourceState[]) => list.map(({ id }) => id).join("");
    expect(ids(filtered(all, "trouble", ""))).toBe("bce");
    expect(ids(filtered(all, "gaps", ""))).toBe("e");
    expect(ids(filtered(all, "ok", ""))).toBe("a");
    expect(ids(filtered([source("x", { name: "锦水论坛" }), well], "all", " 锦水 "))).toBe("x");
    expect(ids(filtered(all, "all", "B"))).toBe("b");
  });
});
