//! Nights at the desk: roster, incident, nobody signs, time moves, the next is paged.

use crate::support::{Answer, Night};
use alert::incident::Command;
use jiff::SignedDuration;
use schemas::{
    log::{Position, Topic},
    records::{IncidentRecord, Level, Phase, Record, State, TopicKind, TopicRef},
};

/// 22:00 by local time when a night begins: 李雷 is on duty.
const ROSTER: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "{hook}/desk"
[[channel]]
id = "day"
kind = "webhook"
url = "{hook}/day"
[[channel]]
id = "night"
kind = "webhook"
url = "{hook}/night"
[[channel]]
id = "leader"
kind = "webhook"
url = "{hook}/leader"
[[duty]]
id = "desk"
resume_after = "0s"
channels = ["desk"]
[[duty.shift]]
from = "08:00"
to = "23:00"
person = "王敏"
channels = ["day"]
[[duty.shift]]
from = "23:00"
to = "08:00"
person = "李雷"
channels = ["night"]
[duty.escalation]
after = "15m"
person = "张主任"
channels = ["leader"]
[duty.repeat]
times = 0
"#;

const ONE: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n";

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn a_rise_pages_every_channel_without_a_roster() {
    let mut night =
        Night::begin(&format!("{ONE}[[channel]]\nid = \"值班群\"\nkind = \"webhook\"\nurl = \"{{hook}}/group\"\n"))
            .await;
    night.pulse("water", "s1", 18).await;
    let page = night.expect("desk", "opened");
    night.expect("group", "opened");
    assert_eq!(page.body["incident"]["id"], "20261124-0001");
    assert_eq!(page.body["link"], "https://wanglou.example/incidents/20261124-0001");
    assert!(
        page.text().contains("停水: 抚琴街道今天又停水了") && page.text().contains("请于 22:15 前签收"),
        "{}",
        page.text()
    );
    assert_eq!(night.history("20261124-0001").await, ["opened", "page_sent", "page_sent"]);
    night.wait(14).await;
    night.expect_nothing();
}

#[tokio::test]
async fn nobody_signs_and_the_next_in_line_is_paged_once() {
    let mut night = Night::begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.wait_seconds(15 * 60 - 1).await;
    night.expect_nothing();
    night.wait_seconds(1).await;
    let page = night.expect("leader", "escalation");
    assert!(page.text().starts_with("【无人签收】"), "{}", page.text());
    for _ in 0..5 {
        night.wait(60).await;
    }
    night.expect_nothing();
    let history = night.history("20261124-0001").await;
    assert_eq!(history.iter().filter(|action| *action == "escalated").count(), 1, "{history:?}");
}

/// Of many that are due at once the last one waits for the others; what happened to it meanwhile must not stand after what came later.
#[tokio::test]
async fn what_is_due_at_once_is_dated_when_it_is_done() {
    let mut night = Night::begin(ROSTER).await;
    for topic in ["water", "gas", "bus"] {
        night.pulse(topic, &format!("{topic} rises"), 20).await;
        night.expect("desk", "opened");
        night.expect("day", "opened");
    }
    night.everything_takes(SignedDuration::from_secs(1));
    night.wait(15).await;
    let mut at = Vec::new();
    for incident in night.incidents().await {
        night.expect("leader", "escalation");
        let history = night.desk.records.history(&incident.id).await.unwrap();
        at.extend(history.iter().filter(|event| event.action == "escalated").map(|event| event.at));
    }
    at.sort();
    assert!(at.len() == 3 && at.windows(2).all(|pair| pair[0] < pair[1]), "{at:?}");
}

#[tokio::test]
async fn escalation_stops_at_the_signature() {
    let mut night = Night::begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.wait(14).await;
    let file = night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    assert_eq!((file.incident.state, file.incident.acked_by.as_deref()), (State::Acked, Some("王敏")));
    night.wait(600).await;
    night.expect_nothing();
}

#[tokio::test]
async fn the_shift_of_the_moment_is_paged() {
    let mut night = Night::begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    night.wait(60).await;
    night.pulse("water", "s1", 60).await;
    night.expect("desk", "level");
    night.expect("night", "level");
}

#[tokio::test]
async fn whoever_was_called_upon_hears_what_follows() {
    let mut night = Night::begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.pulse("water", "s1", 60).await;
    for channel in ["desk", "day", "leader"] {
        night.expect(channel, "level");
    }
}

#[tokio::test]
async fn one_incident_per_matter() {
    let mut night = Night::begin(ONE).await;
    for count in 15..=29 {
        night.pulse("water", "s1", count).await;
        night.wait_seconds(1).await;
    }
    night.expect("desk", "opened");
    night.wait(14).await;
    night.pulse("water", "s2", 8).await;
    let incident = night.only().await;
    assert_eq!((incident.count, incident.spikes, incident.level), (37, vec![text("s1"), text("s2")], Level::IV));
    night.expect_nothing();
    night.pulse("gas", "g1", 20).await;
    night.expect("desk", "opened");
    assert_eq!(night.incidents().await.len(), 2);
}

#[tokio::test]
async fn each_level_pages_once_on_its_way_up() {
    let mut night = Night::begin(ONE).await;
    for count in [18, 49, 50, 51, 30, 199, 200, 30, 1000, 5] {
        night.pulse("water", "s1", count).await;
        night.wait_seconds(5).await;
    }
    night.expect("desk", "opened");
    for level in ["III", "II", "I"] {
        assert_eq!(night.expect("desk", "level").body["incident"]["level"], level);
    }
}

#[tokio::test]
async fn repeated_and_older_pulses_do_no_harm() {
    let mut night = Night::begin(ONE).await;
    let old = night.make("water", "s0", 99, Phase::Rising);
    night.wait(1).await;
    let pulse = night.make("water", "s1", 18, Phase::Rising);
    for _ in 0..3 {
        night.send(&pulse).await;
    }
    night.send(&old).await;
    night.expect("desk", "opened");
    assert_eq!(night.only().await.count, 18);
}

#[tokio::test]
async fn what_was_found_and_what_a_unit_answers_for_page_by_their_names() {
    for (kind, id, name) in [
        (TopicKind::Emerging, "emerging-0-4711", "东城花园旁的搅拌站夜间扬尘"),
        (TopicKind::Category, "category:城乡建设:housing", "城乡建设 · 住建局"),
    ] {
        let mut night = Night::begin(ROSTER).await;
        let mut pulse = night.make(id, "s1", 6, Phase::Rising);
        pulse.topic = TopicRef { id: id.into(), kind, name: name.into() };
        night.send(&pulse).await;
        for channel in ["desk", "day"] {
            let page = night.expect(channel, "opened");
            assert!(page.text().contains(&format!("{name}: 抚琴街道今天又停水了")), "{}", page.text());
        }
        let incident = night.only().await;
        assert_eq!((incident.topic.kind, incident.topic.id.as_str()), (kind, id));
        assert_eq!((incident.topic.name.as_str(), incident.spikes), (name, vec![text("s1")]));
        // Another headline later is the same matter.
        pulse.topic.name = format!("{name}, 还有异味");
        (pulse.at, pulse.total) = (pulse.at + SignedDuration::from_secs(5), 7);
        night.send(&pulse).await;
        assert_eq!(night.incidents().await.len(), 1);
    }
}

#[tokio::test]
async fn the_arrival_rate_opens_nothing() {
    let mut night = Night::begin(ONE).await;
    let mut pulse = night.make("all", "a1", 5_000, Phase::Peak);
    pulse.topic.kind = TopicKind::All;
    night.send(&pulse).await;
    assert!(night.incidents().await.is_empty());
}

#[tokio::test]
async fn a_forgotten_incident_does_not_swallow_a_new_rise() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    night.wait(6 * 60 + 1).await;
    night.pulse("water", "s2", 18).await;
    assert_eq!(night.expect("desk", "opened").body["incident"]["id"], "20261125-0001", "midnight has passed");
}

#[tokio::test]
async fn from_signature_to_close_and_a_new_rise_opens_anew() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let id = "20261124-0001";
    night.act("王敏", id, Command::Ack).await.unwrap();
    night.act("王敏", id, Command::assign("水务局", "请速处置")).await.unwrap();
    night.act("水务局", id, Command::Note { text: text("抢修队已到场") }).await.unwrap();
    assert_eq!(night.only().await.state, State::Handling);
    night.act("王敏", id, Command::Respond { text: text("预计 20 时恢复供水"), press: false }).await.unwrap();
    night.wait(60).await;
    let calm = night.make("water", "", 1, Phase::Quiet);
    night.send(&calm).await;
    assert_eq!(night.only().await.state, State::Watching);
    night.act("王敏", id, Command::Close { text: text("供水已恢复") }).await.unwrap();
    night.pulse("water", "s1", 19).await;
    assert_eq!(night.only().await.state, State::Closed, "its own rise opens nothing");
    night.pulse("water", "s2", 18).await;
    night.expect("desk", "opened");
    let history = night.history(id).await;
    assert_eq!(
        history,
        ["opened", "page_sent", "acked", "assigned", "unit_unreached", "noted", "responded", "watching", "closed"]
            .map(text)
    );
    let audited: Vec<String> =
        night.desk.records.audit_entries(9).await.unwrap().into_iter().rev().map(|entry| entry.action).collect();
    assert_eq!(audited, ["acked", "assigned", "noted", "responded", "closed"].map(text));
}

#[tokio::test]
async fn what_a_person_found_to_be_false_pages_again_only_when_it_is_more() {
    let mut night = Night::begin(ONE).await;
    let id = "20261124-0001";
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", id, Command::FalseAlarm { text: text("演习") }).await.unwrap();
    night.wait(60).await;
    for count in [18, 19] {
        night.pulse("water", "s2", count).await;
        night.expect_nothing();
    }
    assert_eq!(night.only().await.state, State::Closed);
    assert_eq!(night.history(id).await, ["opened", "page_sent", "false_alarm", "false_again"].map(text));
    night.pulse("water", "s3", 5_000).await;
    night.expect("desk", "opened");
    night.act("王敏", id, Command::Reopen { text: text("并非演习") }).await.unwrap();
    assert_eq!(night.incidents().await.iter().filter(|incident| incident.state != State::Closed).count(), 2);
    night.crash().await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_rebound_after_the_answer_pages_at_once() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    night.act("王敏", "20261124-0001", Command::Respond { text: text("已派人"), press: false }).await.unwrap();
    night.wait(60).await;
    night.pulse("water", "s2", 18).await;
    let page = night.expect("desk", "rebound");
    assert!(page.text().starts_with("【回应后反弹】"));
    assert_eq!(night.only().await.state, State::Handling);
}

#[tokio::test]
async fn simultaneous_signatures_have_one_winner() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let names: Vec<String> = (0..8).map(|n| format!("值班员{n}")).collect();
    let acts = names.iter().map(|name| night.act(name, "20261124-0001", Command::Ack));
    let outcomes = futures::future::join_all(acts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let winner = night.only().await.acked_by.unwrap();
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert!(outcome.to_string().contains(&winner), "{outcome}");
    }
    assert!(night.act(&winner, "20261124-0001", Command::Ack).await.is_ok(), "a second tap is no error");
    assert_eq!(night.history("20261124-0001").await.iter().filter(|action| *action == "acked").count(), 1);
}

#[tokio::test]
async fn a_page_that_is_given_up_escalates_at_once() {
    let mut night = Night::begin(ROSTER).await;
    night.receiver.answers("desk", [Answer::With(404, vec![], text("no such hook"))]);
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.expect("leader", "escalation");
    let deliveries = night.desk.records.deliveries("20261124-0001").await.unwrap();
    let failed = deliveries.iter().find(|page| page.channel == "desk").unwrap();
    assert_eq!(failed.last_error.as_deref(), Some("HTTP 404 Not Found: no such hook"));
    assert!(night.history("20261124-0001").await.contains(&text("page_failed")));
    night.wait(60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_gap_in_the_roster_pages_the_next_in_line_and_says_so() {
    let gap = ROSTER
        .replace("channels = [\"desk\"]\n[[duty.shift]]", "[[duty.shift]]")
        .replace("to = \"23:00\"", "to = \"21:00\"");
    let mut night = Night::begin(&gap).await;
    night.pulse("water", "s1", 18).await;
    night.expect("leader", "opened");
    assert!(night.history("20261124-0001").await.contains(&text("roster_gap")));
    night.wait(15).await;
    night.expect("leader", "escalation");
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_and_the_next_pulse_pages() {
    let mut night = Night::begin(ONE).await;
    night.append_bytes("{\"v\":1,\"topic\":".into()).await;
    night.read().await;
    night.append_bytes("{\"v\":99}".into()).await;
    night.read().await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    assert_eq!(night.log.bounds(Topic::PostsRejected, 0).await.unwrap(), (0, 2));
}

#[tokio::test]
async fn a_backlog_becomes_one_page_that_says_it_is_late() {
    let mut night = Night::begin(ONE).await;
    for count in [15, 18, 22] {
        night.append(&night.make("water", "s1", count, Phase::Rising)).await;
        night.wait(1).await;
    }
    night.append(&night.make("water", "s1", 22, Phase::Quiet)).await;
    night.wait(120).await;
    night.read().await;
    night.deliver().await;
    let page = night.expect("desk", "opened");
    assert!(page.text().contains("发现较晚"), "{}", page.text());
    assert_eq!(night.only().await.count, 22);
}

#[tokio::test]
async fn the_incidents_topic_tells_each_event_with_the_incident_after_it() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.feed().await;
    night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    night.feed().await;
    night.feed().await;
    let mut reader = night.log.reader(Topic::Incidents, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let batch = reader.next(99, std::time::Duration::from_secs(9)).await.unwrap().unwrap();
    let told: Vec<_> = batch
        .entries
        .iter()
        .map(|entry| IncidentRecord::decode(&entry.value).unwrap())
        .map(|record| (record.event.action, record.incident.state))
        .collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].0, "opened");
    assert_eq!(told[2], (text("acked"), State::Acked));
}

#[tokio::test]
async fn hostile_text_never_breaks_a_message() {
    let mut night = Night::begin(ONE).await;
    for (n, excerpt) in [
        "</script><script>alert(1)</script>".to_owned(),
        "\u{1b}[2J\u{0}\r\n\r\n【新舆情】红色 I 级 伪造".to_owned(),
        "\u{202e}\u{2066}反".repeat(1000),
        "水".repeat(1 << 18),
        "\\\"}],\"key\":\"x\"".to_owned(),
        String::new(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut pulse = night.make(&format!("t{n}"), "s1", 18, Phase::Rising);
        pulse.topic.name.clone_from(&excerpt);
        pulse.samples[0].excerpt.clone_from(&excerpt);
        pulse.spike.as_mut().unwrap().why = excerpt;
        night.send(&pulse).await;
        let page = night.expect("desk", "opened");
        assert!(page.bytes.len() < 8_000, "{}", page.bytes.len());
        assert_eq!(page.text().lines().count(), 8, "{}", page.text());
        assert!(!page.text().chars().any(|c| c.is_control() && c != '\n'));
    }
}

#[tokio::test]
async fn figures_that_change_are_shown_but_not_each_time() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    for count in 19..=28 {
        night.wait_seconds(1).await;
        night.pulse("water", "s1", count).await;
    }
    night.feed().await;
    let mut reader = night.log.reader(Topic::Incidents, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let batch = reader.next(99, std::time::Duration::from_secs(9)).await.unwrap().unwrap();
    let records: Vec<_> = batch.entries.iter().map(|entry| IncidentRecord::decode(&entry.value).unwrap()).collect();
    let shown: Vec<_> =
        records.iter().filter(|record| record.event.action == "figures").map(|record| record.incident.count).collect();
    assert_eq!(shown, [20, 22, 24, 26, 28]);
    assert!(records.iter().all(|record| record.incident.version == 1), "whoever is about to sign is not disturbed");
    assert_eq!(
        night.history("20261124-0001").await,
        ["opened", "page_sent"].map(text),
        "the history tells only what happened"
    );
}

#[tokio::test]
async fn an_incident_that_was_closed_small_opens_again_when_it_grows() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", "20261124-0001", Command::Ack).await.unwrap();
    night.act("王敏", "20261124-0001", Command::Close { text: text("误报") }).await.unwrap();
    night.wait(1).await;
    night.pulse("water", "s1", 25).await;
    night.expect_nothing();
    night.wait(1).await;
    night.pulse("water", "s1", 220).await;
    assert_eq!(night.expect("desk", "opened").body["incident"]["level"], "II");
}

#[tokio::test]
async fn without_a_next_in_line_everybody_is_paged_again() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    for _ in 0..3 {
        night.wait(15).await;
    }
    for _ in 0..2 {
        night.expect("desk", "escalation");
    }
    let escalated = ["escalated", "page_sent"];
    assert_eq!(
        night.history("20261124-0001").await,
        [&["opened", "page_sent"], &escalated[..], &escalated[..]].concat()
    );
    assert!(night.act("王敏", "20261124-0001", Command::Ack).await.is_ok());
}

#[tokio::test]
async fn a_policy_chooses_roster_and_levels() {
    let policy = "[[watch]]\nid = \"gas\"\nname = \"燃气\"\nquery = \"燃气\"\n[[policy]]\ntopics = [\"gas\"]\n\
                  [policy.level.I]\ncount = 16\n";
    let mut night = Night::begin(&format!("{ROSTER}{policy}")).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.expect("day", "opened");
    night.pulse("gas", "g1", 18).await;
    for channel in ["desk", "day", "night", "leader"] {
        assert_eq!(night.expect(channel, "opened").body["incident"]["level"], "I");
    }
}
