/**
 * What the board knows, as a value, and how it takes in what arrives. Pure: (board, message) → board.
 *
 * Everything that arrives is an absolute state, so order and repetition must not matter:
 *
 * | arrives | outcome |
 * |---|---|
 * | an incident with a higher version than the known one | replaces it |
 * | one with the same version (figures leave the version alone), changed later or with more posts, or the same | replaces it |
 * | any other | is dropped |
 * | a pulse that holds for a later moment, or the same | replaces the known one |
 * | a pulse for an earlier moment | is dropped |
 * | a source's state whose visit or success lies behind the known one | is dropped |
 * | a list that was read anew | replaces everything but what came as an event since the reading began; there the newer one wins |
 */
import type { Incident, Pulse, SourceState, TopicRef, TopicState } from "../api/types";
import { awaitsSignature } from "../lib/ranking";
import { moment } from "../lib/time";

export interface Board {
  incidents: ReadonlyMap<string, Incident>;
  pulses: ReadonlyMap<string, Pulse>;
  /** Topics in the order in which the gateway names them. */
  topics: ReadonlyMap<string, TopicRef>;
  sources: ReadonlyMap<string, SourceState>;
  /** Ids that came as events since the last reading began. */
  touched: ReadonlySet<string>;
  /** When the last post is known to have come in, in milliseconds. */
  lastPostAt: number | null;
}

export const emptyBoard: Board = {
  incidents: new Map(),
  pulses: new Map(),
  topics: new Map(),
  sources: new Map(),
  touched: new Set(),
  lastPostAt: null,
};

/** The topic of everything that comes in. */
export const ALL = "all";

/** Whether an incident's state is as new as the known one, or newer. */
export function newerIncident(known: Incident, next: Incident): boolean {
  if (next.version !== known.version) return next.version > known.version;
  const changed = (moment(next.updated_at) ?? 0) - (moment(known.updated_at) ?? 0);
  return changed !== 0 ? changed > 0 : next.count >= known.count;
}

const newerPulse = (known: Pulse, next: Pulse) => (moment(next.at) ?? 0) >= (moment(known.at) ?? 0);
const seenAt = (source: SourceState) =>
  Math.max(moment(source.last_visit_at) ?? 0, moment(source.last_success_at) ?? 0, moment(source.last_new_at) ?? 0);
const newerSource = (known: SourceState, next: SourceState) => seenAt(next) >= seenAt(known);

/** An incident changed. */
export function takeIncident(board: Board, incident: Incident): Board {
  const incidents = put(board.incidents, incident.id, incident, newerIncident);
  return incidents ? { ...board, incidents, touched: touch(board, `incident/${incident.id}`) } : board;
}

/** A topic's state. */
export function takePulse(board: Board, pulse: Pulse): Board {
  const id = pulse.topic.id;
  const known = board.pulses.get(id);
  const pulses = put(board.pulses, id, pulse, newerPulse);
  if (!pulses) return board;
  const topics = board.topics.has(id) ? board.topics : new Map(board.topics).set(id, pulse.topic);
  // Its samples tell of posts; a total that grew says that some came just before the pulse.
  const grown = known !== undefined && pulse.total > known.total ? moment(pulse.at) : null;
  const lastPostAt = latest(
    board.lastPostAt,
    grown,
    ...(pulse.samples ?? []).map((sample) => moment(sample.published_at)),
  );
  return { ...board, pulses, topics, lastPostAt, touched: touch(board, `pulse/${id}`) };
}

/** A source was visited. */
export function takeSource(board: Board, source: SourceState): Board {
  const sources = put(board.sources, source.id, source, newerSource);
  if (!sources) return board;
  const lastPostAt = latest(board.lastPostAt, moment(source.last_new_at));
  return { ...board, sources, lastPostAt, touched: touch(board, `source/${source.id}`) };
}

/** A reading of the lists begins: from now on, what comes as an event outlives it. */
export function beginReading(board: Board): Board {
  return { ...board, touched: new Set() };
}

/** The list of open incidents was read. */
export function readIncidents(board: Board, list: readonly Incident[]): Board {
  const fresh = new Map(list.map((incident) => [incident.id, incident]));
  return { ...board, incidents: merge(board, "incident", board.incidents, fresh, newerIncident) };
}

/** The list of topics was read. */
export function readTopics(board: Board, list: readonly TopicState[]): Board {
  const fresh = new Map(list.flatMap(({ topic, pulse }) => (pulse ? [[topic.id, pulse] as const] : [])));
  const pulses = merge(board, "pulse", board.pulses, fresh, newerPulse);
  const topics = new Map(list.map(({ topic }) => [topic.id, topic]));
  for (const [id, pulse] of pulses) if (!topics.has(id)) topics.set(id, pulse.topic);
  const posts = [...fresh.values()].flatMap((pulse) =>
    (pulse.samples ?? []).map((sample) => moment(sample.published_at)),
  );
  return { ...board, pulses, topics, lastPostAt: latest(board.lastPostAt, ...posts) };
}

/** The list of sources was read. */
export function readSources(board: Board, list: readonly SourceState[]): Board {
  const fresh = new Map(list.map((source) => [source.id, source]));
  const sources = merge(board, "source", board.sources, fresh, newerSource);
  return {
    ...board,
    sources,
    lastPostAt: latest(board.lastPostAt, ...list.map((source) => moment(source.last_new_at))),
  };
}

/** Incidents that await a signature, a unit's or the desk's, and that `before` did not know: what an alarm is for. */
export function freshIncidents(before: Board, after: Board, forUnit = false): Incident[] {
  return [...after.incidents.values()].filter(
    (incident) => awaitsSignature(incident, forUnit) && !before.incidents.has(incident.id),
  );
}

function put<T>(known: ReadonlyMap<string, T>, id: string, next: T, newer: (known: T, next: T) => boolean) {
  const old = known.get(id);
  return old === undefined || newer(old, next) ? new Map(known).set(id, next) : null;
}

function touch(board: Board, key: string): ReadonlySet<string> {
  return board.touched.has(key) ? board.touched : new Set(board.touched).add(key);
}

function merge<T>(
  board: Board,
  kind: string,
  known: ReadonlyMap<string, T>,
  fresh: Map<string, T>,
  newer: (known: T, next: T) => boolean,
): Map<string, T> {
  const result = new Map(fresh);
  for (const [id, old] of known) {
    if (!board.touched.has(`${kind}/${id}`)) continue;
    const next = fresh.get(id);
    if (next === undefined || !newer(old, next)) result.set(id, old);
  }
  return result;
}

function latest(...moments: (number | null)[]): number | null {
  return moments.reduce((last, at) => (at !== null && (last === null || at > last) ? at : last), null);
}
