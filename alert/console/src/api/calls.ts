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

export const coverage = async (signal?: AbortSignal): Promise<SourceState[]> =>
  (await call<{ sources: SourceState[] }>("/api/coverage", { signal })).sources;

export const search = (query: SearchQuery, signal?: AbortSignal) =>
  call<SearchPage>(`/api/search?${parameters(query)}`, { signal });

/** A query string of what is set. */
function parameters(values: Record<string, string | number | undefined>): URLSearchParams {
  const result = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") result.set(name, String(value));
  }
  return result;
}

const segment = encodeURIComponent;
