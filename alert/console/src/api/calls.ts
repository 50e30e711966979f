/** The calls that the console makes, typed by the contract. */
import { call } from "./client";
import type {
  Act,
  ActName,
  Incident,
  IncidentFile,
  SearchPage,
  SearchQuery,
  Session,
  CoverageDetail,
  SourceAlert,
  SourceState,
  TopicCurve,
  TopicState,
} from "./types";

export const session = {
  read: () => call<Session>("/api/session", { allow401: true }),
  begin: (name: string, password: string) =>
    call<Session>("/api/session", { method: "POST", body: { name, password }, allow401: true }),
  end: () => call<void>("/api/session", { method: "DELETE", allow401: true }),
};

export const incidents = {
  list: async (state: "open" | "closed" | "all", limit = 200, signal?: AbortSignal): Promise<Incident[]> =>
    (await call<{ incidents: Incident[] }>(`/api/incidents?${parameters({ state, limit })}`, { signal })).incidents,
  read: (id: string, signal?: AbortSignal) => call<IncidentFile>(`/api/incidents/${segment(id)}`, { signal }),
  act: (id: string, name: ActName, body: Act) =>
    call<IncidentFile>(`/api/incidents/${segment(id)}/${name}`, { method: "POST", body }),
};

export const topics = {
  all: async (signal?: AbortSignal): Promise<TopicState[]> =>
    (await call<{ topics: TopicState[] }>("/api/topics", { signal })).topics,
  hot: async (signal?: AbortSignal): Promise<TopicState[]> =>
    (await call<{ topics: TopicState[] }>("/api/topics/hot", { signal })).topics,
  curve: (id: string, minutes: number, signal?: AbortSignal) =>
    call<TopicCurve>(`/api/topics/${segment(id)}/pulse?${parameters({ minutes })}`, { signal }),
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

/** A query string of what is set. */
function parameters(values: Record<string, string | number | boolean | undefined>): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") result.set(name, String(value));
  }
  return result;
}

const segment = encodeURIComponent;
