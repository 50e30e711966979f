/** What trend makes of the mock's counts: the forecast, the heat with its reasons, and the answer to "why was I not paged?". */
import { chance, iso } from "./town.mjs";

const DAY = 86_400;
const CURVE = 7 * DAY;
const HISTORY = 56 * DAY;
const PERIODS = { "1h": 3_600, "24h": DAY, "7d": 7 * DAY };
const WINDOWS = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, DAY];
const RULE = { min_count: 15, surprise: 4, allowed_a_day: 0.0125 };
const FLOOR = 5;
const SOURCES = ["forum", "feed", "hotline", "bbs2", "tieba"];
/** The one that came the furthest speaks: the last. */
const VERDICTS = ["too_few", "too_small", "no_surprise", "within_allowance", "rise"];

const figure = (value) => (value < 0.05 ? "不到 0.1" : value < 10 ? value.toFixed(1) : value.toFixed(0));
const length = (seconds) =>
  seconds < 3_600 ? `${seconds / 60} 分钟` : seconds < DAY ? `${seconds / 3_600} 小时` : "1 天";
const rounded = (value) => Math.round(value * 1_000) / 1_000;
/** Without a day of it there is nothing to compare with. */
const hasHistory = (topic, at) => !topic.born || at - topic.born > DAY * 1_000;

/** How many days pass until chance brings so many; nothing for what is not above what is expected. */
export function rarity(count, expected, surprise, seconds) {
  return count > expected ? rounded((10 ** Math.min(surprise, 9) * seconds) / DAY / 3) : null;
}

/** What the next hour is expected to bring; nothing without a day of history. */
export function forecast(town, topic, now) {
  if (!hasHistory(topic, now)) return null;
  const quarter = town.window(topic, 900, now);
  const usual = town.expected(topic, now) * 60;
  const above = Math.max(0, quarter.count - quarter.expected) * 2.6;
  const deviation = Math.sqrt(usual + above + (above / 2) ** 2);
  return {
    seconds: 3_600,
    expected: rounded(usual + above),
    lower: rounded(Math.max(0, usual + above - 1.64 * deviation)),
    upper: rounded(usual + above + 1.64 * deviation),
  };
}

/** The hottest topics of a time first. */
export function hotList(town, period, most, now) {
  return [...town.topics, ...town.found]
    .flatMap((topic) => heat(town, topic, PERIODS[period], now) ?? [])
    .sort((a, b) => b.heat.score - a.heat.score)
    .slice(0, most);
}

function heat(town, topic, seconds, now) {
  const { count, negative, expected } = town.window(topic, seconds, now);
  if (count === 0) return null;
  const pulse = town.pulse(topic, now);
  const half = town.window(topic, seconds / 2, now).count;
  const growth = (half + 1) / (Math.max(0, count - half) + 1);
  const z = Math.max(0, (count - expected) / Math.max(0.5, Math.sqrt(expected + expected ** 2 / 40)));
  const reach = Math.round(count * (2 + 9 * chance(topic.ref.id, "reach")));
  const sources = sharesOf(topic);
  const part = (part, of, most, why) => ({ part, points: rounded(Math.min(1, Math.max(0, of)) * most), most, why });
  const parts = [
    ...(pulse.phase === "quiet" ? [] : [part("rising", 1, 100, pulse.spike.why)]),
    part("volume", z / (z + 6), 40, `${count} 条, 预期 ${figure(expected)} 条, 高出 ${z.toFixed(1)} 个标准差`),
    part("growth", Math.log2(growth) / 3, 20, `后半段是前半段的 ${growth.toFixed(1)} 倍`),
    part("negative", negative / (count + 3), 20, `负面 ${negative} 条, 占 ${Math.round((negative / count) * 100)}%`),
    part("reach", Math.log1p(reach) / Math.log(1e6), 15, `赞评转共 ${reach}`),
    part("sources", (sources.length - 1) / (sources.length + 2), 5, `来自 ${sources.length} 个来源`),
  ];
  return {
    topic: topic.ref,
    query: topic.query,
    pulse,
    heat: {
      score: rounded(parts.reduce((sum, { points }) => sum + points, 0)),
      seconds,
      count,
      expected: rounded(expected),
      negative,
      negative_share: rounded(negative / count),
      reach,
      growth: rounded(growth),
      sources,
      parts,
    },
  };
}

/** One to five sources, the largest first. */
function sharesOf({ ref }) {
  const many = 1 + Math.floor(chance(ref.id, "sources") * SOURCES.length);
  const weights = SOURCES.slice(0, many).map((source) => [source, 0.15 + chance(ref.id, source)]);
  const sum = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return weights
    .map(([source, weight]) => ({ source, share: rounded(weight / sum) }))
    .sort((a, b) => b.share - a.share);
}

/** Why nobody was paged at a moment. */
export function why(town, topic, moment, now) {
  const at = Math.floor(moment / 1_000) * 1_000;
  const age = (now - at) / 1_000;
  const history = hasHistory(topic, at);
  const kept = WINDOWS.filter((seconds) => age < CURVE - seconds || (seconds >= 3_600 && age < HISTORY));
  const windows = kept.map((seconds) => judged(town.window(topic, seconds, at), history));
  const rise = riseBefore(town, topic, at, now);
  const stands = rise && at <= Date.parse(rise.ended) + 300_000;
  let outcome = VERDICTS.findLast((verdict) => windows.some((seen) => seen.verdict === verdict)) ?? "no_history";
  if (stands) outcome = at >= Date.parse(rise.seen) && at <= Date.parse(rise.ended) ? "told" : "rise_of_before";
  else if (age >= HISTORY) outcome = "forgotten";
  else if (windows.every(({ count }) => count === 0)) outcome = "no_posts";
  return {
    topic: topic.ref,
    at: iso(at),
    outcome,
    answer: answer(outcome, windows, rise),
    windows,
    triggers: triggers(town, topic, at),
    rise,
    ...RULE,
  };
}

function judged({ seconds, count, copies, expected, surprise, once_in_days }, history) {
  const voices = count - copies;
  const often = once_in_days === null ? Infinity : 1 / once_in_days;
  const line = history ? lineOf(expected, seconds) : RULE.min_count;
  let verdict = "rise";
  if (!history) verdict = seconds === 300 && voices >= RULE.min_count ? "rise" : "no_history";
  else if (voices < FLOOR) verdict = "too_few";
  else if (voices < expected * 1.25) verdict = "too_small";
  else if (surprise < RULE.surprise) verdict = "no_surprise";
  else if (voices < line || often > RULE.allowed_a_day) verdict = "within_allowance";
  return { seconds, count, copies, judged: voices, expected, surprise, once_in_days, line, verdict };
}

/** The least count that is rare enough. */
function lineOf(expected, seconds) {
  let count = Math.max(FLOOR, Math.ceil(expected * 1.25));
  for (; count < 10_000; count += 1) {
    const surprise = ((count - expected) ** 2 / (count + expected + 1)) * 0.9;
    if (surprise >= RULE.surprise && rarity(count, expected, surprise, seconds) > 1 / RULE.allowed_a_day) break;
  }
  return count;
}

function riseBefore(town, topic, at, now) {
  const { from, to } = town.rise(topic) ?? {};
  if (!(from <= at) || from > now) return null;
  const seen = from + 55_000;
  const { count, expected } = town.window(topic, 300, Math.min(now, from + 300_000));
  return {
    id: `${topic.ref.id}-1-7`,
    from: iso(from),
    seen: iso(seen),
    ended: iso(Math.min(now, to)),
    count: town.window(topic, Math.round((Math.min(now, to) - from) / 1_000), Math.min(now, to)).count,
    why: `5 分钟 ${count} 条, 预期 ${figure(expected)} 条, 平时两年不遇`,
  };
}

function answer(outcome, windows, rise) {
  const of = windows.filter(({ verdict }) => verdict === outcome);
  const [best] = of.sort((a, b) => (b.once_in_days ?? 0) - (a.once_in_days ?? 0) || b.count - a.count);
  const seen = best && `${length(best.seconds)} ${best.count} 条, 预期 ${figure(best.expected)} 条`;
  return {
    told: `已告警: ${rise?.why}`,
    rise_of_before: `已并入此前的一次上升: ${rise?.why}`,
    forgotten: "那时的计数已超过保存期限 (8 周), 无从回答",
    no_posts: "那时没有收到该专题的帖子",
    no_history: `尚无一天的历史可比, 5 分钟满 ${RULE.min_count} 条才报; 当时不足`,
    too_few: `条数太少: 任何时段都不足 ${FLOOR} 条`,
    too_small: `${seen}: 高出不到四分之一, 不算上升`,
    no_surprise: `${seen}: 属正常波动, 满 ${best?.line} 条才报`,
    within_allowance: `${seen}: 偶然也会如此, 按允许的误报次数, 满 ${best?.line} 条才报`,
    rise: `${seen}: 按现在所知已够告警; 当时这些帖子尚未到齐, 或那时的预期不同`,
  }[outcome];
}

function triggers(town, topic, at) {
  return ["reach", "negative"].flatMap((trigger) =>
    [3_600, DAY].map((seconds) => {
      const { count, negative } = town.window(topic, seconds, at);
      const usual = trigger === "reach" ? topic.perMinute * (seconds / 60) * 3.2 : topic.negative;
      const value = trigger === "reach" ? Math.round(count * 3.7) : rounded(negative / Math.max(1, count));
      const seldom = value > usual * 1.02 ? rounded(0.2 + chance(topic.ref.id, trigger, seconds) * 6) : null;
      return { trigger, seconds, value, usual: rounded(usual), once_in_days: seldom, rises: false };
    }),
  );
}
