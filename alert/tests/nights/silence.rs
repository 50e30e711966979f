//! Nights with a silence: incidents go their way, nobody is paged, and when it is over nothing is lost.

use crate::support::Night;
use alert::{
    engine::quiet::SilenceError,
    incident::Command,
    quiet::silence::{Refusal, Silence, Wanted},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::auth::{Caller, Role},
    log::Topic,
    records::{CrawlOutcome, CrawlReport, Incident, Level, Record},
};

const ID: &str = "20261124-0001";
/// A desk, and its leader when nobody signs for a quarter of an hour; then both again, twice.
const DESK: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "{hook}/desk"
[[channel]]
id = "leader"
kind = "webhook"
url = "{hook}/leader"
[[duty]]
id = "desk"
channels = ["desk"]
resume_after = "0s"
[[duty.escalation]]
after = "15m"
person = "张主任"
channels = ["leader"]
[duty.repeat]
times = 2
every = "30m"
[[clock]]
id = "response"
name = "回应"
until = "responded"
within = "0s"
[[clock]]
id = "information"
name = "报送"
until = "responded"
within = "0s"
"#;

fn by(role: Role) -> Caller {
    Caller { name: "王敏".into(), role }
}

fn wanted(night: &Night, minutes: i64) -> Wanted {
    Wanted {
        topic: None,
        source: None,
        below: None,
        until: night.now() + SignedDuration::from_mins(minutes),
        reason: "管网检修".into(),
        red: false,
    }
}

async fn set(night: &Night, wanted: Wanted) -> Silence {
    night.desk.silence(&wanted, &by(Role::Operator)).await.unwrap()
}

/// The topic `water` is silenced for so long.
async fn water(night: &Night, minutes: i64) -> Silence {
    set(night, Wanted { topic: Some("water".into()), ..wanted(night, minutes) }).await
}

async fn count(night: &Night, action: &str) -> usize {
    night.history(ID).await.iter().filter(|other| *other == action).count()
}

/// Row by row of the escalation, an hour long, and not a sound; then one page that says what happened.
#[tokio::test]
async fn what_is_silenced_goes_its_way_and_is_told_when_it_is_over() {
    let mut night = Night::begin(DESK).await;
    water(&night, 20).await;
    night.pulse("water", "s1", 18).await;
    night.expect_nothing();
    let incident = night.only().await;
    assert_eq!(incident.silenced_by.as_deref(), Some("1"), "the board shows it");
    night.wait(16).await;
    night.expect_nothing();
    assert_eq!((count(&night, "page_silenced").await, count(&night, "escalated").await), (2, 1));
    let history = night.desk.records.history(ID).await.unwrap();
    let kept = history.iter().find(|event| event.action == "page_silenced").unwrap();
    assert!(kept.text.starts_with("静默 1 (管网检修, 至 11-24 22:20) 期间不通知: 新舆情"), "{}", kept.text);
    night.wait(4).await;
    for channel in ["desk", "leader"] {
        let page = night.expect(channel, "silence_over");
        assert!(page.text().starts_with("【静默结束】"), "{}", page.text());
        assert!(page.text().contains("静默 1 已结束; 自 22:00 未通知: 催办 1, 新舆情 1"), "{}", page.text());
        let sign = page.body["sign_link"].as_str().unwrap();
        assert!(page.text().ends_with(sign), "it awaits its signature: {}", page.text());
    }
    assert_eq!(night.only().await.silenced_by, None);
    // The chain goes on from where it stands: the first repeat, half an hour after the step.
    night.wait(26).await;
    for channel in ["desk", "leader"] {
        night.expect(channel, "escalation");
    }
    night.all_is_well().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(600).await;
}

#[tokio::test]
async fn who_signs_meanwhile_is_not_paged_afterwards() {
    let mut night = Night::begin(DESK).await;
    water(&night, 20).await;
    night.pulse("water", "s1", 18).await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(20).await;
    night.expect_nothing();
    assert_eq!(night.only().await.silenced_by, None);
    assert_eq!(count(&night, "silence_over").await, 1, "what was kept back is on the history");
    night.all_is_well().await;
}

#[tokio::test]
async fn who_ends_it_is_paged_at_once() {
    let mut night = Night::begin(DESK).await;
    let silence = water(&night, 400).await;
    night.pulse("water", "s1", 18).await;
    night.wait(5).await;
    night.expect_nothing();
    let ended = night.desk.end_silence(silence.n, &by(Role::Operator)).await.unwrap();
    assert_eq!((ended.ended_at, ended.ended_by.as_deref()), (Some(night.now()), Some("王敏")));
    night.wait_seconds(1).await;
    night.expect("desk", "silence_over");
    let again = night.desk.end_silence(silence.n, &by(Role::Operator)).await.unwrap();
    assert_eq!(again.ended_at, ended.ended_at, "what is over stays as it is");
    assert_eq!(night.desk.records.silences(false, 9).await.unwrap().len(), 1, "it is never deleted");
    assert!(night.desk.records.silences(true, 9).await.unwrap().is_empty());
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

/// A level above what was silenced breaks through, and so does what follows of it.
#[tokio::test]
async fn a_graver_level_breaks_through() {
    let mut night = Night::begin(DESK).await;
    water(&night, 120).await;
    night.pulse("water", "s1", 18).await;
    night.wait_seconds(60).await;
    night.pulse("water", "s1", 600).await;
    let page = night.expect("desk", "level");
    assert!(page.text().starts_with("【升级】"), "{}", page.text());
    let incident = night.only().await;
    assert!(incident.level > Level::IV && incident.silenced_by.is_none());
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(200).await;
    night.expect_nothing();
}

/// An incident that is open when the silence is set: as grave as it is it is silent, graver it is not.
#[tokio::test]
async fn an_open_incident_is_silenced_as_it_is() {
    let mut night = Night::begin(DESK).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let silence = water(&night, 60).await;
    assert!(serde_json::to_string(&silence.scope).unwrap().contains("IV"));
    night.wait(15).await;
    night.expect_nothing();
    night.pulse("water", "s1", 600).await;
    night.expect("desk", "level");
    night.expect("leader", "level");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(60).await;
}

#[tokio::test]
async fn a_red_one_is_never_silenced_by_the_way() {
    let mut night = Night::begin(DESK).await;
    water(&night, 60).await;
    night.pulse("water", "s1", 5_000).await;
    assert_eq!(night.only().await.level, Level::I);
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(60).await;
}

#[tokio::test]
async fn a_red_one_is_silenced_when_that_is_said() {
    let mut night = Night::begin(DESK).await;
    set(&night, Wanted { topic: Some("water".into()), red: true, ..wanted(&night, 10) }).await;
    night.pulse("water", "s1", 5_000).await;
    night.expect_nothing();
    night.wait(10).await;
    night.expect("desk", "silence_over");
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

#[tokio::test]
async fn everything_below_a_level_is_silenced_and_nothing_else() {
    let mut night = Night::begin(DESK).await;
    set(&night, Wanted { below: Some(Level::III), ..wanted(&night, 30) }).await;
    night.pulse("water", "s1", 18).await;
    night.expect_nothing();
    night.pulse("gas", "s1", 5_000).await;
    night.expect("desk", "opened");
    for id in [ID, "20261124-0002"] {
        night.act("王敏", id, Command::Ack).await.unwrap();
    }
    night.wait(30).await;
}

#[tokio::test]
async fn another_topic_is_not_silenced() {
    let mut night = Night::begin(DESK).await;
    water(&night, 60).await;
    night.pulse("gas", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

/// Where one ends while another goes on, the other keeps it back; nobody is paged between them.
#[tokio::test]
async fn two_that_overlap_are_one() {
    let mut night = Night::begin(DESK).await;
    water(&night, 10).await;
    night.pulse("water", "s1", 18).await;
    set(&night, Wanted { below: Some(Level::II), ..wanted(&night, 14) }).await;
    night.wait(10).await;
    night.expect_nothing();
    assert_eq!(night.only().await.silenced_by.as_deref(), Some("2"));
    night.wait(4).await;
    night.expect("desk", "silence_over");
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

/// The process dies while it is silent and comes back when it is over.
#[tokio::test]
async fn a_crash_loses_nothing_of_it() {
    let mut night = Night::begin(DESK).await;
    water(&night, 10).await;
    night.pulse("water", "s1", 18).await;
    night.crash().await;
    night.wait(9).await;
    night.expect_nothing();
    night.set_clock(600);
    night.crash().await;
    night.wait_seconds(1).await;
    let page = night.expect("desk", "silence_over");
    assert!(page.text().contains("新舆情 1"), "{}", page.text());
    night.expect("leader", "silence_over");
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

/// Whom somebody hands a matter to hears of it: that is no alarm.
#[tokio::test]
async fn what_people_do_is_told_all_the_same() {
    let unit = "[[channel]]\nid = \"chen\"\nkind = \"webhook\"\nurl = \"{hook}/chen\"\n\
        [[person]]\nname = \"陈工\"\nchannels = [\"chen\"]\nunit = \"水务局\"\n";
    let mut night = Night::begin(&format!("{DESK}{unit}")).await;
    water(&night, 60).await;
    night.pulse("water", "s1", 18).await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::assign("水务局", "请速处置")).await.unwrap();
    night.deliver().await;
    night.expect("chen", "assigned");
    night.wait(40).await;
}

/// A deadline that runs out unheard is told when it is over, also where somebody had signed.
#[tokio::test]
async fn a_deadline_that_ran_out_unheard_is_told() {
    let clock = "[[clock]]\nid = \"report\"\nname = \"上报\"\nuntil = \"responded\"\nwithin = \"30m\"\nwarn = \"5m\"\n";
    let mut night = Night::begin(&format!("{DESK}{clock}")).await;
    water(&night, 60).await;
    night.pulse("water", "s1", 18).await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(31).await;
    night.expect_nothing();
    night.wait(29).await;
    let page = night.expect("desk", "silence_over");
    assert!(page.text().contains("已逾期 1") && page.text().contains("上报"), "{}", page.text());
}

#[tokio::test]
async fn what_may_not_be_silenced_is_refused_and_nothing_is_kept() {
    let night = Night::begin(DESK).await;
    let refused = |wanted: Wanted, role| {
        let desk = &night.desk;
        async move {
            match desk.silence(&wanted, &by(role)).await {
                Err(SilenceError::Refused(refusal)) => refusal,
                other => panic!("{other:?}"),
            }
        }
    };
    let of_water = |minutes| Wanted { topic: Some("water".into()), ..wanted(&night, minutes) };
    assert_eq!(refused(of_water(8 * 60 + 1), Role::Operator).await, Refusal::Long);
    assert_eq!(refused(of_water(7 * 24 * 60 + 1), Role::Supervisor).await, Refusal::Long);
    assert_eq!(refused(of_water(0), Role::Operator).await, Refusal::Past);
    assert_eq!(refused(Wanted { reason: " ".into(), ..of_water(9) }, Role::Operator).await, Refusal::Reason);
    assert_eq!(refused(wanted(&night, 9), Role::Operator).await, Refusal::Scope);
    assert!(matches!(night.desk.end_silence(7, &by(Role::Operator)).await, Err(SilenceError::Unknown)));
    assert!(night.desk.records.silences(false, 9).await.unwrap().is_empty());
    assert!(night.desk.records.audit_entries(9).await.unwrap().is_empty());
    water(&night, 9).await;
    let entries = night.desk.records.audit_entries(9).await.unwrap();
    assert_eq!((entries.len(), entries[0].action.as_str(), entries[0].who.as_str()), (1, "silenced", "王敏"));
    assert!(entries[0].detail.contains("话题 water") && entries[0].detail.contains("管网检修"), "{:?}", entries[0]);
}

/// A visit of a source in each minute.
async fn visits(night: &mut Night, outcomes: &[CrawlOutcome]) {
    for outcome in outcomes {
        let report = CrawlReport {
            reason: (*outcome != CrawlOutcome::Ok).then(|| "HTTP 503".into()),
            pages: 1,
            next_visit_at: night.now() + SignedDuration::from_secs(60),
            ..CrawlReport::of("forum", "锦水论坛", *outcome, night.now())
        };
        night.append_to(Topic::CrawlReports, report.encode()).await;
        night.keep_up().await;
        night.wait(1).await;
    }
}

/// Maintenance of a source: its alert is on record and tells nobody; nor is anybody told that it is over.
#[tokio::test]
async fn a_source_in_maintenance_is_shown_and_not_told_of() {
    use CrawlOutcome::{Failed, Ok as Good};
    let mut night = Night::begin(DESK).await;
    set(&night, Wanted { source: Some("forum".into()), ..wanted(&night, 60) }).await;
    visits(&mut night, &[Failed; 15]).await;
    night.expect_nothing();
    assert_eq!(night.desk.records.source_alerts(true, 9).await.unwrap().len(), 1, "coverage shows it");
    visits(&mut night, &[Good; 10]).await;
    night.expect_nothing();
    assert!(night.desk.records.source_alerts(true, 9).await.unwrap().is_empty());
    night.wait(40).await;
}

#[tokio::test]
async fn a_source_that_is_dark_when_its_maintenance_is_over_is_told_of_then() {
    use CrawlOutcome::{Failed, Ok as Good};
    let mut night = Night::begin(DESK).await;
    set(&night, Wanted { source: Some("forum".into()), ..wanted(&night, 20) }).await;
    visits(&mut night, &[Failed; 20]).await;
    let page = night.expect("desk", "source_alert");
    assert!(page.text().starts_with("【信源告警】锦水论坛 访问失败"), "{}", page.text());
    visits(&mut night, &[Good; 10]).await;
    night.expect("desk", "source_resolved");
}

#[tokio::test]
async fn the_board_shows_it_and_the_topic_carries_it() {
    let mut night = Night::begin(DESK).await;
    water(&night, 60).await;
    night.pulse("water", "s1", 18).await;
    let incident: Incident = night.only().await;
    let shown = serde_json::to_value(&incident).unwrap();
    assert_eq!(shown["silenced_by"], "1");
    let at: Timestamp = night.now();
    assert_eq!(incident.opened_at, at);
    night.act("王敏", ID, Command::Ack).await.unwrap();
}
