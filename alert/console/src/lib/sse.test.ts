import { describe, expect, it } from "vitest";
import { EventParser } from "./sse";

describe("server-sent events", () => {
  it("come out when their empty line has come in", () => {
    const parser = new EventParser();
    expect(parser.feed('event: pulse\ndata: {"a":1}\n')).toEqual([]);
    expect(parser.feed("\n")).toEqual([{ name: "pulse", data: '{"a":1}' }]);
  });

  it("are the same however the stream is cut", () => {
    const stream =
      ": alive\r\n\r\nevent: incident\r\ndata: 一\r\ndata: 二\r\n\r\nid: 7\nretry: 10\n\nevent:reload\ndata:\n\ndata: x\r\r";
    const whole = new EventParser().feed(`${stream}\n`);
    expect(whole).toEqual([
      { name: "incident", data: "一\n二" },
      { name: "reload", data: "" },
      { name: "message", data: "x" },
    ]);
    for (let size = 1; size < 9; size += 1) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < stream.length; at += size) events.push(...parser.feed(stream.slice(at, at + size)));
      events.push(...parser.feed("\n"));
      expect(events).toEqual(whole);
    }
  });

  it("drop an event that has a name and no data", () => {
    expect(new EventParser().feed("event: pulse\n\ndata: 1\n\n")).toEqual([{ name: "message", data: "1" }]);
  });

  it("refuse to grow without end", () => {
    const parser = new EventParser();
    expect(() => parser.feed("x".repeat(5 * 1024 * 1024))).toThrow();
  });
});
