/**
 * What a person says of a post against what the program judged. Pure.
 *
 * | field of the form | left as it was | emptied | anything else |
 * |---|---|---|---|
 * | sentiment | not corrected | – | that label |
 * | category, unit | not corrected | there is none (`null`) | that class or unit |
 * | places | not corrected | none of ours (`[]`) | those |
 */
import type { Correction, Hit, Label, StandingCorrection } from "../api/types";
import { levels } from "./understood";

/** The fields of the form, as they are typed. */
export interface Draft {
  sentiment: Label | "";
  category: string;
  places: string;
  unit: string;
  note: string;
}

/** The form as it opens. */
export function draftOf(hit: Hit): Draft {
  return {
    sentiment: hit.sentiment?.label ?? "",
    category: hit.category ? levels(hit.category).join("/") : "",
    places: hit.places.map(({ name }) => name).join(" "),
    unit: hit.unit?.name ?? "",
    note: hit.corrected?.note ?? "",
  };
}

/** Names of places, however they are set apart. */
export function names(text: string): string[] {
  return [...new Set(text.split(/[\s,，、;；]+/).filter(Boolean))];
}

/** What is to be corrected; nothing when the form is as it opened. A note alone corrects nothing. */
export function correctionOf(hit: Hit, draft: Draft): Correction | null {
  const before = draftOf(hit);
  const result: Correction = { post: hit.id };
  if (draft.sentiment !== "" && draft.sentiment !== before.sentiment) result.sentiment = draft.sentiment;
  if (draft.category.trim() !== before.category) result.category = draft.category.trim() || null;
  if (names(draft.places).join(" ") !== names(before.places).join(" ")) result.places = names(draft.places);
  if (draft.unit.trim() !== before.unit) result.unit = draft.unit.trim() || null;
  if (Object.keys(result).length === 1) return null;
  if (draft.note.trim()) result.note = draft.note.trim();
  return result;
}

/** The hit as the archive will show it in a moment. */
export function corrected(hit: Hit, standing: StandingCorrection): Hit {
  const judged = hit.corrected?.judged ?? {
    sentiment: hit.sentiment,
    category: hit.category,
    places: hit.places,
    elsewhere: hit.elsewhere,
    unit: hit.unit,
  };
  const fields = (["sentiment", "category", "places", "unit"] as const).filter(
    (field) => standing[field] !== undefined,
  );
  const [level1, level2, level3] = standing.category?.split("/") ?? [];
  return {
    ...hit,
    sentiment: standing.sentiment ? certain(standing.sentiment) : hit.sentiment,
    category:
      standing.category === undefined ? hit.category : level1 ? { level1, level2, level3, confidence: 1 } : null,
    places: standing.places ?? hit.places,
    unit: standing.unit === undefined ? hit.unit : standing.unit && { ...standing.unit, confidence: 1, candidates: [] },
    corrected: { by: standing.by, at: standing.at, fields, judged, note: standing.note ?? null },
  };
}

/** The hit as the program judged it. */
export function takenBack(hit: Hit): Hit {
  const judged = hit.corrected?.judged;
  if (!judged) return hit;
  const { sentiment = null, category = null, places = [], elsewhere = null, unit = null } = judged;
  return { ...hit, sentiment, category, places, elsewhere, unit, corrected: null };
}

function certain(label: Label): NonNullable<Hit["sentiment"]> {
  return { label, negative: 0, neutral: 0, positive: 0, [label]: 1 };
}
