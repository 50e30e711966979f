/**
 * node e2e/chain-shots.mjs OUT_DIR [--theme night|day] [--language zh|en]
 *
 * Pictures of the chain at three sizes, from the mock gateway: incidents that are new, assigned, overdue, paused and merged, the forms, the
 * board, silences and drills, why somebody was paged, and what a unit's person sees. Fails on complaints of the browser and where a page is wider than its window.
 */
import { camera, login, options, overflow, page as open } from "./browser.mjs";
import { start } from "./walk.mjs";

const {
  _: [folder],
  theme,
  language,
} = options(process.argv.slice(2), { theme: "night", language: "zh" });
if (!folder) {
  console.error("usage: node e2e/chain-shots.mjs OUT_DIR [--theme night|day] [--language zh|en]");
  process.exit(2);
}

const { base, browser, complaints, walk } = await start();
const SIZES = {
  1440: [{ width: 1440, height: 900 }],
  1920: [{ width: 1920, height: 1080 }],
  390: [
    { width: 390, height: 844 },
    { deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  ],
};
const day = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10).replaceAll("-", "");
const id = (n) => `${day}-${String(n).padStart(4, "0")}`;
const shot = camera(folder);

async function pictures(size, [viewport, more]) {
  const begin = async (user) => {
    const page = await open(browser, complaints, viewport, more);
    await page.addInitScript(
      ([theme, language]) => {
        localStorage.setItem("wanglou.theme", theme);
        localStorage.setItem("wanglou.language", language);
      },
      [theme, language],
    );
    await login(page, base, user, "wanglou");
    return page;
  };
  const take = async (page, what, fullPage = false) => {
    const wide = await overflow(page);
    if (wide > 0) complaints.push(`${page.url()} at ${size}, ${what}: ${wide} px wider than the window`);
    console.log(await shot(page, `${size}-${what}`, fullPage));
  };
  const read = async (page, n) => {
    await page.goto(`${base}incidents/${id(n)}`);
    await page.getByTestId("incident-title").waitFor();
  };

  const desk = await begin("王敏");
  await desk.getByTestId("incident-row").first().waitFor();
  await desk.locator(".curve canvas").first().waitFor();
  await take(desk, "board");
  await desk.goto(`${base}incidents`);
  await desk.getByTestId("incident-row").first().waitFor();
  await take(desk, "list");
  for (const [n, what] of Object.entries({ 7: "new", 6: "assigned", 5: "overdue", 4: "paused" })) {
    await read(desk, n);
    await take(desk, what, true);
  }
  await read(desk, 6);
  await desk.getByTestId("act-assign").click();
  await desk.getByTestId("proposal").first().click();
  await desk.getByTestId("act-assisting").fill("综合执法局");
  await desk.getByTestId("act-assisting").press("Enter");
  await desk.getByTestId("due-24").click();
  await desk.getByTestId("act-submit").scrollIntoViewIfNeeded();
  await take(desk, "assign-form");
  await desk.getByTestId("act-merge").click();
  await desk.getByTestId("merge-choice").first().click();
  await desk.getByTestId("act-text").fill("同一路段");
  await desk.getByTestId("act-submit").click();
  await desk.getByTestId("act-submit").scrollIntoViewIfNeeded();
  await take(desk, "merge-form");
  await read(desk, 4);
  await desk.getByTestId("act-split").click();
  await desk.getByTestId("split-topic").first().click();
  await take(desk, "split-form");
  await read(desk, 5);
  await desk.getByTestId("act-respond").click();
  await take(desk, "respond-form");
  await desk.context().close();

  const chief = await begin("孙督");
  await chief.goto(`${base}quiet?topic=school`);
  await chief.getByTestId("drill-row").first().waitFor();
  await chief.getByTestId("drill-add").click();
  await chief.getByTestId("silence-submit").click();
  await take(chief, "quiet-forms", true);
  await chief.getByTestId("silence-reason").fill("检测报告三日内出具");
  await chief.getByTestId("silence-submit").click();
  await chief.getByTestId("drill-submit").click();
  await chief.getByTestId("drill-submit").click();
  await chief.getByTestId("drill-row").nth(1).waitFor();
  await fetch(`${base}mock/escalate?incident=${id(4)}`, { method: "POST" });
  await chief.getByTestId("silence-held").first().waitFor();
  await chief.getByTestId("silences-over").click();
  await chief.getByText("提前结束").or(chief.getByText("ended by")).first().waitFor();
  await take(chief, "quiet", true);
  await read(chief, 4);
  await chief.getByTestId("paged-open").click();
  await chief.getByTestId("paged-answer").waitFor();
  await take(chief, "paged", true);
  await read(chief, 4);
  await chief.getByTestId("clock-resume").first().click();
  await chief.getByTestId("deadlines-stopped").locator("summary").click();
  await take(chief, "supervisor");
  await chief.context().close();

  const unit = await begin("陈工");
  await unit.getByTestId("incident-row").first().waitFor();
  await take(unit, "unit-list");
  await read(unit, 3);
  await take(unit, "unit-incident", true);
  await unit.context().close();
}

await walk(Object.fromEntries(Object.entries(SIZES).map(([size, how]) => [size, () => pictures(size, how)])));
