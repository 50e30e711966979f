import { describe, expect, it } from "vitest";
import type { Histogram } from "../api/types";
import { bins, bucketEnd, label, labelled, narrowed, narrows, peak, span } from "./histogram";
import { period } from "./periods";
import { emptySearch } from "./searchUrl";

const ZONE = "Asia/Shanghai";
const at = (time: string) => Date.parse(time);
const days: Histogram = {
  scale: "day",
  buckets: [
    { from: "2026-11-22T16:00:00Z", count: 2 },
    { from: "2026-11-23T16:00:00Z", count: 0 },
    { from: "2026-11-24T16:00:00Z", count: 5 },
  ],
};

describe("bars", () => {
  it("end where the next begins, and sum up", () => {
    const bars = bins(days, ZONE);
    expect(bars.map(({ total }) => total)).toEqual([2, 2, 7]);
    expect(bars[0]!.end).toBe(bars[1]!.at);
    expect(bars[2]!.end).toBe(at("2026-11-25T16:00:00Z"));
    expect(peak(bars)).toBe(2);
    expect(peak([])).toBe(-1);
  });

  it("end with the day, week or month of the zone, also where clocks are changed", () => {
    expect(bucketEnd(at("2026-11-30T16:00:00Z"), "month", ZONE)).toBe(at("2026-12-31T16:00:00Z"));
    expect(bucketEnd(at("2026-11-22T16:00:00Z"), "week", ZONE)).toBe(at("2026-11-29T16:00:00Z"));
    expect(bucketEnd(at("2026-11-24T08:00:00Z"), "hour", ZONE)).toBe(at("2026-11-24T09:00:00Z"));
    expect(bucketEnd(at("2026-11-24T08:00:00Z"), "minute", ZONE)).toBe(at("2026-11-24T08:01:00Z"));
    // New York goes back an hour on the first of November.
    expect(bucketEnd(at("2026-11-01T04:00:00Z"), "day", "America/New_York")).toBe(at("2026-11-02T05:00:00Z"));
  });
});

describe("narrowing the time", () => {
  const bars = bins(days, ZONE);

  it("takes both ends in, in whichever order they were drawn", () => {
    const search = narrowed({ ...emptySearch, scale: "day" }, bars, 2, 1);
    expect(search).toMatchObject({ from: "2026-11-23T16:00:00.000Z", to: "2026-11-25T16:00:00.000Z", scale: "auto" });
    expect(narrowed(emptySearch, bars, -5, 99)).toMatchObject({ from: "2026-11-22T16:00:00.000Z" });
    expect(narrowed(emptySearch, [], 0, 0)).toEqual(emptySearch);
  });

  it("never widens what is asked for already", () => {
    const asked = { ...emptySearch, from: "2026-11-23T00:00:00.000Z", to: "2026-11-25T00:00:00.000Z" };
    expect(narrowed(asked, bars, 0, 2)).toMatchObject({ from: asked.from, to: asked.to });
    expect(narrows(asked, bars, 0, 2)).toBe(false);
    expect(narrows(asked, bars, 0, 1)).toBe(true);
  });
});

describe("labels", () => {
  it("say as much as their scale", () => {
    const midnight = at("2026-11-23T16:00:00Z");
    expect(label(midnight, "hour", ZONE)).toBe("11-24");
    expect(label(midnight + 3_600_000, "hour", ZONE)).toBe("01:00");
    expect(label(midnight, "day", ZONE)).toBe("11-24");
    expect(label(midnight, "month", ZONE)).toBe("2026-11");
    const [bin] = bins(days, ZONE);
    expect(span(bin!, "day", ZONE)).toBe("2026-11-23");
    expect(span({ ...bin!, end: bin!.at + 7 * 86_400_000 }, "week", ZONE)).toBe("2026-11-23 – 11-29");
    expect(span({ ...bin!, end: bin!.at + 3_600_000 }, "hour", ZONE)).toBe("2026-11-23 00:00 – 01:00");
  });

  const every = (scale: Histogram["scale"], minutes: number, count: number) =>
    bins(
      {
        scale,
        buckets: Array.from({ length: count }, (_, n) => ({
          from: new Date(at("2026-11-23T15:30:00Z") + n * minutes * 60_000).toISOString(),
          count: 1,
        })),
      },
      ZONE,
    );
  const shown = (bars: ReturnType<typeof bins>, scale: Histogram["scale"], room: number) =>
    [...labelled(bars, scale, ZONE, room)].map((index) => label(bars[index]!.at, scale, ZONE));

  it("stand so far apart that they do not touch", () => {
    expect(shown(every("day", 1440, 5), "day", 1000)).toHaveLength(5);
    expect(shown(every("day", 1440, 120), "day", 620)).toHaveLength(10);
    expect(shown(every("day", 1440, 120), "day", 0)).toHaveLength(1);
    expect(shown([], "hour", 500)).toEqual([]);
  });

  it("stand at round times, and where many days are shown at midnight alone", () => {
    expect(shown(every("minute", 1, 60), "minute", 400)).toEqual([
      "23:30",
      "23:40",
      "23:50",
      "11-24",
      "00:10",
      "00:20",
    ]);
    const hours = bins(
      {
        scale: "hour",
        buckets: Array.from({ length: 170 }, (_, n) => ({
          from: new Date(at("2026-11-22T01:00:00Z") + n * 3_600_000).toISOString(),
          count: 1,
        })),
      },
      ZONE,
    );
    expect(shown(hours, "hour", 1080)).toEqual(
      ["12:00", "11-23", "12:00", "11-24", "12:00", "11-25"].concat([
        "12:00",
        "11-26",
        "12:00",
        "11-27",
        "12:00",
        "11-28",
        "12:00",
        "11-29",
      ]),
    );
    expect(shown(hours, "hour", 500)).toEqual(["11-23", "11-24", "11-25", "11-26", "11-27", "11-28", "11-29"]);
    expect(shown(hours, "hour", 250)).toEqual(["11-23", "11-25", "11-27", "11-29"]);
  });
});

describe("a stretch by one press", () => {
  const now = at("2026-11-24T03:04:05Z");

  it("begins with the day of the zone", () => {
    expect(period("today", now, ZONE)).toEqual({ from: "2026-11-23T16:00:00.000Z", to: "" });
    expect(period("yesterday", now, ZONE)).toEqual({
      from: "2026-11-22T16:00:00.000Z",
      to: "2026-11-23T16:00:00.000Z",
    });
    expect(period("days7", now, ZONE).from).toBe("2026-11-17T16:00:00.000Z");
  });

  it("counts hours back from the full minute", () => {
    expect(period("hours24", now, ZONE)).toEqual({ from: "2026-11-23T03:04:00.000Z", to: "" });
  });
});
