import { describe, expect, it } from "vitest";
import type { Hit } from "../api/types";
import { corrected, correctionOf, draftOf, names, takenBack } from "./correction";
import { answered } from "./thread";
import { isUnsure, probability } from "./understood";

const hit = {
  id: "forum:1",
  sentiment: { label: "negative", negative: 0.8, neutral: 0.2, positive: 0 },
  category: { level1: "城乡建设", level2: "公用事业", confidence: 0.7 },
  places: [{ name: "抚琴街道", kind: "street" }],
  elsewhere: null,
  unit: { id: "区水务局", name: "区水务局", confidence: 0.6, candidates: ["抚琴街道办"] },
  corrected: null,
} as unknown as Hit;

describe("what a person says of a post", () => {
  it("is only what differs", () => {
    const draft = draftOf(hit);
    expect(draft).toMatchObject({ category: "城乡建设/公用事业", places: "抚琴街道", unit: "区水务局" });
    expect(correctionOf(hit, draft)).toBeNull();
    expect(correctionOf(hit, { ...draft, note: "只有理由" })).toBeNull();
    expect(correctionOf(hit, { ...draft, sentiment: "neutral", note: " 是咨询 " })).toEqual({
      post: "forum:1",
      sentiment: "neutral",
      note: "是咨询",
    });
  });

  it("says that there is none where a field was emptied", () => {
    const draft = { ...draftOf(hit), category: " ", places: "", unit: "" };
    expect(correctionOf(hit, draft)).toEqual({ post: "forum:1", category: null, places: [], unit: null });
  });

  it("tells places apart however they are set apart", () => {
    expect(names("抚琴街道、金泉街道, 抚琴街道；  一环路")).toEqual(["抚琴街道", "金泉街道", "一环路"]);
    expect(correctionOf(hit, { ...draftOf(hit), places: " 抚琴街道， " })).toBeNull();
  });
});

describe("a corrected post", () => {
  const standing = {
    post: "forum:1",
    by: "赵倩",
    at: "2026-11-24T00:00:00Z",
    sentiment: "neutral" as const,
    unit: null,
  };

  it("shows what was said and keeps what was judged, also when it is corrected again", () => {
    const once = corrected(hit, standing);
    expect(once.sentiment?.label).toBe("neutral");
    expect(once.unit).toBeNull();
    expect(once.category).toEqual(hit.category);
    expect(once.corrected).toMatchObject({
      by: "赵倩",
      fields: ["sentiment", "unit"],
      judged: { sentiment: hit.sentiment },
    });
    const again = corrected(once, { ...standing, category: "交通运输/道路" });
    expect(again.category).toEqual({ level1: "交通运输", level2: "道路", level3: undefined, confidence: 1 });
    expect(again.corrected?.judged.sentiment).toEqual(hit.sentiment);
  });

  it("is what the program judged when the correction is taken back", () => {
    expect(takenBack(corrected(hit, standing))).toEqual(hit);
    expect(takenBack(hit)).toBe(hit);
  });
});

describe("what was understood", () => {
  it("is a guess while it is little probable, whoever else may be meant", () => {
    expect(isUnsure(hit.unit!)).toBe(false);
    expect(isUnsure({ ...hit.unit!, candidates: [], confidence: 0.47 })).toBe(true);
    expect(probability(0.999)).toBe("99%");
    expect(probability(1)).toBe("100%");
  });
});

describe("who answers whom", () => {
  it("is told by number, for those before it", () => {
    const answers = [
      { id: "f:1", native_id: "1", parent_id: "0" },
      { id: "f:2", native_id: "2", parent_id: "1" },
      { id: "f:3", native_id: "3", parent_id: "f:2" },
      { id: "f:4", native_id: "4", parent_id: "4" },
      { id: "f:5", native_id: "5", parent_id: null },
    ];
    expect(answers.map(answered(answers))).toEqual([null, 1, 2, null, null]);
  });
});
