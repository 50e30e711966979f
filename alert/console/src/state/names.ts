/** What a topic, a source or a silence is called: by what the board knows of it, or else by its id. */
import type { Silence } from "../api/types";
import { levelName, t } from "../words";
import { board } from "./live";

export function topicName(id: string): string {
  const { topics, incidents } = board.value;
  return topics.get(id)?.name ?? [...incidents.values()].find(({ topic }) => topic.id === id)?.topic.name ?? id;
}

export const sourceName = (id: string): string => board.value.sources.get(id)?.name || id;

/** What a silence keeps back, in a few words. */
export function silencedName({ topic, source, below }: Pick<Silence, "topic" | "source" | "below">): string {
  if (topic) return topicName(topic);
  if (source) return sourceName(source);
  return below ? t("quiet.belowLevel", { level: levelName(below) }) : "";
}
