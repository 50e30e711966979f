/** "Why was I not paged?" of the mock, by the table of alert/src/quiet/why.rs. */
import { Problem } from "./chain.mjs";
import { iso } from "./town.mjs";

const HOUR = 3_600_000;

/** What pages are for, as the gateway calls it. */
export const REASONS = {
  opened: "新舆情",
  level: "升级",
  escalation: "催办",
  assigned: "交办",
  answered: "单位答复",
  silence_over: "静默结束",
};

const time = (at) =>
  iso(Date.parse(at) + 8 * HOUR)
    .slice(5, 19)
    .replace("T", " ");
const because = (code, at, text) => ({ code, at, text });

/** Channels of which somebody is known to be reached, by who is on duty in them. */
export class PagedWhy {
  constructor(desk, roster) {
    Object.assign(this, { desk, roster });
  }

  ofIncident(file, query, now) {
    const { at, asked } = this.question(query, file.incident, now);
    return { incident: file.incident.id, at: iso(at), channels: asked.channels, ...reasons(file, asked, at) };
  }

  /** Of the youngest incident that held the topic by then. */
  ofTopic(topic, query, now) {
    const { at } = this.question(query, null, now);
    const file = [...this.desk.files.values()]
      .filter(({ incident }) => [incident.topic, ...(incident.related ?? [])].some(({ id }) => id === topic))
      .filter(({ incident }) => Date.parse(incident.opened_at) <= at)
      .sort((a, b) => (a.incident.opened_at < b.incident.opened_at ? 1 : -1))[0];
    const none = whyNone(file, at);
    if (!none) return this.ofIncident(file, query, now);
    return { incident: file?.incident.id ?? null, at: iso(at), paged: false, channels: [], reasons: [none] };
  }

  question(query, incident, now) {
    const odd = [...query.keys()].find((key) => !["channel", "person", "at"].includes(key));
    if (odd) throw new Problem(400, "query", `unknown field \`${odd}\``);
    const at = query.has("at") ? Date.parse(query.get("at")) : now;
    if (Number.isNaN(at)) throw new Problem(400, "query", "at is no time");
    const channels = query.has("channel") ? [query.get("channel")] : [];
    const person = query.get("person");
    if (person === null || !incident) return { at, asked: { channels, person: null } };
    const opened = Date.parse(incident.opened_at);
    const { isKnown, own, onDuty } = this.roster.reached(person, opened);
    return { at, asked: { channels: [...new Set([...channels, ...own])], person, isKnown, onDuty } };
  }
}

function whyNone(file, at) {
  if (!file) return because("no_incident", null, "此刻该话题没有事件, 也就没有通知; 为何没有事件, 见话题的判断");
  const ends = ["closed", "false_alarm", "reopened"];
  const turn = file.history.findLast((event) => Date.parse(event.at) <= at && ends.includes(event.action));
  const how = { closed: "办结", false_alarm: "判为误报" }[turn?.action];
  if (!how) return null;
  const text = `该话题最近的事件 ${file.incident.id} 已于 ${time(turn.at)} ${how}, 此后没有新的事件; 为何没有, 见话题的判断`;
  return because("closed", turn.at, text);
}

function reasons({ incident, history, deliveries }, { channels, person, isKnown, onDuty }, at) {
  const opened = incident.opened_at;
  if (Date.parse(opened) > at)
    return { paged: false, reasons: [because("not_yet", opened, `此刻尚无此事件: 它于 ${time(opened)} 才发生`)] };
  const found = [];
  for (const event of history.filter((event) => Date.parse(event.at) <= at)) {
    const code = {
      merged: incident.merged_into ? "merged" : undefined,
      false_again: "false_alarm",
      acked: "signed",
      page_silenced: "silenced",
      roster_gap: "roster_gap",
    }[event.action];
    const signed = `${event.who} 已于 ${time(event.at)} 签收, 此后不再催签`;
    if (code) found.push(because(code, event.at, code === "signed" ? signed : event.text));
  }
  if (person !== null && !onDuty.includes(person)) {
    const who = onDuty.length > 0 ? onDuty.join(", ") : "无人";
    found.push(
      isKnown
        ? because("not_on_duty", opened, `事件发生时 ${person} 不在班; 在班: ${who}`)
        : because("unknown_person", null, `配置与值班表中没有 ${person}, 或没有其联系渠道`),
    );
  }
  const written = deliveries.filter((page) => Date.parse(page.created_at) <= at);
  const asked = written.filter(
    ({ channel }) => (channels.length === 0 && person === null) || channels.includes(channel),
  );
  const pages = asked.map((page) => ofPage(page, at));
  found.push(...pages);
  if (asked.length === 0) {
    const to = [...new Set(written.map(({ channel }) => channel))].sort().join(", ") || "无";
    found.push(because("not_addressed", null, `到此刻为止没有发往所问渠道的通知; 已写入通知的渠道: ${to}`));
  }
  return { paged: pages.some(({ code }) => code === "sent" || code === "digest"), reasons: found };
}

function ofPage(page, at) {
  const what = `${page.channel} (${REASONS[page.reason] ?? page.reason})`;
  const error = page.last_error ?? "原因不明";
  if (page.state === "sent" && Date.parse(page.sent_at) <= at)
    return page.digest
      ? because("digest", page.sent_at, `${what} 于 ${time(page.sent_at)} 合并送达, 见 ${page.digest}`)
      : because("sent", page.sent_at, `${what} 于 ${time(page.sent_at)} 送达`);
  if (page.state === "failed")
    return page.then
      ? because("passed_over", page.created_at, `${what} 未能送达: ${error}; 改由 ${page.then} 发送`)
      : because("failed", page.created_at, `${what} 未能送达: ${error}`);
  if (page.state === "pending" && page.attempts > 0)
    return because("trying", page.created_at, `${what} 已试 ${page.attempts} 次未成: ${error}`);
  return because("waiting", page.created_at, `${what} 于 ${time(page.created_at)} 写入, 当时尚未发出`);
}
