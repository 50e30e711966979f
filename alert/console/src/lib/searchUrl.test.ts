import { describe, expect, it } from "vitest";
import { emptySearch, fromQuery, isAsked, queryFault, toCall, toQuery } from "./searchUrl";

describe("a search in the address", () => {
  it("comes back as it went", () => {
    const search = {
      ...emptySearch,
      q: '停水 AND ("西安 路" OR 抚琴)',
      kind: "comment" as const,
      sentiment: "negative" as const,
      topic: "water",
      from: "2026-11-23T16:00:00.000Z",
      sort: "heat" as const,
    };
    expect(fromQuery(toQuery(search))).toEqual(search);
    expect(fromQuery(toQuery(emptySearch))).toEqual(emptySearch);
  });

  it("leaves out what makes no sense", () => {
    const wild = { q: ["a"], kind: "novel", sentiment: "angry", from: "gestern", sort: "colour", source: null };
    expect(fromQuery(wild)).toEqual(emptySearch);
  });

  it("tells everything from nothing asked yet", () => {
    expect(isAsked({})).toBe(false);
    expect(isAsked(toQuery(emptySearch))).toBe(true);
    expect(isAsked({ topic: "water" })).toBe(true);
  });

  it("asks the API for what is set, and no more", () => {
    const call = toCall({ ...emptySearch, q: "  停水 " }, 30, "c1");
    expect(JSON.parse(JSON.stringify(call))).toEqual({ q: "停水", sort: "time", limit: 30, cursor: "c1" });
  });
});

describe("a fault in a query", () => {
  it("is shown at its character, counted as people count", () => {
    expect(queryFault("at character 4: 多了一个括号", "😡停水) 了")).toEqual({
      at: 4,
      what: "多了一个括号",
      before: "😡停水",
      character: ")",
      after: " 了",
    });
  });

  it("may stand behind the end", () => {
    expect(queryFault("at character 3: a term is missing", "停水")).toMatchObject({
      before: "停水",
      character: "",
      after: "",
    });
  });

  it("is none when the message names no place in this query", () => {
    expect(queryFault("from lies after to", "停水")).toBeNull();
    expect(queryFault("at character 99: x", "停水")).toBeNull();
    expect(queryFault("at character 0: x", "停水")).toBeNull();
  });
});
