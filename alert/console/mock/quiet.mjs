/**
 * Silences, drills and "why was I not paged?" of the mock, as the gateway has them (alert/src/quiet/silence.rs, engine/quiet.rs,
 * engine/drill.rs): the same refusals, the same words in the history.
 */
import { Problem } from "./chain.mjs";
import { iso } from "./town.mjs";
import { PagedWhy, REASONS } from "./paged.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LEVELS = ["IV", "III", "II", "I"];
const MAY_SILENCE = ["operator", "supervisor", "admin"];
const MAY_DRILL = ["supervisor", "admin"];
/** What is told whatever is silenced: it is no page that calls for somebody. */
const ALWAYS = ["assigned", "answered", "returned", "silence_over"];

const refuse = (code, message, status = 400) => {
  throw new Problem(status, code, message);
};
const graver = (a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b);
const until = (silence) => {
  const wall = iso(end(silence) + 8 * HOUR);
  return `至 ${wall.slice(5, 10)} ${wall.slice(11, 16)}`;
};

function only(roles, session) {
  if (!roles.includes(session.role)) refuse("forbidden", "此角色无权限 / your role does not allow this", 403);
}

/** Refuses a body that has other fields, or lacks one. */
function shaped(body, known, required) {
  const odd = Object.keys(body).find((key) => !known.includes(key));
  if (odd) refuse("malformed", `unknown field \`${odd}\``);
  const lacking = required.find((key) => body[key] === undefined);
  if (lacking) refuse("malformed", `missing field \`${lacking}\``);
  for (const level of [body.level, body.below].filter((level) => level !== undefined && level !== null))
    if (!LEVELS.includes(level)) refuse("malformed", `unknown variant \`${level}\``);
}

const end = ({ until, ended_at: ended }) => Math.min(Date.parse(until), ended ? Date.parse(ended) : Infinity);
const holds = (silence, now) => Date.parse(silence.from) <= now && now < end(silence);

/** Whether it keeps an incident's pages back; `quiet` is what was kept back of it before. */
function keeps(silence, incident, quiet, now) {
  if (!holds(silence, now) || incident.drill || (incident.level === "I" && !silence.red) || silence.source)
    return false;
  if (silence.below) return graver(incident.level, silence.below) < 0;
  if (silence.topic !== incident.topic.id) return false;
  const wasOpen = Date.parse(incident.opened_at) <= Date.parse(silence.from);
  const level = quiet?.level ?? (wasOpen ? silence.up_to : null);
  return !level || graver(incident.level, level) <= 0;
}

export class Quiet {
  constructor(desk, roster, now) {
    Object.assign(this, { desk, silences: [], quiets: new Map(), why: new PagedWhy(desk, roster) });
    desk.quiet = this;
    const past = (more) => {
      const scope = { topic: null, source: null, below: null, up_to: null };
      const ended = { ended_at: null, ended_by: null };
      this.silences.push({ id: String(this.silences.length + 1), ...scope, red: false, ...ended, ...more });
    };
    past({
      topic: "noise",
      from: iso(now - 21 * HOUR),
      until: iso(now - 15 * HOUR),
      by: "李雷",
      reason: "工地已责令停工, 仍有人转发旧帖",
      ended_at: iso(now - 17 * HOUR),
      ended_by: "王敏",
    });
    past({
      source: "bbs2",
      from: iso(now - 1.5 * HOUR),
      until: iso(now + 26 * HOUR),
      by: "孙督",
      reason: "对方站点整站升级, 已电话确认, 预计明日恢复",
    });
    const drill = this.makeDrill(desk.id(now, -1, 12), "III", "夜班接警", "孙督", now - 26 * HOUR);
    const key = `${drill.incident.id}/opened/desk`;
    const sent = { channel: "desk", reason: "opened", state: "sent", attempts: 1 };
    const at = Date.parse(drill.incident.opened_at);
    drill.deliveries.push({ key, ...sent, created_at: iso(at), sent_at: iso(at + 2_000) });
    for (const [seconds, name, body] of [
      [103, "ack", {}],
      [600, "close", { text: "演练结束" }],
    ])
      this.noteResult(drill, desk.do(drill, name, "李雷", body, at + seconds * 1000), at + seconds * 1000);
  }

  /** What is asked of it, and the answer; `undefined` for what there is not. */
  answer([room, id, what], method, query, body, session, now) {
    if (room === "silences" && method === "GET") return [200, { silences: this.list(query, now) }];
    if (room === "silences") {
      only(MAY_SILENCE, session);
      if (method === "POST") return [201, this.set(body, session, now)];
      if (method === "DELETE") return [200, this.end(id, session, now)];
    }
    if (room === "drills" && method === "POST") {
      only(MAY_DRILL, session);
      return [201, this.drill(body, session, now)];
    }
    if (room === "incidents" && what === "why") {
      if (session.role === "unit") only([], session);
      return [200, this.why.ofIncident(this.desk.file(id), query, now)];
    }
    if (room === "topics" && what === "paged") return [200, this.why.ofTopic(id, query, now)];
  }

  shown(silence, now) {
    return { ...silence, active: holds(silence, now) };
  }

  list(query, now) {
    const state = query.get("state") ?? "active";
    if (!["active", "all"].includes(state)) refuse("query", `unknown variant \`${state}\``);
    const all = [...this.silences].reverse().map((silence) => this.shown(silence, now));
    return all.filter(({ active }) => active || state === "all").slice(0, Number(query.get("limit") ?? 100));
  }

  set(body, { name, role }, now) {
    shaped(body, ["topic", "source", "below", "until", "reason", "red"], ["until", "reason"]);
    const [topic, source] = [body.topic, body.source].map((text) => text?.trim() || null);
    const below = body.below ?? null;
    const ends = Date.parse(body.until);
    if (Number.isNaN(ends)) refuse("malformed", "until is no time");
    if ([topic, source, below].filter(Boolean).length !== 1)
      refuse("silence", "请在 topic、source、below 中指定且只指定一项 / name one of topic, source and below");
    if (below === "IV") refuse("silence", "蓝色 IV 级以下没有等级 / below: there is nothing below IV");
    const reason = body.reason.trim();
    if (!reason || [...reason].length > 500)
      refuse("silence", "请填写理由, 至多 500 字 / reason: say why, in at most 500 characters");
    if (ends <= now) refuse("silence", "结束时间已过, 请填写将来的时间 / until lies in the past");
    if (ends - now > (MAY_DRILL.includes(role) ? 168 : 8) * HOUR)
      refuse("silence", "静默过长: 值班员至多 8 小时, 督查至多 7 天 / until: at most 8 hours, of a supervisor 7 days");
    const open = this.desk.list("open").filter((incident) => topic && incident.topic.id === topic);
    const silence = {
      id: String(this.silences.length + 1),
      ...{ topic, source, below },
      up_to: open.map(({ level }) => level).sort((a, b) => graver(b, a))[0] ?? null,
      from: iso(now),
      until: iso(ends),
      by: name,
      reason,
      red: body.red ?? false,
      ended_at: null,
      ended_by: null,
    };
    this.silences.push(silence);
    return this.shown(silence, now);
  }

  end(id, { name }, now) {
    const silence = this.silences.find((each) => each.id === id);
    if (!silence) refuse("not_found", "没有这项静默 / there is no such silence", 404);
    if (holds(silence, now)) Object.assign(silence, { ended_at: iso(now), ended_by: name });
    return this.shown(silence, now);
  }

  /** The silence that keeps an incident's pages back; of several the one that ends last. */
  keeper(incident, now) {
    const quiet = this.quiets.get(incident.id);
    return this.silences.filter((each) => keeps(each, incident, quiet, now)).sort((a, b) => end(b) - end(a))[0];
  }

  /** Whether a page is kept back; its history tells of it then. */
  hush(file, reason, now) {
    if (ALWAYS.includes(reason)) return false;
    const { incident } = file;
    const silence = this.keeper(incident, now);
    if (!silence) {
      if (incident.silenced_by) this.quiets.delete(incident.id);
      delete incident.silenced_by;
      return false;
    }
    const quiet = this.quiets.get(incident.id) ?? { level: incident.level, since: now, kept: {} };
    quiet.silence = silence;
    quiet.kept[reason] = (quiet.kept[reason] ?? 0) + 1;
    this.quiets.set(incident.id, quiet);
    incident.silenced_by = silence.id;
    const text = `静默 ${silence.id} (${silence.reason}, ${until(silence)}) 期间不通知: ${REASONS[reason]}`;
    this.desk.note(file, now, "wanglou", "page_silenced", text);
    return true;
  }

  /** What was kept back is told when nothing keeps it back any more. */
  tick(now) {
    for (const [id, quiet] of this.quiets) {
      const file = this.desk.files.get(id);
      if (holds(quiet.silence, now)) continue;
      const other = this.keeper(file.incident, now);
      if (other) {
        quiet.silence = other;
        file.incident.silenced_by = other.id;
        continue;
      }
      this.quiets.delete(id);
      delete file.incident.silenced_by;
      const kept = Object.entries(quiet.kept).map(([reason, times]) => `${REASONS[reason]} ${times}`);
      const since = iso(quiet.since + 8 * HOUR).slice(11, 16);
      const text = `静默 ${quiet.silence.id} 已结束; 自 ${since} 未通知: ${kept.join(", ")}`;
      this.desk.note(file, now, "wanglou", "silence_over", text);
      if (file.incident.state === "new") this.desk.page(file, "silence_over", now);
    }
  }

  drill(body, { name }, now) {
    shaped(body, ["level", "text"], ["level"]);
    const text = (body.text ?? "").trim();
    if ([...text].length > 200) refuse("text", "演练说明过长, 至多 200 字 / text: at most 200 characters");
    const file = this.makeDrill(this.desk.nextId(now), body.level, text, name, now);
    this.desk.page(file, "opened", now);
    return file.incident;
  }

  makeDrill(id, level, text, by, at) {
    const incident = {
      id,
      version: 0,
      title: text ? `演练: ${text}` : "演练: 请按真实事件签收",
      level,
      state: "new",
      topic: { id: `drill-${id}`, kind: "watch", name: "演练" },
      opened_at: iso(at),
      updated_at: iso(at),
      ack_due_at: iso(at + 5 * MINUTE),
      ...{ spikes: [], count: 0, peak: 0, negative_share: 0, reach: 0, surprise: 0 },
      why: `演练, 由 ${by} 发起, 并非真实舆情`,
      drill: true,
    };
    const file = { incident, history: [], deliveries: [] };
    this.desk.files.set(id, file);
    this.desk.note(file, at, "wanglou", "opened", incident.why);
    return file;
  }

  /** How a drill went, once it is signed, and again once it is closed. */
  noteResult(file, event, now) {
    if (!file.incident.drill || !["acked", "closed", "false_alarm"].includes(event?.action)) return;
    const { acked_by: by, acked_at: acked, opened_at: opened } = file.incident;
    const seconds = Math.floor((Date.parse(acked) - Date.parse(opened)) / 1000);
    const signed = by ? `${by} 于 ${Math.floor(seconds / 60)} 分 ${seconds % 60} 秒后签收` : "无人签收";
    const of = (state) => [
      ...new Set(file.deliveries.filter((each) => each.state === state).map(({ channel }) => channel)),
    ];
    const [failed, pending] = [of("failed"), of("pending")];
    const parts = [
      `演练结果: ${signed}`,
      ...(failed.length > 0 ? [`未送达: ${failed.join(", ")}`] : []),
      ...(pending.length > 0 ? [`尚未送达: ${pending.join(", ")}`] : []),
      ...(of("sent").length === new Set(file.deliveries.map(({ channel }) => channel)).size ? ["各渠道均已送达"] : []),
    ];
    this.desk.note(file, now, "wanglou", "drill_result", parts.join("; "));
  }
}
