import { describe, expect, it } from "vitest";
import { clock, countdown, dueToday, date, fromField, moment, running, span, stamp, toField, zoneOr } from "./time";

const CHINA = "Asia/Shanghai";
const at = (text: string) => Date.parse(text);

describe("the wall clock in a zone", () => {
  it("shows the zone's hour, not the machine's", () => {
    expect(clock(at("2026-11-23T19:04:05Z"), CHINA)).toBe("03:04:05");
    expect(date(at("2026-11-23T19:04:05Z"), CHINA)).toBe("2026-11-24");
    expect(clock(at("2026-11-23T19:04:05Z"), "America/New_York")).toBe("14:04:05");
  });

  it("shows midnight as 00, never as 24", () => {
    expect(clock(at("2026-11-23T16:00:00Z"), CHINA)).toBe("00:00:00");
  });

  it("leaves out of a stamp what the reader knows", () => {
    const now = at("2026-11-24T03:00:00Z");
    expect(stamp(at("2026-11-24T02:59:00Z"), now, CHINA)).toBe("10:59");
    expect(stamp(at("2026-11-23T15:59:00Z"), now, CHINA)).toBe("11-23 23:59");
    expect(stamp(at("2026-11-23T16:00:00Z"), now, CHINA)).toBe("00:00");
    expect(stamp(at("2025-11-23T16:00:00Z"), now, CHINA)).toBe("2025-11-24 00:00");
  });

  it("falls back from a zone that the browser does not know", () => {
    expect(zoneOr("Asia/Shanghai", "UTC")).toBe("Asia/Shanghai");
    expect(zoneOr("Mars/Olympus", "UTC")).toBe("UTC");
  });
});

describe("moments", () => {
  it("reads RFC 3339 and nothing else", () => {
    expect(moment("2026-11-24T03:04:05.5Z")).toBe(at("2026-11-24T03:04:05.500Z"));
    expect(moment("2026-11-24T11:04:05+08:00")).toBe(at("2026-11-24T03:04:05Z"));
    for (const none of ["", "soon", null, undefined]) expect(moment(none)).toBeNull();
  });
});

describe("durations", () => {
  it("run as minutes and seconds, with hours where there are some", () => {
    expect(running(0)).toBe("00:00");
    expect(running(252_000)).toBe("04:12");
    expect(running(3_852_999)).toBe("1:04:12");
    expect(running(-5_000)).toBe("00:00");
  });

  it.each([
    [0, 0, "second"],
    [59_999, 59, "second"],
    [60_000, 1, "minute"],
    [3_599_999, 59, "minute"],
    [3_600_000, 1, "hour"],
    [172_799_999, 47, "hour"],
    [172_800_000, 2, "day"],
    [-1, 0, "second"],
  ] as const)("%i ms are %i %s", (ms, value, unit) => {
    expect(span(ms)).toEqual({ value, unit });
  });
});

describe("the countdown to a deadline", () => {
  const due = at("2026-11-24T03:10:00Z");
  it.each([
    [due - 252_000, "calm", "04:12"],
    [due - 60_001, "calm", "01:01"],
    [due - 60_000, "soon", "01:00"],
    [due - 1, "soon", "00:01"],
    [due, "over", "00:00"],
    [due + 80_999, "over", "01:20"],
  ] as const)("at %i is %s, %s", (now, phase, text) => {
    expect(countdown(due, now)).toEqual({ phase, text });
  });
});

it("a time of day is still to come today in the zone, or is over", () => {
  const now = at("2026-11-24T08:30:00Z");
  expect(dueToday(now, "17:00", CHINA)).toBe(at("2026-11-24T09:00:00Z"));
  expect(dueToday(at("2026-11-24T09:00:00Z"), "17:00", CHINA)).toBeNull();
  // It is the 25th in China already.
  expect(dueToday(at("2026-11-24T16:30:00Z"), "17:00", CHINA)).toBe(at("2026-11-25T09:00:00Z"));
});

describe("a date-time field", () => {
  it("is read in the zone, and shown in it", () => {
    expect(fromField("2026-11-24T03:04", CHINA)).toBe(at("2026-11-23T19:04:00Z"));
    expect(toField(at("2026-11-23T19:04:00Z"), CHINA)).toBe("2026-11-24T03:04");
  });

  it("survives the days on which clocks change", () => {
    const zone = "Europe/Berlin";
    // 02:30 does not exist on this day: the moment after the gap.
    expect(fromField("2026-03-29T02:30", zone)).not.toBeNull();
    // 02:30 exists twice: the first.
    expect(fromField("2026-10-25T02:30", zone)).toBe(at("2026-10-25T00:30:00Z"));
    for (const text of ["2026-03-29T01:59", "2026-03-29T03:00", "2026-10-25T01:00", "2026-10-25T04:00"]) {
      expect(toField(fromField(text, zone)!, zone)).toBe(text);
    }
  });

  it("refuses what is no date", () => {
    for (const text of ["", "2026-11-24", "2026-02-30T00:00", "0002-11-24T03:04", "x"])
      expect(fromField(text, CHINA)).toBeNull();
  });
});
