/**
 * Server-sent events, parsed from chunks of text as they arrive.
 *
 * Why not the browser's EventSource: it hides the comments that keep the stream alive, so a connection that died silently
 * (a sleeping machine, a lost route) looks open for as long as the system's time-out, and the board would look fresh.
 * It also hides the status, so that an ended session would look like a broken line.
 *
 * | line | outcome |
 * |---|---|
 * | `event: NAME` | names the event that is being gathered |
 * | `data: TEXT` | is added to its data, with a line feed between |
 * | `: comment` | nothing, but the chunk has shown life |
 * | empty | the event is handed out if it has data |
 * | anything else | ignored, as the standard asks |
 */

export interface ServerEvent {
  name: string;
  data: string;
}

/** More than this without an empty line is no event of ours. */
const LONGEST = 4 * 1024 * 1024;

export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];
  private size = 0;

  /** Takes a chunk; hands out the events that it completes. */
  feed(chunk: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    // A carriage return at the end may be half of a CRLF: it waits for the next chunk.
    const text = this.rest + chunk;
    const held = text.endsWith("\r") ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(/\r\n|\r|\n/);
    this.rest = (lines.pop() ?? "") + text.slice(text.length - held);
    for (const line of lines) this.take(line, events);
    if (this.rest.length + this.size > LONGEST) throw new Error("an event is too long");
    return events;
  }

  private take(line: string, events: ServerEvent[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push({ name: this.name || "message", data: this.data.join("\n") });
      this.name = "";
      this.data = [];
      this.size = 0;
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "event") this.name = value;
    if (field === "data") {
      this.data.push(value);
      this.size += value.length;
    }
  }
}
