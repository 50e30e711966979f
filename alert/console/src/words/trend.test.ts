import { afterEach, describe, expect, it } from "vitest";
import type { Heat, WhyQuiet, WindowSeen } from "../api/types";
import { PARTS } from "../lib/heat";
import { language } from "../state/prefs";
import { once, partName, topicKindName, triggerName, verdictName } from ".";
import { answerOf, partWhy, windowName } from "./trend";

const OUTCOMES: WhyQuiet["outcome"][] = [
  "told",
  "rise_of_before",
  "forgotten",
  "no_posts",
  "no_history",
  "too_few",
  "too_small",
  "no_surprise",
  "within_allowance",
  "rise",
];
const VERDICTS = OUTCOMES.slice(4) as WindowSeen["verdict"][];

const heat: Heat = {
  count: 52,
  expected: 15.7,
  growth: 5,
  negative: 43,
  negative_share: 0.83,
  reach: 1_240,
  score: 160,
  seconds: 3_600,
  sources: [{ source: "forum", share: 1 }],
  parts: PARTS.map((part) => ({ part, points: 1, most: 20, why: `中文 ${part}` })),
};
const why = (outcome: WhyQuiet["outcome"]): WhyQuiet => ({
  topic: { id: "water", kind: "watch", name: "停水" },
  at: "2026-11-24T03:00:00Z",
  outcome,
  answer: "按网关所说",
  windows: VERDICTS.map((verdict) => ({
    seconds: 3_600,
    count: 52,
    copies: 2,
    judged: 50,
    expected: 15.7,
    surprise: 3,
    once_in_days: 2,
    line: 61,
    verdict,
  })),
  triggers: [],
  rise: null,
  allowed_a_day: 0.01,
  min_count: 15,
  surprise: 4,
});

afterEach(() => (language.value = "zh"));

describe("what trend says", () => {
  it("is shown as it came in Chinese", () => {
    language.value = "zh";
    for (const outcome of OUTCOMES) expect(answerOf(why(outcome))).toBe("按网关所说");
    for (const part of heat.parts) expect(partWhy(part, heat)).toBe(part.why);
  });

  it("is made anew of its figures in English, for every outcome and every part", () => {
    language.value = "en";
    for (const outcome of OUTCOMES) {
      const said = answerOf(why(outcome));
      expect(said).not.toMatch(/\p{Script=Han}|undefined|NaN/u);
      expect(said.length).toBeGreaterThan(5);
    }
    expect(answerOf(why("within_allowance"))).toContain("61 would have paged");
    for (const part of heat.parts.filter(({ part }) => part !== "rising"))
      expect(partWhy(part, heat)).not.toMatch(/\p{Script=Han}|undefined/u);
  });

  it("has a word for every verdict, part, kind and trigger in both languages", () => {
    for (const set of ["zh", "en"] as const) {
      language.value = set;
      for (const verdict of VERDICTS) expect(verdictName(verdict)).not.toBe(verdict);
      for (const kind of ["all", "watch", "category"] as const) expect(topicKindName(kind)).not.toMatch(/\./);
      for (const trigger of ["reach", "negative"]) expect(triggerName(trigger)).not.toMatch(/\./);
      for (const part of PARTS) expect(partName(part)).not.toMatch(/\./);
    }
  });

  it("names lengths and rarities", () => {
    language.value = "zh";
    expect([60, 300, 3_600, 86_400].map(windowName)).toEqual(["1 分钟", "5 分钟", "1 小时", "1 天"]);
    expect(once(3.44)).toBe("约 3.4 天一遇");
    expect(once(null)).toBeNull();
  });
});
