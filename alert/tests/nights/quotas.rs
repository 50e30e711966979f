//! Quotas, digests and failover: a hundred matters rise at once, channels are shut or away, the process dies; every page is told once,
//! alone or by name in one digest, red ones first.

use crate::support::{Answer, Night};
use schemas::records::{Delivery, DeliveryState, Phase};
use serde_json::json;
use std::collections::HashMap;

const ID: &str = "20261124-0001";
const WECOM: &str =
    "[[channel]]\nid = \"wecom\"\nkind = \"wecom\"\nurl = \"{robots}/wecom/cgi-bin/webhook/send?key=KEY\"\n";
const DINGTALK: &str = "[[channel]]\nid = \"dingtalk\"\nkind = \"dingtalk\"\nurl = \"{robots}/dingtalk/robot/send?access_token=TOKEN\"\n\
    secret_env = \"ROBOT_SECRET\"\n";
const FEISHU: &str = "[[channel]]\nid = \"feishu\"\nkind = \"feishu\"\nurl = \"{robots}/feishu/open-apis/bot/v2/hook/TOKEN\"\n\
    secret_env = \"ROBOT_SECRET\"\n";
const PHONE: &str = "[[channel]]\nid = \"phone\"\nkind = \"webhook\"\nurl = \"{hook}/phone\"\n[[duty]]\nid = \"d\"\nchannels = [\"first\"]\n";

/// A night without storms: what many pages at once do to a quota.
async fn begin(config: &str) -> Night {
    Night::begin(&format!("[storm]\nincidents = 0\n{config}")).await
}

/// So many matters rise at once.
async fn rise(night: &mut Night, from: usize, many: usize, count: u64) {
    for n in from..from + many {
        night.append(&night.make(&format!("t{n}"), "s1", count, Phase::Rising)).await;
    }
    night.read().await;
}

async fn deliveries(night: &Night) -> HashMap<String, Vec<Delivery>> {
    let mut all = HashMap::new();
    for incident in night.incidents().await {
        all.insert(incident.id.clone(), night.desk.records.deliveries(&incident.id).await.unwrap());
    }
    all
}

/// How often each incident is named in what a robot took.
fn named(night: &Night, robot: &str, ids: impl Iterator<Item = String>) -> HashMap<String, usize> {
    let taken = night.robots.taken(robot);
    ids.map(|id| {
        let times = taken.iter().filter(|message| message.text.contains(&id)).count();
        (id, times)
    })
    .collect()
}

#[tokio::test]
async fn a_hundred_at_once_are_all_named_and_the_quota_is_kept() {
    for (config, robot) in [(WECOM, "wecom"), (DINGTALK, "dingtalk"), (FEISHU, "feishu")] {
        let mut night = begin(config).await;
        rise(&mut night, 0, 100, 18).await;
        night.deliver().await;
        for _ in 0..30 {
            night.wait_seconds(10).await;
        }
        assert_eq!(night.robots.refused(), Vec::<&str>::new(), "{robot}: never more than it takes");
        let all = deliveries(&night).await;
        for (id, times) in named(&night, robot, all.keys().cloned()) {
            assert_eq!(times, 1, "{robot}: {id}");
        }
        let pages: Vec<&Delivery> = all.values().flatten().collect();
        assert_eq!(pages.len(), 100);
        assert!(pages.iter().all(|page| page.state == DeliveryState::Sent && page.sent_at.is_some()));
        assert!(pages.iter().any(|page| page.digest.is_some()), "{robot}");
        for (id, pages) in &all {
            assert_eq!(night.history(id).await[1], "page_sent", "{}", pages[0].key);
        }
    }
}

#[tokio::test]
async fn a_red_one_passes_whatever_waits() {
    let mut night = begin(WECOM).await;
    rise(&mut night, 0, 60, 18).await;
    night.deliver().await;
    rise(&mut night, 100, 3, 5_000).await;
    night.deliver().await;
    let at: Vec<i64> = night
        .robots
        .taken("wecom")
        .iter()
        .filter(|message| message.text.contains("红色 I 级"))
        .map(|message| message.at)
        .collect();
    assert_eq!(at, [night.now().as_millisecond(); 3], "tokens were kept for them");
    assert_eq!(night.robots.refused(), Vec::<&str>::new());
}

/// Whoever takes over after a crash knows what was spent.
#[tokio::test]
async fn a_crash_spends_nothing_twice() {
    let mut night = begin(WECOM).await;
    for n in 0..8 {
        rise(&mut night, n * 10, 10, 18).await;
        night.deliver().await;
        night.crash().await;
    }
    for _ in 0..12 {
        night.wait_seconds(15).await;
        night.crash().await;
    }
    assert_eq!(night.robots.refused(), Vec::<&str>::new());
    let all = deliveries(&night).await;
    assert_eq!(all.len(), 80);
    for (id, times) in named(&night, "wecom", all.keys().cloned()) {
        assert_eq!(times, 1, "{id}");
    }
}

/// A crash after the pages were merged, before the digest is sent.
#[tokio::test]
async fn a_digest_survives_a_crash() {
    let mut night = begin(&format!("{WECOM}per_minute = 2\n")).await;
    rise(&mut night, 0, 9, 18).await;
    night.robots.answers("wecom", [(500, json!({}))]);
    night.deliver().await;
    let all = deliveries(&night).await;
    assert!(
        all.values().flatten().all(|page| page.state == DeliveryState::Pending && page.digest.is_some()),
        "{all:?}"
    );
    assert_eq!(night.desk.records.pending().await.unwrap().0, 1, "they wait as one");
    night.crash().await;
    for _ in 0..8 {
        night.wait_seconds(20).await;
    }
    let all = deliveries(&night).await;
    let taken = night.robots.taken("wecom");
    assert_eq!(taken.len(), 1);
    for (id, pages) in &all {
        assert!(taken[0].text.contains(id.as_str()));
        assert_eq!(pages[0].state, DeliveryState::Sent);
    }
}

/// The robot shuts us out although we kept to the quota: somebody else uses it too. It is left alone for ten minutes.
#[tokio::test]
async fn a_robot_that_shuts_out_is_left_alone() {
    let mut night = begin(DINGTALK).await;
    night.robots.answers(
        "dingtalk",
        [(200, json!({ "errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute" }))],
    );
    night.pulse("t0", "s1", 18).await;
    rise(&mut night, 1, 5, 5_000).await;
    for _ in 0..9 {
        night.wait(1).await;
        night.crash().await;
    }
    assert_eq!(night.robots.tried("dingtalk"), 1);
    night.wait(1).await;
    night.wait_seconds(5).await;
    assert_eq!(night.robots.taken("dingtalk").len(), 6);
}

fn chain(first: &str) -> String {
    format!(
        "{}then = \"phone\"\n{PHONE}",
        first.replace("id = \"wecom\"", "id = \"first\"").replace("id = \"dingtalk\"", "id = \"first\"")
    )
}

#[tokio::test]
async fn what_a_channel_cannot_take_for_good_goes_over_at_once() {
    let mut night = begin(&chain(&WECOM.replace("KEY", "other"))).await;
    night.pulse("water", "s1", 18).await;
    let message = night.expect("phone", "opened");
    assert_eq!(message.key(), format!("{ID}/1/phone"));
    assert_eq!(message.body["instead_of"]["channel"], "first");
    assert!(
        message.text().contains("转发: 渠道 first 未能送达") && message.text().contains("93000"),
        "{}",
        message.text()
    );
    let pages = night.desk.records.deliveries(ID).await.unwrap();
    let shown: Vec<_> = pages.iter().map(|page| (page.channel.as_str(), page.state, page.then.as_deref())).collect();
    assert_eq!(shown, [("first", DeliveryState::Failed, Some("phone")), ("phone", DeliveryState::Sent, None)]);
    assert_eq!(night.history(ID).await, ["opened", "page_passed_on", "page_sent"]);
    night.crash().await;
    night.wait(14).await;
    night.expect_nothing();
}

#[tokio::test]
async fn what_a_channel_does_not_take_in_time_goes_over() {
    for (count, minutes) in [(5_000, 2), (18, 10)] {
        let mut night =
            begin(&chain("[[channel]]\nid = \"first\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n")).await;
        night.pulse("water", "s1", count).await;
        for _ in 1..minutes {
            night.wait(1).await;
            night.expect_nothing();
        }
        night.wait(1).await;
        night.expect("phone", "opened");
        night.wait(60).await;
        night.expect_nothing();
    }
}

/// Shut out for ten minutes: red pages are the phone's after two, though they were never tried.
#[tokio::test]
async fn a_page_that_waits_for_the_quota_goes_over_in_time() {
    let mut night = begin(&chain(DINGTALK)).await;
    night.robots.answers("dingtalk", [(200, json!({ "errcode": 130101, "errmsg": "send too fast" }))]);
    night.pulse("t0", "s1", 18).await;
    rise(&mut night, 1, 1, 5_000).await;
    night.wait_seconds(119).await;
    night.expect_nothing();
    night.wait_seconds(1).await;
    let red = night.expect("phone", "opened");
    assert!(red.text().contains("发送额度已用尽"), "{}", red.text());
    night.wait_seconds(8 * 60 - 1).await;
    night.expect_nothing();
    night.wait_seconds(1).await;
    night.expect("phone", "opened");
    assert_eq!(night.robots.taken("dingtalk").len(), 0);
}

/// The phone has the page already, by the roster: it is not told twice.
#[tokio::test]
async fn who_was_told_already_is_not_told_again() {
    let config =
        chain(&WECOM.replace("KEY", "other")).replace("channels = [\"first\"]", "channels = [\"first\", \"phone\"]");
    let mut night = begin(&config).await;
    night.pulse("water", "s1", 18).await;
    night.expect("phone", "opened");
    night.wait(14).await;
    night.expect_nothing();
}

/// When nobody in the chain takes it, it is given up, and that escalates.
#[tokio::test]
async fn a_chain_ends() {
    let mut night = begin(&format!(
        "{}[duty.escalation]\nafter = \"1h\"\nchannels = [\"first\"]\n",
        chain(&WECOM.replace("KEY", "other"))
    ))
    .await;
    night.receiver.answers("phone", [Answer::Status(404), Answer::Status(404)]);
    night.pulse("water", "s1", 18).await;
    night.expect("phone", "opened");
    night.expect("phone", "escalation");
    let history = night.history(ID).await;
    assert_eq!(history[..4], ["opened", "page_passed_on", "page_failed", "escalated"], "{history:?}");
    assert!(night.desk.records.deliveries(ID).await.unwrap().iter().all(|page| page.state == DeliveryState::Failed));
}

/// A digest that the robot cannot take: each of its pages goes over by itself.
#[tokio::test]
async fn of_a_digest_each_page_goes_over() {
    let mut night = begin(&chain(&format!("{WECOM}per_minute = 2\n"))).await;
    night.robots.answers("wecom", [(200, json!({ "errcode": 93000, "errmsg": "invalid webhook url" }))]);
    rise(&mut night, 0, 9, 18).await;
    night.deliver().await;
    for _ in 0..9 {
        night.expect("phone", "opened");
    }
    let all = deliveries(&night).await;
    assert_eq!(all.len(), 9);
    for pages in all.values() {
        assert_eq!(
            (pages[0].state, pages[0].then.as_deref(), pages[1].state),
            (DeliveryState::Failed, Some("phone"), DeliveryState::Sent)
        );
    }
    assert_eq!(night.desk.records.pending().await.unwrap().0, 0);
}
