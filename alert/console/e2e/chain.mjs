/**
 * node e2e/chain.mjs: silences, drills and why somebody was paged; then a matter from 签收 to 办结, by everybody who has a part in it; against
 * the mock gateway (npm run build comes first).
 * Waits for what is seen, never for a time.
 */
import { login, overflow, page as open } from "./browser.mjs";
import { check, DESK, start } from "./walk.mjs";

const { base, browser, complaints, walk } = await start();
const PHONE = { width: 390, height: 844 };

const day = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10).replaceAll("-", "");
const [TRAFFIC, PROPERTY, SCHOOL, SINKHOLE, WATER] = [6, 5, 4, 3, 7].map((n) => `${day}-000${n}`);

const row = (page, id) => page.locator(`[data-testid="incident-row"][data-id="${id}"]`);
const state = (page, name) => page.locator(`.sign-line [data-testid="incident-state"][data-state="${name}"]`);
const told = (page, action, text) =>
  page.locator(`[data-testid="history-row"][data-action="${action}"]`, { hasText: text }).first();
const clock = (page, id) => page.locator(`[data-testid="deadline"][data-clock="${id}"]`);
const stopped = (page, id) => page.locator(`[data-testid="deadline-stopped"][data-clock="${id}"]`);

async function begin(user, viewport = DESK) {
  const page = await open(browser, complaints, viewport);
  await login(page, base, user, "wanglou");
  return page;
}

async function read(page, id) {
  await page.goto(`${base}incidents/${id}`);
  await page.getByTestId("incident-title").waitFor();
}

async function submit(page, name, text) {
  await page.getByTestId(`act-${name}`).click();
  await page.getByTestId("act-text").fill(text);
  await page.getByTestId("act-submit").click();
}

let desk;
let unit;

const steps = {
  async "a silence is set from an incident, which is marked while it holds, and ended with a second press"() {
    desk = await begin("王敏");
    await read(desk, SCHOOL);
    await desk.getByTestId("silence-topic-button").click();
    await desk.waitForURL(/\/quiet\?topic=school$/);
    check((await desk.getByTestId("silence-topic").inputValue()) === "school", "the topic is not filled in");
    check((await desk.getByTestId("silence-24h").count()) === 0, "an operator is offered a day");
    await desk.getByTestId("silence-through").getByText("现有事件升到 橙 II 起照常通知").waitFor();
    await desk.getByTestId("silence-at").fill("2020-01-01T08:00");
    await desk.getByTestId("silence-end-wrong").getByText("结束时间已过").waitFor();
    await desk.getByTestId("silence-8h").click();
    await desk.getByTestId("silence-submit").click();
    await desk.getByTestId("silence-error").getByText("请填写理由").waitFor();
    await desk.getByTestId("silence-reason").fill("已交教育局, 检测报告三日内出具");
    await desk.getByTestId("silence-submit").click();
    const silence = desk.getByTestId("silence-row").filter({ hasText: "检测报告三日内出具" });
    await silence.getByTestId("silence-left").getByText("还有 7 小时").waitFor();
    await fetch(`${base}mock/escalate?incident=${SCHOOL}`, { method: "POST" });
    await silence.getByTestId("silence-held").getByRole("link").click();
    await told(desk, "page_silenced", "期间不通知: 催办").waitFor();
    await desk.locator(".incident-page .head").getByTestId("silence-mark").waitFor();
    await desk.goto(base);
    await row(desk, SCHOOL).getByTestId("silence-mark").click();
    await desk.waitForURL(/\/quiet$/);
    await silence.getByTestId("silence-end").click();
    await silence.getByTestId("silence-end").getByText("再按一次").click();
    await silence.waitFor({ state: "detached" });
    await desk.getByTestId("silences-over").click();
    await silence.getByText("王敏 于").waitFor();
    await read(desk, SCHOOL);
    await told(desk, "silence_over", "已结束").waitFor();
    check((await desk.locator(".incident-page .head").getByTestId("silence-mark").count()) === 0, "still marked");
  },

  async "why somebody was paged or was not is answered on the incident's page and on the topic's"() {
    const answer = (outcome) => desk.locator(`[data-testid="paged-answer"][data-outcome="${outcome}"]`);
    const reason = (code) => desk.locator(`[data-testid="paged-reason"][data-code="${code}"]`).first();
    await desk.getByTestId("paged-open").click();
    await answer("paged").waitFor();
    await reason("silenced").getByText("检测报告三日内出具").waitFor();
    await desk.getByTestId("whom-person").click();
    await desk.getByTestId("whom-name").fill("何人");
    await desk.keyboard.press("Enter");
    await answer("unpaged").getByText("没有通知送达 何人").waitFor();
    await reason("unknown_person").waitFor();
    await reason("not_addressed").getByText("desk").waitFor();
    await desk.getByTestId("whom-channel").click();
    await desk.getByTestId("whom-name").fill("desk");
    await desk.keyboard.press("Enter");
    await answer("paged").getByText("已有通知送达 desk").waitFor();
    await desk.getByTestId("why-dayAgo").click();
    await answer("nothing").waitFor();
    await reason("not_yet").waitFor();
    await desk.goto(`${base}topics/noise`);
    await answer("nothing").waitFor();
    await reason("closed").getByText("办结").waitFor();
    await desk.goto(`${base}topics/school`);
    await answer("paged").getByTestId("paged-incident").click();
    await desk.waitForURL(new RegExp(`/incidents/${SCHOOL}$`));
  },

  async "a supervisor begins a drill, which is marked and signed like the real thing, and its result is told"() {
    const chief = await begin("孙督");
    await chief.keyboard.press("g");
    await chief.keyboard.press("q");
    await chief.getByTestId("drill-row").getByText("演练结果: 李雷 于 1 分 43 秒后签收").waitFor();
    await chief.getByTestId("drill-add").click();
    await chief.getByTestId("drill-text").fill("长".repeat(201));
    await chief.keyboard.press("Enter");
    await chief.getByTestId("drill-error").getByText("至多 200 字").waitFor();
    await chief.getByTestId("drill-text").fill("凌晨接警");
    await chief.keyboard.press("Enter");
    await chief.getByTestId("drill-submit").getByText("再按一次").click();
    const drill = chief.getByTestId("drill-row").filter({ hasText: "演练: 凌晨接警" });
    await drill.getByTestId("ack-countdown").waitFor();
    await desk.goto(`${base}quiet`);
    await desk.getByTestId("drill-row").first().waitFor();
    check((await desk.getByTestId("drill-add").count()) === 0, "an operator is offered to begin a drill");
    await desk.goto(base);
    const begun = row(desk, await drill.getAttribute("data-id"));
    await begun.getByTestId("drill-mark").waitFor();
    await begun.getByTestId("row-ack-button").click();
    await drill.getByTestId("drill-result").getByText("演练结果: 王敏 于").waitFor();
    await chief.context().close();
  },

  async "signing starts what a person must think of next: 交办 with what is proposed"() {
    await desk.goto(base);
    await row(desk, WATER).getByTestId("clock-line").getByText("官方回应").waitFor();
    await row(desk, TRAFFIC).getByTestId("clock-line").getByText("单位签收").waitFor();
    await row(desk, TRAFFIC).getByTestId("unit-state").getByText("单位未签收").waitFor();
    await row(desk, WATER).locator("a.title").click();
    await desk.getByTestId("category").getByText("城乡建设/供水").waitFor();
    await desk.getByTestId("ack-button").click();
    await state(desk, "acked").waitFor();
    const proposals = desk.getByTestId("proposal");
    await proposals.first().getByText("62%").waitFor();
    await proposals.first().getByText("5 条样例中 4 条").waitFor();
    check((await proposals.count()) === 2, "not everything that is proposed is shown");
  },

  async "one press takes the proposal; units that assist come and go by keyboard; a deadline that is over is refused"() {
    await desk.getByTestId("act-unit").fill("别的单位");
    await desk.getByTestId("chose-otherwise").waitFor();
    await desk.getByTestId("proposal").first().click();
    check((await desk.getByTestId("act-unit").inputValue()) === "区水务局", "the proposal is not taken");
    const assisting = desk.getByTestId("act-assisting");
    await assisting.pressSequentially("综合执法局");
    await assisting.press("Enter");
    await desk.getByTestId("assisting-chip").getByText("综合执法局").waitFor();
    await assisting.press("Backspace");
    await desk.getByTestId("assisting-chip").waitFor({ state: "detached" });
    await desk.getByTestId("assist-more").first().click();
    await desk.getByTestId("assisting-chip").getByText("抚琴街道办").waitFor();
    await desk.getByTestId("due-at").fill("2020-01-01T08:00");
    await desk.getByTestId("act-text").fill("请两小时内到场并反馈");
    await desk.getByTestId("act-submit").click();
    await desk.getByTestId("act-error").getByText("办理期限已过").waitFor();
    await desk.getByTestId("due-2").click();
    await desk.getByTestId("act-submit").click();
    await state(desk, "assigned").waitFor();
    await told(desk, "assigned", "区水务局, 协办 抚琴街道办: 请两小时内到场并反馈").waitFor();
    await desk.getByTestId("unit-panel").getByText("已选为主办").waitFor();
    await desk.getByTestId("unit-signed").getByText("单位未签收").waitFor();
    await clock(desk, "unit_ack")
      .getByText(/剩 (59|1 小时 0)/)
      .waitFor();
    await clock(desk, "answer")
      .getByText(/剩 (1 小时 59|2 小时 0) 分/)
      .waitFor();
  },

  async "a unit's person sees what the unit has, and nothing is asked for that is not theirs"() {
    unit = await open(browser, complaints, PHONE);
    const asked = new Set();
    unit.on("response", (response) => {
      const path = new URL(response.url()).pathname;
      if (!path.startsWith("/api/")) return;
      asked.add(path.split("/")[2]);
      if (response.status() === 403) complaints.push(`${unit.url()}: 403 of ${path}`);
    });
    await login(unit, base, "陈工", "wanglou");
    await unit.waitForURL(/\/incidents$/);
    await row(unit, WATER).waitFor();
    const seen = await unit.getByTestId("incident-row").evaluateAll((rows) => rows.map((row) => row.dataset.id));
    check(seen.sort().join() === [SINKHOLE, WATER].sort().join(), `the unit sees ${seen}`);
    await unit.waitForFunction(() => document.title.startsWith("(2) "));
    check((await unit.locator(".bar nav a").count()) === 1, "pages are offered that are not the unit's");
    await unit.goto(`${base}coverage`);
    await unit.waitForURL(/\/incidents$/);
    await unit.goto(`${base}incidents/${TRAFFIC}`);
    await unit.getByText("没有事件").waitFor();
    await read(unit, WATER);
    await unit.getByTestId("unit-ack-button").waitFor();
    await unit.getByTestId("exchange").getByText("请两小时内到场并反馈").waitFor();
    check(
      (await unit.locator('a[href^="/topics"], a[href^="/search"]').count()) === 0,
      "links lead where the unit may not go",
    );
    check([...asked].sort().join() === "incidents,session", `the unit's console asks for ${[...asked]}`);
  },

  async "the unit signs, reports progress and answers; the desk sees it at once"() {
    await unit.getByTestId("unit-ack-button").click();
    await state(unit, "handling").waitFor();
    await state(desk, "handling").waitFor();
    await desk.getByTestId("unit-signed").getByText("陈工").waitFor();
    await submit(unit, "note", "抢修队已到现场");
    await told(unit, "reported", "抢修队已到现场").waitFor();
    await submit(unit, "answer", "主管爆裂, 已更换, 十二时恢复供水");
    const answer = told(desk, "answered", "主管爆裂, 已更换");
    await answer.waitFor();
    await desk.getByTestId("exchange").getByText("主管爆裂, 已更换").waitFor();
    check(await answer.evaluate((element) => element.classList.contains("of-unit")), "the answer does not stand out");
    await desk.getByTestId("deadlines-stopped").locator("summary").click();
    await stopped(desk, "answer").getByText("按时").waitFor();
    await stopped(desk, "unit_ack").getByText("按时").waitFor();
    check((await overflow(unit)) <= 0, "the unit's page is wider than a phone");
  },

  async "the official response, as a press conference too, and the end"() {
    await submit(desk, "respond", "抢修完成, 十二时恢复供水");
    await state(desk, "responded").waitFor();
    await stopped(desk, "response").or(stopped(desk, "information")).first().getByText("按时").waitFor();
    await submit(desk, "close", "居民已恢复用水");
    await state(desk, "closed").waitFor();
    await read(desk, PROPERTY);
    await clock(desk, "answer").getByText("已逾期").waitFor();
    await desk.getByTestId("act-respond").click();
    await desk.getByText("文字回应不停止「新闻发布会」的计时").waitFor();
    await desk.getByTestId("press-yes").click();
    await submit(desk, "respond", "今日下午召开新闻发布会, 公布电梯维修记录");
    await told(desk, "responded", "新闻发布会: 今日下午").waitFor();
    await desk.getByTestId("deadlines-stopped").locator("summary").click();
    await stopped(desk, "press").getByText("按时").waitFor();
  },

  async "what the unit sends back is gone from its console without a refusal"() {
    // The clock of the console is not waited for: a line that is back is read at once.
    await unit.goto(`${base}incidents`);
    await row(unit, SINKHOLE).waitFor();
    await unit.evaluate(() => dispatchEvent(new Event("online")));
    await row(unit, WATER).waitFor({ state: "detached" });
    await row(unit, SINKHOLE).getByTestId("row-ack-button").click();
    await row(unit, SINKHOLE).getByTestId("unit-state").getByText("陈工").waitFor();
    await row(unit, SINKHOLE).locator("a.title").click();
    await submit(unit, "return", "塌陷系道路基础问题, 不属供水");
    await unit.getByTestId("unit-gone").waitFor();
    check((await unit.locator(".acts").count()) === 0, "what was sent back can be handled");
    await unit.context().close();
  },

  async "a supervisor holds a clock with a reason and lets it go on; nobody else is offered to"() {
    await read(desk, TRAFFIC);
    check((await desk.getByTestId("clock-pause").count()) === 0, "an operator is offered to hold a clock");
    await desk.getByTestId("unit-ack-for").click();
    await state(desk, "handling").waitFor();
    const chief = await begin("孙督");
    await read(chief, TRAFFIC);
    check((await chief.locator(".acts").count()) === 0, "a supervisor is offered to handle");
    await clock(chief, "answer").getByTestId("clock-pause").click();
    await chief.keyboard.press("Enter");
    await chief.getByTestId("clock-error").getByText("暂停的理由").waitFor();
    await chief.getByTestId("clock-why").fill("等待道路检测报告");
    await chief.keyboard.press("Enter");
    await clock(chief, "answer").getByText("已暂停").waitFor();
    await clock(chief, "answer").getByText("等待道路检测报告").waitFor();
    await clock(desk, "answer").getByText("孙督").waitFor();
    await clock(chief, "answer").getByTestId("clock-resume").click();
    await chief.keyboard.press("Enter");
    await clock(chief, "answer").getByTestId("clock-pause").waitFor();
    await told(chief, "resumed", "恢复计时").waitFor();
    await read(chief, SCHOOL);
    await clock(chief, "response").getByText("等待第三方检测报告").waitFor();
    await chief.context().close();
  },

  async "an incident is merged into another one that is found by its number, after it was said what will happen"() {
    await desk.getByTestId("act-merge").click();
    await desk.getByTestId("act-text").fill("同一路段, 系塌陷引起");
    await desk.getByTestId("act-submit").click();
    await desk.getByTestId("act-error").getByText("并入哪个事件").waitFor();
    await desk.getByTestId("merge-find").fill("火星");
    await desk.getByTestId("merge-none").waitFor();
    await desk.getByTestId("merge-find").fill(SINKHOLE.slice(-4));
    check((await desk.getByTestId("merge-choice").count()) === 1, "the search does not narrow");
    await desk.getByTestId("merge-choice").focus();
    await desk.keyboard.press("Space");
    await desk.getByTestId("merge-what").getByText(`${TRAFFIC} 将办结`).waitFor();
    await desk.getByTestId("act-submit").click();
    await desk.getByTestId("act-submit").getByText("再按一次").waitFor();
    await desk.getByTestId("act-submit").click();
    await desk.waitForURL(new RegExp(`/incidents/${SINKHOLE}$`));
    await desk.getByTestId("related").getByRole("link", { name: "交通拥堵" }).waitFor();
    await told(desk, "merged", TRAFFIC).waitFor();
    await read(desk, TRAFFIC);
    await state(desk, "closed").waitFor();
    await desk.getByTestId("incident-closed").getByText("在那里继续办理").waitFor();
    await desk.getByTestId("merged-into").click();
    await desk.waitForURL(new RegExp(`/incidents/${SINKHOLE}$`));
  },

  async "a topic that joined becomes an incident of its own"() {
    await read(desk, SCHOOL);
    await desk.getByTestId("act-split").click();
    await desk.getByTestId("act-text").fill("校服收费是另一件事");
    await desk.getByTestId("act-submit").click();
    await desk.getByTestId("act-error").getByText("拆出哪些话题").waitFor();
    await desk.getByTestId("split-topic").focus();
    await desk.keyboard.press("Space");
    await desk.getByTestId("act-submit").click();
    await desk.getByTestId("split-from").waitFor();
    await state(desk, "acked").waitFor();
    await desk.getByTestId("split-from").click();
    await desk.waitForURL(new RegExp(`/incidents/${SCHOOL}$`));
    await told(desk, "split", "拆出").waitFor();
    check((await desk.getByTestId("related").count()) === 0, "a topic that was split off is still shown");
    await desk.context().close();
  },
};

await walk(steps);
