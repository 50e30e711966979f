/** What the end-to-end programs share: a browser that counts every complaint, options, log-in, and waits that say what is missing. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** `--name value` and what stands alone. */
export function options(argv, defaults) {
  const result = { ...defaults, _: [] };
  for (let at = 0; at < argv.length; at += 1) {
    if (argv[at].startsWith("--")) {
      result[argv[at].slice(2)] = argv[at + 1];
      at += 1;
    } else result._.push(argv[at]);
  }
  return result;
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"],
  });
}

/** A page whose console errors, refusals by the content security policy and unhandled rejections are gathered in `complaints`. */
export async function page(browser, complaints, viewport, more = {}) {
  const context = await browser.newContext({ viewport, locale: "zh-CN", ...more });
  await context.addInitScript(() => {
    addEventListener("unhandledrejection", (event) => console.error(`unhandled rejection: ${event.reason}`));
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A refused session is an answer, and Chromium writes it down as an error: the first question of a visitor is one.
    if (message.type() === "error" && !/status of 401/.test(message.text()))
      complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.stack ?? error}`));
  return page;
}

export async function login(page, base, user, password) {
  await page.goto(new URL("/login", base).href);
  await page.getByTestId("login-name").fill(user);
  await page.getByTestId("login-password").fill(password);
  await page.getByTestId("login-button").click();
  const outcome = page.getByTestId("connection").or(page.getByTestId("login-error"));
  await outcome.first().waitFor();
  if (await page.getByTestId("login-error").isVisible()) {
    throw new Error(`the log-in of ${user} was refused: ${await page.getByTestId("login-error").innerText()}`);
  }
}

/** Takes pictures into a folder, numbered in order. */
export function camera(folder) {
  mkdirSync(folder, { recursive: true });
  let count = 0;
  return async (page, name, fullPage = false) => {
    count += 1;
    const path = join(folder, `${String(count).padStart(2, "0")}-${name}.png`);
    await page.screenshot({ path, fullPage });
    return path;
  };
}

/** Whether the page is wider than its window: something sticks out. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
