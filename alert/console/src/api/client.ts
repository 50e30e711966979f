/**
 * The way to the gateway: JSON over fetch with the session's cookie. What goes wrong becomes an [ApiError] that bears the
 * gateway's own words; a 401 calls the hook that leads to the log-in page.
 */
import { observeServerTime } from "../state/clock";

/** What the gateway said when it refused, or `network` when it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

let onUnauthenticated: () => void = () => {};

/** Says what to do when the session has ended. */
export function whenUnauthenticated(hook: () => void): void {
  onUnauthenticated = hook;
}

/** Whether an error is only the abort that the page itself asked for. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
  /** The log-in page itself shows its 401. */
  allow401?: boolean;
}

/** One call; the answer's JSON, or nothing for 204. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(response.status, "unreadable", "");
  }
}

/** A file with the name that the gateway gives it. One that breaks off on its way is no file, and fails. */
export async function download(path: string, signal?: AbortSignal): Promise<File> {
  const response = await send(path, { signal }, "*/*");
  const name = /filename="([^"/\\]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "wanglou";
  try {
    return new File([await response.blob()], name);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "network", "");
  }
}

/** Opens a stream; the caller reads its body. */
export function open(path: string, signal: AbortSignal): Promise<Response> {
  return send(path, { signal }, "text/event-stream");
}

async function send(path: string, options: Options, accept = "application/json"): Promise<Response> {
  const headers: Record<string, string> = { accept };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  const asked = Date.now();
  try {
    response = await fetch(path, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "network", "");
  }
  observeServerTime(response.headers.get("date"), asked, Date.now());
  if (response.ok) return response;
  if (response.status === 401 && !options.allow401) onUnauthenticated();
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get("retry-after"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  try {
    const body = (await response.json()) as { error?: { code?: unknown; message?: unknown } };
    const { code, message } = body.error ?? {};
    return new ApiError(response.status, String(code ?? "unknown"), String(message ?? ""), retryAfter);
  } catch {
    return new ApiError(response.status, "unknown", "", retryAfter);
  }
}
