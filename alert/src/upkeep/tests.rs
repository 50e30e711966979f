use super::*;
use crate::samples::moment;
use proptest::prelude::*;
use schemas::records::{ClosedGap, Record};

fn at(second: i64) -> Timestamp {
    moment() + SignedDuration::from_secs(second)
}

fn report(source: &str, outcome: CrawlOutcome, second: i64) -> CrawlReport {
    let mut report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
    (report.gap, report.covered, report.silent_since, report.clock_offset_ms) = (None, None, None, None);
    report.closed.clear();
    report.source = source.into();
    report.name = format!("{source} 的名字");
    report.outcome = outcome;
    report.started_at = at(second);
    report.finished_at = at(second);
    report.next_visit_at = at(second + 60);
    report
}

/// Sources of no config, with the usual times.
struct Town {
    upkeep: Upkeep,
    said: Vec<String>,
}

impl Town {
    fn new() -> Self {
        Self { upkeep: Upkeep::new(&Settings::default(), BTreeMap::new(), at(0)), said: Vec::new() }
    }

    fn take(&mut self, report: &CrawlReport) {
        self.upkeep.take(report, report.finished_at);
        self.judge_at(report.finished_at);
    }

    /// A visit of each source.
    fn visit(&mut self, sources: &[&str], outcome: CrawlOutcome, second: i64) {
        for source in sources {
            self.upkeep.take(&report(source, outcome, second), at(second));
        }
        self.judge_at(at(second));
    }

    fn judge_at(&mut self, now: Timestamp) {
        let verdict = self.upkeep.judge(now);
        let group = |group: &String| group.split('-').next().unwrap().to_owned();
        self.said.extend(verdict.tell.iter().map(|(id, kind)| {
            let members = self.upkeep.told(Some(*kind)).filter(|(_, told)| told.group == *id).count();
            format!("{} {members}", kind.as_str())
        }));
        self.said.extend(verdict.told_over.iter().map(|id| format!("{} over", group(id))));
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

use CrawlOutcome::{Failed, LayoutChanged, LoginRequired, NotModified, Ok as Good};

/// From failing to alert, to recovery, to its end: told twice, whatever flaps in between.
#[test]
fn a_source_fails_and_recovers() {
    let mut town = Town::new();
    town.visit(&["forum"], Good, 0);
    for minute in 1..=10 {
        town.visit(&["forum"], Failed, minute * 60);
    }
    assert_eq!(town.said(), [""; 0], "nine minutes are not ten");
    town.visit(&["forum"], Failed, 660);
    assert_eq!(town.said(), [""; 0], "others may come due");
    town.visit(&["forum"], Failed, 720);
    assert_eq!(town.said(), ["failing 1"]);
    for minute in 13..30 {
        let outcome = if minute % 3 == 0 { Failed } else { Good };
        town.visit(&["forum"], outcome, minute * 60);
    }
    assert_eq!(town.said(), [""; 0], "it flaps, and nobody hears of it");
    for minute in 30..=34 {
        town.visit(&["forum"], Good, minute * 60);
    }
    // Well since the 28th minute, but for the 27th: five minutes from the 28th.
    assert_eq!(town.said(), ["failing over"]);
}

#[test]
fn one_blip_tells_nobody() {
    let mut town = Town::new();
    for minute in 0..60 {
        town.visit(&["forum"], if minute == 5 { Failed } else { Good }, minute * 60);
    }
    assert_eq!(town.said(), [""; 0]);
}

#[test]
fn a_source_that_fails_every_other_time_is_told_of_once() {
    let mut town = Town::new();
    for minute in 0..120 {
        town.visit(&["forum"], if minute % 2 == 0 { Failed } else { Good }, minute * 60);
    }
    assert_eq!(town.said(), ["failing 1"]);
}

/// Each of the four findings, a gap, silence of the crawler: each is its own alert.
#[test]
fn findings_are_told_apart() {
    for (outcome, kind) in [(Failed, "failing"), (LayoutChanged, "layout"), (LoginRequired, "login")] {
        let mut town = Town::new();
        for minute in 0..=12 {
            town.visit(&["forum"], outcome, minute * 60);
        }
        assert_eq!(town.said(), [format!("{kind} 1")]);
        for minute in 13..=18 {
            town.visit(&["forum"], NotModified, minute * 60);
        }
        assert_eq!(town.said(), [format!("{kind} over")]);
    }
}

#[test]
fn a_site_that_comes_back_with_another_layout_has_stopped_failing() {
    let mut town = Town::new();
    for minute in 0..=12 {
        town.visit(&["forum"], Failed, minute * 60);
    }
    for minute in 13..=25 {
        town.visit(&["forum"], LayoutChanged, minute * 60);
    }
    assert_eq!(town.said(), ["failing 1", "failing over", "layout 1"]);
    // That it fails again says nothing of its layout.
    town.visit(&["forum"], Failed, 26 * 60);
    assert!(town.upkeep.standing("forum").unwrap().troubles.contains_key(&Kind::Layout));
}

#[test]
fn silence_is_told_with_the_last_post() {
    let mut town = Town::new();
    for minute in 0..=12 {
        let mut silent = report("forum", NotModified, minute * 60);
        silent.silent_since = Some(at(-9_000));
        town.take(&silent);
    }
    assert_eq!(town.said(), ["silent 1"]);
    assert_eq!(town.upkeep.standing("forum").unwrap().troubles[&Kind::Silent].reason, at(-9_000).to_string());
    for minute in 13..=19 {
        town.visit(&["forum"], Good, minute * 60);
    }
    assert_eq!(town.said(), ["silent over"]);
}

#[test]
fn a_gap_is_told_until_all_of_it_is_closed() {
    let mut town = Town::new();
    let mut overflown = report("forum", Good, 0);
    overflown.gap = Some(Span { from: at(-600), to: at(-60) });
    overflown.gap_reason = Some("five pages, all of it new".into());
    town.take(&overflown);
    for minute in 1..=32 {
        town.visit(&["forum"], Good, minute * 60);
    }
    assert_eq!(town.said(), ["gap 1"]);
    let close = |from, to, second| CrawlReport {
        closed: vec![ClosedGap { from: at(from), to: at(to), proof: "page 7".into() }],
        ..report("forum", Good, second)
    };
    town.take(&close(-600, -300, 33 * 60));
    assert_eq!(town.said(), [""; 0], "half of it");
    town.take(&close(-300, -60, 34 * 60));
    assert_eq!(town.said(), ["gap over"]);
}

#[test]
fn a_gap_that_can_never_be_closed_ends_after_a_day() {
    let mut town = Town::new();
    let mut overflown = report("forum", Good, 0);
    overflown.gap = Some(Span { from: at(-600), to: at(-60) });
    town.take(&overflown);
    for minute in 1..=24 * 60 {
        town.visit(&["forum"], Good, minute * 60);
    }
    assert_eq!(town.said(), ["gap 1", "gap over"]);
    assert!(town.upkeep.standing("forum").unwrap().is_well());
}

/// The network goes down for a hundred sources with paces of their own: one message, and one when it is over.
#[test]
fn an_outage_of_all_is_one_message() {
    let names: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    let pace = |number: i64| 60 + number * 5;
    let mut town = Town::new();
    for second in (0..3 * 3_600).step_by(5) {
        let outcome = if (3_600..7_200).contains(&second) { Failed } else { Good };
        for (number, name) in (0..).zip(&names) {
            if second % pace(number) == number % 5 * 5 {
                let mut report = report(name, outcome, second);
                report.next_visit_at = at(second + pace(number));
                town.upkeep.take(&report, at(second));
            }
        }
        town.judge_at(at(second));
    }
    let said = town.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("failing ") && said[1] == "failing over", "{said:?}");
}

/// A host with three of a hundred sources: one message; another source that fails then has its own.
#[test]
fn another_source_is_not_hidden_behind_a_few() {
    let all: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    let mut town = Town::new();
    for minute in 0..60 {
        for (number, name) in all.iter().enumerate() {
            let fails = (number < 3 && minute >= 1) || (number == 3 && minute >= 30);
            town.upkeep.take(&report(name, if fails { Failed } else { Good }, minute * 60), at(minute * 60));
        }
        town.judge_at(at(minute * 60));
    }
    assert_eq!(town.said(), ["failing 3", "failing 1"]);
}

#[test]
fn a_dead_ingest_is_told_of_once_and_its_return_too() {
    let mut town = Town::new();
    for minute in 0..5 {
        town.visit(&["a", "b", "c", "d"], Good, minute * 60);
    }
    for second in 241..1_200 {
        town.judge_at(at(second));
    }
    assert_eq!(town.said(), ["unreported 4"]);
    town.visit(&["a", "b", "c"], Good, 1_200);
    assert_eq!(town.said(), [""; 0], "one is still missed");
    town.visit(&["d"], Good, 1_205);
    assert_eq!(town.said(), ["unreported over"]);
}

#[test]
fn a_start_misses_nobody() {
    let config = "[[source]]\nid = \"weekly\"\nkind = \"rss\"\nurl = \"http://h/\"\nevery = \"1h\"\n";
    let settings = Settings::parse(config, []).unwrap();
    let mut town = Town { upkeep: Upkeep::new(&settings, BTreeMap::new(), at(0)), said: Vec::new() };
    town.judge_at(at(3_600 + 500));
    assert_eq!(town.said(), [""; 0]);
    town.judge_at(at(3_600 + 700));
    assert_eq!(town.said(), ["unreported 1"]);
}

#[test]
fn a_source_that_was_taken_out_of_the_config_is_let_go() {
    let mut town = Town::new();
    for minute in 0..=12 {
        town.visit(&["old"], Failed, minute * 60);
    }
    assert_eq!(town.said(), ["failing 1"]);
    let stored = [("old".to_owned(), town.upkeep.standing("old").unwrap().clone())].into();
    let config = "[[source]]\nid = \"new\"\nkind = \"rss\"\nurl = \"http://h/\"\n";
    town.upkeep = Upkeep::new(&Settings::parse(config, []).unwrap(), stored, at(800));
    town.judge_at(at(801));
    assert_eq!(town.said(), ["failing over"]);
}

#[test]
fn three_clocks_that_agree_are_believed() {
    let with = |source: &str, offset: i64, second| CrawlReport {
        clock_offset_ms: Some(offset),
        ..report(source, Good, second)
    };
    let mut town = Town::new();
    for minute in 0..20 {
        for (source, offset) in [("a", 95_000), ("b", 94_000), ("c", 500), ("d", -4_000_000)] {
            town.take(&with(source, offset, minute * 60));
        }
    }
    assert_eq!(town.said(), [""; 0], "two of four");
    for minute in 20..40 {
        for (source, offset) in [("a", 95_000), ("b", 94_000), ("c", 96_000), ("d", -4_000_000)] {
            town.take(&with(source, offset, minute * 60));
        }
    }
    assert_eq!(town.said(), ["clock 1"]);
    assert_eq!(town.upkeep.standing(OURS).unwrap().troubles[&Kind::Clock].reason, "+95.0 s / 3");
    for minute in 40..60 {
        for source in ["a", "b", "c", "d"] {
            town.take(&with(source, 1_000, minute * 60));
        }
    }
    assert_eq!(town.said(), ["clock over"]);
}

#[test]
fn a_restart_tells_nothing_twice_and_forgets_nothing() {
    let mut town = Town::new();
    for minute in 0..=12 {
        town.visit(&["forum"], Failed, minute * 60);
    }
    assert_eq!(town.said(), ["failing 1"]);
    assert!(town.upkeep.take_changed().contains("forum"));
    let standing = town.upkeep.standing("forum").unwrap();
    let stored: Standing = serde_json::from_str(&serde_json::to_string(standing).unwrap()).unwrap();
    assert_eq!(stored, *standing);
    town.upkeep = Upkeep::new(&Settings::default(), [("forum".to_owned(), stored)].into(), at(780));
    town.visit(&["forum"], Failed, 781);
    assert_eq!(town.said(), [""; 0]);
    for minute in 14..=19 {
        town.visit(&["forum"], Good, minute * 60);
    }
    assert_eq!(town.said(), ["failing over"]);
}

proptest! {
    /// Whatever is reported, in whatever order and with whatever times: what is told is told once, and ends at most once.
    #[test]
    fn whatever_is_reported_is_told_in_pairs(
        reports in prop::collection::vec((0..6_u8, 0..6_u8, -200_000..200_000_i64, any::<bool>(), any::<Option<i64>>()), 0..200),
    ) {
        let mut upkeep = Upkeep::new(&Settings::default(), BTreeMap::new(), at(0));
        let (mut opened, mut resolved) = (BTreeSet::new(), BTreeSet::new());
        for (number, (source, outcome, second, gap, offset)) in reports.into_iter().enumerate() {
            let outcome = [Good, NotModified, Failed, LayoutChanged, LoginRequired, CrawlOutcome::RobotsDenied][usize::from(outcome)];
            let mut report = report(&format!("s{source}"), outcome, second);
            report.gap = gap.then(|| Span { from: at(second), to: at(second / 2) });
            report.clock_offset_ms = offset;
            let now = at(number as i64 * 97);
            upkeep.take(&report, now);
            let verdict = upkeep.judge(now);
            for alert in verdict.opened {
                prop_assert!(alert.since <= now && alert.alerted_at == now);
                opened.insert((alert.id, alert.alerted_at));
            }
            for id in verdict.resolved {
                prop_assert!(opened.iter().any(|(known, _)| *known == id), "{} was never told", id);
                resolved.insert((id, now));
            }
        }
        prop_assert!(resolved.len() <= opened.len());
    }
}
