/** The archive of the mock: some weeks of posts with comments and copies, searched, counted, corrected and taken away as the real one does. */
import { Problem } from "./desk.mjs";
import { matches, parse, terms } from "./query.mjs";
import { chance, iso } from "./town.mjs";

const HOUR = 3_600_000;
const CLASSES = {
  water: ["城乡建设", "公用事业", "供水", "区水务局"],
  traffic: ["交通运输", "道路交通", null, "交警五分局"],
  noise: ["生态环境", "噪声污染", null, "区生态环境局"],
  school: ["教育文体", null, null, "区教育局"],
  property: ["城乡建设", "住房保障与房地产", "物业服务", "区住建交通局"],
};
const SOURCES = ["forum", "feed", "tieba", "bbs2"];
const ANSWERS = [
  "同问, 我们这边也是停水, 从早上到现在",
  "打了 12345, 说两小时内回复",
  "楼上的, 有结果告诉一声",
  "<script>alert(1)</script> 顶一下",
  "刚看到抢修车过去了",
  "您好, 已转抢修队, 预计十二时恢复供水",
];
const LEVELS = ["category", "category2", "category3"];

export class Archive {
  constructor(town, now) {
    this.town = town;
    this.posts = town.topics.flatMap(({ ref }) => this.history(ref.id, now));
    this.posts.sort((a, b) => (a.published_at < b.published_at ? 1 : -1));
    this.corrections = new Map();
    this.searches = [];
    this.words = new Map([["抚琴台", { word: "抚琴台", from: "file" }]]);
    this.watch = new Map();
    this.count = 0;
    this.seed(now);
  }

  seed(now) {
    const at = iso(now - 30 * HOUR);
    const keep = (owner, name, query, shared) =>
      this.searches.push({ id: `s${++this.count}`, owner, name, query, shared, created_at: at, changed_at: at });
    keep("赵倩", "抚琴供水", new URLSearchParams({ q: "停水 或 断水", place: "抚琴街道" }).toString(), true);
    keep("王敏", "夜间噪音", new URLSearchParams({ q: "噪音 -广场舞", sort: "heat" }).toString(), false);
    this.watch.set("w1", { id: "w1", name: "充电桩", query: "充电桩 (跳闸 或 起火)", from: "people", by: "赵倩", at });
    this.words.set("锦水湾", { word: "锦水湾", from: "people", by: "赵倩", at });
  }

  /** The posts on a topic: the newest lie close together, as they do while something rises. */
  history(id, now) {
    const posts = this.town.posts(id, now, 240).map((post, n) => ({
      ...post,
      published_at: iso(now - 7_000 - n ** 1.75 * 41_000),
      fetched_at: iso(now - 1_000 - n ** 1.75 * 41_000),
      id: `${SOURCES[n % 4]}:${id}${n}`,
      native_id: `${id}${n}`,
      source: SOURCES[n % 4],
      thread_id: null,
      kind: "post",
      title: post.title ?? (n % 2 ? `${id === "water" ? "停水" : "求助"}: 谁来管管` : null),
      ...this.understood(id, n, post),
    }));
    const asked = posts.filter((_, n) => n % 5 === 4);
    const answers = asked.flatMap((post, n) => this.answers(post, n === 3 ? 260 : (n % 5) * 2, now));
    return [...posts, ...answers];
  }

  understood(id, n, post) {
    const [level1, level2, level3, unit] = CLASSES[id];
    const street = post.place ?? `${["抚琴", "西安路", "金泉"][n % 3]}街道`;
    const unsure = n % 6 === 5;
    return {
      tones:
        n % 4 === 0
          ? [
              { tone: "complaint", probability: 0.81 },
              { tone: "anger", probability: 0.62 },
            ]
          : [],
      category: n % 9 === 8 ? null : { level1, level2, level3, confidence: 0.6 + chance(id, n, "class") * 0.39 },
      places: [
        ...(n % 3 === 0 ? [{ name: "中心花园", kind: "estate", candidates: ["抚琴街道办", "驷马桥街道办"] }] : []),
        ...(n % 4 === 1 ? [] : [{ name: street, kind: "street", unit: `${street}办` }]),
      ],
      elsewhere: n % 17 === 16 ? "成都市武侯区" : null,
      unit: {
        id: unit,
        name: unit,
        confidence: unsure ? 0.41 : 0.7 + chance(id, n, "unit") * 0.29,
        candidates: unsure ? [`${street}办`, "区综合执法局"] : [],
      },
      corrected: null,
      reply: n % 23 === 7 ? { text: "您好, 已核实, 抢修预计 12 时完成.", by: "区水务局" } : null,
      addressed_to: null,
    };
  }

  answers(post, many, now) {
    // All of them between the post and now, whenever it was.
    const begin = Date.parse(post.published_at);
    const step = Math.min(190_000, (now - begin) / (many + 1));
    return Array.from({ length: many }, (_, n) => ({
      ...post,
      id: `${post.id}-${n}`,
      native_id: `${post.native_id}-${n}`,
      kind: "comment",
      title: null,
      text: ANSWERS[n % ANSWERS.length],
      url: post.url,
      published_at: iso(begin + (n + 1) * step),
      thread_id: post.native_id,
      parent_id: n % 4 === 2 ? `${post.native_id}-${n - 1}` : post.native_id,
      likes: n % 7,
      replies: 0,
      reposts: 0,
      official: n % 6 === 5 ? "区水务局" : null,
      gone_at: null,
      sentiment: { label: "neutral", negative: 0.2, neutral: 0.7, positive: 0.1 },
      category: null,
      places: [],
      unit: null,
      elsewhere: null,
      tones: [],
      topics: ANSWERS[n % ANSWERS.length].includes("停水") ? ["water"] : [],
      keyphrases: [],
      reply: null,
    }));
  }

  values(post, field) {
    const { category, places, place, unit } = post;
    if (LEVELS.includes(field)) return [category?.[`level${LEVELS.indexOf(field) + 1}`]].filter(Boolean);
    if (field === "place") return [...new Set([place, ...places.map(({ name }) => name)].filter(Boolean))];
    if (field === "unit") return unit ? [unit.name] : [];
    if (field === "topic") return post.topics;
    return [field === "sentiment" ? post.sentiment.label : post[field]];
  }

  has = (post, field, value) => {
    if (field === "time" || field === "likes") return true;
    if (field === "official" || field === "gone")
      return String(Boolean(post[{ official: "official", gone: "gone_at" }[field]])) === value;
    if (field === "category") return LEVELS.some((level) => this.values(post, level).includes(value));
    if (field === "source") {
      const named = this.town.sources(Date.now()).find(({ id, name }) => id === value || name === value);
      return post.source === (named?.id ?? value);
    }
    return this.values(post, field).includes(value);
  };

  text(post) {
    return `${post.title ?? ""}\n${post.text}`;
  }

  marked(post, words) {
    const ranges = (text) =>
      words
        .flatMap((word) =>
          [...(text ?? "").matchAll(new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "g"))].map((m) => [
            m.index,
            m.index + word.length,
          ]),
        )
        .sort((a, b) => a[0] - b[0]);
    return { ...post, highlights: { title: ranges(post.title), text: ranges(post.text) } };
  }

  find(query) {
    const tree = parse(query.get("q") ?? "");
    const filters = ["source", "kind", "sentiment", "topic", "category", "place", "unit", "official", "gone"];
    const given = filters.filter((name) => query.get(name));
    const from = query.get("from") && Date.parse(query.get("from"));
    const to = query.get("to") && Date.parse(query.get("to"));
    const original = query.get("copies_of") && this.posts.find(({ id }) => id === query.get("copies_of"));
    const found = this.posts.filter(
      (post) =>
        matches(tree, post, this.has) &&
        given.every((name) => this.has(post, name, query.get(name))) &&
        (!from || Date.parse(post.published_at) >= from) &&
        (!to || Date.parse(post.published_at) < to) &&
        (!query.get("copies_of") || (original && this.text(original) === this.text(post))),
    );
    const heat = ({ likes, replies, reposts }) => likes + replies + reposts;
    const sort = query.get("sort") ?? "time";
    if (sort === "oldest") found.reverse();
    if (sort === "heat" || sort === "relevance") found.sort((a, b) => heat(b) - heat(a));
    return { found, words: terms(tree) };
  }

  search(query) {
    const { found, words } = this.find(query);
    let rows = found;
    const page = { total: found.length };
    if (query.get("collapse") === "true") {
      const texts = new Map();
      for (const post of [...found].sort((a, b) => (a.published_at < b.published_at ? -1 : 1))) {
        const first = texts.get(this.text(post));
        if (first) first.copies += 1;
        else texts.set(this.text(post), { ...post, copies: 1 });
      }
      const firsts = new Map([...texts.values()].map((post) => [post.id, post]));
      rows = found.flatMap(({ id }) => firsts.get(id) ?? []);
      page.texts = rows.length;
    }
    const begin = Number(query.get("cursor") || 0);
    const end = begin + Number(query.get("limit") ?? 20);
    page.hits = rows.slice(begin, end).map((post) => this.marked(post, words));
    page.next = end > begin && end < rows.length ? String(end) : null;
    const facets = (query.get("facets") ?? "").split(",").filter(Boolean);
    if (facets.length > 0)
      page.facets = Object.fromEntries(
        facets.map((name) => [name, this.facet(found, name).slice(0, Number(query.get("top") ?? 10))]),
      );
    if (query.get("histogram")) page.histogram = this.histogram(found, query.get("histogram"));
    return page;
  }

  facet(found, name) {
    const counts = new Map();
    for (const post of found)
      for (const value of this.values(post, name)) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  }

  /** Days of Shanghai, which never changes its clocks. */
  histogram(found, wanted) {
    const times = found.map((post) => Date.parse(post.published_at)).sort((a, b) => a - b);
    const length = { minute: 60_000, hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR };
    const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
    const scale =
      wanted === "auto" ? (Object.keys(length).find((name) => span / length[name] < 120) ?? "month") : wanted;
    if (span / length[scale] > 3000)
      throw new Problem(
        400,
        "too_many",
        "histogram: 时间跨度太大, 柱数超过 3000: 请缩小时间范围或用更粗的刻度 / more than 3000 bars: narrow the time or take a coarser scale",
      );
    const begin = (at) => {
      const local = new Date(at + 8 * HOUR);
      if (scale === "month") return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), 1) - 8 * HOUR;
      const base = scale === "week" ? Date.UTC(1970, 0, 5) : 0;
      return Math.floor((at + 8 * HOUR - base) / length[scale]) * length[scale] + base - 8 * HOUR;
    };
    const buckets = [];
    for (const at of times) {
      while (buckets.length > 0 && buckets.at(-1).at !== begin(at)) {
        const last = buckets.at(-1).at;
        buckets.push({ at: scale === "month" ? begin(last + 32 * 24 * HOUR) : last + length[scale], count: 0 });
      }
      if (buckets.length === 0) buckets.push({ at: begin(at), count: 0 });
      buckets.at(-1).count += 1;
    }
    return { scale, buckets: buckets.map(({ at, count }) => ({ from: iso(at), count })) };
  }

  thread(query) {
    const asked = this.posts.find(({ id }) => id === query.get("id"));
    if (!asked) throw new Problem(404, "not_found", "id: 库中没有这个帖子 / the archive does not hold this post");
    const words = terms(parse(query.get("q") ?? ""));
    const opening = this.posts.find(
      (post) => post.kind === "post" && post.native_id === (asked.thread_id ?? asked.native_id),
    );
    const answers = this.posts
      .filter((post) => post.thread_id === opening?.native_id)
      .sort((a, b) => (a.published_at < b.published_at ? -1 : 1));
    const begin = Number(query.get("cursor") || 0);
    return {
      post: opening ? this.marked(opening, words) : null,
      total: answers.length,
      hits: answers.slice(begin, begin + 200).map((post) => this.marked(post, words)),
      next: begin + 200 < answers.length ? String(begin + 200) : null,
    };
  }

  file(query) {
    const { found } = this.find(query);
    const cell = (text) => `"${String(text ?? "").replaceAll('"', '""')}"`;
    const row = (post) => [post.published_at, post.source, post.title, post.text].map(cell).join(",");
    if (query.get("format") === "jsonl") return found.map((post) => JSON.stringify(post)).join("\n");
    return `\ufeff发布时间,来源,标题,正文\n${found.map(row).join("\n")}`;
  }

  brief(query) {
    if (query.get("kind") === "matter" && !query.get("q"))
      throw new Problem(400, "bad_parameter", "q: 快报需要检索式 / a matter needs a query");
    const about = (query.get("q") ?? query.get("date") ?? "").replace(/[<>&]/g, "");
    return `<!doctype html><meta charset="utf-8"><title>快报</title><h1>快报</h1><p>${about}: ${this.find(query).found.length} 条</p>`;
  }

  choices() {
    const classes = Object.values(CLASSES).map((levels) => levels.slice(0, 3).filter(Boolean));
    return {
      categories: [...new Set(classes.flatMap((levels) => levels.map((_, n) => levels.slice(0, n + 1).join("/"))))],
      places: ["抚琴街道", "西安路街道", "茶店子街道", "金泉街道"].map((name) => ({
        name,
        kind: "street",
        unit: `${name}办`,
      })),
      units: [...new Set(Object.values(CLASSES).map((each) => each[3]))].map((name) => ({ id: name, name })),
    };
  }

  correct(body, by) {
    const post = this.posts.find(({ id }) => id === body.post);
    if (!post) throw new Problem(404, "not_found", "post: 库中没有这个帖子 / the archive does not hold this post");
    const { categories, places, units } = this.choices();
    if (body.category && !categories.includes(body.category))
      throw new Problem(
        400,
        "bad_category",
        `category: 没有 ${body.category} 这个类别, 请从列表中选 / there is no such class: choose from the list`,
      );
    const standing = { ...this.corrections.get(post.id)?.standing, ...body, by, at: iso(Date.now()) };
    if (body.places)
      standing.places = body.places.map((name) => places.find((each) => each.name === name) ?? { name, kind: "road" });
    if (body.unit)
      standing.unit = units.find(({ name, id }) => name === body.unit || id === body.unit) ?? {
        id: body.unit,
        name: body.unit,
      };
    const { sentiment, category, unit, elsewhere } = post;
    const judged = this.corrections.get(post.id)?.judged ?? {
      sentiment,
      category,
      places: post.places,
      unit,
      elsewhere,
    };
    this.corrections.set(post.id, { standing, judged });
    const fields = ["sentiment", "category", "places", "unit"].filter((field) => standing[field] !== undefined);
    const [level1, level2, level3] = standing.category?.split("/") ?? [];
    Object.assign(post, {
      ...(standing.sentiment && {
        sentiment: { label: standing.sentiment, negative: 0, neutral: 0, positive: 0, [standing.sentiment]: 1 },
      }),
      ...(standing.category !== undefined && { category: level1 ? { level1, level2, level3, confidence: 1 } : null }),
      ...(standing.places && { places: standing.places }),
      ...(standing.unit !== undefined && {
        unit: standing.unit && { ...standing.unit, confidence: 1, candidates: [] },
      }),
      corrected: { by, at: standing.at, fields, judged, note: standing.note ?? null },
    });
    return standing;
  }

  takeBack(id) {
    const known = this.corrections.get(id);
    if (!known) throw new Problem(404, "not_found", "没有这条更正 / there is no such correction");
    this.corrections.delete(id);
    Object.assign(
      this.posts.find((post) => post.id === id),
      known.judged,
      { corrected: null },
    );
  }

  topics() {
    const config = this.town.topics.map(({ ref, query }) => ({ id: ref.id, name: ref.name, query, from: "config" }));
    return [...config, ...this.watch.values()];
  }

  setTopic(id, { name, query }, by) {
    if (this.town.topic(id)) throw new Problem(409, "of_config", "请在配置文件中修改 / change it in the config file");
    if (id && !this.watch.has(id)) throw new Problem(404, "not_found", "没有这个话题 / no such topic");
    try {
      parse(query);
    } catch (error) {
      throw new Problem(400, "bad_query", error.message.replace(/^q/, "query"));
    }
    const time = [...query].join("").indexOf("时间:");
    if (time >= 0)
      throw new Problem(
        400,
        "bad_query",
        `query: at character ${[...query.slice(0, time)].length + 1}: 监测话题匹配的是新到的帖子, 不能限定时间 / leave the time out`,
      );
    if (this.topics().some((topic) => topic.name === name && topic.id !== id))
      throw new Problem(409, "name_taken", "已有同名的话题 / another topic bears this name");
    const topic = { id: id || `w${++this.count}`, name, query, from: "people", by, at: iso(Date.now()) };
    this.watch.set(topic.id, topic);
    return topic;
  }

  addWord(word, by) {
    if (!/^[\p{Script=Han}a-z0-9]{2,16}$/iu.test(word) || !/\p{Script=Han}/u.test(word))
      throw new Problem(
        400,
        "bad_word",
        "应为 2 至 16 个汉字、字母或数字, 至少一个汉字 / 2 to 16 characters, one of them Chinese",
      );
    const entry = { word, from: "people", by, at: iso(Date.now()) };
    this.words.set(word, entry);
    return entry;
  }
}
