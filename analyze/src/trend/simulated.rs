//! Simulated days: what is paged and what is not.

use super::{
    series::{DAY, HOUR, MINUTE},
    snapshot::{self, Borrowed},
    state::Trend,
    testing::{START, Town, config, rhythm, time},
};
use proptest::prelude::*;
use schemas::{
    log::{Identity, Position},
    records::{CANARY_SOURCE, Counts, Phase, Verdict},
};

/// A town with so many days of history: a background, a busy topic and a quiet one.
fn town(days: i64, seed: u64) -> Town {
    let mut town = Town::new(&["busy", "quiet"], seed);
    town.pass(days * 24 * 60, &["", "busy", "quiet"], usual);
    town.spikes.clear();
    town
}

/// Posts a minute.
fn usual(topic: &str, second: i64) -> f64 {
    let mean = match topic {
        "busy" => 4.0,
        "quiet" => 0.01,
        _ => 2.0,
    };
    mean * rhythm(second)
}

fn ids(town: &Town) -> Vec<&str> {
    town.spikes.keys().map(String::as_str).collect()
}

#[test]
fn false_alarms_are_few_over_thirty_days() {
    let mut town = Town::new(&["busy", "quiet"], 1);
    town.pass(3 * 24 * 60, &["", "busy", "quiet"], usual);
    town.spikes.clear();
    // Days differ: some have half as many posts again as others.
    for day in 0..30 {
        let level = 0.8 + 0.4 * town.random();
        town.pass(24 * 60, &["", "busy", "quiet"], |topic, second| level * usual(topic, second));
        assert_eq!((town.now - START) / DAY, day + 4);
    }
    // A topic pages falsely once in thirty days at most, where days do not jump as these do.
    let why: Vec<_> = town.spikes.values().map(|(seen, spike)| ((seen - START) / HOUR, &spike.why)).collect();
    assert!(town.spikes.len() <= 5, "{why:#?}");
}

/// Quiet and busy topics, days and hours that differ by up to 30 % either way: 1,800 days in all.
#[test]
#[ignore = "takes minutes; make soak runs it"]
fn false_alarms_are_few_whatever_the_topic() {
    let mut alarms = Vec::new();
    for rate in [0.01, 0.05, 0.3, 2.0, 10.0] {
        for hours in [1_000_000, 24, 1] {
            for seed in 0..4 {
                let mut town = Town::new(&["topic"], seed);
                let mean = |topic: &str, second: i64| rhythm(second) * if topic.is_empty() { 2.0 } else { rate };
                town.pass(4 * 24 * 60, &["", "topic"], mean);
                town.spikes.clear();
                let mut level = 1.0;
                for hour in 0..30 * 24 {
                    if hour > 0 && hour % hours == 0 {
                        level = 0.7 + 0.6 * town.random();
                    }
                    town.pass(60, &["", "topic"], |topic, second| level * mean(topic, second));
                }
                alarms.extend(town.spikes.into_values().map(|(_, spike)| (rate, hours, seed, spike.why)));
            }
        }
    }
    assert!(alarms.len() <= 6, "{alarms:#?}");
}

#[test]
fn a_fivefold_rise_is_caught_within_minutes() {
    for seed in 0..3 {
        let mut town = town(5, seed);
        town.pass(10 * 60, &["", "busy", "quiet"], usual);
        assert_eq!(ids(&town), [""; 0]);
        let began = town.now;
        town.pass(10, &["", "busy", "quiet"], |topic, second| {
            usual(topic, second) * if topic == "busy" { 5.0 } else { 1.0 }
        });
        let (seen, spike) = town.spikes.values().next().expect("a fivefold rise is seen");
        assert!(seen - began <= 5 * MINUTE, "seen after {} s", seen - began);
        assert!(!spike.late && spike.id.starts_with("busy-0-"), "{spike:?}");
        assert!(spike.why.contains("预期"), "{}", spike.why);
    }
}

#[test]
fn the_lunch_hour_does_not_page() {
    for seed in 10..13 {
        let mut town = town(4, seed);
        town.pass(14 * 60, &["", "busy", "quiet"], usual);
        assert_eq!(ids(&town), [""; 0]);
    }
}

#[test]
fn ten_posts_at_three_in_the_morning_page() {
    let mut town = town(4, 20);
    town.pass(3 * 60, &["", "busy", "quiet"], usual);
    for _ in 0..10 {
        town.now += 20;
        town.push("quiet", town.now);
    }
    town.tick();
    assert_eq!(town.spikes.len(), 1);
    let (_, spike) = town.spikes.values().next().unwrap();
    assert!(spike.id.starts_with("quiet-0-") && spike.count >= 10, "{spike:?}");
}

#[test]
fn without_history_the_fifteenth_post_within_five_minutes_pages() {
    let mut town = Town::new(&["water"], 0);
    for _ in 0..14 {
        town.now += 20;
        town.push("water", town.now);
        town.tick();
    }
    assert!(town.spikes.is_empty());
    town.push("water", town.now);
    town.tick();
    assert_eq!(ids(&town), ["water-0-14"], "the fifteenth has raw offset 14");
    assert_eq!(town.pulse("water").phase, Phase::Rising);
}

#[test]
fn without_history_fifteen_posts_in_more_than_five_minutes_do_not() {
    let mut town = Town::new(&["water"], 0);
    for _ in 0..60 {
        town.now += 25;
        town.push("water", town.now);
        town.tick();
    }
    assert!(town.spikes.is_empty());
}

#[test]
fn a_rise_begins_once_and_ends_once() {
    let mut town = town(4, 30);
    town.pass(9 * 60, &["", "busy", "quiet"], usual);
    let event = |topic: &str, second: i64| usual(topic, second) + if topic == "quiet" { 6.0 } else { 0.0 };
    town.pass(45, &["", "busy", "quiet"], event);
    assert_ne!(town.pulse("quiet").phase, Phase::Quiet);
    let ended = |town: &mut Town| {
        town.pass(1, &["", "busy", "quiet"], usual);
        town.pulse("quiet").phase == Phase::Quiet
    };
    let minutes = (1..60).find(|_| ended(&mut town)).expect("it ends");
    assert!((10..25).contains(&minutes), "ended after {minutes} minutes");
    town.pass(5 * 60, &["", "busy", "quiet"], usual);
    assert_eq!(town.spikes.len(), 1, "{:?}", town.spikes);
}

/// Days of history arrive at once, as an import lays them in, up to this minute; nothing of it pages, and all of it is learned.
#[test]
fn imported_history_is_learned_and_pages_nobody() {
    let mut town = Town::new(&["busy", "quiet"], 40);
    let now = START + 4 * DAY + 13 * HOUR;
    let mut minute = START;
    town.now = now;
    while minute < now {
        for topic in ["", "busy", "quiet"] {
            for _ in 0..town.poisson(usual(topic, minute)) {
                town.push(topic, minute);
            }
        }
        minute += 60;
    }
    town.tick();
    assert!(town.spikes.is_empty(), "{:?}", town.spikes);
    let five = town.pulse("busy").windows[1];
    let expected = 5.0 * usual("busy", now - 150);
    assert!((five.expected / expected - 1.0).abs() < 0.4, "{five:?}, truly {expected}");
    town.pass(60, &["", "busy", "quiet"], usual);
    assert_eq!(ids(&town), [""; 0]);
}

/// An old burst that is laid in today is no spike.
#[test]
fn what_is_days_old_never_pages() {
    let mut town = town(4, 50);
    for i in 0..2_000 {
        town.push("quiet", town.now - 7 * HOUR - i % 300);
    }
    town.tick();
    assert_eq!(ids(&town), [""; 0]);
    assert!(town.pulse("quiet").total >= 2_000);
    assert_eq!(town.pulse("quiet").windows[1].count, 0);
}

/// The process was down for an hour, in which something rose and fell. Its partitions come in one after the other, one of
/// them with the newest first. One page, and it says that it is late.
#[test]
fn an_outage_becomes_one_late_page() {
    let mut town = town(4, 60);
    town.now += HOUR;
    let began = town.now - 40 * MINUTE;
    for i in 0..100 {
        town.push("quiet", began + i * 6);
    }
    for i in (0..100).rev() {
        town.push("quiet", began + i * 6);
    }
    town.tick();
    town.pass(30, &["", "busy", "quiet"], usual);
    assert_eq!(town.spikes.len(), 1, "{:?}", town.spikes);
    let (_, spike) = town.spikes.values().next().unwrap();
    assert!(spike.late && spike.since.as_second() < began + 10 * MINUTE, "{spike:?}");
    assert_eq!(town.pulse("quiet").spike.unwrap().count, 200);
    assert_eq!(town.pulse("quiet").phase, Phase::Quiet);
}

#[test]
fn posts_that_are_crawled_minutes_late_are_judged_together() {
    let mut town = town(4, 70);
    for i in 0..10 {
        town.push("quiet", town.now - 200 + i);
    }
    town.tick();
    let (_, spike) = town.spikes.values().next().expect("a rise");
    assert!(!spike.late);
}

#[test]
fn many_posts_with_one_time_are_counted_and_page_once() {
    let mut town = Town::new(&["water"], 80);
    let at = town.now - 30;
    for _ in 0..20_000 {
        town.push("water", at);
    }
    town.tick();
    town.pass(120, &["water"], |_, _| 0.0);
    assert_eq!(ids(&town), ["water-0-14"]);
    let pulse = town.pulse("water");
    assert_eq!((pulse.total, pulse.phase), (20_000, Phase::Quiet));
    assert_eq!(town.pulse("all").total, 20_000);
    assert_eq!(town.spikes.len(), 1);
}

#[test]
fn nothing_counts_ahead_of_now() {
    let mut town = Town::new(&["water"], 90);
    for i in 0..30 {
        town.push("water", town.now + i * DAY);
    }
    town.tick();
    assert_eq!(town.pulse("water").windows[0].count, 30);
    town.now += HOUR;
    assert_eq!(town.pulse("water").windows[1].count, 0);
}

#[test]
fn everything_together_never_pages() {
    let mut town = town(4, 100);
    town.pass(30, &["", "busy", "quiet"], |topic, second| {
        usual(topic, second) * if topic.is_empty() { 50.0 } else { 1.0 }
    });
    assert_eq!(ids(&town), [""; 0]);
    let pulse = town.pulse("all");
    assert!(pulse.spike.is_none() && pulse.windows[1].surprise > 6.0, "{pulse:?}");
}

#[test]
fn what_was_seen_is_counted_once() {
    let mut town = Town::new(&["water"], 110);
    let posts: Vec<_> = (0..10).map(|_| town.make("water", START)).collect();
    for (from, seen) in [(0, 10), (3, 0), (0, 0)] {
        let counted = posts[from..].iter().filter(|post| town.trend.observe(post, time(START))).count();
        assert_eq!(counted, seen);
    }
    assert_eq!(town.pulse("water").total, 10);
    assert_eq!(town.pulse("water").through, [Position { partition: 0, offset: 9 }]);
}

/// A canary is nobody's opinion: it is read, and counted nowhere.
#[test]
fn canaries_count_in_nothing() {
    let mut town = Town::new(&["water"], 115);
    let real = town.make("water", START);
    let mut canary = town.make("water", START);
    canary.source = CANARY_SOURCE.into();
    for post in [real, canary] {
        assert!(town.trend.observe(&post, time(START)));
    }
    assert_eq!((town.pulse("water").total, town.pulse("all").total), (1, 1));
    assert_eq!(town.pulse("water").through, [Position { partition: 0, offset: 1 }]);
}

#[test]
fn only_first_seen_posts_count_and_revisions_move_the_reach() {
    let mut town = Town::new(&["water"], 120);
    let counts = |likes| Counts { likes, replies: 1, reposts: 0 };
    let mut first = town.make("water", START);
    first.counts = counts(4);
    let mut again = town.make("water", START);
    (again.verdict, again.counts, again.previous) = (Verdict::Revision, counts(99), Some(counts(4)));
    again.id.clone_from(&first.id);
    let mut copy = town.make("water", START);
    copy.verdict = Verdict::Duplicate;
    let mut fewer = town.make("water", START);
    (fewer.verdict, fewer.counts, fewer.previous) = (Verdict::Revision, counts(50), Some(counts(99)));
    for post in [first, again, copy] {
        assert!(town.trend.observe(&post, time(START)));
    }
    let pulse = town.pulse("water");
    assert_eq!((pulse.total, pulse.reach, pulse.samples[0].reach), (1, 100, 100));
    town.trend.observe(&fewer, time(START));
    assert_eq!(town.pulse("water").reach, 51);
    for (before, after) in [(0, u64::MAX), (u64::MAX, 0), (0, u64::MAX)] {
        let mut absurd = town.make("water", START);
        (absurd.verdict, absurd.counts, absurd.previous) = (Verdict::Revision, counts(after), Some(counts(before)));
        town.trend.observe(&absurd, time(START));
        town.pulse("water");
    }
}

#[test]
fn pulses_are_told_at_most_each_second_and_at_least_each_minute() {
    let mut town = Town::new(&["water", "other"], 130);
    town.tick();
    assert!(town.pulses.is_empty(), "nothing is told before the first record");
    for quarter in 0..4 * 130 {
        town.now = START + quarter / 4;
        if quarter < 40 {
            town.push("water", town.now);
        }
        let now = time(START) + jiff::SignedDuration::from_millis(quarter * 250);
        town.pulses.extend(town.trend.tick(now));
    }
    let gaps = |id: &str| -> Vec<i64> {
        let at: Vec<i64> =
            town.pulses.iter().filter(|pulse| pulse.topic.id == id).map(|pulse| pulse.at.as_millisecond()).collect();
        at.windows(2).map(|pair| pair[1] - pair[0]).collect()
    };
    assert!(gaps("other").is_empty(), "a topic without posts is told once");
    assert!(gaps("all").iter().all(|gap| *gap <= 60_000));
    let busy = gaps("water");
    // The rise alone is told between the seconds.
    assert_eq!(busy.iter().filter(|&&gap| gap < 1_000).count(), 1, "{busy:?}");
    assert!(busy.iter().all(|gap| *gap <= 60_000) && busy.len() > 10);
}

/// What happens in a random hour: posts of a topic or of none, some late, and moments at which the clock moves on.
fn hour() -> impl Strategy<Value = Vec<(Option<(usize, i64)>, i64)>> {
    let post = prop::option::weighted(0.8, (0_usize..3, prop_oneof![4 => 0_i64..120, 1 => 0_i64..2 * DAY]));
    prop::collection::vec((post, 0_i64..40), 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Stopped at any point and restored from the snapshot, it tells exactly what it would have told.
    #[test]
    fn a_restart_changes_nothing(events in hour(), stop in 0.0..1.0_f64) {
        let stop = (events.len() as f64 * stop) as usize;
        let run = |stops: bool| {
            let mut town = Town::new(&["a", "b"], 0);
            for (i, (post, pause)) in events.iter().enumerate() {
                if stops && i == stop {
                    let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
                    let bytes = Borrowed { identity: &identity, next: &[0], state: town.trend.state() }.encode().unwrap();
                    let state = snapshot::decode(&bytes).unwrap().state;
                    prop_assert_eq!(&state, town.trend.state());
                    town.trend = Trend::restore(&config(&["a", "b"]), state, time(town.now));
                }
                town.now += pause;
                match post {
                    Some((topic, age)) => town.push(["", "a", "b"][*topic], town.now - age),
                    None => town.tick(),
                }
            }
            town.tick();
            Ok(town.pulses)
        };
        prop_assert_eq!(run(true)?, run(false)?);
    }

    /// Delivered again from any point, records change nothing.
    #[test]
    fn a_replay_counts_nothing_twice(events in hour(), back in 0.0..1.0_f64) {
        let mut town = Town::new(&["a", "b"], 0);
        let posts: Vec<_> = events.iter().flat_map(|(post, _)| *post).map(|(topic, age)| {
            let published = START - age;
            town.make(["", "a", "b"][topic], published)
        }).collect();
        posts.iter().for_each(|post| { town.trend.observe(post, time(START)); });
        let before = town.trend.state().clone();
        let from = (posts.len() as f64 * back) as usize;
        posts[from..].iter().for_each(|post| assert!(!town.trend.observe(post, time(START))));
        prop_assert_eq!(&before, town.trend.state());
    }
}

#[test]
fn the_config_decides_which_topics_there_are() {
    let mut town = Town::new(&["kept", "renamed", "asked", "gone"], 140);
    for topic in ["kept", "renamed", "asked", "gone"] {
        town.push(topic, town.now);
    }
    let mut config = config(&["new", "asked", "renamed", "kept"]);
    config.watch[1].query = "another".into();
    config.watch[2].name = "新名".into();
    let later = time(town.now + 60);
    let trend = Trend::restore(&config, town.trend.state().clone(), later);
    let found: Vec<_> = trend.topics().map(|topic| (topic.about.id.as_str(), topic.total)).collect();
    assert_eq!(found, [("new", 0), ("asked", 0), ("renamed", 1), ("kept", 1), ("all", 4)]);
    assert_eq!(trend.topic("renamed").unwrap().about.name, "新名");
}

/// A topic that is added to a running watch has no history of its own: its first day is judged by count alone.
#[test]
fn a_topic_added_later_is_not_judged_by_the_silence_before_it() {
    let mut town = town(4, 150);
    town.trend = Trend::restore(&config(&["busy", "quiet", "fresh"]), town.trend.state().clone(), time(town.now));
    town.pass(
        10 * 60,
        &["", "busy", "quiet", "fresh"],
        |topic, second| {
            if topic == "fresh" { 0.5 } else { usual(topic, second) }
        },
    );
    assert_eq!(ids(&town), [""; 0]);
    town.pass(5, &["fresh"], |_, _| 6.0);
    assert!(ids(&town)[0].starts_with("fresh-0-"));
}

/// Posts of one category that concern one unit: where a watch topic rises with them, that is the matter; where none does, they are.
#[test]
fn a_category_and_unit_rises_where_no_watch_topic_explains_it() {
    use schemas::records::{Category, UnitProposed};
    for (topic, risen) in [("busy", "busy-"), ("", "category:城乡建设:water-")] {
        let mut town = town(3, 160);
        let push = |town: &mut Town, topic: &str| {
            let mut post = town.make(topic, town.now);
            post.category =
                Some(Category { level1: "城乡建设".into(), level2: None, level3: None, confidence: 0.9 });
            post.unit =
                Some(UnitProposed {
                    id: "water".into(), name: "水务局".into(), confidence: 0.9, candidates: vec![]
                });
            town.trend.observe(&post, time(town.now));
        };
        for _ in 0..48 {
            push(&mut town, topic);
            town.pass(60, &["", "busy", "quiet"], usual);
        }
        town.spikes.clear();
        for _ in 0..120 {
            town.now += 3;
            push(&mut town, topic);
        }
        town.tick();
        assert_eq!(town.spikes.len(), 1, "{:?}", town.spikes);
        assert!(ids(&town)[0].starts_with(risen), "{:?}", town.spikes);
    }
}
