use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

/// 2026-11-24 18:40 in Asia/Shanghai.
const START: i64 = 1_795_516_800;

fn town(days: u32, until: i64) -> Chronicle {
    town_of(7, days, until)
}

fn town_of(seed: u64, days: u32, until: i64) -> Chronicle {
    let mut chronicle = Chronicle::new(seed, START, days);
    chronicle.write_to(until);
    chronicle
}

/// Everything that can be seen at a moment: number, time and seed.
fn seen(chronicle: &Chronicle, now: i64) -> HashSet<(u64, i64, u64)> {
    let threads = chronicle.threads.iter().filter(|thread| thread.at <= now);
    let comments = threads.clone().flat_map(|thread| thread.comments_at(now)).map(|c| (c.number, c.at, c.seed));
    let news = chronicle.news_at(now).iter().map(|n| (n.number, n.at, n.seed));
    threads.clone().map(|t| (t.number, t.at, t.seed)).chain(comments).chain(news).collect()
}

fn said_of(chronicle: &Chronicle, from: i64, to: i64, fits: impl Fn(&Topic) -> bool) -> usize {
    chronicle
        .arrivals
        .iter()
        .filter(|arrival| (from..to).contains(&arrival.at))
        .filter_map(|arrival| arrival.entry.thread())
        .filter(|&thread| fits(&chronicle.threads[thread].topic))
        .count()
}

#[test]
fn a_week_is_of_the_promised_size() {
    let week = town(7, START - 1);
    let count = week.arrivals_at(START - 1).len();
    assert!((40_000..60_000).contains(&count), "{count}");
    assert!(week.arrivals.is_sorted_by_key(|arrival| arrival.at));
    assert!(week.threads.is_sorted_by_key(|thread| thread.number));
    assert!(week.threads.iter().all(|thread| thread.comments.len() <= MOST_COMMENTS));
}

#[test]
fn the_main_breaks_in_the_first_minute() {
    let evening = town(1, START + 30 * 60);
    let water = |topic: &Topic| matches!(topic, Topic::Trouble(s) | Topic::Notice(s, _) if s.index == 0);
    let trouble = |from, to| said_of(&evening, START + from, START + to, water);
    assert_eq!(trouble(-86_400, 20), 0);
    let (first, peak, late) = (trouble(20, 80), trouble(180, 240), trouble(1200, 1260));
    assert!((10..35).contains(&first) && (30..55).contains(&peak) && late < 15, "{first} {peak} {late}");
    let notices =
        |now| evening.threads.iter().filter(|t| t.at <= START + now && matches!(t.topic, Topic::Notice(..))).count();
    assert_eq!((notices(379), notices(380)), (0, 1));
}

/// Whatever the seed, whoever watches the demo sees the rise: more than half of what is said by the end of the second minute.
#[test]
fn every_town_rises() {
    for seed in 0..40 {
        let town = town_of(seed, 0, START + 240);
        let trouble = said_of(&town, START + 20, START + 140, |topic| matches!(topic, Topic::Trouble(_)));
        assert!((40..90).contains(&trouble), "seed {seed}: {trouble}");
    }
}

/// What a newcomer's water watch would count on an ordinary day: little.
#[test]
fn water_is_seldom_spoken_of_before() {
    let day = town(1, START - 1);
    let water = said_of(&day, START - 86_400, START, |topic| matches!(topic, Topic::Everyday(Matter::Water)));
    assert!((100..800).contains(&water), "{water} a day");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_seen_stays(seed in any::<u64>(), moments in proptest::collection::vec(-86_400i64..2400, 2..6)) {
        let mut moments = moments;
        moments.sort_unstable();
        let mut live = Chronicle::new(seed, START, 1);
        let whole = town_of(seed, 1, START + 2400);
        let mut before = HashSet::new();
        for moment in moments {
            live.write_to(START + moment);
            let now = seen(&live, START + moment);
            prop_assert!(before.is_subset(&now));
            prop_assert_eq!(&now, &seen(&whole, START + moment), "the same whoever asks, and when");
            before = now;
        }
    }

    #[test]
    fn each_thread_is_on_one_page_and_the_newest_first(seed in any::<u64>(), moment in -80_000i64..2400, size in 1usize..50) {
        let chronicle = town_of(seed, 1, START + 2400);
        let now = START + moment;
        let count = chronicle.thread_count(now);
        let listed: Vec<&Thread> =
            (0..count.div_ceil(size)).flat_map(|page| chronicle.latest(now, page * size, size)).collect();
        let numbers: HashSet<u64> = listed.iter().map(|thread| thread.number).collect();
        prop_assert_eq!((listed.len(), numbers.len()), (count, count));
        prop_assert!(listed.windows(2).all(|pair| pair[0].last_at(now) >= pair[1].last_at(now)));
        prop_assert!(chronicle.latest(now, count, size).is_empty());
    }
}
