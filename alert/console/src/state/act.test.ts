import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { useActing } from "./act";
import { notices } from "./notices";

beforeEach(() => (notices.value = []));
const told = () => notices.value.map(({ kind, text }) => [kind, text]);

describe("what a person does", () => {
  it("is told when it is done, of its answer, and then goes on", async () => {
    const { act, busy, failure } = useActing();
    let then = 0;
    await act(
      () => Promise.resolve(7),
      (answer) => `第 ${answer} 项`,
      (answer) => (then = answer),
    );
    expect([busy.value, failure.value, then, told()]).toEqual([false, "", 7, [["done", "第 7 项"]]]);
  });

  it("says in place why it was refused, and tells nobody that it is done", async () => {
    const { act, busy, failure } = useActing();
    let then = false;
    await act(
      () => Promise.reject(new ApiError(400, "silence", "静默过长 / until: at most 8 hours")),
      "已设静默",
      () => (then = true),
    );
    expect([busy.value, failure.value, then, told()]).toEqual([false, "静默过长", false, []]);
  });

  it("is done one at a time: a second press meanwhile does nothing", async () => {
    const { act, busy } = useActing();
    let times = 0;
    let end = () => {};
    const first = act(() => new Promise<void>((resolve) => ((times += 1), (end = resolve))), "好");
    expect(busy.value).toBe(true);
    await act(() => Promise.resolve(void (times += 1)), "好");
    end();
    await first;
    expect(times).toBe(1);
  });

  it("waits for a second press on the same", () => {
    const { armed, pressed } = useActing();
    expect([pressed("1"), armed.value]).toEqual([false, "1"]);
    expect([pressed("2"), armed.value]).toEqual([false, "2"]);
    expect([pressed("2"), armed.value]).toEqual([true, ""]);
    expect(pressed("2")).toBe(false);
  });
});
