/** A small town that lives by the clock: topics with a daily course, a water main that breaks, one incident that grows. */

const MINUTE = 60_000;
const STREETS = ["抚琴", "西安路", "茶店子", "驷马桥", "金泉", "沙河源", "营门口", "荷花池"];
const SUBJECTS = {
  water: [
    "{s}街道又停水了, 从凌晨两点到现在一滴水都没有, 物业电话打不通, 家里有老人和小孩, 请问什么时候能恢复?",
    "有人知道{s}这边为什么停水吗? 水压从昨晚就很低, 现在彻底断水了",
    "停水也不提前通知, {s}整条街的早餐店都没法开门",
    "路口冒水, 水管好像爆了, {s}往西的车道已经淹了, 大家绕行",
    "刚刚打了热线, 说抢修队已经到{s}现场, 预计停水到中午",
  ],
  traffic: ["{s}早高峰又堵死了, 红绿灯配时能不能调一下", "{s}路口施工围挡占了一半车道, 没有人指挥"],
  noise: ["{s}工地半夜还在施工, 噪音扰民, 投诉三次没有用", "{s}广场舞音响到十点半还不停"],
  school: ["{s}小学门口接送时段太乱了, 电动车逆行", "{s}的学区划分公告什么时候出?"],
  property: ["{s}小区物业费涨了, 电梯还是天天坏", "{s}小区门禁坏了一个月没人修"],
};

/** Evenly spread between 0 and 1, the same for the same words. */
export function chance(...words) {
  let hash = 2166136261;
  for (const character of words.join("|")) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822519);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 2 ** 32;
}

/** A draw from the Poisson distribution, the same for the same words. */
function draw(mean, ...words) {
  let left = chance(...words);
  let term = Math.exp(-mean);
  let count = 0;
  while (left > term && count < 500) {
    left -= term;
    count += 1;
    term *= mean / count;
  }
  return count;
}

/** How a source's time was covered: a grid by the quarter of an hour, the days, and what they come to. */
function proof(now, grid, days, more = {}) {
  const QUARTER = 15 * MINUTE;
  const seconds = (cells, each) => {
    const count = (letter) => [...cells].filter((cell) => cell === letter).length * each;
    return { covered: count("c"), late: count("l"), gap: count("g"), failing: count("f"), unwatched: count("u") };
  };
  return {
    day: seconds(grid, 900),
    month: seconds(days, 86_400),
    grid,
    grid_from: iso(Math.floor(now / QUARTER) * QUARTER - 95 * QUARTER),
    days,
    lag_24h: { p50: 30, p99: 480, posts: 1_204 },
    lag_30d: { p50: 30, p99: 900, posts: 38_112 },
    open_gaps: [],
    clock_offset_ms: 400,
    ...more,
  };
}

/** A row of one letter, with others from a place on. */
function cells(length, letter, ...others) {
  const row = Array(length).fill(letter);
  for (const [from, to, other] of others) row.fill(other, from, to);
  return row.join("");
}

export const iso = (at) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

export class Town {
  constructor(now, { delay = 6_000 } = {}) {
    this.breaksAt = now + delay;
    this.topics = [
      {
        ref: { id: "water", kind: "watch", name: "停水" },
        query: "停水 OR 断水 OR (水压 AND 低)",
        perMinute: 0.3,
        negative: 0.82,
      },
      {
        ref: { id: "traffic", kind: "watch", name: "交通拥堵" },
        query: "堵 OR 红绿灯",
        perMinute: 1.4,
        negative: 0.5,
        bump: now - 22 * MINUTE,
      },
      { ref: { id: "noise", kind: "watch", name: "噪音扰民" }, query: "噪音 OR 扰民", perMinute: 0.8, negative: 0.7 },
      { ref: { id: "school", kind: "watch", name: "学校周边" }, query: "学区 OR 接送", perMinute: 0.5, negative: 0.3 },
      {
        ref: { id: "property", kind: "watch", name: "物业服务" },
        query: "物业 OR 门禁",
        perMinute: 0.7,
        negative: 0.6,
      },
    ];
    this.all = { ref: { id: "all", kind: "all", name: "全部" }, query: null, perMinute: 21, negative: 0.31 };
    this.totals = new Map();
  }

  topic(id) {
    return id === "all" ? this.all : this.topics.find(({ ref }) => ref.id === id);
  }

  expected(topic, at) {
    const hour = ((at / 3_600_000 + 8) % 24) - 4;
    return topic.perMinute * (1 + 0.35 * Math.sin((hour / 24) * 2 * Math.PI));
  }

  /** What comes in beyond the usual, per minute. */
  extra(topic, at) {
    if (topic.ref.id === "all") return this.topics.reduce((sum, each) => sum + this.extra(each, at), 0);
    if (topic.ref.id === "water") {
      const since = (at - this.breaksAt) / 1000;
      return since < 0 ? 0 : 46 * Math.min(1, since / 40) * Math.exp(-Math.max(0, since - 400) / 900);
    }
    if (!topic.bump) return 0;
    const since = (at - topic.bump) / MINUTE;
    return since < 0 ? 0 : 5.5 * Math.min(1, since / 5) * Math.exp(-Math.max(0, since - 9) / 12);
  }

  /** The posts of a minute; of one that goes on, those that are there by now. */
  minute(topic, begin, now) {
    const part = Math.max(0, Math.min(1, (now - begin) / MINUTE));
    let count = draw(this.expected(topic, begin) + 0.001, topic.ref.id, begin) * part;
    for (let second = 0; second < 60 * part; second += 5) count += this.extra(topic, begin + second * 1000) / 12;
    return Math.round(count);
  }

  window(topic, seconds, now) {
    let count = 0;
    let expected = 0;
    for (let at = now - seconds * 1000; at < now; at += MINUTE) {
      const begin = Math.floor(at / MINUTE) * MINUTE;
      const share = 1 - (at - begin) / MINUTE;
      count += this.minute(topic, begin, now) * share + this.minute(topic, begin + MINUTE, now) * (1 - share);
      expected += this.expected(topic, at);
    }
    count = Math.round(count);
    const upper = expected + 3 * Math.sqrt(expected) + 2;
    const surprise = count > expected ? ((count - expected) ** 2 / (count + expected + 1)) * 0.9 : 0.2;
    return { seconds, count, negative: Math.round(count * topic.negative), expected, upper, surprise };
  }

  pulse(topic, now) {
    const windows = [this.window(topic, 60, now), this.window(topic, 300, now)];
    const five = windows[1];
    const key = topic.ref.id;
    const total = Math.max((this.totals.get(key) ?? 4000 * topic.perMinute) + (windows[0].count * 2) / 60, 0);
    this.totals.set(key, total);
    const over = five.count > five.upper;
    const growing = windows[0].count * 5 > five.count * 1.02;
    const begun = key === "water" ? this.breaksAt : topic.bump;
    const hot = key !== "all" && begun !== undefined && now > begun && (over || five.count > five.expected * 1.6);
    return {
      v: 1,
      topic: topic.ref,
      at: iso(now),
      phase: hot ? (over ? (growing ? "rising" : "peak") : "decaying") : "quiet",
      ...(hot && {
        spike: {
          id: `${key}-1-7`,
          since: iso(begun),
          count: five.count,
          peak: five.count,
          why: `5 分钟 ${five.count} 条, 预期 ${five.expected.toFixed(1)} 条`,
          late: false,
        },
      }),
      windows,
      total: Math.floor(total),
      negative_share: five.count ? five.negative / five.count : 0,
      reach: Math.round(five.count * 3.7),
      lag_seconds: 4.2,
      samples: key === "all" ? [] : this.posts(key, now, 4).map((post) => this.sample(post)),
      through: [{ partition: 1, offset: Math.floor(total) }],
    };
  }

  curve(topic, minutes, now) {
    const step = minutes > 600 ? 3600 : minutes > 180 ? 300 : 60;
    const series = [];
    const last = Math.floor(now / (step * 1000)) * step * 1000;
    for (let at = last - (Math.ceil((minutes * 60) / step) - 1) * step * 1000; at <= last; at += step * 1000) {
      let count = 0;
      let expected = 0;
      for (let minute = at; minute < at + step * 1000; minute += MINUTE) {
        count += this.minute(topic, minute, now);
        expected += this.expected(topic, minute);
      }
      series.push({
        at: iso(at),
        count,
        negative: Math.round(count * topic.negative),
        expected,
        upper: expected + 3 * Math.sqrt(expected) + 1,
      });
    }
    const pulse = this.pulse(topic, now);
    return { topic: topic.ref, pulse, total: pulse.total, step_seconds: step, series };
  }

  /** The latest posts on a topic, the youngest first. */
  posts(id, now, limit, skip = 0) {
    const texts = SUBJECTS[id];
    return Array.from({ length: limit }, (_, index) => {
      const n = index + skip;
      const at = now - 7_000 - n * 41_000 - Math.floor(chance(id, n) * 20_000);
      const street = STREETS[Math.floor(chance(id, n, "street") * STREETS.length)];
      const kind = n % 3 === 1 ? "comment" : "post";
      const source = n % 4 === 3 ? "feed" : "forum";
      let text = texts[n % texts.length].replaceAll("{s}", street);
      // What the web sends, too: markup, an endless word, a text of some length.
      if (n === 2) text += ' <img src=x onerror="alert(1)"> <b>急!</b>';
      if (n === 4) text = "转: ".padEnd(90, "啊") + `${"x".repeat(160)} ` + text.repeat(6);
      const negative = Math.min(0.97, 0.55 + chance(id, n, "mood") * 0.4);
      const label = n % 5 === 4 ? "neutral" : "negative";
      return {
        id: `${source}:t${8000 - n}`,
        source,
        native_id: `t${8000 - n}`,
        kind,
        url: n % 7 === 6 ? "javascript:alert(1)" : `https://forum.example/t/${8000 - n}`,
        title:
          kind === "post"
            ? `${street}${{ water: "停水", traffic: "堵车", noise: "噪音", school: "接送", property: "物业" }[id]}了, 有人管吗`
            : null,
        text,
        published_at: iso(at),
        date_clamped: n === 9,
        fetched_at: iso(at + 6_000),
        thread_id: `t${8000 - n}`,
        parent_id: null,
        likes: Math.floor(chance(id, n, "likes") * 60),
        replies: Math.floor(chance(id, n, "replies") * 25),
        reposts: Math.floor(chance(id, n, "reposts") * 9),
        sentiment:
          label === "negative"
            ? { label, negative, neutral: 1 - negative, positive: 0 }
            : { label, negative: 0.2, neutral: 0.7, positive: 0.1 },
        keyphrases: {
          water: ["停水", "抢修", "物业电话"],
          traffic: ["早高峰", "红绿灯"],
          noise: ["施工", "扰民"],
          school: ["接送"],
          property: ["物业费", "电梯"],
        }[id],
        topics: [id],
        official: n === 2 ? "水务局" : null,
        gone_at: n === 3 ? iso(at + 3_600_000) : null,
        place: n % 2 === 0 ? `${street}街道` : null,
      };
    });
  }

  sample(post) {
    const excerpt = `${post.title ? `${post.title}: ` : ""}${post.text}`.slice(0, 120);
    return {
      id: post.id,
      source: post.source,
      url: post.url,
      excerpt,
      published_at: post.published_at,
      sentiment: post.sentiment.label,
      reach: post.likes + post.replies + post.reposts,
    };
  }

  /** Everything that is known of a source. */
  detail(id, now) {
    const source = this.sources(now).find((source) => source.id === id);
    const record = source?.proof;
    if (!record) return undefined;
    const day = (letter, at) => ({
      date: iso(now - (29 - at) * 86_400_000).slice(0, 10),
      ...{ covered: 0, late: 0, gap: 0, failing: 0, unwatched: 0 },
      [{ c: "covered", l: "late", g: "gap", f: "failing", u: "unwatched" }[letter]]: 86_400,
    });
    const closed = {
      from: iso(now - 12.5 * 3_600_000),
      to: iso(now - 11.6 * 3_600_000),
      closed_at: iso(now - 11 * 3_600_000),
      proof: "第 9 页翻到了已见过的帖子 https://bbs2.example/t/88121",
    };
    const past = {
      kind: "failing",
      since: iso(now - 30 * 3_600_000),
      until: iso(now - 29 * 3_600_000),
      reason: "HTTP 502",
    };
    return {
      days: [...record.days].map(day),
      closed_gaps: record.open_gaps.length > 0 ? [closed] : [],
      past_findings: source.finding ? [past] : [],
    };
  }

  sourceAlerts(now) {
    return this.sources(now)
      .filter(({ finding }) => finding)
      .map(({ id, name, finding }) => ({
        id: `${finding.kind}-${id}`,
        group: `${finding.kind}-${id}`,
        kind: finding.kind,
        source: id,
        name,
        since: finding.since,
        alerted_at: finding.since,
        resolved_at: null,
        reason: finding.reason,
      }));
  }

  sources(now) {
    const source = (id, name, kind, state, ago, posts, more = {}) => ({
      id,
      name,
      kind,
      state,
      last_visit_at: ago === null ? null : iso(now - ago),
      last_success_at: ago === null ? null : iso(now - ago),
      last_new_at: ago === null ? null : iso(now - ago - 3_000),
      next_visit_at: iso(now + 15_000),
      posts_24h: posts,
      visits_24h: 2880,
      failed_24h: 0,
      reason: null,
      finding: null,
      proof: proof(now, cells(96, "c"), cells(30, "c")),
      ...more,
    });
    const pace = (seconds) => now % (seconds * 1000);
    return [
      source("forum", "金牛论坛", "html", "ok", pace(15), 18_342),
      source("feed", "区政务服务网留言", "rss", "ok", pace(40), 2_210),
      source("hotline", "12345 热线导入", "push", "ok", pace(60), 3_907, {
        last_visit_at: null,
        next_visit_at: null,
        visits_24h: 0,
        proof: null,
      }),
      source("weekly", "社区周报", "rss", "late", 2_520_000, 96, {
        reason: "已 42 分钟没有成功访问, 平时每 10 分钟一次 / no successful visit for 42 minutes",
        next_visit_at: iso(now - 1_900_000),
        proof: proof(now, cells(96, "c", [40, 44, "l"], [93, 96, "l"]), cells(30, "c", [0, 11, "u"], [20, 21, "l"])),
      }),
      source("bbs2", "锦城生活圈", "html", "failing", 95_000, 640, {
        failed_24h: 131,
        reason: "列表页返回 503 (连续 9 次), 请检查对方站点 / the list page answers 503",
        finding: {
          kind: "failing",
          since: iso(now - 95 * MINUTE),
          until: null,
          reason: "列表页返回 503 (连续 9 次), 请检查对方站点 / the list page answers 503",
        },
        proof: proof(
          now,
          cells(96, "c", [50, 52, "g"], [52, 56, "l"], [90, 96, "f"]),
          cells(30, "c", [12, 14, "f"], [25, 26, "g"], [29, 30, "f"]),
          {
            lag_24h: { p50: 60, p99: 3_600, posts: 318 },
            open_gaps: [
              {
                from: iso(now - 11.4 * 3_600_000),
                to: iso(now - 11 * 3_600_000),
                reason: "列表翻到第 5 页仍全是新帖, 之后的页已被站方撤下",
              },
            ],
          },
        ),
      }),
      source("tieba", "茶店子吧", "html", "failing", 35_000, 411, {
        failed_24h: 88,
        finding: {
          kind: "layout",
          since: iso(now - 26 * MINUTE),
          until: null,
          reason: "list.item 与 list.link 在 https://tieba.example/f 上什么也没匹配到: 版面可能已改, 请核对选择器",
        },
        proof: proof(now, cells(96, "c", [94, 96, "f"]), cells(30, "c", [29, 30, "f"])),
      }),
      source("village", "街道之声", "html", "ok", pace(30), 0, {
        last_new_at: iso(now - 9 * 3_600_000),
        finding: { kind: "silent", since: iso(now - 9 * 3_600_000), until: null, reason: "" },
        proof: proof(now, cells(96, "c"), cells(30, "c", [3, 4, "l"]), { lag_24h: null }),
      }),
      source("weixin", "锦城公众号", "rss", "waiting", null, 0, {
        visits_24h: 0,
        proof: proof(now, cells(96, "u"), cells(30, "u"), { lag_24h: null, lag_30d: null }),
      }),
    ];
  }
}
