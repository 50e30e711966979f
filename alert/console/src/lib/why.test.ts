import { describe, expect, it } from "vitest";
import type { WhyQuiet, WindowSeen } from "../api/types";
import { lineOf, momentOf, nearness, rarity, speaking, wasTold } from "./why";

const seen = (seconds: number, more: Partial<WindowSeen> = {}): WindowSeen => ({
  seconds,
  count: 8,
  copies: 0,
  judged: 8,
  expected: 5,
  surprise: 1.2,
  once_in_days: 0.1,
  line: 16,
  verdict: "no_surprise",
  ...more,
});
const why = (outcome: WhyQuiet["outcome"], windows: WindowSeen[]): WhyQuiet => ({
  topic: { id: "water", kind: "watch", name: "停水" },
  at: "2026-11-24T03:00:00Z",
  outcome,
  answer: "",
  windows,
  triggers: [],
  rise: null,
  allowed_a_day: 0.01,
  min_count: 15,
  surprise: 4,
});

describe("the window that speaks for the answer", () => {
  it("is the rarest of those with the outcome's verdict", () => {
    const rare = seen(900, { once_in_days: 2 });
    const answer = why("no_surprise", [
      seen(60, { verdict: "too_few", once_in_days: 90 }),
      seen(300),
      rare,
      seen(3_600, { once_in_days: null }),
    ]);
    expect(speaking(answer)).toBe(rare);
  });

  it("is the one with more posts among equals", () => {
    const more = seen(900, { count: 9 });
    expect(speaking(why("no_surprise", [seen(300), more, seen(3_600)]))).toBe(more);
  });

  it("does not exist where no window decided", () => {
    expect(speaking(why("told", [seen(300, { verdict: "rise" })]))).toBeNull();
    expect(speaking(why("forgotten", []))).toBeNull();
  });
});

describe("the line", () => {
  it("is as near as the judged posts come, one at the line and beyond", () => {
    expect(nearness(seen(300))).toBe(0.5);
    expect(nearness(seen(300, { count: 30, judged: 4 }))).toBe(0.25);
    expect(nearness(seen(300, { judged: 90 }))).toBe(1);
    expect(nearness(seen(300, { line: 0 }))).toBeNull();
  });

  it("says something of five minutes alone where there is no history", () => {
    expect(lineOf(seen(300, { verdict: "no_history", line: 15 }))).toBe(15);
    expect(lineOf(seen(3_600, { verdict: "no_history", line: 15 }))).toBeNull();
    expect(nearness(seen(3_600, { verdict: "no_history", line: 15 }))).toBeNull();
  });
});

describe("whether somebody was told", () => {
  it("by this rise or by one before", () => {
    expect(wasTold(why("told", []))).toBe(true);
    expect(wasTold(why("rise_of_before", []))).toBe(true);
    expect(wasTold(why("rise", []))).toBe(false);
    expect(wasTold(why("no_posts", []))).toBe(false);
  });
});

describe("how often chance brings as much", () => {
  it.each([
    [0.0001, 1, "minute"],
    [0.03, 43, "minute"],
    [0.0413, 59, "minute"],
    [0.0414, 1, "hour"],
    [0.5, 12, "hour"],
    [0.979, 23, "hour"],
    [0.98, 1, "day"],
    [3.44, 3.4, "day"],
    [9.94, 9.9, "day"],
    [9.95, 10, "day"],
    [60.4, 60, "day"],
    [729.9, 730, "day"],
    [730, 2, "year"],
    [36_525, 100, "year"],
    [9e9, 1_000, "ages"],
  ])("%d days", (days, value, unit) => {
    expect(rarity(days)).toEqual({ value, unit });
  });

  it("is not said of what is not above the usual", () => {
    for (const none of [null, undefined, 0, -1, NaN]) expect(rarity(none)).toBeNull();
  });

  it("never becomes less as the days become more", () => {
    const DAYS = { minute: 1 / 1_440, hour: 1 / 24, day: 1, year: 365.25, ages: 365.25 };
    let before = 0;
    for (let days = 0.0005; days < 1e6; days *= 1.01) {
      const { value, unit } = rarity(days)!;
      const after = value * DAYS[unit];
      // Rounding may go back by half a unit where the unit changes.
      expect(after).toBeGreaterThanOrEqual(before * 0.97);
      before = after;
    }
  });
});

describe("a step of the curve", () => {
  const NOW = Date.parse("2026-11-24T03:00:30Z");

  it("stands for its end, with all that it counts", () => {
    expect(momentOf(Date.parse("2026-11-24T02:40:00Z"), 300, NOW)).toBe(Date.parse("2026-11-24T02:45:00Z"));
  });

  it("is now where it still grows", () => {
    expect(momentOf(Date.parse("2026-11-24T03:00:00Z"), 60, NOW)).toBeNull();
    expect(momentOf(NOW - 60_000, 60, NOW)).toBeNull();
  });
});
