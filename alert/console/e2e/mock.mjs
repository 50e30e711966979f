/**
 * node e2e/mock.mjs: what a person does, against the mock gateway (npm run build comes first). Starts it, walks through the
 * console in Chromium, and fails with the step that went wrong. Waits for what is seen, never for a time.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { launch, login, page as open } from "./browser.mjs";

// The water main broke a minute ago, so the incident opens at once.
const mock = spawn(
  process.execPath,
  [join(import.meta.dirname, "../mock/server.mjs"), "--port", "0", "--delay", "-60000"],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
const [line] = await once(mock.stdout.setEncoding("utf8"), "data");
const base = line.trim();
const browser = await launch();
const complaints = [];
const DESK = { width: 1440, height: 900 };

const fresh = (page) =>
  page.locator('[data-testid="incident-row"]:has([data-testid="incident-state"][data-state="new"])');

function check(truth, what) {
  if (!truth) throw new Error(what);
}

/** Another person signs, from elsewhere. */
async function signElsewhere(id) {
  const begun = await fetch(`${base}api/session`, {
    method: "POST",
    body: JSON.stringify({ name: "李雷", password: "wanglou" }),
  });
  const cookie = begun.headers.get("set-cookie").split(";")[0];
  const answer = await fetch(`${base}api/incidents/${id}/ack`, { method: "POST", headers: { cookie }, body: "{}" });
  check(answer.ok, `李雷 could not sign: ${answer.status}`);
}

const steps = {
  async "a wrong password is refused in words, and the name is kept"() {
    const page = await open(browser, complaints, DESK);
    await page.goto(`${base}incidents?state=all`);
    await page.waitForURL(/\/login\?next=/);
    await page.getByTestId("login-name").fill("访客");
    await page.getByTestId("login-password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByTestId("login-error").getByText("姓名或密码不对").waitFor();
    await page.getByTestId("login-password").fill("wanglou");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/incidents\?state=all$/);
    return page;
  },

  async "a viewer sees everything and can change nothing"(page) {
    await page.goto(base);
    await fresh(page).first().waitFor();
    check((await page.getByTestId("row-ack-button").count()) === 0, "a viewer is offered to sign");
    check((await page.locator('a[href="/search"]').count()) === 0, "a viewer is offered to search");
    await page.getByTestId("logout").click();
    await page.getByTestId("login-button").waitFor();
    await page.context().close();
  },

  async "a key asks before it signs; somebody else may be faster"() {
    const page = await open(browser, complaints, DESK);
    await login(page, base, "王敏", "wanglou");
    await fresh(page).first().waitFor();
    check(/^\(1\) /.test(await page.title()), `the title does not tell of the unsigned: ${await page.title()}`);
    await page.keyboard.press("j");
    const id = await page.locator(".incident-row.selected").getAttribute("data-id");
    await page.keyboard.press("a");
    await page.getByTestId("sign-dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("sign-dialog").waitFor({ state: "hidden" });
    check((await fresh(page).count()) === 1, "Escape has signed");
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/incidents/${id}$`));
    await page.getByTestId("ack-button").waitFor();
    check(await page.getByTestId("act-close").isDisabled(), "an unsigned incident can be closed");
    // The other signs while the question is open; this one's answer comes too late.
    await page.keyboard.press("a");
    await page.getByTestId("sign-dialog").waitFor();
    await signElsewhere(id);
    await page.getByTestId("sign-confirm").click();
    await page.getByTestId("notice").getByText("李雷").waitFor();
    await page.locator('.sign-line [data-state="acked"]').waitFor();
    return page;
  },

  async "note, assign, respond and close lead from step to step"(page) {
    const act = async (name, text, state, unit) => {
      await page.getByTestId(`act-${name}`).click();
      await page.getByTestId("act-submit").click();
      await page.getByTestId("act-error").waitFor();
      if (unit) await page.getByTestId("act-unit").fill(unit);
      await page.getByTestId("act-text").fill(text);
      await page.getByTestId("act-submit").click();
      await page.locator(`[data-testid="incident-state"][data-state="${state}"]`).first().waitFor();
      await page.getByTestId("history-row").getByText(text.slice(0, 8)).first().waitFor();
    };
    await act("note", "已电话核实 <b>三户</b>", "acked");
    check((await page.locator(".history b", { hasText: "三户" }).count()) === 0, "a note is shown as HTML");
    await act("assign", "请两小时内反馈", "assigned", "水务局");
    await act("respond", "抢修完成, 十二时恢复供水", "responded");
    await act("close", "居民已恢复用水", "closed");
    check((await page.getByTestId("act-submit").count()) === 0, "a closed incident can be changed");
  },

  async "crawled text stays text, and its links lead to the web only"(page) {
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.getByTestId("search-box").fill("停水");
    await page.keyboard.press("Enter");
    await page.locator('[data-testid="search-hit"] mark').first().waitFor();
    check((await page.locator(".hit img, .hit p b").count()) === 0, "markup of a post has become markup of the page");
    check((await page.locator('a[href^="javascript"]').count()) === 0, "a javascript: address has become a link");
    const first = await page.getByTestId("search-hit").count();
    await page.getByTestId("search-more").click();
    await page.getByTestId("search-hit").nth(first).waitFor();
    await page.goto(`${base}search?q=${encodeURIComponent("停水) 了")}`);
    await page.getByTestId("search-error").getByText("第 3 个字处").waitFor();
  },

  async "a lost line is said aloud, and made good"(page) {
    await page.goto(base);
    await page.locator('[data-testid="connection"][data-state="open"]').waitFor();
    await fetch(`${base}mock/drop?seconds=3`, { method: "POST" });
    await page.getByTestId("connection-band").getByText("数据截至").waitFor();
    await page.locator("main.stale").waitFor();
    await page.getByTestId("connection-band").waitFor({ state: "detached" });
    await page.locator('[data-testid="connection"][data-state="open"]').waitFor();
    await page.context().close();
  },

  async "too many tries are told to wait"() {
    const page = await open(browser, complaints, DESK);
    await page.goto(`${base}login`);
    for (let tries = 0; tries < 6; tries += 1) {
      await page.getByTestId("login-name").fill("王敏");
      await page.getByTestId("login-password").fill(`wrong ${tries}`);
      await page.getByTestId("login-button").click();
      await page.getByTestId("login-error").waitFor();
      if (await page.getByTestId("login-error").getByText("秒后再试").isVisible()) break;
    }
    await page.getByTestId("login-error").getByText("尝试次数过多").waitFor();
    check(await page.getByTestId("login-button").isDisabled(), "one may go on trying");
    await page.context().close();
  },
};

let failed = false;
let page;
for (const [name, step] of Object.entries(steps)) {
  try {
    page = (await step(page)) ?? page;
    console.log(`ok    ${name}`);
  } catch (error) {
    console.error(`FAIL  ${name}\n      ${error.message}`);
    const shown = browser.contexts().flatMap((context) => context.pages());
    for (const page of shown) console.error(`      at ${page.url()}`);
    failed = true;
    break;
  }
}
await browser.close();
mock.kill();
// Refusals and cut lines are what this program provokes; Chromium writes them down as failed loads.
const unexpected = complaints.filter((complaint) => !complaint.includes("Failed to load resource"));
for (const complaint of unexpected) console.error(complaint);
process.exit(failed || unexpected.length > 0 ? 1 : 0);
