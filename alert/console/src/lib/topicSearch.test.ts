import { describe, expect, it } from "vitest";
import { headlineQuery, topicSearch } from "./topicSearch";

const NOW = Date.parse("2026-11-24T03:20:30Z");

describe("the search for a topic's posts", () => {
  it("is by the topic where one was defined", () => {
    expect(topicSearch({ id: "water", kind: "watch", name: "停水" }, NOW)).toEqual({ q: "", topic: "water" });
  });

  it("is by category, and unit, where its name holds them", () => {
    expect(topicSearch({ id: "category:城乡建设", kind: "category", name: "城乡建设" }, NOW)).toEqual({
      q: "",
      category: "城乡建设",
    });
    expect(topicSearch({ id: "category:城乡建设:u1", kind: "category", name: "城乡建设 · 甲区住建局" }, NOW)).toEqual({
      q: "",
      category: "城乡建设",
      unit: "甲区住建局",
    });
  });

  it("is by the words of the headline, of the last week, where it was found", () => {
    const query = topicSearch({ id: "x", kind: "emerging", name: "路面塌陷, 公交绕行" }, NOW);
    expect(query).toMatchObject({ sort: "relevance", from: "2026-11-17T03:00:00.000Z" });
    expect(query.q).toContain(" 或 ");
  });

  it("is everything for everything", () => {
    expect(topicSearch({ id: "all", kind: "all", name: "全部" }, NOW)).toEqual({ q: "" });
  });
});

describe("a headline as a query", () => {
  it("leaves out single characters and signs, and says nothing twice", () => {
    const words = headlineQuery("停水! 停水了, 谁管").split(" 或 ");
    expect(new Set(words).size).toBe(words.length);
    expect(words).toContain("停水");
    for (const word of words) expect(word).toMatch(/^\p{Script=Han}{2,}$/u);
  });

  it("keeps words of the query language and other scripts from being read as such", () => {
    expect(headlineQuery("OR AND").split(" 或 ")).toEqual(['"OR"', '"AND"']);
  });

  it("has eight words at most", () => {
    expect(headlineQuery("alpha beta gamma delta epsilon zeta eta theta iota kappa").split(" 或 ")).toHaveLength(8);
  });

  it("is the headline itself where it has no such words", () => {
    expect(headlineQuery("水")).toBe('"水"');
    expect(headlineQuery("!!")).toBe('"!!"');
  });
});
