/** The incidents of the mock: opened by the town's rise, signed and handled by whoever is logged in, with their pages. */
import * as chain from "./chain.mjs";
import { Problem } from "./chain.mjs";
import { iso } from "./town.mjs";

export { Problem };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What tells of time and topics: it leaves the version alone. */
const SILENT = [
  "page_sent",
  "page_failed",
  "clock_warning",
  "clock_expired",
  "related",
  "unit_unreached",
  "page_silenced",
  "silence_over",
  "drill_result",
];
/** Whose unit a person of role unit is of. */
export const UNITS = { 陈工: "区水务局", 周工: "营门口街道办" };

/** Proposals as the gateway words them, of five samples. */
const propose = (...found) =>
  found.map(([id, name, confidence, posts]) => ({
    id,
    name,
    confidence,
    why: `5 条样例中 ${posts} 条按地点与类别指向 ${name}`,
  }));

export class Desk {
  constructor(town, now, publish) {
    Object.assign(this, { town, publish, files: new Map() });
    const past = (day, n, topic, title, level, ago, more) =>
      this.seed(now, { day, n, topic, title, level, ago, ...more });
    past(0, 6, "traffic", "交通拥堵: 茶店子路口施工围挡占道, 早高峰排队两公里", "III", 21 * MINUTE, {
      count: 71,
      peak: 34,
      category: "交通运输/道路交通",
      proposed: propose(["traffic5", "交警五分局", 0.72, 4], ["chadianzi", "茶店子街道办", 0.31, 2]),
      acts: [
        [1.6, "王敏", "ack", {}],
        [
          6,
          "王敏",
          "assign",
          { unit: "交警五分局", unit_id: "traffic5", assisting: ["茶店子街道办"], text: "请核实并在 2 小时内反馈" },
        ],
      ],
    });
    past(0, 5, "property", "物业服务: 某小区电梯困人, 业主连续发帖要求公开维修记录", "II", 3.2 * HOUR, {
      count: 214,
      peak: 58,
      category: "城乡建设/物业管理",
      proposed: propose(["zhujian", "区住建和交通局", 0.46, 3], ["yingmenkou", "营门口街道办", 0.41, 2]),
      acts: [
        [1.6, "李雷", "ack", {}],
        [
          6,
          "李雷",
          "assign",
          { unit: "营门口街道办", unit_id: "yingmenkou", due: 2.9 * HOUR, text: "请今日上午书面反馈" },
        ],
        [41, "周工", "unit_ack", {}],
        [66, "周工", "note", { text: "维保单位已到场, 被困人员已救出" }],
        [70, "李雷", "respond", { text: "被困人员已安全救出, 维修记录今日 18 时前在小区公示栏公开." }],
      ],
    });
    past(0, 4, "school", "学校周边: 家长反映校服一套收费 680 元且指定商家", "III", 6.4 * HOUR, {
      count: 96,
      peak: 22,
      category: "教育/收费",
      related: [{ id: "uniform", kind: "emerging", name: "三年级校服一套收费 680 元" }],
      proposed: propose(["edu", "区教育局", 0.81, 5]),
      acts: [
        [2, "王敏", "ack", {}],
        [9, "王敏", "assign", { unit: "区教育局", unit_id: "edu", text: "请核查收费依据" }],
        [31, "区教育局 刘科", "unit_ack", {}],
        [140, "区教育局 刘科", "answer", { text: "已约谈学校与供应商, 面料送检, 检测报告 3 个工作日内出具" }],
        [150, "孙督", "pause", { clock: "response", text: "等待第三方检测报告" }],
      ],
    });
    past(0, 3, "sinkhole", "营门口地铁口人行道塌陷, 公交绕行, 网民追问是否供水管爆裂", "II", 52 * MINUTE, {
      count: 143,
      peak: 47,
      category: "城乡建设/市政设施",
      proposed: propose(["water", "区水务局", 0.44, 3], ["chengguan", "区综合执法局", 0.4, 2]),
      acts: [
        [1, "李雷", "ack", {}],
        [
          4,
          "李雷",
          "assign",
          { unit: "区水务局", unit_id: "water", assisting: ["营门口街道办"], text: "请派人到场核实" },
        ],
      ],
    });
    past(-1, 11, "noise", "噪音扰民: 沙河源夜间施工", "IV", 22 * HOUR, {
      count: 38,
      peak: 17,
      category: "生态环境/噪声",
      proposed: [],
      acts: [
        [1.6, "王敏", "ack", {}],
        [6, "王敏", "assign", { unit: "综合执法局" }],
        [70, "王敏", "respond", { text: "已责令停工." }],
        [300, "王敏", "close", { text: "已责令停工, 帖子量恢复平稳." }],
      ],
    });
  }

  id(now, day, n) {
    const date = new Date(now + 8 * 3_600_000 + day * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "");
    return `${date}-${String(n).padStart(4, "0")}`;
  }

  /** A number that is free. */
  nextId(now) {
    const day = this.id(now, 0, 0).slice(0, 8);
    const last = Math.max(
      0,
      ...[...this.files.keys()].filter((id) => id.startsWith(day)).map((id) => Number(id.slice(9))),
    );
    // The number of the water main's incident is taken, whether it has opened or not.
    return `${day}-${String(Math.max(last, 7) + 1).padStart(4, "0")}`;
  }

  seed(now, { day, n, topic, title, level, ago, acts, ...more }) {
    const opened = now - ago;
    const file = this.make(this.id(now, day, n), topic, title, level, opened, more);
    this.note(file, opened, "wanglou", "opened", file.incident.why);
    this.note(file, opened + 4_000, "wanglou", "page_sent", "desk: 已送达");
    for (const [minutes, who, name, { due, ...body }] of acts) {
      const at = opened + minutes * MINUTE;
      this.pass(file, at);
      this.do(file, name, who, { ...body, ...(due && { due_at: iso(at + due) }) }, at);
    }
    this.pass(file, now);
    file.incident.updated_at = file.history.at(-1).at;
    file.deliveries.push({
      key: `${file.incident.id}/opened/desk`,
      channel: "desk",
      reason: "opened",
      state: "sent",
      attempts: 1,
      created_at: iso(opened),
      sent_at: iso(opened + 2_000),
    });
  }

  make(id, topicId, title, level, at, { count, peak, category, proposed, related }) {
    const topic = this.town.topic(topicId);
    const incident = {
      id,
      version: 0,
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
      category,
      proposed,
      ...(related && { related }),
    };
    chain.startClocks(incident, "opened", at);
    const file = { incident, history: [], deliveries: [] };
    this.files.set(id, file);
    return file;
  }

  /** The clock moves on. */
  tick(now) {
    for (const file of this.files.values()) this.pass(file, now);
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
      chain.startClocks(incident, "opened", now);
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
      category: "城乡建设/供水",
      proposed: propose(["water", "区水务局", 0.62, 4], ["fuqin", "抚琴街道办", 0.22, 2]),
      related: [{ id: "category:生态环境:epb", kind: "category", name: "生态环境 · 区生态环境局" }],
    });
    this.note(file, now, "wanglou", "opened", file.incident.why);
    this.page(file, "opened", now);
  }

  page(file, reason, now) {
    if (this.quiet?.hush(file, reason, now)) return;
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

  /** Lets time take effect on its clocks. */
  pass(file, now) {
    for (const [action, text] of chain.pass(file.incident, now)) this.note(file, now, "wanglou", action, text);
  }

  note(file, now, who, action, text) {
    const event = { seq: file.history.length + 1, at: iso(now), who, action, text };
    file.history.push(event);
    // The version rises with what people decide upon; figures and deliveries leave it alone.
    if (!SILENT.includes(action)) {
      file.incident.version += 1;
      file.incident.updated_at = iso(now);
    }
    this.publish("incident", { v: 1, event, incident: file.incident });
  }

  /** A unit's people see what their unit has, or what it assists. */
  maySee(incident, { name, role }) {
    const unit = UNITS[name];
    return role !== "unit" || incident.unit === unit || (incident.assisting ?? []).includes(unit);
  }

  list(state, session) {
    return [...this.files.values()]
      .map(({ incident }) => incident)
      .filter((incident) => state === "all" || (state === "closed") === (incident.state === "closed"))
      .filter((incident) => !session || this.maySee(incident, session))
      .sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  file(id, session) {
    const file = this.files.get(id);
    if (!file || (session && !this.maySee(file.incident, session)))
      throw new Problem(404, "not_found", "没有这个事件 / there is no such incident");
    return file;
  }

  do(file, name, who, body, now) {
    const event = chain.act(file.incident, name, who, body, now);
    if (event) this.note(file, now, who, event.action, event.text);
    return event;
  }

  /** What somebody does; the file that it leads to. */
  act(id, name, session, body) {
    const file = this.file(id, session);
    const now = Date.now();
    if (name === "merge") return this.merge(file, session.name, body, now);
    if (name === "split") return this.split(file, session.name, body, now);
    const does = name === "note" && session.role === "unit" ? "report" : name;
    const event = this.do(file, does, session.name, body, now);
    this.quiet?.noteResult(file, event, now);
    if (event?.action === "assigned") this.page(file, "assigned", now);
    if (event?.action === "answered" && session.role === "unit") this.page(file, "answered", now);
    return file;
  }

  merge(from, who, body, now) {
    if (!body.into?.trim()) throw new Problem(400, "missing", "缺少 into / into is required");
    const into = this.file(body.into);
    const told = chain.merge(from.incident, into.incident, body, now);
    this.note(into, now, who, "merged", told.to);
    this.note(from, now, who, "merged", told.of);
    return into;
  }

  split(file, who, body, now) {
    const id = this.nextId(now);
    const incident = chain.split(file.incident, body, id, who, now);
    const fresh = { incident, history: [], deliveries: [] };
    this.files.set(id, fresh);
    this.note(fresh, now, who, "split", `由 ${file.incident.id} 拆出: ${body.text}`);
    this.note(file, now, who, "split", `拆出 ${id}: ${body.text}`);
    return fresh;
  }
}
