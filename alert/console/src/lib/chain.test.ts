import { describe, expect, it } from "vitest";
import type { Clock, HistoryEvent, Incident, Role } from "../api/types";
import { formsOf, needsSignature } from "./acts";
import { deadlines, mostUrgent } from "./deadlines";
import { exchange, wordsOf } from "./history";
import { path } from "./path";
import { awaitsSignature } from "./ranking";
import { assignBody, choseOtherwise, fates, mergeTargets, withAssisting } from "./units";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-24T04:00:00Z");
const at = (minutes: number) => new Date(NOW + minutes * MINUTE).toISOString();
const clock = (id: string, due: number, more: Partial<Clock> = {}): Clock => ({
  id,
  name: id,
  started_at: at(-60),
  warn_at: at(due - 10),
  due_at: at(due),
  ...more,
});
const pause = (left: number) => ({ since: at(-5), by: "孙督", why: "等检测", left_seconds: left * 60 });
const incident = (more: Partial<Incident>): Incident =>
  ({
    id: "20261124-0001",
    title: "停水",
    state: "acked",
    topic: { id: "water", kind: "watch", name: "停水" },
    ...more,
  }) as Incident;

describe("deadlines", () => {
  // The table of the module, a row each.
  it.each([
    ["late", clock("a", -5, { expired: true, stopped_at: at(-1) })],
    ["inTime", clock("a", 5, { stopped_at: at(-1) })],
    // Held meanwhile: the end that it had before the pause proves nothing.
    ["inTime", clock("a", -5, { stopped_at: at(-1) })],
    ["paused", clock("a", -5, { paused: pause(30) })],
    ["over", clock("a", 0)],
    ["over", clock("a", -5, { expired: true })],
    ["soon", clock("a", 10)],
    ["calm", clock("a", 11)],
  ])("%s", (phase, clock) => {
    const { open, stopped } = deadlines([clock], NOW);
    expect([...open, ...stopped].map((found) => found.phase)).toEqual([phase]);
  });

  it("stand in the order in which they press; what is paused comes last", () => {
    const clocks = [
      clock("calm", 100),
      clock("held", -50, { paused: pause(1) }),
      clock("soon", 5),
      clock("over", -1),
      clock("longOver", -90),
      clock("first", 50, { stopped_at: at(-30) }),
      clock("second", 50, { stopped_at: at(-3) }),
    ];
    const { open, stopped } = deadlines(clocks, NOW);
    expect(open.map(({ clock }) => clock.id)).toEqual(["longOver", "over", "soon", "calm", "held"]);
    expect(stopped.map(({ clock }) => clock.id)).toEqual(["second", "first"]);
    expect(mostUrgent(incident({ clocks }), NOW)?.clock.id).toBe("longOver");
  });

  it("keep what is left while they are paused", () => {
    const held = incident({ clocks: [clock("held", -50, { paused: pause(7) })] });
    expect(mostUrgent(held, NOW)).toMatchObject({ phase: "paused", left: 7 * MINUTE });
    expect(mostUrgent(held, NOW + 60 * MINUTE)).toMatchObject({ left: 7 * MINUTE });
  });

  it("press nobody where there are none, or the matter is closed", () => {
    expect(deadlines(undefined, NOW)).toEqual({ open: [], stopped: [] });
    expect(mostUrgent(incident({}), NOW)).toBeNull();
    expect(mostUrgent(incident({ state: "closed", clocks: [clock("a", 5)] }), NOW)).toBeNull();
  });
});

describe("what is offered", () => {
  const handed = incident({ state: "assigned", unit: "区水务局", related: [{ id: "x", kind: "emerging", name: "x" }] });

  it.each<[Role, Incident, string]>([
    ["operator", incident({ state: "new" }), "note assign respond close false_alarm merge"],
    ["operator", handed, "note assign answer return respond close false_alarm merge split"],
    ["admin", handed, "note assign answer return respond close false_alarm merge split"],
    ["operator", incident({ state: "closed" }), "reopen"],
    ["unit", handed, "note answer return"],
    ["unit", incident({ unit: null }), ""],
    ["unit", incident({ state: "closed", unit: "区水务局" }), ""],
    ["supervisor", handed, ""],
    ["viewer", handed, ""],
  ])("to %s", (role, incident, forms) => {
    expect(formsOf(incident, role).join(" ")).toBe(forms);
  });

  it("waits for a signature but for what needs none", () => {
    const fresh = incident({ state: "new" });
    const free = formsOf(fresh, "operator").filter((form) => !needsSignature(fresh, form));
    expect(free).toEqual(["note", "false_alarm", "merge"]);
  });

  it("is a signature to the desk while it is new, to a unit until that has signed", () => {
    expect(awaitsSignature(incident({ state: "new" }), false)).toBe(true);
    expect(awaitsSignature(incident({ state: "new" }), true)).toBe(false);
    expect(awaitsSignature(handed, false)).toBe(false);
    expect(awaitsSignature(handed, true)).toBe(true);
    expect(awaitsSignature({ ...handed, unit_acked_by: "陈工" }, true)).toBe(false);
    expect(awaitsSignature({ ...handed, state: "closed" }, true)).toBe(false);
  });
});

describe("交办", () => {
  const proposed = [
    { id: "water", name: "区水务局", confidence: 0.6, why: "" },
    { id: "fuqin", name: "抚琴街道办", confidence: 0.2, why: "" },
  ];

  it("sends the id of a unit that was proposed, and nothing that was not said", () => {
    expect(assignBody({ unit: " 区水务局 ", assisting: ["抚琴街道办"], due: NOW }, proposed)).toEqual({
      unit: "区水务局",
      unit_id: "water",
      assisting: ["抚琴街道办"],
      due_at: "2026-11-24T04:00:00.000Z",
    });
    expect(assignBody({ unit: "区教育局", assisting: [], due: null }, proposed)).toEqual({ unit: "区教育局" });
  });

  it("takes units that assist once each, between commas, and never the one that leads", () => {
    expect(withAssisting(["甲"], "乙、甲, 丙，, 丁", " 丁 ")).toEqual(["甲", "乙", "丙"]);
    expect(withAssisting([], Array.from({ length: 30 }, (_, n) => `单位${n}`).join(","), "")).toHaveLength(20);
  });

  it("is told beside what was proposed", () => {
    const chosen = incident({ unit: "区水务局", unit_id: "water", assisting: ["抚琴街道办"], proposed });
    expect(fates(chosen).map(({ fate }) => fate)).toEqual(["leads", "assists"]);
    expect(choseOtherwise(chosen)).toBe(false);
    expect(choseOtherwise(incident({ unit: "区教育局", proposed }))).toBe(true);
    expect(choseOtherwise(incident({ unit: "区教育局" }))).toBe(false);
    expect(choseOtherwise(incident({ proposed }))).toBe(false);
  });
});

it("an incident is merged into an open one that is not itself, found by number, title or topic", () => {
  const all = [
    incident({}),
    incident({ id: "20261124-0002", title: "塌陷" }),
    incident({ id: "20261124-0003", state: "closed" }),
    incident({ id: "20261123-0009", title: "电梯", topic: { id: "p", kind: "watch", name: "物业" } }),
  ];
  const found = (typed: string) => mergeTargets(all, "20261124-0001", typed).map(({ id }) => id.slice(-4));
  expect(found("")).toEqual(["0002", "0009"]);
  expect(found("0002")).toEqual(["0002"]);
  expect(found("物业 电梯")).toEqual(["0009"]);
  expect(found("停水 电梯")).toEqual([]);
});

describe("the history", () => {
  let seq = 0;
  const event = (action: string, text = "", who = "王敏"): HistoryEvent => ({
    seq: ++seq,
    at: at(seq),
    who,
    action,
    text,
  });
  const reached = (state: Incident["state"], ...actions: string[]) =>
    path(
      state,
      actions.map((action) => event(action)),
    ).map(({ phase }) => phase);

  it("leads from 交办 to 处置中 by whatever the unit does first", () => {
    const there = ["done", "done", "done", "here", "ahead", "ahead", "ahead"];
    for (const action of ["unit_acked", "answered", "reported", "noted"])
      expect(reached("handling", "opened", "acked", "assigned", action)).toEqual(there);
    expect(reached("assigned", "opened", "noted", "acked", "noted", "assigned")[3]).toBe("ahead");
    expect(reached("handling", "opened", "acked", "assigned", "responded", "watching", "rebound")[3]).toBe("here");
  });

  it("knows where a merged and a split incident came to", () => {
    expect(reached("closed", "opened", "merged").at(-1)).toBe("here");
    expect(reached("assigned", "opened", "acked", "merged", "assigned").at(-1)).toBe("ahead");
    expect(reached("acked", "split").slice(0, 2)).toEqual(["passed", "here"]);
    const split = path("assigned", [event("acked"), event("assigned"), event("split", "", "李雷")]);
    expect(split[1]?.who).toBe("王敏");
  });

  it("tells what was asked of the unit and what it answered last, until it sends the matter back", () => {
    const assigned = event("assigned", "交办 区水务局, 协办 抚琴街道办: 请速办: 两小时内");
    const answers = [event("answered", "单位答复: 在查"), event("answered", "单位答复: 已抢修")];
    const told = exchange([event("acked"), assigned, ...answers, event("noted", "x")]);
    expect([told.asked?.text, told.answered?.text]).toEqual(["请速办: 两小时内", "已抢修"]);
    const again = exchange([assigned, ...answers, event("assigned", "交办 区教育局")]);
    expect(again).toEqual({ asked: null, answered: null });
    expect(exchange([assigned, ...answers, event("returned", "退回: 不属本单位")]).answered).toBeNull();
  });

  it("says nothing twice, and calls a clock by its name", () => {
    const clocks = [clock("response", 5, { name: "官方回应" })];
    const words = (action: string, text: string) => wordsOf(event(action, text), "签收", clocks);
    expect(words("acked", "签收")).toBe("");
    expect(wordsOf(event("unit_acked", "单位签收"), "Unit signed")).toBe("");
    expect(words("acked", "签收 (经链接)")).toBe("签收 (经链接)");
    expect(words("assigned", "交办 区水务局: 请速办")).toBe("区水务局: 请速办");
    expect(words("answered", "单位答复: 已抢修")).toBe("已抢修");
    expect(words("reported", "单位进展: 抢修队已到场")).toBe("抢修队已到场");
    expect(words("noted", "退回: 原文如此")).toBe("退回: 原文如此");
    expect(words("paused", "暂停计时 response: 等检测\n二行")).toBe("官方回应: 等检测\n二行");
    expect(words("resumed", "恢复计时 response")).toBe("官方回应");
    expect(words("paused", "暂停计时 gone: 等检测")).toBe("暂停计时 gone: 等检测");
  });
});
