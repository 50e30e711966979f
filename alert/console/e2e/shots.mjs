/**
 * node e2e/shots.mjs BASE_URL OUT_DIR [--user NAME] [--password PW] [--theme night|day] [--language zh|en] [--full yes]
 *
 * Visits board, hot lists, a topic, incidents, an incident, coverage, a source of it, searches, a thread, the watch topics and the roster at three
 * sizes and takes their pictures. Fails on console errors, on violations of the content security policy, on unhandled rejections,
 * and where a page is wider than its window.
 */
import { camera, launch, login, options, overflow, page as open } from "./browser.mjs";

const {
  _: [base, folder],
  user,
  password,
  theme,
  language,
  full,
} = options(process.argv.slice(2), {
  user: "王敏",
  password: "wanglou",
  theme: "night",
  language: "zh",
  full: "no",
});
if (!base || !folder) {
  console.error(
    "usage: node e2e/shots.mjs BASE_URL OUT_DIR [--user NAME] [--password PW] [--theme night|day] [--language zh|en] [--full yes]",
  );
  process.exit(2);
}

const SIZES = [
  { name: "1440", viewport: { width: 1440, height: 900 } },
  { name: "1920", viewport: { width: 1920, height: 1080 } },
  {
    name: "390",
    viewport: { width: 390, height: 844 },
    more: { deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  },
];
const complaints = [];
const shot = camera(folder);
const browser = await launch();
try {
  for (const { name, viewport, more } of SIZES) {
    const page = await open(browser, complaints, viewport, more);
    await page.addInitScript(
      ([theme, language]) => {
        localStorage.setItem("wanglou.theme", theme);
        localStorage.setItem("wanglou.language", language);
      },
      [theme, language],
    );
    const take = async (what) => {
      const wide = await overflow(page);
      if (wide > 0) complaints.push(`${page.url()} at ${name}: ${wide} px wider than the window`);
      console.log(await shot(page, `${name}-${what}`, full === "yes"));
    };
    await page.goto(new URL("/login", base).href);
    await page.getByTestId("login-button").waitFor();
    await take("login");
    await login(page, base, user, password);
    await page.getByTestId("arrival-rate").waitFor();
    await page.locator(".curve canvas").first().waitFor();
    await take("board");

    await page.goto(new URL("/hot", base).href);
    await page.getByTestId("hot-row").first().or(page.getByTestId("hot-empty")).first().waitFor();
    await take("hot");
    if ((await page.getByTestId("hot-row").count()) > 0) {
      await page.getByTestId("hot-row").first().locator("button.toggle").click();
      await page.getByTestId("heat-parts").waitFor();
      await take("hot-why");
      await page.getByTestId("hot-7d").click();
      await page.waitForURL(/window=7d/);
      await page.getByTestId("hot-row").first().waitFor();
      await take("hot-7d");
      for (const kind of ["watch", "emerging", "category"]) {
        await page.goto(new URL("/hot", base).href);
        await page.getByTestId("hot-row").first().waitFor();
        const row = page.locator(`[data-testid="hot-row"][data-kind="${kind}"]`).first();
        if ((await row.count()) === 0) continue;
        await page.goto(new URL(`/topics/${encodeURIComponent(await row.getAttribute("data-id"))}`, base).href);
        await page.getByTestId("why-answer").waitFor();
        await page.locator(".curve canvas").first().waitFor();
        await take(`topic-${kind}`);
      }
      await page.getByTestId("range-1440").click();
      await page.getByTestId("why-dayAgo").click();
      await page.waitForURL(/at=/);
      await page.getByTestId("why-answer").waitFor();
      await take("topic-yesterday");
    } else console.log("nothing is hot: topics were left out");
    await page.route(/\/api\/topics\/hot\?window=24h/, (route) => route.fulfill({ json: { topics: [] } }));
    await page.goto(new URL("/hot?window=24h", base).href);
    await page.getByTestId("hot-empty").waitFor();
    await take("hot-empty");

    await page.goto(new URL("/incidents?state=all", base).href);
    await page.getByTestId("incident-row").first().or(page.locator(".empty")).first().waitFor();
    await take("incidents");

    if ((await page.getByTestId("incident-row").count()) > 0) {
      await page.getByTestId("incident-row").first().locator("a.title").click();
      await page.getByTestId("incident-title").waitFor();
      await page.locator(".curve canvas").first().waitFor();
      await take("incident");
    } else console.log("no incident: its page was left out");

    await page.goto(new URL("/coverage", base).href);
    await page.getByTestId("coverage-row").first().or(page.locator(".empty")).first().waitFor();
    await take("coverage");
    if ((await page.getByTestId("coverage-row").count()) > 0) {
      await page.getByTestId("coverage-row").first().locator("button.toggle").click();
      await page.locator(".coverage-detail .days").first().waitFor();
      await take("coverage-source");
    }

    await page.goto(new URL(`/search?q=${encodeURIComponent("停水")}`, base).href);
    await page.getByTestId("search-total").waitFor();
    await page.locator(".histogram canvas").or(page.getByTestId("nothing")).first().waitFor();
    await take("search");
    await page.goto(new URL(`/search?q=${encodeURIComponent("停水")}&collapse=true&view=growth`, base).href);
    await page.getByTestId("search-total").waitFor();
    await take("search-growth");
    await page.goto(new URL(`/search?q=${encodeURIComponent("停水 火星")}&sentiment=positive`, base).href);
    await page.getByTestId("nothing").waitFor();
    await take("search-nothing");
    await page.goto(new URL(`/search?q=${encodeURIComponent("停水")}`, base).href);
    await page.getByTestId("to-thread").first().or(page.getByTestId("nothing")).first().waitFor();
    if ((await page.getByTestId("to-thread").count()) > 0) {
      await page.getByTestId("to-thread").first().click();
      await page.getByTestId("thread-post").waitFor();
      await take("thread");
    }
    await page.goto(new URL("/watch", base).href);
    await page.getByTestId("watch-row").first().or(page.locator(".empty")).first().waitFor();
    await take("watch");
    await page.goto(new URL("/roster", base).href);
    await page.getByTestId("roster-now").first().or(page.getByTestId("roster-empty")).first().waitFor();
    await take("roster");
    await page.route(/\/api\/roster\?/, (route) =>
      route.fulfill({ json: { at: "", from: "", to: "", rosters: [], people: [] } }),
    );
    await page.goto(new URL("/roster", base).href);
    await page.getByTestId("roster-empty").waitFor();
    await take("roster-empty");
    await page.context().close();
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length > 0 ? 1 : 0);
