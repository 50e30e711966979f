/** The calls that the console makes, typed by the contract. */
import { call, download } from "./client";
import type {
  Act,
  ActName,
  BriefQuery,
  CalendarFeed,
  Correction,
  CorrectionChoices,
  DrillWanted,
  HotTopic,
  HotWindow,
  Incident,
  IncidentFile,
  Join,
  JoinName,
  PagedQuery,
  RosterBoard,
  RosterChange,
  RosterChangeWanted,
  RosterHandover,
  NewPin,
  SavedSearch,
  SearchPage,
  SearchQuery,
  SearchToSave,
  Session,
  Silence,
  SilenceWanted,
  CoverageDetail,
  SourceAlert,
  StandingCorrection,
  SourceState,
  Thread,
  TopicCurve,
  TopicState,
  UserWord,
  WatchRequest,
  WatchTopic,
  WhyPaged,
  WhyQuiet,
} from "./types";

export const session = {
  read: () => call<Session>("/api/session", { allow401: true }),
  begin: (name: string, password: string) =>
    call<Session>("/api/session", { method: "POST", body: { name, password }, allow401: true }),
  end: () => call<void>("/api/session", { method: "DELETE", allow401: true }),
  setPin: (password: string, pin: string) =>
    call<void>("/api/session/pin", { method: "PUT", body: { password, pin } satisfies NewPin }),
};

export const incidents = {
  list: async (state: "open" | "closed" | "all", limit = 200, signal?: AbortSignal): Promise<Incident[]> =>
    (await call<{ incidents: Incident[] }>(`/api/incidents?${parameters({ state, limit })}`, { signal })).incidents,
  read: (id: string, signal?: AbortSignal) => call<IncidentFile>(`/api/incidents/${segment(id)}`, { signal }),
  act: (id: string, name: ActName, body: Act) =>
    call<IncidentFile>(`/api/incidents/${segment(id)}/${name}`, { method: "POST", body }),
  /** Merges it into another incident, or splits topics from it; the answer is that other one. */
  join: (id: string, name: JoinName, body: Join) =>
    call<IncidentFile>(`/api/incidents/${segment(id)}/${name}`, { method: "POST", body }),
};

export const topics = {
  all: async (signal?: AbortSignal): Promise<TopicState[]> =>
    (await call<{ topics: TopicState[] }>("/api/topics", { signal })).topics,
  hot: async (window: HotWindow, limit = 50, signal?: AbortSignal): Promise<HotTopic[]> =>
    (await call<{ topics: HotTopic[] }>(`/api/topics/hot?${parameters({ window, limit })}`, { signal })).topics,
  curve: (id: string, minutes: number, signal?: AbortSignal) =>
    call<TopicCurve>(`/api/topics/${segment(id)}/pulse?${parameters({ minutes })}`, { signal }),
  /** Why nobody was paged at a moment (RFC 3339), or now. */
  why: (id: string, at?: string, signal?: AbortSignal) =>
    call<WhyQuiet>(`/api/topics/${segment(id)}/why?${parameters({ at })}`, { signal }),
};

export const coverage = {
  /** All sources, page by page. */
  all: async (signal?: AbortSignal): Promise<SourceState[]> => {
    const sources: SourceState[] = [];
    let cursor: string | null | undefined;
    do {
      const path = cursor ? `/api/coverage?${parameters({ cursor })}` : "/api/coverage";
      const page: { sources: SourceState[]; next?: string | null } = await call(path, { signal });
      sources.push(...page.sources);
      cursor = page.next;
    } while (cursor);
    return sources;
  },
  one: async (source: string, signal?: AbortSignal): Promise<CoverageDetail | null> =>
    (await call<{ detail?: CoverageDetail }>(`/api/coverage?${parameters({ source })}`, { signal })).detail ?? null,
  alerts: async (signal?: AbortSignal): Promise<SourceAlert[]> =>
    (await call<{ alerts: SourceAlert[] }>("/api/coverage/alerts?limit=500", { signal })).alerts,
};

export const search = (query: SearchQuery, signal?: AbortSignal) =>
  call<SearchPage>(`/api/search?${parameters(query)}`, { signal });

export const thread = (id: string, q: string, cursor?: string, signal?: AbortSignal) =>
  call<Thread>(`/api/threads?${parameters({ id, q, cursor })}`, { signal });

export type FileFormat = "csv" | "xlsx" | "jsonl";

/** Results and briefs as files; a brief in HTML has an address that a window opens. */
export const files = {
  result: (query: SearchQuery, format: FileFormat, signal?: AbortSignal) =>
    download(`/api/search/export?${parameters({ ...query, format })}`, signal),
  brief: (query: BriefQuery, signal?: AbortSignal) => download(`/api/briefs?${parameters(query)}`, signal),
  briefAddress: (query: BriefQuery) => `/api/briefs?${parameters(query)}`,
};

export const corrections = {
  choices: (signal?: AbortSignal) => call<CorrectionChoices>("/api/corrections/choices", { signal }),
  correct: (body: Correction) => call<StandingCorrection>("/api/corrections", { method: "POST", body }),
  takeBack: (post: string) => call<void>(`/api/corrections/${segment(post)}`, { method: "DELETE" }),
};

export const watch = {
  list: async (signal?: AbortSignal): Promise<WatchTopic[]> =>
    (await call<{ watch: WatchTopic[] }>("/api/watch", { signal })).watch,
  add: (body: WatchRequest) => call<WatchTopic>("/api/watch", { method: "POST", body }),
  change: (id: string, body: WatchRequest) => call<WatchTopic>(`/api/watch/${segment(id)}`, { method: "PUT", body }),
  remove: (id: string) => call<void>(`/api/watch/${segment(id)}`, { method: "DELETE" }),
};

export const words = {
  list: async (signal?: AbortSignal): Promise<UserWord[]> =>
    (await call<{ words: UserWord[] }>("/api/words", { signal })).words,
  add: (word: string) => call<UserWord>(`/api/words/${segment(word)}`, { method: "PUT" }),
  remove: (word: string) => call<void>(`/api/words/${segment(word)}`, { method: "DELETE" }),
};

export const searches = {
  list: async (signal?: AbortSignal): Promise<SavedSearch[]> =>
    (await call<{ searches: SavedSearch[] }>("/api/searches", { signal })).searches,
  save: (body: SearchToSave) => call<SavedSearch>("/api/searches", { method: "POST", body }),
  change: (id: string, body: SearchToSave) =>
    call<SavedSearch>(`/api/searches/${segment(id)}`, { method: "PUT", body }),
  forget: (id: string) => call<void>(`/api/searches/${segment(id)}`, { method: "DELETE" }),
};

export const silences = {
  list: async (state: "active" | "all", limit: number, signal?: AbortSignal): Promise<Silence[]> =>
    (await call<{ silences: Silence[] }>(`/api/silences?${parameters({ state, limit })}`, { signal })).silences,
  set: (body: SilenceWanted) => call<Silence>("/api/silences", { method: "POST", body }),
  end: (id: string) => call<Silence>(`/api/silences/${segment(id)}`, { method: "DELETE" }),
};

export const drills = {
  begin: (body: DrillWanted) => call<Incident>("/api/drills", { method: "POST", body }),
};

/** Why somebody was paged by a moment, or was not: about an incident, or about the last one that held a topic. */
export const paged = {
  incident: (id: string, query: PagedQuery, signal?: AbortSignal) =>
    call<WhyPaged>(`/api/incidents/${segment(id)}/why?${parameters(query)}`, { signal }),
  topic: (id: string, query: PagedQuery, signal?: AbortSignal) =>
    call<WhyPaged>(`/api/topics/${segment(id)}/paged?${parameters(query)}`, { signal }),
};

export const roster = {
  /** All rosters from one moment (RFC 3339) to another. */
  read: (from: string, to: string, signal?: AbortSignal) =>
    call<RosterBoard>(`/api/roster?${parameters({ from, to })}`, { signal }),
  change: (id: string, body: RosterChangeWanted) =>
    call<RosterChange>(`/api/roster/${segment(id)}/changes`, { method: "POST", body }),
  agree: (id: string, n: number) =>
    call<RosterChange>(`/api/roster/${segment(id)}/changes/${n}/agree`, { method: "POST" }),
  withdraw: (id: string, n: number) =>
    call<RosterChange>(`/api/roster/${segment(id)}/changes/${n}`, { method: "DELETE" }),
  handOver: (id: string, note: string) =>
    call<RosterHandover>(`/api/roster/${segment(id)}/handovers`, { method: "POST", body: { note } }),
  takeOver: (id: string, n: number) =>
    call<RosterHandover>(`/api/roster/${segment(id)}/handovers/${n}/confirm`, { method: "POST" }),
  calendarAddress: (id: string) => `/api/roster/${segment(id)}.ics`,
};

export const calendar = {
  read: async (signal?: AbortSignal): Promise<CalendarFeed | null> =>
    (await call<{ feed: CalendarFeed | null }>("/api/calendar", { signal })).feed,
  make: (whose: CalendarFeed["whose"]) =>
    call<{ address: string }>("/api/calendar", { method: "POST", body: { whose } }),
  revoke: () => call<void>("/api/calendar", { method: "DELETE" }),
};

/** A query string of what is set. */
function parameters(values: Record<string, string | number | boolean | undefined>): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") result.set(name, String(value));
  }
  return result;
}

const segment = encodeURIComponent;
