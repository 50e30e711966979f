/**
 * node e2e/watch.mjs BASE_URL --user NAME --password PW [--timeout-seconds 150] [--out DIR] [--query 停水]
 *
 * The newcomer's two minutes, against a running instance: log in, see posts arrive, a topic rise, an incident open, its page
 * delivered; sign it, see in the hot list why its topic is hot and on the topic's page that it was told, and find the posts. Waits for what a person would see, never for a time. Says what was missing.
 */
import { camera, launch, login, options, page as open } from "./browser.mjs";

const settings = options(process.argv.slice(2), { "timeout-seconds": "150", out: "watch-shots", query: "停水" });
const [base] = settings._;
if (!base || !settings.user || !settings.password) {
  console.error(
    "usage: node e2e/watch.mjs BASE_URL --user NAME --password PW [--timeout-seconds 150] [--out DIR] [--query 停水]",
  );
  process.exit(2);
}

const begun = Date.now();
const deadline = begun + Number(settings["timeout-seconds"]) * 1000;
const complaints = [];
const shot = camera(settings.out);
const browser = await launch();
let page;

/** Waits until a locator shows something; what it is stands in the failure. */
async function see(what, locator, name) {
  const timeout = Math.max(1, deadline - Date.now());
  try {
    await locator.first().waitFor({ timeout });
  } catch {
    throw new Error(`not seen within ${settings["timeout-seconds"]} s: ${what}`);
  }
  const path = await shot(page, name);
  console.log(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${what}  ${path}`);
}

let failure = null;
try {
  page = await open(browser, complaints, { width: 1440, height: 900 });
  await login(page, base, settings.user, settings.password);
  await see("the board is live", page.locator('[data-testid="connection"][data-state="open"]'), "board");
  await see("posts arrive", page.locator('[data-testid="arrival-rate"]:not([data-value="0"])'), "arrival");
  await see("a topic rises", page.locator('[data-testid="topic-row"]:not([data-phase="quiet"])'), "topic");
  const fresh = page.locator('[data-testid="incident-row"]:has([data-testid="incident-state"][data-state="new"])');
  await see("an incident waits for its signature", fresh, "incident-row");
  await fresh.first().locator("a.title").click();
  await see("the incident's page", page.getByTestId("incident-title"), "incident");
  await see("its page was delivered", page.locator('[data-testid="delivery-row"][data-state="sent"]'), "delivered");
  await see("the button to sign", page.getByTestId("ack-button"), "sign");
  await page.getByTestId("ack-button").click();
  await see("it is signed", page.locator('.sign-line [data-testid="incident-state"][data-state="acked"]'), "signed");
  await see(
    "the history tells who signed",
    page.locator('[data-testid="history-row"][data-action="acked"]'),
    "history",
  );
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  const hot = page.locator('[data-testid="hot-row"]:not([data-phase="quiet"])').first();
  await see("the topic that rises leads the hot list", hot, "hot");
  await hot.locator("button.toggle").click();
  await see("why it is hot", page.locator('[data-testid="heat-parts"] li[data-part="rising"]'), "hot-why");
  await page.getByTestId("to-topic").click();
  await see("its curve", page.locator(".topic-page .curve canvas"), "topic");
  await see("why it was told", page.locator('[data-testid="why-answer"][data-outcome="told"]'), "topic-why");
  await page.keyboard.press("/");
  await page.getByTestId("search-box").fill(settings.query);
  await page.getByTestId("search-button").click();
  await see(
    `posts on ${settings.query} are found, with the match marked`,
    page.locator('[data-testid="search-hit"] mark'),
    "search",
  );
} catch (error) {
  failure = error;
  if (page) console.error(`last picture: ${await shot(page, "failed").catch(() => "none")}`);
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
if (failure) console.error(failure.message);
if (failure || complaints.length > 0) process.exit(1);
console.log(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  all seen`);
