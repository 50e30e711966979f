/** A small town that lives by the clock: topics with a daily course, a water main that breaks, one incident that grows. */

import { found, NOUNS, PHRASES, STREETS, SUBJECTS, watched } from "./topics.mjs";
import { forecast, rarity } from "./trend.mjs";

const MINUTE = 60_000;
const WINDOWS = [60, 300, 900, 3_600, 86_400];
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
    this.topics = watched(now);
    this.found = found(now);
    this.all = { ref: { id: "all", kind: "all", name: "全部" }, query: null, perMinute: 21, negative: 0.31 };
    this.totals = new Map();
    this.minutes = new Map();
  }

  topic(id) {
    return id === "all" ? this.all : [...this.topics, ...this.found].find(({ ref }) => ref.id === id);
  }

  expected(topic, at) {
    if (topic.born && at < topic.born) return 0;
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
    const { at: begun, height, holds, fades } = topic.bump;
    const since = (at - begun) / MINUTE;
    return since < 0 ? 0 : height * Math.min(1, since / 5) * Math.exp(-Math.max(0, since - holds) / fades);
  }

  /** From when to when a topic rises, in milliseconds; nothing for one that never does. */
  rise(topic) {
    if (topic.ref.id === "water") return { from: this.breaksAt, to: this.breaksAt + 40 * MINUTE };
    if (!topic.bump) return null;
    const { at, holds, fades } = topic.bump;
    return { from: at, to: at + (holds + fades * 2) * MINUTE };
  }

  /** The posts of a minute; of one that goes on, those that are there by now. */
  minute(topic, begin, now) {
    const over = begin + MINUTE <= now;
    const key = `${topic.ref.id}|${begin}`;
    const known = over ? this.minutes.get(key) : undefined;
    if (known !== undefined) return known;
    const part = Math.max(0, Math.min(1, (now - begin) / MINUTE));
    let count = draw(this.expected(topic, begin) + 0.001, topic.ref.id, begin) * part;
    for (let second = 0; second < 60 * part; second += 5) count += this.extra(topic, begin + second * 1000) / 12;
    count = Math.round(count);
    if (over) this.minutes.set(key, count);
    return count;
  }

  /** What a window held that ended at a moment. */
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
    const negative = Math.round(count * topic.negative);
    const copies = Math.round(count * (topic.copies ?? 0.06));
    const seldom = rarity(count, expected, surprise, seconds);
    return { seconds, count, negative, copies, expected, upper, surprise, once_in_days: seldom };
  }

  pulse(topic, now) {
    const windows = WINDOWS.map((seconds) => this.window(topic, seconds, now));
    const five = windows[1];
    const key = topic.ref.id;
    const total = Math.max((this.totals.get(key) ?? 4000 * topic.perMinute) + (windows[0].count * 2) / 60, 0);
    this.totals.set(key, total);
    const over = five.count > five.upper;
    const growing = windows[0].count * 5 > five.count * 1.02;
    const { from, to } = this.rise(topic) ?? {};
    const hot = from < now && now < to && (over || five.count > five.expected * 1.6);
    return {
      v: 1,
      topic: topic.ref,
      at: iso(now),
      phase: hot ? (over ? (growing ? "rising" : "peak") : "decaying") : "quiet",
      ...(hot && {
        spike: {
          id: `${key}-1-7`,
          since: iso(from),
          count: five.count,
          peak: five.count,
          why: `5 分钟 ${five.count} 条, 预期 ${five.expected.toFixed(1)} 条, 平时两年不遇`,
          late: false,
        },
      }),
      windows,
      total: Math.floor(total),
      negative_share: five.count ? five.negative / five.count : 0,
      reach: Math.round(five.count * 3.7),
      lag_seconds: 4.2,
      forecast: forecast(this, topic, now),
      samples: key === "all" ? [] : this.posts(key, now, 4).map((post) => this.sample(post)),
      through: [{ partition: 1, offset: Math.floor(total) }],
    };
  }

  curve(topic, minutes, now) {
    const step = minutes > 1_440 ? 300 : 60;
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
    const texts = SUBJECTS[id] ?? SUBJECTS.property;
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
        title: kind === "post" ? `${street}${NOUNS[id] ?? ""}了, 有人管吗` : null,
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
        keyphrases: PHRASES[id] ?? [],
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
