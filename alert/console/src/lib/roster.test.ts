import { describe, expect, it } from "vitest";
import type { Roster, RosterTurn } from "../api/types";
import { grid, hours, monday, placed, shifted, swappable, week } from "./roster";

const ZONE = "Asia/Shanghai";
const turn = (from: string, to: string, person: string, source: RosterTurn["source"] = "shift"): RosterTurn => ({
  from: `2026-11-${from}:00+08:00`,
  to: `2026-11-${to}:00+08:00`,
  person,
  source,
});
const roster = (...turns: RosterTurn[]) => ({ id: "desk", name: "值班席", turns }) as unknown as Roster;

describe("the week", () => {
  it("begins on Monday, by the wall clock of the zone", () => {
    expect(monday(Date.parse("2026-11-22T15:59:00Z"), ZONE)).toBe("2026-11-16");
    expect(monday(Date.parse("2026-11-22T16:00:00Z"), ZONE)).toBe("2026-11-23");
    expect(monday(Date.parse("2026-11-29T15:59:00Z"), ZONE)).toBe("2026-11-23");
  });

  it("crosses the ends of months and years", () => {
    expect(shifted("2026-12-31", 1)).toBe("2027-01-01");
    expect(shifted("2028-03-01", -1)).toBe("2028-02-29");
    expect(
      week("2026-11-30", ZONE)
        .map(({ date }) => date)
        .at(-1),
    ).toBe("2026-12-06");
  });

  it("has a day of 25 hours where the clocks are put back", () => {
    const days = week("2026-10-19", "Europe/Berlin");
    expect((days[6]!.end - days[6]!.begin) / 3_600_000).toBe(25);
    expect(days.every(({ begin }, at) => at === 0 || begin === days[at - 1]!.end)).toBe(true);
  });
});

describe("the grid", () => {
  const turns = placed([
    roster(
      turn("22T20:00", "23T08:00", "李雷"),
      turn("23T08:00", "23T20:00", "王敏"),
      turn("23T20:00", "24T08:00", "李雷"),
      turn("29T20:00", "30T08:00", "李雷", "extra"),
    ),
  ]);
  const days = week("2026-11-23", ZONE);

  it("has a turn on the day on which it begins, and what goes on from before on the first", () => {
    const rows = grid(turns, days, ({ turn }) => turn.person, ["王敏", "李雷", "韩梅"]);
    expect(rows.map(({ name }) => name)).toEqual(["王敏", "李雷", "韩梅"]);
    expect(rows.map(({ days }) => days.map((cell) => cell.length).join(""))).toEqual(["1000000", "2000001", "0000000"]);
    expect(hours(rows[1]!.days[0]![1]!, ZONE)).toBe("20:00–08:00");
  });

  it("loses nobody whom the config does not name any more", () => {
    expect(grid(turns, days, ({ turn }) => turn.person, []).map(({ name }) => name)).toEqual(["李雷", "王敏"]);
  });

  it("offers for a swap what has not begun", () => {
    const now = Date.parse("2026-11-23T08:00:00+08:00");
    expect(swappable(turns, now).map(({ turn }) => turn.from)).toEqual(["2026-11-23T20:00:00+08:00"]);
  });
});
