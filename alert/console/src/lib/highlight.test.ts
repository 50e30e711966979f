import { describe, expect, it } from "vitest";
import { excerpt, pieces, tidy } from "./highlight";

const joined = (list: { text: string }[]) => list.map(({ text }) => text).join("");
const marked = (list: { text: string; mark: boolean }[]) => list.filter(({ mark }) => mark).map(({ text }) => text);

describe("pieces", () => {
  it("marks what matches and keeps the rest", () => {
    expect(pieces("抚琴停水了", [[2, 4]])).toEqual([
      { text: "抚琴", mark: false },
      { text: "停水", mark: true },
      { text: "了", mark: false },
    ]);
  });

  it("counts in UTF-16 code units, so a character beyond the BMP counts two", () => {
    expect(marked(pieces("😡😡停水", [[4, 6]]))).toEqual(["停水"]);
  });

  it("never loses or doubles text, whatever the ranges say", () => {
    const text = "停水 <b>停水</b> 停水";
    const wild = [[5, 3], [-4, 2], [1, 7], [6, 90], [NaN, 4], [0.5, 2], [], [100, 200]];
    expect(joined(pieces(text, wild))).toBe(text);
    expect(joined(pieces("", [[0, 4]]))).toBe("");
  });

  it("merges ranges that touch or overlap", () => {
    expect(
      tidy(
        [
          [4, 6],
          [0, 2],
          [2, 3],
          [5, 8],
        ],
        10,
      ),
    ).toEqual([
      [0, 3],
      [4, 8],
    ]);
  });
});

describe("an excerpt", () => {
  it("is the text itself when it is short", () => {
    expect(excerpt("停水", [[0, 2]], 10)).toEqual({ pieces: [{ text: "停水", mark: true }], cut: false });
  });

  it("has the first match in sight, however far behind it stands", () => {
    const text = `${"前".repeat(500)}停水${"后".repeat(500)}`;
    const { pieces: shown, cut } = excerpt(text, [[500, 502]], 100);
    expect(cut).toBe(true);
    expect(marked(shown)).toEqual(["停水"]);
    expect(shown[0]).toEqual({ text: "…", mark: false });
    expect(shown.at(-1)?.text).toBe("…");
    expect(joined(shown).length).toBeLessThanOrEqual(102);
  });

  it("has it in sight at the very end, too", () => {
    const text = `${"前".repeat(500)}停水`;
    expect(marked(excerpt(text, [[500, 502]], 100).pieces)).toEqual(["停水"]);
  });

  it("cuts no surrogate pair in two", () => {
    const text = "😡".repeat(300);
    for (let limit = 50; limit < 60; limit += 1) {
      const body = joined(excerpt(text, [[400, 402]], limit).pieces).replaceAll("…", "");
      expect(body).toMatch(/^(😡)+$/u);
    }
  });
});
