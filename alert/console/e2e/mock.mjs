/**
 * node e2e/mock.mjs: what a person does, against the mock gateway (npm run build comes first); the chain from 签收 to 办结 is in
 * chain.mjs. Waits for what is seen, never for a time.
 */
import { login, page as open } from "./browser.mjs";
import { check, DESK, start } from "./walk.mjs";

const { base, browser, complaints, walk } = await start();

const fresh = (page) =>
  page.locator('[data-testid="incident-row"]:has([data-testid="incident-state"][data-state="new"])');

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

  async "the hot list says of each topic why it is hot, over the time that is asked for"() {
    const page = await open(browser, complaints, DESK);
    await login(page, base, "访客", "wanglou");
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    await page.waitForURL(/\/hot$/);
    const rows = page.getByTestId("hot-row");
    await rows.first().waitFor();
    const kinds = await rows.evaluateAll((rows) => rows.map((row) => row.dataset.kind));
    check(
      ["watch", "emerging", "category"].every((kind) => kinds.includes(kind)),
      `kinds of topics: ${kinds}`,
    );
    check((await rows.first().getAttribute("data-phase")) !== "quiet", "a quiet topic is hotter than one that rises");
    await page.keyboard.press("j");
    await page.keyboard.press("e");
    await page.getByTestId("heat-parts").getByText("正在上升").waitFor();
    await page.getByTestId("heat-parts").getByText("高于预期").waitFor();
    check((await page.getByTestId("hot-detail").getByTestId("windows").locator("tbody tr").count()) === 5, "windows");
    check((await page.locator('.hot-detail a[href^="/search"]').count()) === 0, "a viewer is offered to search");
    await page.keyboard.press("e");
    await page.getByTestId("hot-detail").waitFor({ state: "detached" });
    await page.keyboard.press("t");
    await page.waitForURL(/window=24h/);
    await rows.first().waitFor();
    await page.getByTestId("hot-7d").click();
    await page.waitForURL(/window=7d/);
    await rows.first().waitFor();
    await fetch(`${base}mock/empty?window=24h`, { method: "POST" });
    await page.getByTestId("hot-24h").click();
    await page.getByTestId("hot-empty").getByText("近 24 小时").first().waitFor();
    await page.getByTestId("hot-empty").getByRole("link", { name: "看近 7 天" }).click();
    await rows.first().waitFor();
    await page.getByTestId("hot-1h").click();
    await page.locator('[data-testid="hot-row"][data-id="water"]').waitFor();
    return page;
  },

  async "a topic's page answers why nobody was paged, and tells that somebody was"(page) {
    await page.locator('[data-id="water"] button.toggle').click();
    await page.getByTestId("to-topic").click();
    await page.waitForURL(/\/topics\/water$/);
    const answer = page.getByTestId("why-answer");
    await page.locator('[data-testid="why-answer"][data-outcome="told"]').getByText("已告警").waitFor();
    await page.getByTestId("why-rise").getByText("仍在持续").waitFor();
    check((await page.getByTestId("why-windows").locator("tbody tr").count()) === 11, "windows of the answer");
    check((await page.getByTestId("why-triggers").locator("tbody tr").count()) === 4, "the other triggers");
    check((await page.getByTestId("windows").locator("tbody tr").count()) === 5, "windows of the topic");
    await page.getByTestId("forecast").getByText("九成可能").waitFor();
    await page.getByTestId("why-dayAgo").click();
    await page.waitForURL(/at=/);
    await page.locator('[data-testid="why-answer"]:not([data-outcome="told"])').waitFor();
    await page.getByText("按现在所知重算").waitFor();
    // The address holds the moment; it can be passed on.
    await page.reload();
    await answer.waitFor();
    check((await answer.getAttribute("data-outcome")) !== "told", "the moment is lost when the page is read again");
    await page.getByTestId("why-now").click();
    await page.waitForURL((url) => url.search === "");
    await page.locator('[data-testid="why-answer"][data-outcome="told"]').waitFor();
    const bars = page.locator(".curve.pickable");
    await bars.locator("canvas").waitFor();
    const box = await bars.boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.waitForURL(/at=/);
    await page.locator('[data-testid="why-answer"]:not([data-outcome="told"])').waitFor();
    await page.keyboard.press("t");
    const field = page.getByTestId("why-at");
    check(await field.evaluate((element) => element === document.activeElement), "a key does not lead to the moment");
    await field.fill("2199-01-01T00:00");
    await page.getByText("时刻应早于现在").waitFor();
    check(!/2199/.test(page.url()), "a moment that lies ahead is asked about");
    await page.getByTestId("range-10080").click();
    await page.locator('[data-testid="range-10080"][aria-pressed="true"]').waitFor();
  },

  async "topics that were found, categories and those that people set have the same page"(page) {
    for (const id of ["sinkhole", "category:生态环境:epb", "w1"]) {
      await page.goto(`${base}topics/${encodeURIComponent(id)}`);
      await page.getByTestId("topic-title").waitFor();
      await page.getByTestId("why-answer").waitFor();
      await page.locator(".curve canvas").waitFor();
    }
    await page.goto(`${base}topics/gone`);
    await page.getByTestId("no-topic").waitFor();
    await page.goto(base);
    await page.locator('[data-testid="topic-row"][data-topic="water"] a.name').click();
    await page.waitForURL(/\/topics\/water$/);
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

  async "note, assign, return, respond, close, reopen and false alarm lead from step to step"(page) {
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
    check((await page.getByTestId("act-return").count()) === 0, "what no unit has can be returned");
    await act("assign", "请两小时内反馈", "assigned", "住建局");
    await act("return", "不属本单位职责", "acked");
    check((await page.getByTestId("act-return").count()) === 0, "what was returned can be returned again");
    await act("assign", "改请水务局反馈", "assigned", "水务局");
    await act("respond", "抢修完成, 十二时恢复供水", "responded");
    await act("close", "居民已恢复用水", "closed");
    const acts = async () =>
      page.locator(".acts .tabs button").evaluateAll((all) => all.map((one) => one.dataset.testid));
    check((await acts()).join() === "act-reopen", "a closed incident can be changed otherwise than by reopening it");
    await act("reopen", "居民反映又停水", "acked");
    await act("false_alarm", "系消防演习用水", "closed");
    await page.getByTestId("incident-closed").getByText("误报").waitFor();
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

  async "filters are in the address, in the desk's zone"(page) {
    await page.goto(`${base}search?q=${encodeURIComponent("停水")}`);
    await page.getByTestId("search-total").waitFor();
    const total = await page.getByTestId("search-total").innerText();
    await page.locator('[data-group="kind"]').getByTestId("facet-value").first().click();
    await page.waitForURL(/kind=(comment|post)/);
    await page.locator(`[data-testid="search-total"]:not(:text-is("${total}"))`).waitFor();
    const [from, to] = await page.locator('.time-filter input[type="datetime-local"]').all();
    await from.fill("2026-11-24T03:04");
    await page.getByTestId("search-box").focus();
    await page.waitForURL(/from=2026-11-23T19:04/);
    await to.fill("2026-11-24T03:03");
    await page.keyboard.press("Enter");
    await page.getByText("结束时间应晚于开始时间").waitFor();
    await page.reload();
    await page.getByTestId("search-total").waitFor();
    check((await from.inputValue()) === "2026-11-24T03:04", "the address does not come back into the form");
    check((await page.getByTestId("narrowing").count()) === 2, "what narrows the search is not shown");
    await page.locator(".facets .clear").click();
    await page.waitForURL((url) => url.search === `?q=${encodeURIComponent("停水")}`);
    await page.locator(`[data-testid="search-total"]:text-is("${total}")`).waitFor();
  },

  async "a facet narrows, is left out, and is taken back by key and by going back"(page) {
    const place = page.locator('[data-group="place"]').getByTestId("facet-value").first();
    await place.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/place=/);
    await page.locator('[data-group="place"] [aria-pressed="true"]').waitFor();
    await page.getByTestId("narrowing").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => !url.searchParams.has("place"));
    await page.locator('[data-group="sentiment"] li').first().hover();
    await page.locator('[data-group="sentiment"] .not').first().click();
    await page.waitForURL((url) => /^停水 -情感:/.test(url.searchParams.get("q")));
    await page.goBack();
    await page.waitForURL((url) => url.searchParams.get("q") === "停水");
  },

  async "the time narrows by a bar, by a stretch and by keys, and is let go"(page) {
    const picture = page.getByTestId("histogram");
    await page.locator(".histogram canvas").waitFor();
    const box = await picture.boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.6, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.95, y);
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    await page.getByTestId("widen").click();
    await page.waitForURL((url) => !url.searchParams.has("from"));
    await page.keyboard.press("t");
    check(await picture.evaluate((element) => element === document.activeElement), "a key does not lead to the bars");
    await page.keyboard.press("End");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=.*to=/);
    await page.locator('[data-testid="scale-hour"], [data-testid="scale-minute"]').first().waitFor();
    await picture.focus();
    await page.keyboard.press("Backspace");
    await page.waitForURL((url) => !url.searchParams.has("from"));
    await page.getByTestId("view-growth").click();
    await page.waitForURL(/view=growth/);
    await page.getByTestId("scale-minute").click();
    await page.getByTestId("search-error").getByText("柱数超过").waitFor();
    await page.getByTestId("scale-day").click();
    await page.waitForURL(/scale=day/);
    check((await page.getByTestId("search-hit").count()) > 0, "another scale has lost the hits");
  },

  async "copies are put together, and come apart again"(page) {
    await page.goto(`${base}search?q=${encodeURIComponent("停水")}`);
    await page.getByTestId("collapse").check();
    await page.waitForURL(/collapse=true/);
    await page.getByTestId("copies-toggle").first().click();
    await page.getByTestId("copies").locator("li").nth(1).waitFor();
    await page.getByTestId("sort").selectOption("heat");
    await page.waitForURL(/sort=heat/);
  },

  async "a thread shows the answers in order, with what was searched marked"(page) {
    await page.goto(`${base}search?q=${encodeURIComponent("停水 -演练")}&kind=post&sort=oldest`);
    await page.getByTestId("search-hit").first().waitFor();
    await page.keyboard.press("j");
    await page.locator(".hit.selected").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/thread\?id=/);
    await page.locator('[data-testid="thread-post"] mark').first().waitFor();
    // Coming back, one goes on where one was.
    await page.goBack();
    await page.getByTestId("search-more").click();
    await page.getByTestId("search-hit").nth(30).waitFor();
    await page.getByTestId("search-hit").nth(40).getByTestId("to-thread").click();
    await page.getByTestId("thread-post").waitFor();
    await page.getByText("返回检索").click();
    await page.waitForURL(/\/search\?.*sort=oldest/);
    check((await page.getByTestId("search-hit").count()) > 40, "coming back from a thread has lost what was found");
    await page.goto(`${base}thread?id=bbs2:water19&q=${encodeURIComponent("停水")}`);
    await page.getByTestId("thread-total").getByText("260").waitFor();
    check((await page.locator(".answers script").count()) === 0, "markup of a comment has become markup of the page");
    await page.getByTestId("thread-more").click();
    await page.getByTestId("thread-answer").nth(259).waitFor();
    await page.getByTestId("thread-more").waitFor({ state: "detached" });
  },

  async "a search is kept under a name and found again"(page) {
    await page.goto(`${base}search?q=${encodeURIComponent("物业 或 电梯")}&sentiment=negative`);
    await page.getByTestId("search-total").waitFor();
    check((await page.getByTestId("export").count()) === 0, "an operator is offered to export");
    check((await page.getByTestId("correct").count()) === 0, "an operator is offered to correct");
    await page.keyboard.press("s");
    await page.getByTestId("saved-name").fill("物业 <b>投诉</b>");
    await page.getByTestId("saved-shared").check();
    await page.getByTestId("saved-keep").click();
    const row = page.getByTestId("saved-row").filter({ hasText: "物业 <b>投诉</b>" });
    await row.waitFor();
    await page.keyboard.press("Escape");
    await page.goto(`${base}search`);
    await page.keyboard.press("Tab");
    await page.getByRole("button", { name: "常用检索" }).click();
    await row.locator("a").click();
    await page.waitForURL((url) => url.searchParams.get("q") === "物业 或 电梯" && url.searchParams.has("sentiment"));
    await page.context().close();
  },

  async "an analyst corrects, takes a correction back, and watches a search"() {
    const page = await open(browser, complaints, DESK);
    await login(page, base, "赵倩", "wanglou");
    await page.goto(`${base}search?q=${encodeURIComponent("停水")}&kind=post&sentiment=negative`);
    await page.getByTestId("search-hit").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("c");
    const form = page.getByTestId("correction");
    await form.waitFor();
    check(await page.getByTestId("correct-submit").isDisabled(), "nothing can be sent as a correction");
    await form.getByText("中性").click();
    await page.getByTestId("correct-category").fill("没有这一类");
    await page.getByTestId("correct-submit").click();
    await page.getByTestId("correct-error").getByText("请从列表中选").waitFor();
    await page.getByTestId("correct-category").fill("交通运输/道路交通");
    await page.getByTestId("correct-submit").click();
    const first = page.getByTestId("search-hit").first();
    await first.getByTestId("corrected").getByText("赵倩").waitFor();
    await first.locator('.sentiment[data-label="neutral"]').waitFor();
    await first.getByTestId("corrected").getByText("情感原判 负面").waitFor();
    await first.getByTestId("correct-back").click();
    await first.locator('.sentiment[data-label="negative"]').waitFor();
    check((await first.getByTestId("corrected").count()) === 0, "a correction that was taken back is still shown");

    await page.getByTestId("watch-make").click();
    await page.getByTestId("watch-name").fill("负面停水");
    const query = page.getByTestId("watch-query");
    check(
      (await query.inputValue()) === "停水 类型:帖子 情感:负面",
      `the search is not its query: ${await query.inputValue()}`,
    );
    await query.fill("停水 时间:今天");
    await page.getByTestId("watch-submit").click();
    await page.getByTestId("watch-dialog").getByText("第 4 个字处").waitFor();
    await query.fill("停水 情感:负面");
    await page.getByTestId("watch-submit").click();
    await page.getByTestId("watch-dialog").waitFor({ state: "hidden" });
    return page;
  },

  async "watch topics are listed, changed and removed, those of the config are not; words are added"(page) {
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    const mine = page.locator('[data-testid="watch-row"][data-from="people"]').filter({ hasText: "负面停水" });
    await mine.waitFor();
    const config = page.locator('[data-testid="watch-row"][data-from="config"]');
    check((await config.getByTestId("watch-edit").count()) === 0, "a topic of the config can be changed here");
    await mine.getByTestId("watch-edit").click();
    await page.getByTestId("watch-name").fill("停水怨言");
    await page.getByTestId("watch-submit").click();
    const renamed = page.getByTestId("watch-row").filter({ hasText: "停水怨言" });
    await renamed.getByTestId("watch-remove").click();
    await renamed.getByText("再按一次").click();
    await renamed.waitFor({ state: "detached" });
    await page.getByTestId("user-word").fill("x");
    await page.keyboard.press("Enter");
    await page.locator(".user-words .wrong").waitFor();
    await page.getByTestId("user-word").fill("沙湾水厂");
    await page.keyboard.press("Enter");
    await page.getByTestId("user-word-row").filter({ hasText: "沙湾水厂" }).waitFor();
  },

  async "the roster is read, a supervisor lets somebody stand in, an operator takes over"() {
    const chief = await open(browser, complaints, DESK);
    await login(chief, base, "孙督", "wanglou");
    await chief.keyboard.press("g");
    await chief.keyboard.press("d");
    await chief.getByTestId("roster-finding").first().waitFor();
    const before = await chief.getByTestId("roster-change-row").count();
    await chief.getByTestId("roster-change").click();
    await chief.getByTestId("roster-person").selectOption("韩梅");
    await chief.getByTestId("roster-place").selectOption("韩梅");
    await chief.getByTestId("roster-submit").click();
    await chief.getByTestId("roster-error").getByText("代自己").waitFor();
    await chief.getByTestId("roster-place").selectOption("李雷");
    await chief.getByTestId("roster-submit").click();
    await chief.getByTestId("roster-change-row").nth(before).waitFor();
    const made = chief.getByTestId("roster-change-row").first();
    await made.getByText("韩梅 代 李雷").waitFor();
    await made.getByTestId("roster-withdraw").click();
    await made.getByTestId("roster-withdraw").click();
    await made.getByText("孙督 已撤回").waitFor();
    await chief.getByTestId("roster-confirm").first().click();
    await chief.getByTestId("roster-handover-row").getByText("确认接班").first().waitFor();
    await chief.getByTestId("calendar-make").click();
    check(
      /\/calendar\/[0-9a-f]{32}\.ics$/.test(await chief.getByTestId("calendar-address").inputValue()),
      "no secret address",
    );
    await chief.context().close();
  },

  async "results and briefs are taken away by those who may"(page) {
    await page.goto(`${base}search?q=${encodeURIComponent("停水")}`);
    await page.getByTestId("export").click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByText("表格 CSV").click()]);
    check(/^wanglou-.*\.csv$/.test(file.suggestedFilename()), `the file is called ${file.suggestedFilename()}`);
    await page.getByTestId("brief-open").click();
    const [brief] = await Promise.all([page.context().waitForEvent("page"), page.getByTestId("brief-html").click()]);
    await brief.getByText("停水").first().waitFor();
    await brief.close();
    await page.getByTestId("brief-open").click();
    await page.getByTestId("brief-day").check();
    const [word] = await Promise.all([page.waitForEvent("download"), page.getByTestId("brief-docx").click()]);
    check(/\.docx$/.test(word.suggestedFilename()), `the brief is called ${word.suggestedFilename()}`);
    await page.context().close();
  },

  async "what finds nothing says what to try"() {
    const page = await open(browser, complaints, DESK);
    await login(page, base, "王敏", "wanglou");
    await page.goto(`${base}search?q=${encodeURIComponent("停水 火星")}&sentiment=positive`);
    await page.getByTestId("nothing").getByRole("link", { name: "停水 或 火星" }).waitFor();
    await page.getByTestId("nothing").getByRole("link", { name: "去掉条件" }).click();
    await page.getByTestId("nothing").getByRole("link", { name: "停水 或 火星" }).click();
    await page.getByTestId("search-hit").first().waitFor();
    return page;
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

await walk(steps);
