/** What the gateway writes into histories and pages: each has its word. Its own source is read, so that a new one is missed by nobody. */
import { describe, expect, it } from "vitest";
import acts from "../../../src/engine/acts.rs?raw";
import clocks from "../../../src/engine/clocks.rs?raw";
import escalation from "../../../src/escalation/mod.rs?raw";
import incident from "../../../src/incident.rs?raw";
import join from "../../../src/matter/join.rs?raw";
import matter from "../../../src/matter/mod.rs?raw";
import drill from "../../../src/engine/drill.rs?raw";
import quiet from "../../../src/engine/quiet.rs?raw";
import outbox from "../../../src/outbox/mod.rs?raw";
import why from "../../../src/quiet/why.rs?raw";
import { en } from "./en";
import { zh } from "./zh";

describe("words", () => {
  const inside = (text: string, from: string) => text.slice(text.indexOf(from)).split("\n    }\n")[0]!;
  const quoted = (text: string) => [...text.matchAll(/=> "([a-z_]+)"/g)].map(([, word]) => word);

  it("are there for every act and reason that the gateway writes", () => {
    const named = quoted(inside(incident, "pub fn action(&self)"));
    const reasons = quoted(inside(outbox, "pub fn as_str(self)"));
    expect(named.length).toBeGreaterThan(10);
    expect(reasons.length).toBeGreaterThan(10);
    for (const act of named) expect(Object.keys(zh), act).toContain(`action.${act}`);
    for (const reason of reasons) expect(Object.keys(zh), reason).toContain(`reason.${reason}`);
  });

  it("are there for every event that the program records by itself", () => {
    const events = [matter, join, acts, clocks, escalation, quiet, drill].flatMap((source) =>
      [...source.matchAll(/(?:record|change)\(\s*\w+,\s*[\w:]+,\s*"([a-z_]+)"/g)].map(([, word]) => word),
    );
    expect(events).toEqual(
      expect.arrayContaining([
        "merged",
        "split",
        "related",
        "escalated",
        "unit_unreached",
        "page_silenced",
        "drill_result",
      ]),
    );
    for (const event of [...events, "clock_warning", "clock_expired"])
      expect(Object.keys(zh), event).toContain(`action.${event}`);
  });

  it("are there for every reason why somebody was paged, or was not", () => {
    // The module's table names them; its first column tells what is on record.
    const rows = [...why.matchAll(/^\/\/! \|[^|]+\|([^|]+)\|$/gm)].map(([, reasons]) => reasons!);
    const codes = rows.flatMap((reasons) => [...reasons.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code));
    expect(codes).toEqual(expect.arrayContaining(["no_incident", "closed", "not_yet", "silenced", "not_addressed"]));
    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes) for (const book of [zh, en]) expect(Object.keys(book), code).toContain(`because.${code}`);
  });
});
