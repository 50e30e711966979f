import { describe, expect, it } from "vitest";
import type { HeatPart } from "../api/types";
import { emptiness, slices } from "./heat";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-11-24T03:00:00Z");
const part = (part: HeatPart["part"], points: number): HeatPart => ({ part, points, most: 100, why: "" });

describe("the bar of a heat", () => {
  it("stacks the parts from the left, as long as their points", () => {
    const bar = slices([part("rising", 100), part("volume", 30), part("negative", 20)], 200);
    expect(bar).toEqual([
      { part: "rising", left: 0, width: 50 },
      { part: "volume", left: 50, width: 15 },
      { part: "negative", left: 65, width: 10 },
    ]);
  });

  it("leaves out parts without points", () => {
    expect(slices([part("growth", 0), part("reach", 5)], 10)).toEqual([{ part: "reach", left: 0, width: 50 }]);
    expect(slices([part("growth", -3), part("reach", 5)], 10)).toEqual([{ part: "reach", left: 0, width: 50 }]);
  });

  it("never leaves its track, whatever the points", () => {
    const bar = slices([part("rising", 100), part("volume", 40), part("growth", 20)], 120);
    expect(Math.max(...bar.map(({ left, width }) => left + width))).toBe(100);
    expect(bar.map(({ part }) => part)).toEqual(["rising", "volume"]);
    expect(slices([part("rising", 100)], 0)).toEqual([]);
  });
});

describe("an empty hot list says why", () => {
  it("nothing ever came in", () => {
    expect(emptiness(0, null, NOW, "1h")).toBe("nothing");
  });

  it("nothing came in within its time", () => {
    expect(emptiness(90, NOW - 2 * HOUR, NOW, "1h")).toBe("silent");
    expect(emptiness(90, NOW - 2 * HOUR, NOW, "24h")).toBe("unmatched");
    expect(emptiness(90, NOW - 25 * HOUR, NOW, "24h")).toBe("silent");
    expect(emptiness(90, NOW - 8 * 24 * HOUR, NOW, "7d")).toBe("silent");
  });

  it("what came in belongs to no topic", () => {
    expect(emptiness(90, NOW - HOUR / 2, NOW, "1h")).toBe("unmatched");
  });

  it("claims nothing before anything is known", () => {
    expect(emptiness(null, null, NOW, "1h")).toBe("unknown");
    expect(emptiness(90, null, NOW, "1h")).toBe("unknown");
  });
});
