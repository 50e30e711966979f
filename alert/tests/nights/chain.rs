//! From the alarm to the unit that acts: deadlines, steps, units, merging and splitting, as scripts.

use crate::support::Night;
use alert::incident::Command;
use jiff::SignedDuration;
use schemas::records::{Level, Phase, Pulse, Sample, State, UnitProposed};

const ID: &str = "20261124-0001";

/// A desk with its group and its night watch; the leader, then the director for what is grave, then the group; a unit with two people.
/// 22:00 by local time when a night begins, on a Tuesday.
const CHAIN: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "{hook}/desk"
[[channel]]
id = "leader"
kind = "webhook"
url = "{hook}/leader"
[[channel]]
id = "director"
kind = "webhook"
url = "{hook}/director"
[[channel]]
id = "chen"
kind = "webhook"
url = "{hook}/chen"
[[channel]]
id = "zhou"
kind = "webhook"
url = "{hook}/zhou"
[[channel]]
id = "street"
kind = "webhook"
url = "{hook}/street"
[[person]]
name = "张主任"
channels = ["leader"]
[[person]]
name = "陈工"
channels = ["chen"]
unit = "水务局"
[[person]]
name = "周局"
channels = ["zhou"]
unit = "water"
leads = true
[[person]]
name = "赵站长"
channels = ["street"]
unit = "抚琴街道"
leads = true
[[duty]]
id = "desk"
channels = ["desk"]
resume_after = "30m"
[duty.ack]
I = "5m"
[[duty.escalation]]
after = "15m"
person = "张主任"
[[duty.escalation]]
after = "20m"
channels = ["director"]
levels = ["I", "II"]
[duty.repeat]
times = 2
every = "30m"
"#;

fn text(text: &str) -> String {
    text.to_owned()
}

/// To 水务局 by its name and its id, so that both who name one of them are found.
fn to_water() -> Command {
    Command::Assign {
        unit: text("水务局"),
        unit_id: Some(text("water")),
        assisting: Vec::new(),
        due_at: None,
        text: text("请速处置"),
    }
}

async fn opened() -> Night {
    let mut night = Night::begin(CHAIN).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night
}

/// Signed at once by 王敏, and handed to 水务局.
async fn handed_on() -> Night {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, to_water()).await.unwrap();
    night.deliver().await;
    for channel in ["chen", "zhou"] {
        let page = night.expect(channel, "assigned");
        assert!(page.text().starts_with("【交办】"), "{}", page.text());
    }
    night
}

#[tokio::test]
async fn nobody_signs_and_everybody_is_paged_again_until_the_end() {
    let mut night = opened().await;
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.wait(29).await;
    night.expect_nothing();
    for _ in 0..2 {
        night.wait(1).await;
        night.expect("desk", "escalation");
        night.expect("leader", "escalation");
        night.wait(29).await;
        night.expect_nothing();
    }
    night.wait(600).await;
    night.expect_nothing();
    night.all_is_well().await;
    let history = night.desk.records.history(ID).await.unwrap();
    assert!(history.iter().any(|event| event.text.ends_with("已逐级通知完毕")), "{history:?}");
    assert_eq!(night.only().await.state, State::New, "it is shown as unsigned for as long as it is");
}

#[tokio::test]
async fn what_is_grave_is_to_be_signed_within_five_minutes_and_reaches_the_director() {
    let mut night = Night::begin(CHAIN).await;
    night.pulse("water", "s1", 1_000).await;
    let page = night.expect("desk", "opened");
    assert!(page.text().contains("请于 22:05 前签收"), "{}", page.text());
    night.wait(5).await;
    night.expect("leader", "escalation");
    night.wait(20).await;
    night.expect("director", "escalation");
    night.wait(30).await;
    for channel in ["desk", "leader", "director"] {
        night.expect(channel, "escalation");
    }
    night.act("张主任", ID, Command::Ack).await.unwrap();
    night.act("张主任", ID, Command::Note { text: text("已派人") }).await.unwrap();
    night.wait(60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_level_that_rises_shortens_the_time_to_sign() {
    let mut night = opened().await;
    night.wait(3).await;
    night.pulse("water", "s1", 1_000).await;
    night.expect("desk", "level");
    night.wait_seconds(299).await;
    night.expect_nothing();
    night.wait_seconds(1).await;
    night.expect("leader", "escalation");
    night.act("王敏", ID, Command::Ack).await.unwrap();
}

#[tokio::test]
async fn who_signs_and_does_nothing_is_reminded_and_then_passed_over() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.wait(30).await;
    let page = night.expect("desk", "escalation");
    assert!(page.text().starts_with("【催办】"), "{}", page.text());
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.act("王敏", ID, Command::Note { text: text("已联系街道") }).await.unwrap();
    night.wait(600).await;
    night.expect_nothing();
    assert!(night.history(ID).await.contains(&text("noted")));
}

#[tokio::test]
async fn two_sign_at_once_and_one_is_told_who_was_first() {
    let night = opened().await;
    let (one, two) = tokio::join!(night.act("王敏", ID, Command::Ack), night.act("李雷", ID, Command::Ack));
    let refused =
        [one.as_ref().err(), two.as_ref().err()].into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    let by = night.only().await.acked_by.unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains(&format!("{by} 已签收")), "{refused:?}");
    assert_eq!(night.history(ID).await.iter().filter(|action| *action == "acked").count(), 1);
}

#[tokio::test]
async fn the_unit_signs_reports_and_answers() {
    let mut night = handed_on().await;
    night.wait(10).await;
    night.act_for_unit("陈工", ID, Command::UnitAck).await.unwrap();
    assert_eq!(night.only().await.state, State::Handling);
    night.wait(60).await;
    night.expect_nothing();
    night.act_for_unit("陈工", ID, Command::Note { text: text("抢修队已到场") }).await.unwrap();
    assert_eq!(night.history(ID).await.last().map(String::as_str), Some("reported"));
    night.act_for_unit("陈工", ID, Command::Answer { text: text("阀门已更换") }).await.unwrap();
    night.deliver().await;
    let page = night.expect("desk", "answered");
    assert!(page.text().starts_with("【单位答复】"), "{}", page.text());
    night.act("王敏", ID, Command::Respond { text: text("已恢复供水"), press: false }).await.unwrap();
    assert!(night.only().await.clocks.iter().all(|clock| clock.stopped_at.is_some()), "nothing runs any more");
    night.wait(72 * 60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_unit_that_stays_silent_is_told_on_to_its_leader() {
    let mut night = handed_on().await;
    night.wait(45).await;
    for channel in ["desk", "chen", "zhou"] {
        let page = night.expect(channel, "clock_warning");
        assert!(page.text().contains("单位签收"), "{}", page.text());
    }
    night.wait(15).await;
    for channel in ["desk", "leader", "zhou"] {
        night.expect(channel, "clock_expired");
    }
    let clocks = night.only().await.clocks;
    let unit = clocks.iter().find(|clock| clock.id == "unit_ack").unwrap();
    assert!(unit.expired && unit.stopped_at.is_none());
    night.act_for_unit("周局", ID, Command::UnitAck).await.unwrap();
    night.wait(60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_unit_that_sends_it_back_gives_it_to_the_desk_again() {
    let mut night = handed_on().await;
    night.act_for_unit("陈工", ID, Command::Return { text: text("不属本单位") }).await.unwrap();
    night.deliver().await;
    let page = night.expect("desk", "returned");
    assert!(page.text().starts_with("【退回】"), "{}", page.text());
    // Nobody hands it on: the desk is reminded, then passed over.
    night.wait(30).await;
    night.expect("desk", "escalation");
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.act("王敏", ID, Command::assign("抚琴街道", "")).await.unwrap();
    night.deliver().await;
    night.expect("street", "assigned");
    night.wait(20).await;
    night.expect_nothing();
}

#[tokio::test]
async fn the_desk_takes_it_back_and_the_unit_hears_of_it() {
    let mut night = handed_on().await;
    night.act("王敏", ID, Command::Return { text: text("改由街道办理") }).await.unwrap();
    night.deliver().await;
    for channel in ["chen", "zhou"] {
        night.expect(channel, "returned");
    }
    assert_eq!(night.only().await.unit, None);
}

#[tokio::test]
async fn units_that_assist_hear_of_it_too() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    let command = Command::Assign {
        unit: text("水务局"),
        unit_id: None,
        assisting: vec![text("抚琴街道")],
        due_at: None,
        text: String::new(),
    };
    night.act("王敏", ID, command).await.unwrap();
    night.deliver().await;
    for channel in ["chen", "street"] {
        night.expect(channel, "assigned");
    }
    assert_eq!(night.only().await.assisting, ["抚琴街道"]);
}

#[tokio::test]
async fn a_unit_that_assists_is_known_by_the_id_that_was_proposed() {
    let mut night = Night::begin(CHAIN).await;
    let pulse = night.make("water", "s1", 18, Phase::Rising);
    let samples = vec![about("water", 0.9, "forum:1", &pulse.samples[0])];
    night.send(&Pulse { samples, ..pulse }).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    let command = Command::Assign {
        unit: text("抚琴街道"),
        unit_id: None,
        assisting: vec![text("water局")],
        due_at: None,
        text: String::new(),
    };
    night.act("王敏", ID, command).await.unwrap();
    night.deliver().await;
    // 周局 is known by the unit's id alone.
    for channel in ["street", "zhou"] {
        night.expect(channel, "assigned");
    }
    assert!(night.act_for_unit("周局", ID, Command::Note { text: text("已派人协助") }).await.is_ok());
}

#[tokio::test]
async fn a_unit_that_nobody_can_reach_is_said_to_be_so() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::assign("园林局", "")).await.unwrap();
    night.deliver().await;
    assert!(night.history(ID).await.contains(&text("unit_unreached")));
}

#[tokio::test]
async fn the_desk_sets_the_deadline_of_the_answer() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    let due = night.now() + SignedDuration::from_hours(2);
    let command = Command::Assign {
        unit: text("抚琴街道"),
        unit_id: None,
        assisting: Vec::new(),
        due_at: Some(due),
        text: String::new(),
    };
    night.act("王敏", ID, command).await.unwrap();
    night.deliver().await;
    night.expect("street", "assigned");
    night.act_for_unit("赵站长", ID, Command::UnitAck).await.unwrap();
    night.wait(96).await;
    for channel in ["desk", "street"] {
        let page = night.expect(channel, "clock_warning");
        assert!(page.text().contains("单位答复"), "{}", page.text());
    }
    night.wait(24).await;
    for channel in ["desk", "leader", "street"] {
        night.expect(channel, "clock_expired");
    }
}

#[tokio::test]
async fn five_hours_for_information_and_a_day_for_the_press() {
    let mut night = Night::begin(CHAIN).await;
    night.pulse("water", "s1", 1_000).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    night.wait(4 * 60).await;
    let page = night.expect("desk", "clock_warning");
    assert!(page.text().contains("权威信息发布 11-25 03:00"), "{}", page.text());
    night.wait(60).await;
    for channel in ["desk", "leader", "director"] {
        night.expect(channel, "clock_expired");
    }
    night.act("王敏", ID, Command::Respond { text: text("正在抢修"), press: false }).await.unwrap();
    night.wait(15 * 60).await;
    night.expect("desk", "clock_warning");
    night.act("王敏", ID, Command::Respond { text: text("发布会"), press: true }).await.unwrap();
    night.wait(48 * 60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn forty_eight_hours_for_the_others() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    night.wait(36 * 60 - 1).await;
    night.expect_nothing();
    night.wait(1).await;
    night.expect("desk", "clock_warning");
    night.wait(12 * 60).await;
    for channel in ["desk", "leader"] {
        night.expect(channel, "clock_expired");
    }
    night.wait(99 * 60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_level_that_rises_starts_the_clocks_of_that_level() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    night.wait(60).await;
    night.pulse("water", "s1", 1_000).await;
    night.expect("desk", "level");
    let ids: Vec<String> = night.only().await.clocks.into_iter().map(|clock| clock.id).collect();
    assert_eq!(ids, ["response", "information", "press"]);
    night.wait(4 * 60).await;
    let page = night.expect("desk", "clock_warning");
    assert!(page.text().contains("权威信息发布"), "{}", page.text());
}

#[tokio::test]
async fn a_clock_of_working_hours_stands_still_over_a_holiday() {
    let config = format!(
        "{CHAIN}[[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"8h\"\nwarn = \"1h\"\ntime = \"working\"\n\
         [calendar]\nholidays = [\"2026-11-25\", \"2026-11-26\"]\n"
    );
    let mut night = Night::begin(&config).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    // Tuesday 22:00; two days off; Friday from nine to five is seven hours, the eighth is Monday's first.
    night.wait(2 * 24 * 60 + 18 * 60 - 1).await;
    night.expect_nothing();
    night.wait(1 + 60 * 24 * 2 + 17 * 60).await;
    night.expect("desk", "clock_warning");
    let due = night.only().await.clocks[0].due_at;
    assert_eq!(due.to_string(), "2026-11-30T02:00:00Z");
}

#[tokio::test]
async fn a_held_clock_tells_of_nothing_and_goes_on_with_what_was_left() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("督查", ID, Command::Pause { clock: text("response"), text: text("等待检测报告") }).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("已送检") }).await.unwrap();
    night.wait(72 * 60).await;
    night.expect_nothing();
    night.act("督查", ID, Command::Resume { clock: text("response"), text: text("报告已出") }).await.unwrap();
    night.wait(36 * 60).await;
    night.expect("desk", "clock_warning");
    night.wait(12 * 60).await;
    for channel in ["desk", "leader"] {
        night.expect(channel, "clock_expired");
    }
    let history = night.history(ID).await;
    assert!(history.contains(&text("paused")) && history.contains(&text("resumed")));
}

#[tokio::test]
async fn a_crash_loses_no_clock_and_no_step() {
    let mut night = opened().await;
    night.wait(14).await;
    night.crash().await;
    night.all_is_well().await;
    night.wait(1).await;
    night.expect("leader", "escalation");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    night.crash().await;
    // Down for three days: what ran out meanwhile is told at once, the warning before it is left out.
    night.wait(72 * 60).await;
    for channel in ["desk", "leader"] {
        night.expect(channel, "clock_expired");
    }
    night.all_is_well().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_by_one_wait_at_most() {
    let mut night = opened().await;
    night.set_clock(-600);
    assert_eq!(night.desk.watch().await.unwrap(), 1, "the watchdog finds the step put off, and mends it");
    night.all_is_well().await;
    night.wait(15).await;
    night.expect("leader", "escalation");
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_pages_early_and_once() {
    let mut night = opened().await;
    night.wait(24 * 60).await;
    night.expect("leader", "escalation");
    night.set_clock(-24 * 60 + 1);
    assert_eq!(night.desk.watch().await.unwrap(), 1);
    night.wait(29).await;
    night.expect_nothing();
    night.wait(1).await;
    night.expect("desk", "escalation");
    night.expect("leader", "escalation");
}

#[tokio::test]
async fn the_watchdog_finds_what_an_earlier_version_left_without_a_chain() {
    let night = opened().await;
    let mut file = night.desk.records.incident(ID).await.unwrap().unwrap();
    file.matter.chain = None;
    let mut tx = night.desk.records.begin().await.unwrap();
    tx.save(&mut file).await.unwrap();
    tx.commit().await.unwrap();
    let mut night = night;
    assert_eq!(night.desk.watch().await.unwrap(), 1);
    night.all_is_well().await;
    night.wait(15).await;
    night.expect("leader", "escalation");
}

#[tokio::test]
async fn the_watchdog_tells_of_steps_that_do_not_get_through() {
    let night = opened().await;
    night.set_clock(17);
    assert_eq!(night.desk.watch().await.unwrap(), 1, "due two minutes ago, and nobody has taken it");
    let mut night = night;
    night.wait(0).await;
    night.expect("leader", "escalation");
    night.all_is_well().await;
}

fn about(unit: &str, confidence: f32, id: &str, sample: &Sample) -> Sample {
    let unit = UnitProposed { id: unit.into(), name: format!("{unit}局"), confidence, candidates: Vec::new() };
    Sample { id: id.into(), category: Some(text("城乡建设/供水")), unit: Some(unit), ..sample.clone() }
}

#[tokio::test]
async fn the_unit_is_proposed_from_what_the_posts_say() {
    let mut night = Night::begin(CHAIN).await;
    let pulse = night.make("water", "s1", 18, Phase::Rising);
    let sample = &pulse.samples[0];
    let samples = vec![
        about("water", 0.9, "forum:1", sample),
        about("street", 0.8, "forum:2", sample),
        about("water", 0.7, "forum:3", sample),
    ];
    night.send(&Pulse { samples, ..pulse.clone() }).await;
    night.expect("desk", "opened");
    let incident = night.only().await;
    let proposed: Vec<(&str, f64)> =
        incident.proposed.iter().map(|unit| (unit.name.as_str(), unit.confidence)).collect();
    assert_eq!(proposed, [("water局", 0.53), ("street局", 0.27)]);
    assert_eq!(incident.category.as_deref(), Some("城乡建设/供水"));
    assert_eq!(incident.unit, None, "a person confirms");
}

#[tokio::test]
async fn a_topic_that_shows_the_same_posts_joins_and_pages_nobody() {
    let mut night = Night::begin(CHAIN).await;
    let pulse = night.make("water", "s1", 18, Phase::Rising);
    let samples: Vec<Sample> =
        ["forum:1", "forum:2", "forum:3"].map(|id| about("water", 0.9, id, &pulse.samples[0])).into();
    night.send(&Pulse { samples: samples.clone(), ..pulse.clone() }).await;
    night.expect("desk", "opened");
    let mut other = night.make("emerging-0-7", "e1", 9, Phase::Rising);
    other.topic.name = text("抚琴路爆管");
    other.samples = samples[1..].to_vec();
    night.send(&other).await;
    let incident = night.only().await;
    assert_eq!((incident.count, incident.related[0].name.as_str()), (27, "抚琴路爆管"));
    // Both topics go on, in the same second, and both count.
    night.wait_seconds(1).await;
    for mut pulse in [night.make("water", "s1", 20, Phase::Rising), night.make("emerging-0-7", "e1", 40, Phase::Rising)]
    {
        pulse.samples.clone_from(&samples);
        night.send(&pulse).await;
    }
    night.expect("desk", "level");
    assert_eq!(night.only().await.count, 60);
    // One post in common is no more than chance.
    let mut apart = night.make("gas", "g1", 20, Phase::Rising);
    apart.samples = vec![samples[0].clone(), about("gas", 0.9, "forum:9", &samples[0])];
    night.send(&apart).await;
    night.expect("desk", "opened");
}

#[tokio::test]
async fn merged_incidents_go_on_as_one_and_can_be_split_again() {
    let mut night = opened().await;
    let mut gas = night.make("gas", "g1", 60, Phase::Rising);
    gas.samples.clear();
    night.send(&gas).await;
    night.expect("desk", "opened");
    let by = schemas::kit::auth::Caller { name: text("王敏"), role: schemas::kit::auth::Role::Operator };
    let two = "20261124-0002";
    night.desk.merge_incidents(two, ID, "同一处施工", &by, None).await.unwrap();
    night.wait_seconds(1).await;
    gas = Pulse { at: night.now(), spike: night.make("gas", "g1", 70, Phase::Rising).spike, ..gas };
    night.send(&gas).await;
    let merged = night.desk.records.incident(ID).await.unwrap().unwrap().incident;
    assert_eq!((merged.count, merged.level), (88, Level::III));
    let gone = night.desk.records.incident(two).await.unwrap().unwrap().incident;
    assert_eq!((gone.state, gone.merged_into.as_deref(), gone.count), (State::Closed, Some(ID), 60));
    // Only the one that goes on escalates.
    night.wait(15).await;
    night.expect("leader", "escalation");
    night.act("张主任", ID, Command::Ack).await.unwrap();
    let new = night.desk.split_incident(ID, &[text("gas")], "两回事", &by, None).await.unwrap().incident;
    assert_eq!((new.count, new.acked_by.as_deref(), new.split_from.as_deref()), (70, Some("王敏"), Some(ID)));
    night.wait_seconds(1).await;
    gas = Pulse { at: night.now(), spike: night.make("gas", "g1", 200, Phase::Rising).spike, ..gas };
    night.send(&gas).await;
    night.expect("desk", "level");
    let again = night.desk.records.incident(&new.id).await.unwrap().unwrap().incident;
    assert_eq!((again.count, again.level), (200, Level::II));
    for id in [ID, &new.id] {
        night.act("王敏", id, Command::Close { text: text("已处理") }).await.unwrap();
    }
    night.wait(99 * 60).await;
    night.expect_nothing();
}

/// Whoever paused a deadline paused it for that matter: another one that is split off, or goes on with it, has its deadline.
#[tokio::test]
async fn a_pause_goes_over_to_no_other_incident() {
    let mut night = opened().await;
    let mut gas = night.make("gas", "g1", 18, Phase::Rising);
    gas.samples.clear();
    night.send(&gas).await;
    night.expect("desk", "opened");
    let by = schemas::kit::auth::Caller { name: text("王敏"), role: schemas::kit::auth::Role::Operator };
    let two = "20261124-0002";
    let pause = || Command::Pause { clock: text("response"), text: text("等待检测报告") };
    for id in [ID, two] {
        night.act("王敏", id, Command::Ack).await.unwrap();
        night.act("王敏", id, Command::Note { text: text("已电话核实") }).await.unwrap();
    }
    night.act("督查", two, pause()).await.unwrap();
    night.wait(60).await;
    night.desk.merge_incidents(two, ID, "同一处施工", &by, None).await.unwrap();
    let clocks = async |id: &str| night.desk.records.incident(id).await.unwrap().unwrap().incident.clocks;
    assert!(clocks(ID).await.iter().all(|clock| clock.paused.is_none()), "{:?}", clocks(ID).await);
    night.act("督查", ID, pause()).await.unwrap();
    let new = night.desk.split_incident(ID, &[text("gas")], "两回事", &by, None).await.unwrap().incident;
    let paused = async |id: &str| clocks(id).await.iter().filter(|clock| clock.paused.is_some()).count();
    assert_eq!((paused(ID).await, paused(&new.id).await), (1, 0));
    night.act("王敏", &new.id, Command::Note { text: text("另案处理") }).await.unwrap();
    night.wait(35 * 60).await;
    night.expect("desk", "clock_warning");
    night.wait(12 * 60).await;
    for channel in ["desk", "leader"] {
        night.expect(channel, "clock_expired");
    }
    night.expect_nothing();
}

#[tokio::test]
async fn a_step_may_page_another_roster_and_the_leader_of_the_unit() {
    let config = format!(
        "{CHAIN}[[duty]]\nid = \"second\"\nchannels = [\"director\"]\n\
         [[policy]]\nduty = \"third\"\n[[duty]]\nid = \"third\"\nchannels = [\"desk\"]\nresume_after = \"10m\"\n\
         [[duty.escalation]]\nafter = \"5m\"\nroster = \"second\"\n[[duty.escalation]]\nafter = \"5m\"\nunit_leader = true\n[duty.repeat]\ntimes = 0\n"
    );
    let mut night = Night::begin(&config).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.wait(5).await;
    night.expect("director", "escalation");
    // It is no unit's yet: a step that reaches nobody must not be a silence.
    night.wait(5).await;
    for channel in ["desk", "director"] {
        night.expect(channel, "escalation");
    }
    night.wait(600).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_closed_incident_that_is_opened_again_has_its_deadlines_again() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Close { text: text("已处理") }).await.unwrap();
    night.wait(72 * 60).await;
    night.expect_nothing();
    night.act("李雷", ID, Command::Reopen { text: text("又停水了") }).await.unwrap();
    night.wait(30).await;
    night.expect("desk", "escalation");
    night.act("李雷", ID, Command::Note { text: text("正在核实") }).await.unwrap();
    night.wait(36 * 60).await;
    night.expect("desk", "clock_warning");
}

#[tokio::test]
async fn a_rise_after_the_response_has_deadlines_of_its_own() {
    let mut night = opened().await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Respond { text: text("已派人"), press: false }).await.unwrap();
    night.wait(60).await;
    night.pulse("water", "s2", 20).await;
    night.expect("desk", "rebound");
    // Who answered once is to look at it again.
    night.wait(30).await;
    night.expect("desk", "escalation");
    night.act("王敏", ID, Command::Note { text: text("再次核实") }).await.unwrap();
    night.wait(36 * 60 - 30).await;
    night.expect("desk", "clock_warning");
}

#[tokio::test]
async fn a_heavy_class_reaches_its_level_sooner_and_says_why() {
    let config = format!("{CHAIN}[[policy]]\nduty = \"desk\"\n[policy.weight]\n\"城乡建设\" = 3.0\n");
    let mut night = Night::begin(&config).await;
    let pulse = night.make("water", "s1", 18, Phase::Rising);
    let samples = vec![about("water", 0.9, "forum:1", &pulse.samples[0])];
    night.send(&Pulse { samples, ..pulse }).await;
    let page = night.expect("desk", "opened");
    assert_eq!(night.only().await.level, Level::III);
    assert!(page.text().contains("城乡建设 权重 3"), "{}", page.text());
}
