import { describe, expect, it } from "vitest";
import { asText, condition, joined, quoted, without } from "./queryText";
import { emptySearch } from "./searchUrl";

describe("a phrase in quotes", () => {
  it("takes quotes that it does not hold itself", () => {
    expect(quoted("水压 低")).toBe('"水压 低"');
    expect(quoted('他说"停水"')).toBe('“他说"停水"”');
    expect(quoted("全角＂引号＂")).toBe("“全角＂引号＂”");
    expect(quoted('"”')).toBe('「"”」');
  });

  it("is one line, and gives up the plain quotes when it holds them all", () => {
    expect(quoted(" 一\n二 ")).toBe('"一 二"');
    expect(quoted('"”」』x')).toBe('"”」』x"');
  });
});

describe("a value left out of a query", () => {
  it("is a condition of its own", () => {
    expect(without("停水", "source", "forum")).toBe("停水 -来源:forum");
    expect(without("", "sentiment", "negative")).toBe("-情感:负面");
    expect(without("停水", "place", "一号 楼")).toBe('停水 -街道:"一号 楼"');
  });

  it("puts what says OR in brackets, or it would hold for the last alone", () => {
    expect(without("停水 或 断水", "kind", "comment")).toBe("(停水 或 断水) -类型:评论");
    expect(without("停水|断水", "kind", "comment")).toBe("(停水|断水) -类型:评论");
    expect(without("停水 OR 断水", "kind", "comment")).toBe("(停水 OR 断水) -类型:评论");
    expect(without('"甲 或 乙"', "kind", "comment")).toBe('"甲 或 乙" -类型:评论');
    expect(without("或者 停水", "kind", "comment")).toBe("或者 停水 -类型:评论");
  });

  it("quotes what would be an operator", () => {
    expect(condition("place", "非")).toBe('街道:"非"');
    expect(condition("place", "-x")).toBe('街道:"-x"');
    expect(condition("place", "甲(乙)")).toBe('街道:"甲(乙)"');
    expect(condition("place", "甲（乙）")).toBe('街道:"甲（乙）"');
    expect(condition("from", "2026-11-24T00:00:00Z")).toBeNull();
  });
});

describe("a search as text", () => {
  it("holds query and filters, and not the time", () => {
    const search = {
      ...emptySearch,
      q: "停水 或 断水",
      sentiment: "negative" as const,
      place: "抚琴街道",
      gone: "false" as const,
      from: "2026-11-24T00:00:00Z",
    };
    expect(asText(search)).toBe("(停水 或 断水) 情感:负面 街道:抚琴街道 已删:否");
    expect(asText({ ...emptySearch, place: "抚琴街道" })).toBe("街道:抚琴街道");
    expect(asText(emptySearch)).toBe("");
    expect(joined(" 停水 ", [])).toBe("停水");
  });
});
