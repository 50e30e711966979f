import { describe, expect, it } from "vitest";
import {
  emptySearch,
  findsTheSame,
  fromAddress,
  fromQuery,
  isAsked,
  isFiltered,
  queryFault,
  toAddress,
  toCall,
  toCopiesCall,
  toExportCall,
  toFirstCall,
  toQuery,
  type Search,
} from "./searchUrl";

const full: Search = {
  q: '停水 AND ("西安 路" OR 抚琴)',
  source: "forum",
  kind: "comment",
  sentiment: "negative",
  topic: "water",
  category: "城乡建设",
  place: "抚琴街道",
  unit: "区水务局",
  official: "false",
  gone: "true",
  from: "2026-11-23T16:00:00.000Z",
  to: "2026-11-24T16:00:00.000Z",
  sort: "heat",
  collapse: true,
  scale: "hour",
  view: "growth",
};

describe("a search in the address", () => {
  it("comes back as it went", () => {
    expect(fromQuery(toQuery(full))).toEqual(full);
    expect(fromQuery(toQuery(emptySearch))).toEqual(emptySearch);
  });

  it("is plain enough to be kept, and is read again by whoever gets it", () => {
    expect(toAddress(full)).toMatch(/^[!-~]+$/);
    expect(fromAddress(toAddress(full))).toEqual(toQuery(full));
    expect(fromAddress("q=%E5%81%9C&colour=red&sort=%3Cb%3E")).toEqual({ q: "停" });
  });

  it("leaves out what makes no sense", () => {
    const wild = { q: ["a"], kind: "novel", sentiment: "angry", from: "gestern", sort: "colour", source: null };
    expect(fromQuery({ ...wild, official: "maybe", collapse: "1", scale: "year", view: "pie" })).toEqual(emptySearch);
  });

  it("cuts a query by characters, not through one", () => {
    expect(fromQuery({ q: "🚰".repeat(1001) }).q).toBe("🚰".repeat(1000));
  });

  it("tells everything from nothing asked yet", () => {
    expect(isAsked({})).toBe(false);
    expect(isAsked({ scale: "day", view: "growth" })).toBe(false);
    expect(isAsked(toQuery(emptySearch))).toBe(true);
    expect(isAsked({ topic: "water" })).toBe(true);
    expect(isFiltered({ ...emptySearch, q: "停水", sort: "heat", collapse: true })).toBe(false);
    expect(isFiltered({ ...emptySearch, to: full.to })).toBe(true);
  });

  it("finds the same however it is drawn", () => {
    expect(findsTheSame(full, { ...full, scale: "day", view: "bars" })).toBe(true);
    expect(findsTheSame(full, { ...full, collapse: false })).toBe(false);
    expect(findsTheSame(full, { ...full, sort: "time" })).toBe(false);
  });
});

describe("what the API is asked", () => {
  const plain = (call: object) => JSON.parse(JSON.stringify(call));

  it("is what is set, and no more", () => {
    const call = toCall({ ...emptySearch, q: "  停水 " }, 30, "c1");
    expect(plain(call)).toEqual({ q: "停水", sort: "time", limit: 30, cursor: "c1" });
    expect(plain(toCall(full, 30))).toMatchObject({ official: false, gone: true, collapse: true });
  });

  it("counts on the first page alone, so that a cursor stays good", () => {
    const first = plain(toFirstCall(full, 30, ["source", "place"], 20));
    expect(first).toMatchObject({ facets: "source,place", top: 20, histogram: "hour", limit: 30 });
    expect(first.cursor).toBeUndefined();
    const { facets: _f, top: _t, histogram: _h, limit: _l, ...same } = first;
    const { cursor: _c, limit: _m, ...next } = plain(toCall(full, 30, "c1"));
    expect(next).toEqual(same);
  });

  it("unfolds copies within the search, each for itself, the first published first", () => {
    const call = plain(toCopiesCall(full, "forum:1", 20, "c2"));
    expect(call).toMatchObject({ copies_of: "forum:1", sort: "oldest", cursor: "c2", q: full.q, place: full.place });
    expect(call.collapse).toBeUndefined();
  });

  it("takes away exactly what was found", () => {
    const { limit: _, ...same } = plain(toCall(full, 30));
    expect(plain(toExportCall(full))).toEqual(same);
  });
});

describe("a fault in a query", () => {
  it("is shown at its character, counted as people count", () => {
    expect(queryFault("q: at character 4: 多了一个括号", "😡停水) 了")).toEqual({
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
