/**
 * What may be done to an incident and what its clocks make of it, as the gateway has it (alert/src/incident.rs, clock/mod.rs,
 * matter/join.rs): the same refusals, the same words in the history. It knows no town and no roles.
 */
import { iso } from "./town.mjs";

const HOUR = 3_600_000;

export class Problem extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    Object.assign(this, { status, code, headers });
  }
}

const refuse = (code, message, status = 409) => {
  throw new Problem(status, code, message);
};
const missing = (what) => refuse("missing", `缺少 ${what} / ${what} is required`, 400);

const RULES = [
  {
    id: "information",
    name: "权威信息发布",
    levels: ["I", "II"],
    from: "opened",
    until: "responded",
    hours: 5,
    warn: 1,
  },
  { id: "press", name: "新闻发布会", levels: ["I", "II"], from: "opened", until: "press", hours: 24, warn: 4 },
  { id: "response", name: "官方回应", levels: ["III", "IV"], from: "opened", until: "responded", hours: 48, warn: 12 },
  { id: "unit_ack", name: "单位签收", from: "assigned", until: "unit_acked", hours: 1, warn: 0.25 },
  { id: "answer", name: "单位答复", from: "assigned", until: "answered", hours: 24 },
];

/** Starts the clocks of a start; `anew`: also those that have run before and stand still. */
export function startClocks(incident, start, now, { anew = false, due } = {}) {
  incident.clocks ??= [];
  for (const rule of RULES) {
    const runs = incident.clocks.filter(({ id }) => id === rule.id);
    const isDue = runs.length === 0 || (anew && runs.every((clock) => clock.stopped_at));
    if (rule.from !== start || (rule.levels && !rule.levels.includes(incident.level)) || !isDue) continue;
    const end = rule.until === "answered" && due ? due : now + rule.hours * HOUR;
    const before = Math.min(rule.warn === undefined ? (end - now) / 5 : rule.warn * HOUR, end - now);
    const { id, name } = rule;
    incident.clocks.push({ id, name, started_at: iso(now), warn_at: iso(end - before), due_at: iso(end) });
  }
}

function stopClocks(incident, which, now) {
  for (const clock of incident.clocks ?? []) {
    const rule = RULES.find(({ id }) => id === clock.id);
    if (clock.stopped_at || !which(rule)) continue;
    clock.stopped_at = iso(now);
    delete clock.paused;
  }
}

/** What time alone does to the clocks: the events that tell of it. */
export function pass(incident, now) {
  const told = [];
  for (const clock of incident.clocks ?? []) {
    if (clock.stopped_at || clock.paused || clock.expired || incident.state === "closed") continue;
    const day = iso(Date.parse(clock.due_at) + 8 * HOUR);
    const due = `${day.slice(5, 10)} ${day.slice(11, 16)}`;
    if (Date.parse(clock.due_at) <= now) {
      Object.assign(clock, { warned: true, expired: true });
      told.push(["clock_expired", `${clock.name} 已逾期: ${due}`]);
    } else if (!clock.warned && Date.parse(clock.warn_at) <= now) {
      clock.warned = true;
      told.push(["clock_warning", `${clock.name} 即将到期: ${due}`]);
    }
  }
  return told;
}

const takeFromUnit = (incident) => {
  for (const key of ["unit", "unit_id", "unit_acked_by", "unit_acked_at", "assisting"]) delete incident[key];
};
const sign = (incident, who, now) => {
  Object.assign(incident, { acked_by: who, acked_at: iso(now) });
  delete incident.ack_due_at;
};
const signForUnit = (incident, who, now) => Object.assign(incident, { unit_acked_by: who, unit_acked_at: iso(now) });
const until = (stop) => (rule) => rule.until === stop;
const fromAssigned = (rule) => rule.from === "assigned";
const progress = ({ state }) => (state === "assigned" ? "handling" : state);

/** Of each act: what it needs, the state that it leads to, what it does beside that, and what the history says. */
const ACTS = {
  ack: {
    action: "acked",
    leads: () => "acked",
    does: (incident, _, who, now) => sign(incident, who, now),
    says: () => "签收",
  },
  assign: {
    action: "assigned",
    needs: "unit",
    leads: () => "assigned",
    does: (incident, { unit, unit_id: id, assisting = [], due_at: due }, _, now) => {
      takeFromUnit(incident);
      Object.assign(incident, { unit: unit.trim(), ...(id && { unit_id: id }), assisting });
      stopClocks(incident, fromAssigned, now);
      startClocks(incident, "assigned", now, { anew: true, due: due && Date.parse(due) });
    },
    says: ({ unit, assisting = [], text }) =>
      `交办 ${unit}${assisting.length > 0 ? `, 协办 ${assisting.join(", ")}` : ""}${text ? `: ${text}` : ""}`,
  },
  unit_ack: {
    action: "unit_acked",
    ofUnit: true,
    leads: progress,
    does: (incident, _, who, now) => {
      signForUnit(incident, who, now);
      stopClocks(incident, until("unit_acked"), now);
    },
    says: () => "单位签收",
  },
  answer: {
    action: "answered",
    needs: "text",
    ofUnit: true,
    leads: progress,
    does: (incident, _, who, now) => {
      if (!incident.unit_acked_by) signForUnit(incident, who, now);
      stopClocks(incident, (rule) => ["unit_acked", "answered"].includes(rule.until), now);
    },
    says: ({ text }) => `单位答复: ${text}`,
  },
  note: {
    action: "noted",
    needs: "text",
    unsigned: true,
    leads: progress,
    does: (incident, _, who, now, state) => {
      if (state === "handling") stopClocks(incident, until("unit_acked"), now);
    },
    says: ({ text }) => text,
  },
  // A note by the unit itself.
  report: {
    action: "reported",
    needs: "text",
    ofUnit: true,
    leads: progress,
    does: (incident, _, who, now, state) => {
      if (state === "handling") stopClocks(incident, until("unit_acked"), now);
    },
    says: ({ text }) => `单位进展: ${text}`,
  },
  respond: {
    action: "responded",
    needs: "text",
    leads: () => "responded",
    does: (incident, { press }, _, now) =>
      stopClocks(incident, (rule) => rule.until === "responded" || (press && rule.until === "press"), now),
    says: ({ text, press }) => (press ? `新闻发布会: ${text}` : text),
  },
  return: {
    action: "returned",
    needs: "text",
    ofUnit: true,
    leads: () => "acked",
    does: (incident, _, who, now) => {
      takeFromUnit(incident);
      stopClocks(incident, fromAssigned, now);
    },
    says: ({ text }) => `退回: ${text}`,
  },
  close: {
    action: "closed",
    needs: "text",
    leads: () => "closed",
    does: (incident, _, who, now) => stopClocks(incident, () => true, now),
    says: ({ text }) => text,
  },
  false_alarm: {
    action: "false_alarm",
    needs: "text",
    unsigned: true,
    leads: () => "closed",
    does: (incident, _, who, now) => {
      if (!incident.acked_by) sign(incident, who, now);
      incident.false_alarm = true;
      stopClocks(incident, () => true, now);
    },
    says: ({ text }) => `误报: ${text}`,
  },
  reopen: {
    action: "reopened",
    needs: "text",
    leads: () => "acked",
    does: (incident, _, who, now) => {
      sign(incident, who, now);
      delete incident.false_alarm;
      startClocks(incident, "opened", now, { anew: true });
    },
    says: ({ text }) => `重开: ${text}`,
  },
  pause: {
    action: "paused",
    needs: "text",
    unsigned: true,
    leads: ({ state }) => state,
    does: (incident, { clock: id, text }, who, now) => {
      const clock = running(incident, id, false);
      const left = Math.round((Date.parse(clock.due_at) - now) / 1000);
      clock.paused = { since: iso(now), by: who, why: text, left_seconds: left };
    },
    says: ({ clock, text }) => `暂停计时 ${clock}: ${text}`,
  },
  resume: {
    action: "resumed",
    unsigned: true,
    leads: ({ state }) => state,
    does: (incident, { clock: id }, _, now) => {
      const clock = running(incident, id, true);
      const warned = Date.parse(clock.due_at) - Date.parse(clock.warn_at);
      const end = now + clock.paused.left_seconds * 1000;
      delete clock.paused;
      Object.assign(clock, { due_at: iso(end), warn_at: iso(Math.min(end, Math.max(now, end - warned))) });
    },
    says: ({ clock, text }) => `恢复计时 ${clock}${text ? `: ${text}` : ""}`,
  },
};

function running(incident, id, paused) {
  const found = (incident.clocks ?? []).find(
    (clock) => clock.id === id && !clock.stopped_at && Boolean(clock.paused) === paused,
  );
  return found ?? refuse("no_clock", `没有正在走的计时 "${id}" / no clock "${id}" is running`);
}

const changed = (seen, now) =>
  refuse(
    "version",
    `事件已有变化 (您看到第 ${seen} 版, 现为第 ${now} 版), 请刷新后再操作 / it has changed meanwhile: look again`,
  );

/** Does an act; the event that tells of it, or nothing when it was done already. Refusals are thrown and change nothing. */
export function act(incident, name, who, body, now) {
  const rule = ACTS[name];
  if (!rule) throw new Problem(404, "not_found", "没有这个接口 / there is no such path: see /api/openapi.json");
  const wanted = { ...body, text: (body.text ?? "").trim() };
  if (["pause", "resume"].includes(name) && !wanted.clock?.trim()) missing("clock");
  if (rule.needs && !(wanted[rule.needs] ?? "").trim()) missing(rule.needs);
  const open = incident.state !== "closed";
  const signer = { ack: "acked_by", unit_ack: "unit_acked_by" }[name];
  const by = signer && open && incident[signer];
  if (by === who) return null;
  if (by) refuse("signed_by_other", `${by} 已签收 / ${by} has signed it already`);
  if (name === "reopen" ? open : !open)
    refuse(...(open ? ["open", "事件尚未办结 / it is not closed"] : ["closed", "事件已办结 / it is closed"]));
  if (rule.ofUnit && !incident.unit) refuse("not_assigned", "尚未交办 / no unit has it");
  if (incident.state === "new" && !rule.unsigned && name !== "ack")
    refuse("not_signed", "请先签收 / nobody has signed it yet: sign first");
  if (name === "assign" && wanted.due_at && Date.parse(wanted.due_at) <= now)
    refuse("past", "办理期限已过, 请填写将来的时间 / the deadline lies in the past", 400);
  if (["pause", "resume"].includes(name)) running(incident, wanted.clock, name === "resume");
  if (wanted.version !== undefined && wanted.version !== incident.version) changed(wanted.version, incident.version);
  const state = rule.leads(incident);
  rule.does(incident, wanted, who, now, state);
  incident.state = state;
  return { action: rule.action, text: rule.says(wanted) };
}

const LEVELS = ["IV", "III", "II", "I"];

/** Merges an incident into another one; the texts of the histories. */
export function merge(from, into, { text = "", version }, now) {
  if (version !== undefined && version !== from.version) changed(version, from.version);
  if (!text.trim()) missing("text");
  if (from.id === into.id) refuse("apart", "不能并入自身 / an incident cannot be merged into itself");
  if (from.state === "closed" || into.state === "closed") refuse("closed", "事件已办结 / it is closed");
  const known = new Set([into.topic, ...(into.related ?? [])].map(({ id }) => id));
  const taken = [from.topic, ...(from.related ?? [])].filter(({ id }) => !known.has(id));
  into.related = [...(into.related ?? []), ...taken];
  into.count += from.count;
  into.peak = Math.max(into.peak, from.peak);
  if (LEVELS.indexOf(from.level) > LEVELS.indexOf(into.level)) into.level = from.level;
  for (const clock of (from.clocks ?? []).filter((clock) => !clock.stopped_at)) {
    const own = (into.clocks ?? []).find(({ id, stopped_at: end }) => id === clock.id && !end);
    if (own && Date.parse(clock.due_at) < Date.parse(own.due_at)) Object.assign(own, clock);
    else if (!own && !from.unit) (into.clocks ??= []).push({ ...clock });
  }
  stopClocks(from, () => true, now);
  Object.assign(from, { state: "closed", merged_into: into.id });
  delete from.ack_due_at;
  return { of: `并入 ${into.id} ${into.title}: ${text}`, to: `并入 ${from.id} ${from.title}: ${text}` };
}

/** Splits topics that joined from an incident; the new one. */
export function split(incident, { topics = [], text = "", version }, id, who, now) {
  if (version !== undefined && version !== incident.version) changed(version, incident.version);
  if (!text.trim()) missing("text");
  if (incident.state === "closed") refuse("closed", "事件已办结 / it is closed");
  const related = incident.related ?? [];
  const taken = related.filter((topic) => topics.includes(topic.id));
  if (taken.length === 0 || taken.length !== topics.length)
    refuse("apart", "只能拆出并入的话题 / only topics that joined can be split off");
  const [topic, ...rest] = taken;
  incident.related = related.filter((other) => !taken.includes(other));
  const fresh = {
    ...structuredClone(incident),
    ...{ id, version: 0, title: `${topic.name}: 由 ${incident.id} 拆出`, state: "acked", topic, related: rest },
    ...{ opened_at: iso(now), updated_at: iso(now), split_from: incident.id },
    clocks: (incident.clocks ?? []).filter((clock) => !clock.stopped_at).map((clock) => ({ ...clock })),
  };
  takeFromUnit(fresh);
  sign(fresh, who, now);
  return fresh;
}
