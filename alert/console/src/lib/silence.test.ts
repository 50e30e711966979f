import { describe, expect, it } from "vitest";
import type { Silence } from "../api/types";
import { type Draft, endOf, faultOf, holds, morning, overAt, scopeOf, throughOf, wantedOf } from "./silence";

const ZONE = "Asia/Shanghai";
/** 03:04:30 there. */
const NOW = Date.parse("2026-11-23T19:04:30Z");
const HOUR = 3_600_000;

const draft: Draft = {
  kind: "topic",
  topic: "water",
  source: "",
  below: "III",
  end: { hours: 1 },
  reason: "管网检修",
  red: false,
};
const silence: Silence = {
  id: "1",
  topic: "water",
  source: null,
  below: null,
  up_to: null,
  from: "2026-11-23T18:00:00Z",
  until: "2026-11-23T22:00:00Z",
  by: "王敏",
  reason: "管网检修",
  red: false,
  ended_at: null,
  ended_by: null,
  active: true,
};

describe("a silence that is wanted", () => {
  it("names its faults before the gateway must, each row of the table", () => {
    const fault = (more: Partial<Draft>, role: "operator" | "supervisor" = "operator") =>
      faultOf({ ...draft, ...more }, NOW, ZONE, role);
    expect(fault({})).toBeNull();
    expect(fault({ topic: " " })).toBe("nothing");
    expect(fault({ kind: "source" })).toBe("nothing");
    expect(fault({ kind: "below", topic: "" })).toBeNull();
    expect(fault({ reason: " " })).toBe("reason");
    expect(fault({ reason: "长".repeat(500) })).toBeNull();
    expect(fault({ reason: "长".repeat(501) })).toBe("long_reason");
    expect(fault({ reason: "𠮷".repeat(500) }), "characters, not halves of them").toBeNull();
    expect(fault({ end: { at: null } })).toBe("end");
    expect(fault({ end: { at: NOW } })).toBe("past");
    expect(fault({ end: { at: NOW + 8 * HOUR } })).toBeNull();
    expect(fault({ end: { at: NOW + 8 * HOUR + 1 } })).toBe("long");
    expect(fault({ end: { at: NOW + 168 * HOUR } }, "supervisor")).toBeNull();
    expect(fault({ end: { at: NOW + 168 * HOUR + 1 } }, "supervisor")).toBe("long");
    expect(fault({ end: { hours: 8 } })).toBeNull();
  });

  it("ends on the full minute, and never beyond its length", () => {
    expect(endOf({ hours: 1 }, NOW, ZONE)).toBe(Date.parse("2026-11-23T20:04:00Z"));
    const minute = Date.parse("2026-11-23T19:04:00Z");
    expect(endOf({ hours: 8 }, minute, ZONE), "the gateway's clock may be behind").toBe(minute + 8 * HOUR - 60_000);
  });

  it("ends in the morning that comes: today's, or tomorrow's once it is over", () => {
    expect(morning(NOW, ZONE)).toBe(Date.parse("2026-11-24T00:00:00Z"));
    expect(morning(Date.parse("2026-11-24T00:00:00Z"), ZONE)).toBe(Date.parse("2026-11-25T00:00:00Z"));
    expect(
      faultOf({ ...draft, end: "morning" }, NOW - 6 * HOUR, ZONE, "operator"),
      "from 21:04 on it is 11 hours",
    ).toBe("long");
  });

  it("says one thing alone, and red only where that means something", () => {
    expect(wantedOf({ ...draft, red: true }, NOW, ZONE)).toEqual({
      topic: "water",
      until: "2026-11-23T20:04:00.000Z",
      reason: "管网检修",
      red: true,
    });
    const below = wantedOf({ ...draft, kind: "below", red: true, reason: " 夜间 " }, NOW, ZONE);
    expect(below).toEqual({ below: "III", until: "2026-11-23T20:04:00.000Z", reason: "夜间" });
    expect(wantedOf({ ...draft, kind: "source", source: "bbs2" }, NOW, ZONE)).toMatchObject({ source: "bbs2" });
  });
});

describe("a silence that stands", () => {
  it("says what breaks through, each row of the table", () => {
    expect(throughOf({ ...silence, topic: null, source: "bbs2" })).toEqual({ how: "incidents" });
    expect(throughOf({ ...silence, topic: null, below: "II" })).toEqual({ how: "from", level: "II" });
    expect(throughOf({ ...silence, up_to: "III" })).toEqual({ how: "rises", level: "II" });
    expect(throughOf({ ...silence, up_to: "I" })).toEqual({ how: "none" });
    expect(throughOf(silence)).toEqual({ how: "graver" });
    expect([silence, { ...silence, topic: null, source: "x" }, { ...silence, topic: null }].map(scopeOf)).toEqual([
      "topic",
      "source",
      "below",
    ]);
  });

  it("is over when it ends by itself, or was ended before", () => {
    expect(overAt(silence)).toBe(Date.parse(silence.until));
    expect(overAt({ ...silence, ended_at: "2026-11-23T19:00:00Z" })).toBe(Date.parse("2026-11-23T19:00:00Z"));
    expect(holds(silence, NOW)).toBe(true);
    expect(holds(silence, Date.parse(silence.until)), "it was read a while ago").toBe(false);
    expect(holds({ ...silence, active: false }, NOW)).toBe(false);
  });
});
