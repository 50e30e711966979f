/** An address that a person may follow: http or https, nothing else. Crawled text is hostile, its addresses too. */
export function safeLink(url: string | null | undefined): string | null {
  if (!url) return null;
  try {
    const parsed = new URL(url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : null;
  } catch {
    return null;
  }
}

/** Where a log-in may lead back to: a path of this console. */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/") || /^\/[/\\]/.test(next) || next.startsWith("/login"))
    return "/";
  return next;
}
