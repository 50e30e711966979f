/** The words of the console in the language that is set. Chinese is the first; the others must have every key of it. */
import type {
  ActName,
  Delivery,
  JoinName,
  Kind,
  Label,
  Level,
  Phase,
  Role,
  SourceAlert,
  SourceState,
  State,
  TopicKind,
} from "../api/types";
import { ApiError } from "../api/client";
import { running, span } from "../lib/time";
import { rarity } from "../lib/why";
import { language } from "../state/prefs";
import { en } from "./en";
import { zh } from "./zh";

export type Word = keyof typeof zh;

const books: Record<"zh" | "en", Record<Word, string>> = { zh, en };

/** A word or sentence; `{name}` in it is replaced. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return books[language.value][word].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The word for a value that comes from outside; the value itself where there is none. */
function named(room: string, value: string): string {
  const word = `${room}.${value}`;
  return word in zh ? t(word as Word) : value;
}

export const levelName = (level: Level) => named("level", level);
export const stateName = (state: State) => named("state", state);
export const phaseName = (phase: Phase) => named("phase", phase);
export const kindName = (kind: Kind) => named("kind", kind);
export const sentimentName = (label: Label) => named("sentiment", label);
export const toneName = (tone: string) => named("tone", tone);
export const placeKindName = (kind: string) => named("place", kind);
export const alertName = (kind: SourceAlert["kind"]) => named("finding", kind);
export const sourceStateName = (state: SourceState["state"]) => named("source", state);
export const topicKindName = (kind: TopicKind) => named("topicKind", kind);
export const partName = (part: string) => named("part", part);
export const verdictName = (verdict: string) => named("verdict", verdict);
export const triggerName = (trigger: string) => named("trigger", trigger);
export const roleName = (role: Role) => named("role", role);
export const actionName = (action: string) => named("action", action);
export const actName = (act: ActName | JoinName) => named("act", act);
export const reasonName = (reason: string) => named("reason", reason);
export const becauseName = (code: string) => named("because", code);
export const deliveryName = (state: Delivery["state"]) => named("delivery", state);

/** `12 秒`, `3 分钟`. */
export function lasting(ms: number): string {
  const { value, unit } = span(ms);
  return t(`span.${unit}`, { n: value });
}

const HOUR = 3_600_000;

/** What is left or over of a deadline: `1 天 3 小时`, `5 小时 12 分`, and below an hour a running `12:33`. The sign is left out. */
export function remaining(ms: number): string {
  const length = Math.abs(ms);
  const hours = Math.floor(length / HOUR);
  if (hours >= 24) return t("span.dayHour", { d: Math.floor(hours / 24), h: hours % 24 });
  if (hours > 0) return t("span.hourMinute", { h: hours, m: Math.floor((length % HOUR) / 60_000) });
  // Rounded up while it runs: a clock that shows 00:00 has run out.
  return running(ms > 0 ? Math.ceil(length / 1000) * 1000 : length);
}

/** `12 秒前`. */
export const ago = (ms: number) => t("span.ago", { span: lasting(ms) });

/** `约 3 天一遇`: how often chance brings as much; nothing for what is not above the usual. */
export function once(days: number | null | undefined): string | null {
  const found = rarity(days);
  return found && t(`rarity.${found.unit}`, { n: found.value });
}

/** What went wrong, in words. The gateway's own words come first; it may say them as `中文 / English`. */
export function problem(error: unknown): string {
  if (!(error instanceof ApiError))
    return t("problem.unexpected", { what: error instanceof Error ? error.message : String(error) });
  if (error.code === "network") return t("problem.network");
  if (error.status === 429)
    return t("problem.slow", { what: ours(error.message) || t("problem.often"), wait: wait(error.retryAfter) });
  if (error.message) return ours(error.message);
  return t("problem.status", { status: error.status });
}

function wait(seconds: number | null): string {
  return seconds === null ? t("problem.later") : t("problem.after", { span: lasting(seconds * 1000) });
}

/** The half of a two-language message that is ours; all of it when it is not one. */
export function ours(message: string): string {
  const halves = message.split(" / ");
  const [first = "", second = ""] = halves;
  // A name in the English half may be Chinese; what makes it English is that it has English words in a row.
  const twoLanguages = halves.length === 2 && /\p{Script=Han}/u.test(first) && /[a-z]+ [a-z]+/i.test(second);
  if (!twoLanguages) return message;
  return language.value === "zh" ? first : second;
}
