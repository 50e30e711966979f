import { describe, expect, it } from "vitest";
import type { CurveStep, HistoryEvent, TopicCurve } from "../api/types";
import { barAt, bars, labelEvery, labelled } from "./curve";
import { interpret, step } from "./keys";
import { safeLink, safeNext } from "./link";
import { factor, percent, rough, whole } from "./number";
import { path } from "./path";

describe("links", () => {
  it("lead to http and https only", () => {
    expect(safeLink("https://forum.example/t/1?x=<b>")).toBe("https://forum.example/t/1?x=%3Cb%3E");
    for (const url of [
      "javascript:alert(1)",
      " JaVaScRiPt:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "//x",
      "",
      null,
    ]) {
      expect(safeLink(url)).toBeNull();
    }
  });

  it("lead back into this console after a log-in", () => {
    expect(safeNext("/incidents/20261124-0007?x=1")).toBe("/incidents/20261124-0007?x=1");
    for (const next of [
      "//evil.example",
      "/\\evil.example",
      "https://evil.example",
      "/login?next=/login",
      undefined,
      ["/"],
    ]) {
      expect(safeNext(next)).toBe("/");
    }
  });
});

describe("numbers", () => {
  it("do not say more than they know", () => {
    expect(whole(18342)).toBe("18,342");
    expect(rough(1.54)).toBe("1.5");
    expect(rough(9.96)).toBe("10");
    expect(percent(0.875)).toBe("88%");
    expect(percent(0.999)).toBe("99%");
    expect(percent(0.001)).toBe("1%");
    expect(percent(7)).toBe("100%");
    expect(factor(18, 1.5)).toBe("12");
    expect(factor(18, 0)).toBeNull();
  });
});

describe("keys", () => {
  it("g waits for the second key", () => {
    expect(interpret("", "g")).toEqual({ pending: "g", command: null });
    expect(interpret("g", "b")).toEqual({ pending: "", command: "board" });
    expect(interpret("g", "d")).toEqual({ pending: "", command: "roster" });
    expect(interpret("g", "j")).toEqual({ pending: "", command: "next" });
    expect(interpret("", "b")).toEqual({ pending: "", command: null });
    expect(interpret("", "constructor")).toEqual({ pending: "", command: null });
    expect(interpret("g", "toString")).toEqual({ pending: "", command: null });
  });

  it("a step stays within the list", () => {
    expect(step(["a", "b"], null, 1)).toBe("a");
    expect(step(["a", "b"], null, -1)).toBe("b");
    expect(step(["a", "b"], "b", 1)).toBe("b");
    expect(step(["a", "b"], "gone", 1)).toBe("a");
    expect(step([], "a", 1)).toBeNull();
  });
});

describe("the way of an incident", () => {
  const event = (seq: number, action: string, at: string): HistoryEvent => ({ seq, action, at, who: "王敏", text: "" });

  it("shows where it was, where it is, and what was left out", () => {
    const history = [
      event(1, "opened", "2026-11-24T03:00:00Z"),
      event(2, "acked", "2026-11-24T03:02:00Z"),
      event(3, "closed", "2026-11-24T04:00:00Z"),
    ];
    expect(path("closed", history).map(({ phase }) => phase)).toEqual([
      "done",
      "done",
      "passed",
      "passed",
      "passed",
      "passed",
      "here",
    ]);
    const again = [...history, event(4, "reopened", "2026-11-24T05:00:00Z")];
    expect(path("acked", again)[1]).toMatchObject({ phase: "here", at: "2026-11-24T05:00:00Z" });
    expect(path("acked", history.slice(0, 2)).map(({ phase }) => phase)).toEqual([
      "done",
      "here",
      "ahead",
      "ahead",
      "ahead",
      "ahead",
      "ahead",
    ]);
    expect(path("acked", history.slice(0, 2))[1]?.at).toBe("2026-11-24T03:02:00Z");
  });
});

describe("a curve", () => {
  const series: CurveStep[] = [
    { at: "2026-11-24T03:00:00Z", count: 2, negative: 1, expected: 1.5, upper: 6 },
    { at: "2026-11-24T03:01:00Z", count: 18, negative: 30, expected: 1.5, upper: 6 },
  ];
  const curve: TopicCurve = {
    topic: { id: "water", kind: "watch", name: "停水" },
    pulse: null,
    total: 20,
    step_seconds: 60,
    series,
  };
  const list = bars(curve, Date.parse("2026-11-24T03:01:30Z"));

  it("tells what is above the band and what still grows", () => {
    expect(list.map(({ hot, growing }) => [hot, growing])).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(list[1]?.negative).toBe(18);
  });

  it("finds the bar of a moment", () => {
    expect(barAt(list, 60, Date.parse("2026-11-24T03:01:59.9Z"))).toBe(1);
    expect(barAt(list, 60, Date.parse("2026-11-24T02:59:59Z"))).toBe(-1);
    expect(barAt(list, 60, null)).toBe(-1);
  });

  it("labels whole quarters of the wall clock", () => {
    expect(labelEvery(60, 60, 600)).toBe(10);
    expect(labelled(list[0]!, 15, 60, "Asia/Shanghai")).toBe(true);
    expect(labelled(list[1]!, 15, 60, "Asia/Shanghai")).toBe(false);
  });
});
