/** The duty roster of the mock: two rosters with rotations, a change of each kind, findings, and a hand-over that waits. */
import { randomBytes } from "node:crypto";
import { Problem } from "./desk.mjs";
import { iso } from "./town.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Shanghai is eight hours ahead, all year round. */
const AHEAD = 8 * HOUR;
const midnight = (at) => Math.floor((at + AHEAD) / DAY) * DAY - AHEAD;

const PEOPLE = { 王敏: ["wang-phone"], 李雷: ["li-phone"], 韩梅: ["han-phone"], 孙督: ["sun-phone"], 钱进: [] };
const SHIFTS = {
  desk: [
    { from: 8, to: 20, people: ["王敏", "韩梅"], channels: [] },
    { from: 20, to: 32, people: ["李雷", "王敏", "韩梅"], channels: [] },
  ],
  flood: [{ from: 18, to: 30, people: ["李雷", "钱进"], days: [6, 0], channels: [] }],
};
const NAMES = { desk: "值班席", flood: "防汛专班" };
const MAY_CHANGE = ["operator", "supervisor", "admin"];
const RULES = ["supervisor", "admin"];

export class Roster {
  constructor(desk, now) {
    Object.assign(this, { desk, changes: [], handovers: [], feeds: new Map() });
    const today = midnight(now);
    const made = { roster: "desk", at: iso(now - 5 * HOUR), by: "孙督" };
    this.changes.push(
      {
        ...made,
        n: 1,
        kind: "override",
        from: iso(today + DAY + 8 * HOUR),
        to: iso(today + DAY + 20 * HOUR),
        person: "李雷",
        instead_of: this.holder("desk", 0, today + DAY),
        why: "开会",
      },
      {
        ...made,
        n: 2,
        kind: "extra",
        from: iso(today + 2 * DAY + 9 * HOUR),
        to: iso(today + 2 * DAY + 12 * HOUR),
        person: "钱进",
        why: "防汛演练",
      },
    );
    const turn = this.turns("desk", now - DAY, now).find(({ to }) => Date.parse(to) > now) ?? null;
    if (turn)
      this.handovers.push({
        n: 1,
        roster: "desk",
        at: turn.from,
        by: this.turns("desk", now - 2 * DAY, now).find(({ to }) => to === turn.from)?.person ?? "李雷",
        to: [turn.person],
        note: "茶店子路施工围挡一事已交办交警五分局, 等回复.\n电梯困人的业主群仍在发帖, 请留意.",
        written_by: "李雷",
        written_at: iso(Date.parse(turn.from) - 10 * 60_000),
        incidents: desk.list("open").map(({ id, title, level, state }) => ({ id, title, level, state })),
      });
  }

  holder(id, number, day) {
    const { people, days } = SHIFTS[id][number];
    const count = Math.round((day - midnight(Date.UTC(2026, 10, 23))) / DAY);
    return people[(((days ? Math.floor(count / 7) : count) % people.length) + people.length) % people.length];
  }

  turns(id, from, to) {
    const all = [];
    for (let day = midnight(from) - 2 * DAY; day < to; day += DAY)
      SHIFTS[id].forEach((shift, number) => {
        if (shift.days && !shift.days.includes(new Date(day + AHEAD).getUTCDay())) return;
        const person = this.holder(id, number, day);
        const turn = { from: iso(day + shift.from * HOUR), to: iso(day + shift.to * HOUR), person, source: "rotation" };
        all.push({ ...turn, shift: number });
      });
    for (const change of this.changes.filter((each) => each.roster === id && !each.withdrawn_at))
      this.apply(all, change);
    const time = (text) => Date.parse(text);
    return all
      .filter((turn) => time(turn.from) < to && time(turn.to) > from)
      .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  }

  /** Whole turns alone: the mock cuts none. */
  apply(all, { n, kind, from, to, person, instead_of, with: other, agreed_at }) {
    if (kind === "extra") return all.push({ from, to, person, source: "extra", change: n });
    if (kind === "swap" && !agreed_at) return;
    const slots = other
      ? [
          { from, of: person, by: other.person },
          { from: other.from, of: other.person, by: person },
        ]
      : [{ from, of: instead_of, by: person }];
    for (const slot of slots) {
      const turn = all.find((each) => each.from === slot.from && each.person === slot.of);
      if (turn) Object.assign(turn, { person: slot.by, source: kind, change: n, instead_of: slot.of });
    }
  }

  /** Whom a person is reached by, whether they are known, and who is on duty at a moment. */
  reached(person, at) {
    const onDuty = Object.keys(SHIFTS).flatMap((id) => this.turns(id, at, at + 1).map((turn) => turn.person));
    return { isKnown: person in PEOPLE, own: PEOPLE[person] ?? [], onDuty: [...new Set(onDuty)] };
  }

  board(query, now) {
    const from = query.has("from") ? Date.parse(query.get("from")) : midnight(now);
    const to = query.has("to") ? Date.parse(query.get("to")) : from + 7 * DAY;
    const rosters = Object.keys(SHIFTS).map((id) => {
      const on = (turn) => ({ ...turn, channels: PEOPLE[turn.person] ?? [] });
      const shown = ({ person, from, to, channels }) => ({ person, from, to, channels });
      const ahead = this.turns(id, now, now + 31 * DAY);
      const next = ahead.find((turn) => Date.parse(turn.from) > now)?.from;
      const current = ahead.filter((turn) => Date.parse(turn.from) <= now && Date.parse(turn.to) > now);
      const own = this.handovers.filter(({ roster }) => roster === id);
      return {
        id,
        name: NAMES[id],
        handover: id === "desk",
        report_at: "09:00",
        channels: id === "desk" ? ["desk"] : [],
        turns: this.turns(id, from, to),
        now: current.map(on).map(shown),
        next: ahead
          .filter((turn) => turn.from === next)
          .map(on)
          .map(shown),
        findings: this.findings(id, now),
        changes: this.changes.filter(({ roster }) => roster === id),
        handovers: [...own].reverse(),
        pending: own
          .filter((each) => !each.confirmed_at && Date.parse(each.at) <= now)
          .map(({ n, at, to: [person] }) => ({
            person,
            from: at,
            state: "unconfirmed",
            overdue: now - Date.parse(at) >= HOUR / 2,
            handover: n,
          })),
      };
    });
    return { at: iso(now), from: iso(from), to: iso(to), rosters, people: Object.keys(PEOPLE) };
  }

  findings(id, now) {
    const turns = this.turns(id, now, now + 14 * DAY);
    const found = (kind, turn, more) => ({
      key: `${kind}/${turn.person}`,
      kind,
      from: turn.from,
      to: turn.to,
      times: 1,
      changes: [],
      ...more,
    });
    const silent = turns.filter(({ person }) => (PEOPLE[person] ?? []).length === 0);
    const unreachable = silent
      .slice(0, 1)
      .map((turn) => found("unreachable", turn, { person: turn.person, times: silent.length }));
    if (id === "desk") return unreachable;
    const [first] = turns;
    const gap = found("gap", first, { key: "gap/06:00-18:00", from: iso(now), to: first.from, times: 4 });
    const double = found("double", first, {
      person: "李雷",
      other: "desk",
      from: iso(Date.parse(first.from) + 2 * HOUR),
    });
    return [gap, double, ...unreachable];
  }

  /** What is done to a roster; `undefined` for what there is not. */
  act([id, what, n, act], method, body, session, now) {
    const rules = RULES.includes(session.role);
    if (!MAY_CHANGE.includes(session.role))
      throw new Problem(403, "forbidden", "此角色无权限 / your role does not allow this");
    const by = { by: session.name, at: iso(now) };
    if (what === "changes" && n === undefined) {
      const mine = body.kind === "swap" && [body.person, body.with?.person].includes(session.name);
      if (!rules && !mine) throw new Problem(403, "not_yours", "只能提出自己的换班 / propose swaps of your own turns");
      if (body.person === body.instead_of)
        throw new Problem(400, "same", "不能与自己换班或代自己 / nobody takes his own place");
      const agreed = body.kind === "swap" && rules ? { agreed_by: session.name, agreed_at: iso(now) } : {};
      const number = this.changes.filter(({ roster }) => roster === id).length + 1;
      const change = { n: number, roster: id, why: "", ...body, ...by, ...agreed };
      this.changes.push(change);
      return [201, change];
    }
    if (what === "changes") {
      const change = this.changes.find((each) => each.roster === id && each.n === Number(n));
      if (!change) throw new Problem(404, "not_found", "没有这项变更 / there is no such change");
      if (method === "DELETE")
        return [200, Object.assign(change, { withdrawn_by: session.name, withdrawn_at: iso(now) })];
      return act === "agree"
        ? [200, Object.assign(change, { agreed_by: session.name, agreed_at: iso(now) })]
        : undefined;
    }
    if (what === "handovers" && n === undefined) {
      const turn = this.turns(id, now - DAY / 2, now + 1).findLast(({ person }) => person === session.name);
      if (!turn) throw new Problem(400, "not_on_duty", `${session.name} 现在不值班, 12 小时内也未值班 / not on duty`);
      const next = this.turns(id, Date.parse(turn.to), Date.parse(turn.to) + 1).map(({ person }) => person);
      const handover = {
        n: this.handovers.filter(({ roster }) => roster === id).length + 1,
        roster: id,
        at: turn.to,
        by: session.name,
        to: next,
        note: body.note,
        written_by: session.name,
        written_at: iso(now),
        incidents: this.desk.list("open").map(({ id, title, level, state }) => ({ id, title, level, state })),
      };
      this.handovers.push(handover);
      return [201, handover];
    }
    if (what === "handovers" && act === "confirm") {
      const handover = this.handovers.find((each) => each.roster === id && each.n === Number(n));
      if (!rules && !handover?.to.includes(session.name))
        throw new Problem(403, "not_yours", "由接班人确认 / who comes on confirms");
      return [200, Object.assign(handover, { confirmed_by: session.name, confirmed_at: iso(now) })];
    }
  }

  calendar(method, body, session, now) {
    if (method === "DELETE") return [204, void this.feeds.delete(session.name)];
    const feed = this.feeds.get(session.name) ?? null;
    if (method === "GET") return [200, { feed }];
    const made = { whose: body.whose, created_at: iso(now) };
    this.feeds.set(session.name, made);
    return [201, { ...made, address: `http://127.0.0.1:8081/calendar/${randomBytes(16).toString("hex")}.ics` }];
  }
}
