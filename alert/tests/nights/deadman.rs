//! Nights in which Wanglou itself is in trouble, or proves that it is not: canaries, alarms, heartbeats, the daily message, drills.

use crate::support::{Answer, Night};
use alert::{
    engine::deadman::{Deadman, Stages},
    incident::Command,
    lease::Candidate,
    quiet::{alarm::Sample, silence::Wanted},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::SignedDuration;
use schemas::{
    kit::{
        auth::{Caller, MAY_PUSH, MAY_SEARCH, MAY_WATCH, Role, guard},
        service::Ready,
    },
    records::Level,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

const ID: &str = "20261124-0001";
const DESK: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n\
    [[channel]]\nid = \"leader\"\nkind = \"webhook\"\nurl = \"{hook}/leader\"\n\
    [[duty]]\nid = \"d\"\nchannels = [\"desk\"]\nresume_after = \"0s\"\nrepeat = { times = 0 }\n\
    [[duty.escalation]]\nafter = \"15m\"\nperson = \"张主任\"\nchannels = [\"leader\"]\n";

/// The other stages, as the night wants them.
#[derive(Clone, Default)]
struct Outside(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    handed_in: Vec<Value>,
    shut: bool,
    lost: bool,
    dead: bool,
}

impl Outside {
    fn set(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap());
    }

    fn stages(&self) -> Stages {
        let coverage =
            json!({ "at": "2026-11-24T03:04:05Z", "sources": [], "total": 4, "by_state": { "ok": 3 }, "next": null });
        Stages {
            ingest: Router::new()
                .route("/api/posts", guard(MAY_PUSH, post(push)))
                .route("/api/coverage", guard(MAY_WATCH, get(async move || Json(coverage))))
                .with_state(self.clone()),
            analyze: Router::new().route("/api/threads", guard(MAY_SEARCH, get(thread))).with_state(self.clone()),
            ready: vec![("ingest", Ready::new(|| Ok(())))],
        }
    }

    fn watch(&self, night: &Night) -> Deadman {
        Deadman::new(Arc::clone(&night.desk), self.stages(), &night.settings).unwrap()
    }
}

async fn push(State(outside): State<Outside>, body: Bytes) -> Response {
    let mut inner = outside.0.lock().unwrap();
    if inner.shut {
        let told = json!({ "code": "unavailable", "message": "磁盘已满" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(told)).into_response();
    }
    inner.handed_in.push(serde_json::from_slice(&body).unwrap());
    (StatusCode::ACCEPTED, Json(json!({ "accepted": 1, "duplicate": 0, "refused": [] }))).into_response()
}

async fn thread(State(outside): State<Outside>, Query(asked): Query<HashMap<String, String>>) -> Response {
    let inner = outside.0.lock().unwrap();
    if inner.dead {
        return (StatusCode::BAD_GATEWAY, Json(json!({ "message": "analyze 无应答" }))).into_response();
    }
    let is_it = |post: &Value| format!("wanglou-canary:{}", post["native_id"].as_str().unwrap()) == asked["id"];
    if inner.lost || !inner.handed_in.iter().any(is_it) {
        return (StatusCode::NOT_FOUND, Json(json!({ "message": "库中没有这个帖子" }))).into_response();
    }
    Json(json!({})).into_response()
}

/// So many minutes, a look every ten seconds.
async fn minutes(night: &mut Night, deadman: &mut Deadman, minutes: i64) {
    for _ in 0..minutes * 6 {
        deadman.step().await.unwrap();
        night.wait_seconds(10).await;
    }
}

#[tokio::test]
async fn canaries_come_out_and_nobody_is_told() {
    let (mut night, outside) = (Night::begin(DESK).await, Outside::default());
    let mut deadman = outside.watch(&night);
    minutes(&mut night, &mut deadman, 31).await;
    night.expect_nothing();
    outside.set(|inner| {
        assert_eq!(inner.handed_in.len(), 6, "{:?}", inner.handed_in);
        let post = &inner.handed_in[0];
        assert_eq!((&post["source"], &post["kind"]), (&json!("wanglou-canary"), &json!("report")));
        assert_eq!(post["native_id"], "20261124T1405");
    });
}

#[tokio::test]
async fn one_that_does_not_come_out_is_told_once_and_once_when_it_is_over() {
    let (mut night, outside) = (Night::begin(DESK).await, Outside::default());
    let mut deadman = outside.watch(&night);
    outside.set(|inner| inner.lost = true);
    minutes(&mut night, &mut deadman, 8).await;
    let page = night.expect("desk", "canary");
    assert!(page.text().starts_with("【自检失败】望楼 全链路自检未通过\n自: 2026-11-24 22:05"), "{}", page.text());
    assert!(page.text().contains("入口已接收并落盘, 检索中未出现"), "{}", page.text());
    let open = night.desk.records.source_alerts(true, 9).await.unwrap();
    assert_eq!((open.len(), open[0].kind.as_str()), (1, "canary"), "coverage shows it");
    // The process dies; more of them fail; nobody hears of it again.
    night.crash().await;
    deadman = outside.watch(&night);
    minutes(&mut night, &mut deadman, 20).await;
    night.expect_nothing();
    outside.set(|inner| inner.lost = false);
    minutes(&mut night, &mut deadman, 6).await;
    let page = night.expect("desk", "canary_over");
    assert!(page.text().starts_with("【自检恢复】"), "{}", page.text());
    minutes(&mut night, &mut deadman, 20).await;
    night.expect_nothing();
}

#[tokio::test]
async fn it_is_told_where_it_was_seen_last() {
    for (shut, words) in
        [(true, "入口 (ingest) 未接收: HTTP 503 磁盘已满"), (false, "检索 (analyze) 无应答: HTTP 502 analyze 无应答")]
    {
        let (mut night, outside) = (Night::begin(DESK).await, Outside::default());
        outside.set(|inner| (inner.shut, inner.dead) = (shut, true));
        let mut deadman = outside.watch(&night);
        minutes(&mut night, &mut deadman, 8).await;
        let page = night.expect("desk", "canary");
        assert!(page.text().contains(words), "{}", page.text());
    }
}

#[tokio::test]
async fn without_canaries_there_are_none() {
    let mut night = Night::begin(&format!("[canary]\nevery = \"0s\"\n{DESK}")).await;
    let outside = Outside::default();
    let mut deadman = outside.watch(&night);
    minutes(&mut night, &mut deadman, 12).await;
    outside.set(|inner| assert!(inner.handed_in.is_empty()));
}

#[tokio::test]
async fn a_lag_and_a_full_disk_are_told_when_they_last() {
    let mut night = Night::begin(DESK).await;
    let mut deadman = Outside::default().watch(&night);
    let behind = Sample { behind: vec![("posts.raw".into(), 60_000)], ..Sample::default() };
    let short = Sample { disk: Some((5 << 20, 9 << 20)), ..behind.clone() };
    for sample in [&behind, &Sample::default(), &short, &short, &short] {
        deadman.look(sample).await.unwrap();
        night.wait(1).await;
    }
    night.expect_nothing();
    deadman.look(&short).await.unwrap();
    night.deliver().await;
    let mut told: Vec<String> = night.receiver.take_all().iter().map(|message| message.text().to_owned()).collect();
    told.sort();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().any(|text| text.contains("处理落后") && text.contains("posts.raw 有 60000 条待读")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|text| text.contains("磁盘空间不足") && text.contains("剩余 5 MiB, 预留 9 MiB")),
        "{told:?}"
    );
    // A restart tells nothing twice.
    night.crash().await;
    deadman = Outside::default().watch(&night);
    for _ in 0..5 {
        deadman.look(&short).await.unwrap();
        night.wait(1).await;
    }
    night.expect_nothing();
    for _ in 0..4 {
        deadman.look(&Sample::default()).await.unwrap();
        night.wait(1).await;
    }
    assert_eq!(night.receiver.take_all().iter().filter(|message| message.reason() == "alarm_over").count(), 2);
}

/// A page that nobody takes is told over the channels that do.
#[tokio::test]
async fn a_page_that_waits_for_long_is_told() {
    let mut night = Night::begin(DESK).await;
    let mut deadman = Outside::default().watch(&night);
    night.receiver.answers("desk", (0..30).map(|_| Answer::Status(503)));
    night.pulse("water", "s1", 18).await;
    for _ in 0..14 {
        night.wait(1).await;
        deadman.look(&Sample::default()).await.unwrap();
    }
    let open = night.desk.records.source_alerts(true, 9).await.unwrap();
    assert_eq!(open[0].kind.as_str(), "lag");
    assert!(open[0].reason.contains("最早的待发通知已等"), "{}", open[0].reason);
    night.receiver.take_all();
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

#[tokio::test]
async fn the_heart_beats_only_while_all_is_well() {
    let (mut night, outside) = (Night::begin(DESK).await, Outside::default());
    let hook = Heart::start().await;
    night.settings.heartbeat.url = Some(format!("{}/secret", hook.url));
    let mut deadman = outside.watch(&night);
    beat(&night, &deadman).await;
    assert_eq!(hook.beats(), 1);
    outside.set(|inner| inner.lost = true);
    minutes(&mut night, &mut deadman, 8).await;
    night.expect("desk", "canary");
    beat(&night, &deadman).await;
    assert_eq!(hook.beats(), 1, "the canary is not well");
    outside.set(|inner| inner.lost = false);
    minutes(&mut night, &mut deadman, 6).await;
    night.expect("desk", "canary_over");
    beat(&night, &deadman).await;
    assert_eq!(hook.beats(), 2);
    night.desk.give_back().await.unwrap();
    deadman.beat().await;
    assert_eq!(hook.beats(), 2, "this process is not the active one");
}

/// A beat of a process that has just renewed its lease: however long the night took by the clock on the wall.
async fn beat(night: &Night, deadman: &Deadman) {
    night.desk.claim(&Candidate::new("night")).await.unwrap();
    deadman.beat().await;
}

/// Whom heartbeats are sent to.
struct Heart {
    url: String,
    beats: Arc<Mutex<usize>>,
}

impl Heart {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let beats = Arc::<Mutex<usize>>::default();
        let counted = Arc::clone(&beats);
        let beat = get(async move || *counted.lock().unwrap() += 1);
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/secret", beat)).await });
        Self { url, beats }
    }

    fn beats(&self) -> usize {
        *self.beats.lock().unwrap()
    }
}

#[tokio::test]
async fn the_daily_message_is_sent_once_a_day() {
    let mut night = Night::begin(&format!("[quiet]\ndaily = \"08:00\"\n{DESK}")).await;
    let mut deadman = Outside::default().watch(&night);
    minutes(&mut night, &mut deadman, 6).await;
    deadman.report().await.unwrap();
    night.deliver().await;
    night.expect_nothing();
    night.set_clock(10 * 60 - 6);
    for _ in 0..3 {
        deadman.report().await.unwrap();
        night.crash().await;
        deadman = Outside::default().watch(&night);
    }
    night.deliver().await;
    let page = night.expect("desk", "daily");
    assert!(page.text().starts_with("【每日报平安】11-25 08:00 平安\n"), "{}", page.text());
    assert!(
        page.text().contains("信源覆盖: 3 / 4 (75%)") && page.text().contains("全链路自检: 成功 1, 失败 0"),
        "{}",
        page.text()
    );
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.desk.drill(Level::IV, "", &Caller { name: "督查".into(), role: Role::Supervisor }).await.unwrap();
    night.deliver().await;
    night.expect("desk", "opened");
    night.set_clock(24 * 60);
    deadman.report().await.unwrap();
    night.deliver().await;
    let page = night.expect("desk", "daily");
    assert!(page.text().contains("有事项待处理") && page.text().contains("未签收: 1"), "{}", page.text());
    assert!(page.text().contains("24 小时新增: 红 0, 橙 0, 黄 0, 蓝 1"), "a drill does not count: {}", page.text());
    for id in [ID, "20261125-0001", "20261125-0002"] {
        let _ = night.act("王敏", id, Command::Ack).await;
    }
}

fn supervisor() -> Caller {
    Caller { name: "督查".into(), role: Role::Supervisor }
}

#[tokio::test]
async fn a_drill_is_paged_signed_and_counted_nowhere() {
    let mut night = Night::begin(DESK).await;
    let drill = night.desk.drill(Level::II, "请按预案签收", &supervisor()).await.unwrap();
    assert!(drill.drill && drill.clocks.is_empty());
    night.deliver().await;
    let page = night.expect("desk", "opened");
    assert!(page.text().starts_with("【演练】【新舆情】橙色 II 级 演练: 请按预案签收\n"), "{}", page.text());
    assert_eq!(night.desk.records.open_incidents().await.unwrap(), 0);
    night.wait(15).await;
    let page = night.expect("leader", "escalation");
    assert!(page.text().starts_with("【演练】"), "{}", page.text());
    night.wait_seconds(20).await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    let history = night.desk.records.history(ID).await.unwrap();
    let result = history.iter().find(|event| event.action == "drill_result").unwrap();
    assert_eq!(result.text, "演练结果: 王敏 于 15 分 20 秒后签收; 各渠道均已送达");
    night.act("李雷", ID, Command::Close { text: "演练结束".into() }).await.unwrap();
    night.wait(600).await;
    night.all_is_well().await;
}

#[tokio::test]
async fn a_channel_that_fails_in_a_drill_is_named() {
    let mut night = Night::begin(DESK).await;
    night.receiver.answers("desk", [Answer::Status(404)]);
    night.desk.drill(Level::III, "", &supervisor()).await.unwrap();
    night.deliver().await;
    night.expect("desk", "opened");
    night.expect("leader", "escalation");
    night.act("张主任", ID, Command::Ack).await.unwrap();
    let history = night.desk.records.history(ID).await.unwrap();
    let result = history.iter().find(|event| event.action == "drill_result").unwrap();
    assert!(result.text.contains("张主任 于 0 分 0 秒后签收; 未送达: desk"), "{}", result.text);
}

#[tokio::test]
async fn no_silence_keeps_a_drill_back() {
    let mut night = Night::begin(DESK).await;
    let until = night.now() + SignedDuration::from_hours(1);
    let wanted = Wanted { topic: None, source: None, below: Some(Level::I), until, reason: "检修".into(), red: true };
    night.desk.silence(&wanted, &supervisor()).await.unwrap();
    night.desk.drill(Level::IV, "", &supervisor()).await.unwrap();
    night.deliver().await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(60).await;
}

/// Wednesday at ten, once, across crashes.
#[tokio::test]
async fn a_drill_by_schedule_is_practised_once_a_week() {
    let mut night = Night::begin(&format!("[[drill]]\nweekly = \"wed 10:00\"\ntext = \"每周演练\"\n{DESK}")).await;
    night.wait(11 * 60 + 59).await;
    night.expect_nothing();
    night.wait(1).await;
    let page = night.expect("desk", "opened");
    assert!(page.text().starts_with("【演练】【新舆情】黄色 III 级 演练: 每周演练\n"), "{}", page.text());
    night.crash().await;
    night.wait(1).await;
    night.expect_nothing();
    night.act("王敏", "20261125-0001", Command::Ack).await.unwrap();
    night.wait(7 * 24 * 60).await;
    night.expect("desk", "opened");
    night.act("王敏", "20261202-0001", Command::Ack).await.unwrap();
}
