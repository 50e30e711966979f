import { afterEach, describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { language } from "../state/prefs";
import { actionName, ago, ours, problem, remaining, t } from ".";

afterEach(() => {
  language.value = "zh";
});

describe("what the gateway says", () => {
  it("is shown in the language that is set", () => {
    const message = "王敏 已签收 / 王敏 has signed it already";
    expect(ours(message)).toBe("王敏 已签收");
    language.value = "en";
    expect(ours(message)).toBe("王敏 has signed it already");
  });

  it("is left whole when it is not in two languages", () => {
    for (const message of ["抚琴 / 西安路", "at character 3: x", "a / b / c", "http://x/y 返回 503"])
      expect(ours(message)).toBe(message);
  });

  it("comes with how long to wait", () => {
    expect(problem(new ApiError(429, "too_many_tries", "尝试次数过多", 90))).toBe("尝试次数过多. 请在 1 分钟后再试");
    expect(problem(new ApiError(429, "too_many_tries", "", null))).toBe("操作过于频繁. 请稍后再试");
  });

  it("has words also where the gateway has none", () => {
    expect(problem(new ApiError(0, "network", ""))).toBe("连不上望楼服务");
    expect(problem(new ApiError(502, "unknown", ""))).toBe("服务返回 502");
    expect(problem(new Error("x"))).toContain("x");
  });
});

describe("words", () => {
  it("of values that nobody foresaw are the values", () => {
    expect(actionName("acked")).toBe("签收");
    expect(actionName("a_new_action")).toBe("a_new_action");
  });

  it("tell of what is left as exactly as it matters", () => {
    const [minute, hour] = [60_000, 3_600_000];
    expect(remaining(27 * hour + 59 * minute)).toBe("1 天 3 小时");
    expect(remaining(24 * hour - 1)).toBe("23 小时 59 分");
    expect(remaining(hour)).toBe("1 小时 0 分");
    expect(remaining(hour - 1)).toBe("1:00:00");
    expect(remaining(12 * minute + 1)).toBe("12:01");
    expect(remaining(1)).toBe("00:01");
    // What is over has run for so long, not for longer.
    expect(remaining(0)).toBe("00:00");
    expect(remaining(-1_999)).toBe("00:01");
    expect(remaining(-26 * hour)).toBe("1 天 2 小时");
  });

  it("take what stands in them once, as text", () => {
    expect(t("sign.done", { title: "{title} $& <b>" })).toBe("已签收: {title} $& <b>");
    expect(ago(12_000)).toBe("12 秒前");
  });
});
