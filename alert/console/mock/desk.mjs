/** The incidents of the mock: opened by the town's rise, signed and handled by whoever is logged in, with their pages. */
import { iso } from "./town.mjs";

const MINUTE = 60_000;

export class Problem extends Error {
  constructor(status, code, message, headers = {}) {
    super(message);
    Object.assign(this, { status, code, headers });
  }
}

export class Desk {
  constructor(town, now, publish) {
    Object.assign(this, { town, publish, files: new Map() });
    const past = (day, n, topic, title, level, state, ago, more) =>
      this.seed(now, { day, n, topic, title, level, state, ago, ...more });
    past(0, 6, "traffic", "交通拥堵: 茶店子路口施工围挡占道, 早高峰排队两公里", "III", "assigned", 21 * MINUTE, {
      count: 71,
      peak: 34,
      unit: "交警五分局",
      who: "王敏",
    });
    past(
      0,
      5,
      "property",
      "物业服务: 某小区电梯困人, 业主连续发帖要求公开维修记录",
      "II",
      "responded",
      3.2 * 60 * MINUTE,
      { count: 214, peak: 58, unit: "营门口街道办", who: "李建国" },
    );
    past(-1, 11, "noise", "噪音扰民: 沙河源夜间施工", "IV", "closed", 22 * 60 * MINUTE, {
      count: 38,
      peak: 17,
      unit: "综合执法局",
      who: "王敏",
    });
  }

  id(now, day, n) {
    const date = new Date(now + 8 * 3_600_000 + day * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "");
    return `${date}-${String(n).padStart(4, "0")}`;
  }

  seed(now, { day, n, topic, title, level, state, ago, count, peak, unit, who }) {
    const file = this.make(this.id(now, day, n), topic, title, level, now - ago, { count, peak });
    const at = now - ago;
    const log = (after, by, action, text) =>
      file.history.push({ seq: file.history.length + 1, at: iso(at + after), who: by, action, text });
    log(0, "wanglou", "opened", file.incident.why);
    log(4_000, "wanglou", "page_sent", "desk: 已送达");
    log(95_000, who, "acked", "签收");
    log(6 * MINUTE, who, "assigned", `${unit}: 请核实并在 2 小时内反馈`);
    if (state !== "assigned")
      log(70 * MINUTE, who, "responded", "维保单位已到场, 维修记录今日 18 时前在小区公示栏公开.");
    if (state === "closed") log(300 * MINUTE, who, "closed", "已责令停工, 帖子量恢复平稳.");
    Object.assign(file.incident, {
      state,
      unit,
      acked_by: who,
      acked_at: iso(at + 95_000),
      ack_due_at: undefined,
      version: file.history.length,
      updated_at: file.history.at(-1).at,
    });
    file.deliveries.push({
      key: `${file.incident.id}/opened/desk`,
      channel: "desk",
      reason: "opened",
      state: "sent",
      attempts: 1,
      created_at: iso(at),
      sent_at: iso(at + 2_000),
    });
  }

  make(id, topicId, title, level, at, { count, peak }) {
    const topic = this.town.topic(topicId);
    const incident = {
      id,
      version: 1,
      title,
      level,
      state: "new",
      topic: topic.ref,
      opened_at: iso(at),
      updated_at: iso(at),
      ack_due_at: iso(at + 5 * MINUTE),
      spikes: [`${topicId}-1-7`],
      count,
      peak,
      negative_share: topic.negative,
      reach: count * 4,
      surprise: 9.3,
      why: `5 分钟 ${peak} 条, 预期 ${(topic.perMinute * 5).toFixed(1)} 条, 负面 ${Math.round(topic.negative * 100)}%`,
      samples: this.town.posts(topicId, at + 20_000, 5).map((post) => this.town.sample(post)),
    };
    const file = { incident, history: [], deliveries: [] };
    this.files.set(id, file);
    return file;
  }

  /** The clock moves on. */
  tick(now) {
    const water = this.town.pulse(this.town.topic("water"), now);
    if (water.phase === "quiet") return;
    const id = this.id(now, 0, 7);
    const five = water.windows[1];
    const file = this.files.get(id);
    if (!file) return void (five.count >= 15 && this.open(id, five.count, now));
    const { incident } = file;
    if (incident.state === "closed" || five.count <= incident.count) return;
    const level = five.count > 120 ? "II" : five.count > 60 ? "III" : "IV";
    const risen = level !== incident.level;
    Object.assign(incident, {
      count: five.count,
      peak: Math.max(incident.peak, five.count),
      reach: five.count * 4,
      surprise: five.surprise,
      negative_share: water.negative_share,
      level,
      why: `5 分钟 ${five.count} 条, 预期 ${five.expected.toFixed(1)} 条, 负面 ${Math.round(water.negative_share * 100)}%`,
      samples: water.samples,
    });
    if (risen) {
      this.note(file, now, "wanglou", "level", `升为 ${level} 级`);
      this.page(file, "level", now);
      return;
    }
    const event = {
      seq: file.history.length,
      at: iso(now),
      who: "wanglou",
      action: "figures",
      text: `共 ${incident.count} 条`,
    };
    this.publish("incident", { v: 1, event, incident });
  }

  open(id, count, now) {
    const file = this.make(id, "water", "停水: 抚琴街道凌晨起大面积停水, 物业电话打不通, 居民追问恢复时间", "IV", now, {
      count,
      peak: count,
    });
    this.note(file, now, "wanglou", "opened", file.incident.why);
    this.page(file, "opened", now);
  }

  page(file, reason, now) {
    const key = `${file.incident.id}/${reason}/${file.history.length}`;
    const desk = { key: `${key}/desk`, channel: "desk", reason, state: "pending", attempts: 1, created_at: iso(now) };
    const chat = {
      key: `${key}/chat`,
      channel: "值班群",
      reason,
      state: "pending",
      attempts: 3,
      last_error: "HTTP 200, errcode 45009: 接口调用超过限制, 20 秒后重试",
      created_at: iso(now),
    };
    file.deliveries.push(desk, ...(reason === "opened" ? [chat] : []));
    setTimeout(() => {
      Object.assign(desk, { state: "sent", sent_at: iso(Date.now()) });
      this.note(file, Date.now(), "wanglou", "page_sent", "desk: 已送达");
    }, 2_500).unref();
  }

  note(file, now, who, action, text) {
    const event = { seq: file.history.length + 1, at: iso(now), who, action, text };
    file.history.push(event);
    // The version rises with what people decide upon; figures and deliveries leave it alone.
    if (!action.startsWith("page_")) {
      file.incident.version += 1;
      file.incident.updated_at = iso(now);
    }
    this.publish("incident", { v: 1, event, incident: file.incident });
  }

  list(state) {
    return [...this.files.values()]
      .map(({ incident }) => incident)
      .filter((incident) => state === "all" || (state === "closed") === (incident.state === "closed"))
      .sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  file(id) {
    const file = this.files.get(id);
    if (!file) throw new Problem(404, "not_found", `没有事件 ${id} / there is no incident ${id}`);
    return file;
  }

  act(id, name, who, { version, text = "", unit }) {
    const file = this.file(id);
    const { incident } = file;
    const now = Date.now();
    if (incident.state === "new" && !["ack", "note", "false_alarm"].includes(name))
      throw new Problem(409, "not_signed", "请先签收 / nobody has signed it yet: sign first");
    if (version !== undefined && version !== incident.version && name !== "ack")
      throw new Problem(
        409,
        "version",
        `事件已是版本 ${incident.version}, 您看到的是 ${version} / the incident is at version ${incident.version}`,
      );
    if (name === "reopen" && incident.state !== "closed")
      throw new Problem(409, "open", "事件尚未办结 / it is not closed");
    if (incident.state === "closed" && name !== "reopen")
      throw new Problem(409, "closed", "事件已办结 / the incident is closed");
    if (name === "ack") {
      const by = incident.acked_by;
      if (by && by !== who) throw new Problem(409, "signed_by_other", `${by} 已签收 / ${by} has signed it already`);
      if (by) return file;
      Object.assign(incident, { state: "acked", acked_by: who, acked_at: iso(now), ack_due_at: undefined });
      this.note(file, now, who, "acked", "签收");
    } else if (name === "assign") {
      if (!unit) throw new Problem(400, "unit", "请填写承办单位 / unit is required");
      Object.assign(incident, { state: "assigned", unit });
      this.note(file, now, who, "assigned", text ? `${unit}: ${text}` : unit);
    } else {
      if (!text.trim()) throw new Problem(400, "text", "请填写内容 / text is required");
      if (name === "return" && !incident.unit) throw new Problem(409, "not_assigned", "尚未交办 / no unit has it");
      const [state, action, more] = {
        note: [incident.state, "noted", {}],
        respond: ["responded", "responded", {}],
        return: ["acked", "returned", { unit: undefined }],
        close: ["closed", "closed", {}],
        false_alarm: ["closed", "false_alarm", { false_alarm: true, acked_by: incident.acked_by ?? who }],
        reopen: ["acked", "reopened", { false_alarm: undefined, acked_by: who, acked_at: iso(now) }],
      }[name];
      Object.assign(incident, more, { state });
      this.note(file, now, who, action, text);
    }
    return file;
  }
}
