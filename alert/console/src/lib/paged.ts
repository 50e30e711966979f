/** From a question about pages to what is asked, and from its answer to what is shown. Pure. */
import type { PagedQuery, WhyPaged, WhyReason } from "../api/types";

/** Who was to be paged: anybody, a person, or a channel. A name that is not yet written asks about anybody. */
export interface Whom {
  kind: "any" | "person" | "channel";
  name: string;
}

export const ANYBODY: Whom = { kind: "any", name: "" };

/** `at` in milliseconds, null for now. */
export function queryOf({ kind, name }: Whom, at: number | null): PagedQuery {
  const trimmed = name.trim();
  return {
    ...(at !== null && { at: new Date(at).toISOString() }),
    ...(kind !== "any" && trimmed && { [kind]: trimmed }),
  };
}

/** Which sentence answers: there was nothing to page about, somebody was paged, or nobody was. */
export function outcomeOf({ paged, reasons }: WhyPaged): "paged" | "nothing" | "unpaged" {
  if (paged) return "paged";
  const none = ["no_incident", "closed", "not_yet"];
  return reasons.length > 0 && reasons.every(({ code }) => none.includes(code)) ? "nothing" : "unpaged";
}

/** What speaks against a page stands out; what says that it went out does not. */
export const isReached = ({ code }: WhyReason): boolean => code === "sent" || code === "digest";
