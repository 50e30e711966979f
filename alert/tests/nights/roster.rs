//! Nights of the duty roster: rotations, changes, what is found in advance, and who has not taken over.

use crate::support::{Answer, Night, patient};
use alert::{
    engine::roster::RosterError,
    records::CalendarFeed,
    roster::{
        Change,
        change::{Kind, Slot},
        rules::Wanted,
    },
};
use jiff::Timestamp;
use schemas::kit::{
    auth::{Caller, Role},
    tokens::hash,
};

/// The channels, and people who are each reached alone. A night begins on Tuesday, 24 November, at 22:00.
const PEOPLE: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "{hook}/desk"
[[channel]]
id = "wang"
kind = "webhook"
url = "{hook}/wang"
[[channel]]
id = "li"
kind = "webhook"
url = "{hook}/li"
[[channel]]
id = "han"
kind = "webhook"
url = "{hook}/han"
[[person]]
name = "王敏"
channels = ["wang"]
[[person]]
name = "李雷"
channels = ["li"]
[[person]]
name = "韩梅"
channels = ["han"]
"#;

const DAY_AND_NIGHT: &str = r#"
[[duty]]
id = "desk"
name = "值班席"
channels = ["desk"]
[[duty.shift]]
from = "08:00"
to = "20:00"
person = "王敏"
[[duty.shift]]
from = "20:00"
to = "08:00"
person = "李雷"
"#;

fn with(roster: &str) -> String {
    patient(&format!("{PEOPLE}{roster}"))
}

/// A time of November 2026 in Shanghai.
fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}+08:00").parse().unwrap()
}

/// A moment as the database keeps it: in milliseconds.
fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap()
}

fn chief() -> Caller {
    Caller { name: "张主任".into(), role: Role::Supervisor }
}

fn operator(name: &str) -> Caller {
    Caller { name: name.into(), role: Role::Operator }
}

fn wanted(kind: Kind, from: &str, to: &str, person: &str) -> Wanted {
    Wanted {
        kind,
        from: at(from),
        to: at(to),
        person: person.into(),
        instead_of: None,
        with: None,
        why: "家中有事".into(),
    }
}

fn instead(from: &str, to: &str, person: &str, of: &str) -> Wanted {
    Wanted { instead_of: Some(of.into()), ..wanted(Kind::Override, from, to, person) }
}

impl Night {
    async fn change(&mut self, wanted: &Wanted) -> Change {
        self.desk.change_roster("desk", wanted, &chief()).await.unwrap()
    }

    /// Everybody whom a change concerns has been told.
    async fn told_of_change(&mut self, channels: &[&str], words: &str) {
        self.deliver().await;
        for channel in channels {
            let page = self.expect(channel, "roster");
            assert!(page.text().starts_with("【值班表】") && page.text().contains(words), "{}", page.text());
        }
        self.expect_nothing();
    }

    /// Something new rises, and these are told.
    async fn rise(&mut self, topic: &str, channels: &[&str]) {
        self.pulse(topic, topic, 18).await;
        for channel in channels {
            self.expect(channel, "opened");
        }
        self.expect_nothing();
    }

    async fn wait_until(&mut self, text: &str) {
        let seconds = at(text).as_second() - self.now().as_second();
        assert!(seconds > 0, "{text} is over");
        self.wait_seconds(seconds).await;
    }
}

#[tokio::test]
async fn a_night_shift_goes_on_across_midnight() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.rise("water", &["desk", "li"]).await;
    night.wait_until("25T00:00").await;
    night.rise("gas", &["desk", "li"]).await;
    night.wait_until("25T07:59:59").await;
    night.rise("heat", &["desk", "li"]).await;
    night.wait_until("25T08:00").await;
    night.rise("light", &["desk", "wang"]).await;
}

#[tokio::test]
async fn a_rotation_by_the_week() {
    let week = "[[duty]]\nid = \"desk\"\n[[duty.shift]]\nfrom = \"08:00\"\nto = \"08:00\"\npeople = [\"王敏\", \"李雷\"]\nturn = \"week\"\nstarting = \"2026-11-23\"\n";
    let mut night = Night::begin(&with(week)).await;
    night.rise("water", &["wang"]).await;
    night.wait_until("30T07:59").await;
    night.rise("gas", &["wang"]).await;
    night.wait_until("30T08:00").await;
    night.rise("heat", &["li"]).await;
}

#[tokio::test]
async fn a_rotation_by_the_day_at_a_months_end() {
    let day = "[[duty]]\nid = \"desk\"\n[[duty.shift]]\nfrom = \"00:00\"\nto = \"00:00\"\npeople = [\"王敏\", \"李雷\", \"韩梅\"]\nturn = \"day\"\nstarting = \"2026-11-24\"\n";
    let mut night = Night::begin(&with(day)).await;
    night.rise("water", &["wang"]).await;
    night.wait_until("30T23:59").await;
    night.rise("gas", &["wang"]).await;
    night.wait(1).await;
    night.rise("heat", &["li"]).await;
    night.wait(24 * 60).await;
    night.rise("light", &["han"]).await;
}

#[tokio::test]
async fn an_override_begins_and_ends_in_the_middle_of_an_incident() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&instead("24T23:00", "25T01:00", "韩梅", "李雷")).await;
    night.told_of_change(&["desk", "han", "li"], "顶班, 韩梅 代 李雷").await;
    night.rise("water", &["desk", "li"]).await;
    night.wait_until("24T23:00").await;
    night.pulse("water", "water", 60).await;
    night.expect("desk", "level");
    night.expect("han", "level");
    night.wait_until("25T01:00").await;
    night.pulse("water", "water", 2000).await;
    night.expect("desk", "level");
    night.expect("li", "level");
}

#[tokio::test]
async fn somebody_is_on_beside_the_plan() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&wanted(Kind::Extra, "24T23:00", "25T01:00", "韩梅")).await;
    night.told_of_change(&["desk", "han"], "加班, 韩梅").await;
    night.wait_until("25T00:00").await;
    night.rise("water", &["desk", "li", "han"]).await;
}

#[tokio::test]
async fn a_swap_counts_from_when_it_is_agreed_to() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    let slot = Slot { from: at("26T08:00"), to: at("26T20:00"), person: "王敏".into() };
    let swap = Wanted { with: Some(slot), ..wanted(Kind::Swap, "25T20:00", "26T08:00", "李雷") };
    let proposed = night.desk.change_roster("desk", &swap, &operator("李雷")).await.unwrap();
    assert!(proposed.is_proposed());
    night.told_of_change(&["desk", "li", "wang"], "换班待同意, 李雷 与 王敏").await;
    let own = night.desk.agree_to_change("desk", 1, &operator("李雷")).await;
    assert!(matches!(own, Err(RosterError::Refused(_))), "{own:?}");
    night.desk.agree_to_change("desk", 1, &operator("王敏")).await.unwrap();
    night.told_of_change(&["desk", "li", "wang"], "换班已同意").await;
    night.wait_until("25T21:00").await;
    night.rise("water", &["desk", "wang"]).await;
    night.wait_until("26T09:00").await;
    night.rise("gas", &["desk", "li"]).await;
    night.wait_until("26T21:00").await;
    night.rise("heat", &["desk", "li"]).await;
}

#[tokio::test]
async fn a_swap_that_nobody_agreed_to_changes_nothing() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    let slot = Slot { from: at("26T08:00"), to: at("26T20:00"), person: "王敏".into() };
    let swap = Wanted { with: Some(slot), ..wanted(Kind::Swap, "25T20:00", "26T08:00", "李雷") };
    night.desk.change_roster("desk", &swap, &operator("李雷")).await.unwrap();
    night.told_of_change(&["desk", "li", "wang"], "换班待同意").await;
    night.wait_until("25T21:00").await;
    night.rise("water", &["desk", "li"]).await;
    let late = night.desk.agree_to_change("desk", 1, &operator("王敏")).await;
    assert!(matches!(late, Err(RosterError::Refused(_))), "the turn has begun: {late:?}");
}

#[tokio::test]
async fn a_gap_pages_the_next_in_line_or_every_channel() {
    let gap = DAY_AND_NIGHT.replace("channels = [\"desk\"]\n", "").replace("from = \"20:00\"", "from = \"23:00\"");
    let mut night = Night::begin(&with(&gap)).await;
    night.rise("water", &["desk", "wang", "li", "han"]).await;
    let history = night.history("20261124-0001").await;
    assert!(history.contains(&"roster_gap".to_owned()), "{history:?}");
    night
        .restart(&with(&format!("{gap}[duty.escalation]\nafter = \"15m\"\nperson = \"韩梅\"\nchannels = [\"han\"]\n")))
        .await;
    night.rise("gas", &["han"]).await;
    // An extra turn closes it.
    night.change(&wanted(Kind::Extra, "24T22:00", "24T23:00", "王敏")).await;
    night.told_of_change(&["wang"], "加班").await;
    night.rise("heat", &["wang"]).await;
}

#[tokio::test]
async fn a_gap_is_told_in_advance_once_a_day() {
    let gap = DAY_AND_NIGHT.replace("channels = [\"desk\"]\n", "").replace("from = \"20:00\"", "from = \"21:00\"");
    let mut night = Night::begin(&with(&gap)).await;
    night.wait_until("25T08:59").await;
    night.expect_nothing();
    night.wait_until("25T09:00").await;
    // Told to whoever is on duty: the roster has no channel of its own.
    let page = night.expect("wang", "roster");
    assert!(
        page.text().contains("有时段无人可通知") && page.text().contains("2026-11-25 20:00 至 21:00"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("14 天内 14 次") && page.text().contains("处理: "), "{}", page.text());
    assert_eq!(page.key(), "roster/desk/gap/20:00-21:00/2026-11-25/wang");
    night.wait(30).await;
    night.crash().await;
    night.wait(30).await;
    night.expect_nothing();
    night.wait_until("26T09:00").await;
    night.expect("wang", "roster");
}

/// A report is made later when nobody could make it in time; but not at night.
#[tokio::test]
async fn a_report_is_made_up_for_within_six_hours() {
    let gap = DAY_AND_NIGHT.replace("channels = [\"desk\"]\n", "").replace("from = \"20:00\"", "from = \"21:00\"");
    let mut night = Night::begin(&with(&gap)).await;
    night.wait_until("25T15:01").await;
    night.expect_nothing();
    night.wait_until("26T14:59").await;
    night.expect("wang", "roster");
}

#[tokio::test]
async fn a_double_booking_is_found_across_rosters() {
    let flood = "[[duty]]\nid = \"flood\"\nchannels = [\"han\"]\n[[duty.shift]]\nfrom = \"19:00\"\nto = \"23:00\"\nperson = \"李雷\"\n";
    let mut night = Night::begin(&with(&format!("{DAY_AND_NIGHT}{flood}"))).await;
    night.wait_until("25T09:00").await;
    let page = night.expect("desk", "roster");
    assert!(page.text().contains("值班席: 李雷 同时在 flood 值班"), "{}", page.text());
    let page = night.expect("han", "roster");
    assert!(page.text().contains("flood: 李雷 同时在 desk 值班"), "{}", page.text());
}

#[tokio::test]
async fn a_member_without_a_channel_is_found() {
    let other = DAY_AND_NIGHT
        .replace("person = \"李雷\"", "people = [\"李雷\", \"孙莉\"]\nturn = \"week\"\nstarting = \"2026-11-23\"");
    let mut night = Night::begin(&with(&other)).await;
    night.wait_until("25T09:00").await;
    let page = night.expect("desk", "roster");
    assert!(page.text().contains("孙莉 无法通知到") && page.text().contains("2026-11-30 20:00"), "{}", page.text());
    assert!(page.text().contains("[[person]]"), "{}", page.text());
}

#[tokio::test]
async fn who_has_not_taken_over_is_told_of_once() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.rise("water", &["desk", "li"]).await;
    night.wait_until("25T07:50").await;
    let written = night.desk.hand_over("desk", "停水一件未办结", None, &operator("李雷")).await.unwrap();
    assert_eq!((written.at, written.to.as_slice()), (at("25T08:00"), ["王敏".to_owned()].as_slice()));
    assert_eq!(written.incidents.iter().map(|open| open.id.as_str()).collect::<Vec<_>>(), ["20261124-0001"]);
    night.wait_until("25T08:29:59").await;
    night.expect_nothing();
    night.wait_until("25T08:30").await;
    let page = night.expect("desk", "roster");
    assert!(page.text().contains("王敏 接班 30 分钟仍未确认"), "{}", page.text());
    night.crash().await;
    night.wait(10).await;
    night.expect_nothing();
    let refused = night.desk.take_over("desk", 1, &operator("李雷")).await;
    assert!(matches!(refused, Err(RosterError::Refused(_))), "{refused:?}");
    let taken = night.desk.take_over("desk", 1, &operator("王敏")).await.unwrap();
    assert_eq!((taken.confirmed_by.as_deref(), taken.confirmed_at), (Some("王敏"), Some(night.now())));
    night.wait(60 * 24).await;
    night.expect_nothing();
}

#[tokio::test]
async fn who_takes_over_in_time_is_not_told_of() {
    let mut night = Night::begin(&with(&DAY_AND_NIGHT.replace("[[duty]]\n", "[[duty]]\nhandover = true\n"))).await;
    night.wait_until("24T22:10").await;
    let page = night.expect("desk", "roster");
    assert!(page.text().contains("李雷 接班 30 分钟仍无交班记录"), "{}", page.text());
    night.wait_until("25T07:55").await;
    night.desk.hand_over("desk", "无事", None, &operator("李雷")).await.unwrap();
    night.wait_until("25T08:05").await;
    night.desk.take_over("desk", 1, &operator("王敏")).await.unwrap();
    night.wait_until("25T20:29").await;
    night.expect_nothing();
    night.wait_until("25T20:30").await;
    night.expect("desk", "roster");
}

#[tokio::test]
async fn a_holidays_weekend_with_an_override() {
    let weekend = r#"
[[duty]]
id = "desk"
[[duty.shift]]
from = "08:00"
to = "08:00"
person = "王敏"
days = ["mon", "tue", "wed", "thu", "fri"]
[[duty.shift]]
from = "08:00"
to = "08:00"
person = "李雷"
days = ["sat", "sun"]
"#;
    let mut night = Night::begin(&with(weekend)).await;
    night.change(&instead("28T08:00", "30T08:00", "韩梅", "李雷")).await;
    night.told_of_change(&["wang", "han", "li"], "2026-11-28 08:00 至 11-30 08:00").await;
    night.wait_until("28T07:59").await;
    night.rise("water", &["wang"]).await;
    night.wait_until("28T08:00").await;
    night.rise("gas", &["han"]).await;
    night.wait_until("30T07:59").await;
    night.rise("heat", &["han"]).await;
    night.wait_until("30T08:00").await;
    night.rise("light", &["wang"]).await;
}

#[tokio::test]
async fn a_calendars_address_that_was_revoked_leads_nowhere() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    let feed = CalendarFeed { owner: "王敏".into(), all: false, created_at: whole(night.now()) };
    let mut tx = night.desk.records.begin().await.unwrap();
    tx.set_calendar_feed(&feed, &hash("a secret")).await.unwrap();
    tx.commit().await.unwrap();
    night.crash().await;
    assert_eq!(night.desk.records.calendar_feed(&hash("a secret")).await.unwrap(), Some(feed.clone()));
    assert_eq!(night.desk.records.calendar_feed("a secret").await.unwrap(), None, "the hash alone is kept");
    let mut tx = night.desk.records.begin().await.unwrap();
    assert!(tx.revoke_calendar_feed("王敏").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(night.desk.records.calendar_feed(&hash("a secret")).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_overrides_that_overlap_the_later_decides_and_it_is_said() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&instead("25T20:00", "26T08:00", "韩梅", "李雷")).await;
    night.told_of_change(&["desk", "han", "li"], "顶班").await;
    night.change(&instead("25T22:00", "26T00:00", "王敏", "李雷")).await;
    night.told_of_change(&["desk", "wang", "li"], "顶班").await;
    night.wait_until("25T09:00").await;
    let page = night.expect("desk", "roster");
    assert!(page.text().contains("变更 #1, #2 重叠, 以后一项为准"), "{}", page.text());
    night.wait_until("25T21:00").await;
    night.rise("water", &["desk", "han"]).await;
    night.wait_until("25T22:00").await;
    night.rise("gas", &["desk", "wang"]).await;
    night.wait_until("26T00:00").await;
    night.rise("heat", &["desk", "han"]).await;
}

#[tokio::test]
async fn an_override_that_is_withdrawn_has_no_effect_any_more() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&instead("24T22:00", "25T08:00", "韩梅", "李雷")).await;
    night.told_of_change(&["desk", "han", "li"], "顶班").await;
    night.rise("water", &["desk", "han"]).await;
    night.wait(60).await;
    night.desk.withdraw_change("desk", 1, &chief()).await.unwrap();
    night.told_of_change(&["desk", "han", "li"], "顶班已撤回").await;
    night.rise("gas", &["desk", "li"]).await;
    night.desk.withdraw_change("desk", 1, &chief()).await.unwrap();
    night.told_of_change(&[], "").await;
    let kept = night.desk.records.roster_changes(at("24T00:00")).await.unwrap();
    assert_eq!((kept.len(), kept[0].withdrawn_by.as_deref()), (1, Some("张主任")), "withdrawn, not deleted");
}

#[tokio::test]
async fn a_crash_between_a_change_and_its_page() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&instead("24T22:00", "25T08:00", "韩梅", "李雷")).await;
    night.crash().await;
    night.told_of_change(&["desk", "han", "li"], "顶班").await;
    // And one between sending and marking: the same page under the same key.
    night.receiver.answers("han", [Answer::Silence]);
    night.desk.withdraw_change("desk", 1, &chief()).await.unwrap();
    night.deliver().await;
    let first = night.expect("han", "roster");
    night.expect("desk", "roster");
    night.expect("li", "roster");
    night.crash().await;
    night.wait(10).await;
    assert_eq!(night.expect_again("han", "roster").key(), first.key());
}

#[tokio::test]
async fn a_person_is_taken_out_of_the_config() {
    let mut night = Night::begin(&with(DAY_AND_NIGHT)).await;
    night.change(&instead("26T20:00", "27T08:00", "韩梅", "李雷")).await;
    night.change(&instead("27T20:00", "28T08:00", "王敏", "李雷")).await;
    night.deliver().await;
    for channel in ["desk", "desk", "han", "li", "li", "wang"] {
        night.expect(channel, "roster");
    }
    // 李雷 and 韩梅 have left; 王敏 has the nights too.
    let gone = PEOPLE.split("[[person]]").take(2).collect::<Vec<_>>().join("[[person]]");
    night.restart(&format!("{gone}{}", DAY_AND_NIGHT.replace("李雷", "王敏"))).await;
    night.wait_until("25T09:00").await;
    for words in ["变更 #1 已无所指: 李雷", "变更 #2 已无所指: 李雷"] {
        let page = night.expect("desk", "roster");
        assert!(page.text().contains(words), "{}", page.text());
    }
    night.wait_until("26T22:00").await;
    night.rise("water", &["desk", "wang"]).await;
}

/// The clocks are put back in the middle of the night shift: it is an hour longer, and nobody is left out.
#[tokio::test]
async fn a_night_in_which_the_clocks_change() {
    let berlin = format!("timezone = \"Europe/Berlin\"\n{}", with(&DAY_AND_NIGHT.replace("08:00", "02:30")));
    let mut night = Night::begin(&berlin).await;
    let until = |text: &str| text.parse::<Timestamp>().unwrap();
    // The last Sunday of March: 02:30 is skipped.
    for (moment, topic, who) in [
        ("2027-03-28T00:59:59Z", "water", "li"),
        ("2027-03-28T01:00:00Z", "gas", "wang"),
        ("2027-10-31T00:29:59Z", "heat", "li"),
        ("2027-10-31T00:30:00Z", "light", "wang"),
        ("2027-10-31T01:15:00Z", "road", "wang"),
    ] {
        night.wait_seconds(until(moment).as_second() - night.now().as_second()).await;
        night.rise(topic, &["desk", who]).await;
    }
}
