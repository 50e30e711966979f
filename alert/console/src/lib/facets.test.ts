import { describe, expect, it } from "vitest";
import { rows, toggled } from "./facets";
import { emptySearch } from "./searchUrl";

const facets = {
  category: [
    { value: "城乡建设", count: 9 },
    { value: "交通运输", count: 4 },
  ],
  category2: [{ value: "公用事业", count: 7 }],
  category3: [{ value: "供水", count: 5 }],
  place: [{ value: "抚琴街道", count: 3 }],
};

describe("the rows of a facet", () => {
  it("mark what was chosen", () => {
    expect(rows(facets, "place", { ...emptySearch, place: "抚琴街道" })).toEqual([
      { value: "抚琴街道", count: 3, chosen: true, depth: 0 },
    ]);
    expect(rows(undefined, "place", emptySearch)).toEqual([]);
  });

  it("lead from a class to those below it", () => {
    const names = (category: string) =>
      rows(facets, "category", { ...emptySearch, category }).map(
        ({ value, depth, chosen }) => `${depth}${value}${chosen ? "!" : ""}`,
      );
    expect(names("")).toEqual(["0城乡建设", "0交通运输"]);
    expect(names("城乡建设")).toEqual(["0城乡建设!", "1公用事业"]);
    expect(names("公用事业")).toEqual(["0公用事业!", "1供水"]);
    expect(names("供水")).toEqual(["0供水!"]);
    expect(names("没有的")).toEqual([]);
  });
});

describe("narrowing by a facet", () => {
  it("is taken back the same way, and leaves all else as it is", () => {
    const search = { ...emptySearch, q: "停水", place: "金泉街道" };
    const narrowed = toggled(search, "source", "forum");
    expect(narrowed).toEqual({ ...search, source: "forum" });
    expect(toggled(narrowed, "source", "forum")).toEqual(search);
    expect(toggled(narrowed, "source", "feed").source).toBe("feed");
  });
});
