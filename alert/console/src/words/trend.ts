/**
 * What trend says in Chinese sentences, in the language that is set. Each sentence comes with the figures that it was made of; for
 * another language it is made of them anew. Reasons of a rise come as words alone, and are shown as they are.
 */
import type { Heat, HeatPart, WhyQuiet, WindowSeen } from "../api/types";
import { percent, rough, whole } from "../lib/number";
import { speaking } from "../lib/why";
import { language } from "../state/prefs";
import { lasting, t } from "./index";

/** `5 分钟`, `1 天`: the length of a window. */
export function windowName(seconds: number): string {
  if (seconds % 86_400 === 0) return t("span.day", { n: seconds / 86_400 });
  return lasting(seconds * 1_000);
}

/** What a part of the heat was given for. */
export function partWhy(part: HeatPart, heat: Heat): string {
  if (language.value === "zh") return part.why;
  const said: Record<string, string> = {
    volume: `${whole(heat.count)} posts, ${rough(heat.expected)} expected`,
    growth: `the second half has ${rough(heat.growth)} times the posts of the first`,
    negative: `${whole(heat.negative)} negative posts, ${percent(heat.negative_share)}`,
    reach: `${whole(heat.reach)} likes, replies and reposts`,
    sources: `from ${heat.sources.length} ${heat.sources.length === 1 ? "source" : "sources"}`,
  };
  return said[part.part] ?? part.why;
}

/** The answer to "why was I not paged?" in one sentence. */
export function answerOf(why: WhyQuiet): string {
  if (language.value === "zh") return why.answer;
  const best = speaking(why);
  switch (why.outcome) {
    case "told":
      return `Paged: ${why.rise?.why ?? ""}`;
    case "rise_of_before":
      return `Part of a rise that was paged before: ${why.rise?.why ?? ""}`;
    case "forgotten":
      return "The counts of that time are no longer kept (8 weeks)";
    case "no_posts":
      return "No post on this topic had come in";
    case "no_history":
      return `Less than a day of history: ${whole(why.min_count)} posts in 5 minutes page, and there were fewer`;
    case "too_few":
      return "Too few posts: no window holds as many as any rise has";
    case "too_small":
      return `${figures(best)}: less than a quarter above what is expected, which is no rise`;
    case "no_surprise":
      return `${figures(best)}: usual variation, ${whole(best?.line ?? 0)} would have paged`;
    case "within_allowance":
      return `${figures(best)}: chance brings as much; by the allowance of false pages ${whole(best?.line ?? 0)} would have paged`;
    case "rise":
      return `${figures(best)}: by what is known now it was enough; then the posts were not all in, or the expectation was another`;
  }
}

function figures(seen: WindowSeen | null): string {
  if (seen === null) return "";
  const length = windowName(seen.seconds);
  return `${whole(seen.count)} posts in ${length}, ${rough(seen.expected)} expected`;
}
