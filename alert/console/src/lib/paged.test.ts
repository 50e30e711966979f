import { describe, expect, it } from "vitest";
import type { HistoryEvent, Incident, WhyPaged } from "../api/types";
import { drillsOf, fits, resultOf } from "./drill";
import { ANYBODY, isReached, outcomeOf, queryOf } from "./paged";

const answer = (paged: boolean, ...codes: string[]): WhyPaged => ({
  incident: "20261124-0007",
  at: "2026-11-24T03:00:00Z",
  paged,
  channels: [],
  reasons: codes.map((code) => ({ code, text: code })),
});

describe("who was paged, and who was not", () => {
  it("is asked of anybody, a person or a channel, now or at a moment", () => {
    expect(queryOf(ANYBODY, null)).toEqual({});
    expect(queryOf({ kind: "person", name: " 李雷 " }, Date.parse("2026-11-24T03:00:00Z"))).toEqual({
      person: "李雷",
      at: "2026-11-24T03:00:00.000Z",
    });
    expect(queryOf({ kind: "channel", name: "desk" }, null)).toEqual({ channel: "desk" });
    expect(queryOf({ kind: "channel", name: " " }, null), "half a question").toEqual({});
    expect(queryOf({ kind: "any", name: "李雷" }, null)).toEqual({});
  });

  it("is answered in one of three sentences", () => {
    expect(outcomeOf(answer(true, "signed", "sent"))).toBe("paged");
    expect(outcomeOf(answer(false, "silenced", "not_addressed"))).toBe("unpaged");
    for (const code of ["no_incident", "closed", "not_yet"]) expect(outcomeOf(answer(false, code))).toBe("nothing");
    expect(outcomeOf(answer(false)), "no reason is none").toBe("unpaged");
    expect(["sent", "digest", "silenced", "anything"].map((code) => isReached({ code, text: "" }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("drills", () => {
  const incident = (id: string, drill: boolean) => ({ id, drill, opened_at: id }) as Incident;
  const event = (seq: number, action: string) => ({ seq, action }) as HistoryEvent;

  it("are found among the incidents, the youngest first", () => {
    const all = [incident("1", true), incident("2", false), incident("3", true), incident("4", true)];
    expect(drillsOf(all, 2).map(({ id }) => id)).toEqual(["4", "3"]);
  });

  it("have the result that was noted last", () => {
    expect(resultOf([event(1, "opened")])).toBeNull();
    expect(resultOf([event(1, "drill_result"), event(2, "closed"), event(3, "drill_result")])?.seq).toBe(3);
    expect([fits("字".repeat(200)), fits("字".repeat(201)), fits("")]).toEqual([true, false, true]);
  });
});
