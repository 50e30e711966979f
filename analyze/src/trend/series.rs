//! The counts of one topic, by event time.
//!
//! | resolution | kept | answers |
//! |---|---|---|
//! | 10 seconds | 6 hours and a quarter | the sliding windows that decide |
//! | a minute | 7 days | the curve, the reach of the last hour, how bursty the topic is |
//! | an hour | 8 weeks | what is expected |
//!
//! Steps without posts are not stored: a quiet topic costs next to nothing, and a busy one is bounded by the table. A post
//! goes to the step of its event time whenever it arrives, so history that is laid in late lies where it belongs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const SECOND: i64 = 1;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The finest step, in seconds.
pub(super) const CELL: i64 = 10 * SECOND;
/// How old a post may be, in seconds, and still make a spike. What is older was missed for good or is a backfill.
pub(super) const LIVE: i64 = 6 * HOUR;
/// How far the curve by minutes goes back, in seconds.
pub(super) const CURVE: i64 = 7 * DAY;
/// How far the expectation looks back, in seconds.
pub(super) const HISTORY: i64 = 56 * DAY;

/// What was counted in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    /// First-seen posts.
    pub(super) count: u64,
    /// How many of them are negative.
    pub(super) negative: u64,
    /// Likes, replies and reposts together. May dip below zero in a step when a source corrects its numbers.
    pub(super) reach: i64,
}

impl Cell {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.negative += other.negative;
        self.reach = self.reach.saturating_add(other.reach);
    }
}

/// The counts of one topic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Series {
    cells: BTreeMap<i64, Cell>,
    minutes: BTreeMap<i64, Cell>,
    hours: BTreeMap<i64, u64>,
}

impl Series {
    /// Adds to the steps of second `at`; what lies beyond the horizon of a resolution is not kept in it.
    pub(super) fn add(&mut self, at: i64, what: Cell, now: i64) {
        if at > now - LIVE - HOUR / 4 {
            self.cells.entry(at.div_euclid(CELL)).or_default().add(what);
        }
        if at > now - CURVE {
            self.minutes.entry(at.div_euclid(MINUTE)).or_default().add(what);
        }
        if at > now - HISTORY && what.count > 0 {
            *self.hours.entry(at.div_euclid(HOUR)).or_default() += what.count;
        }
    }

    /// What was counted in the window of so many seconds that ends with the step of second `end`.
    pub(super) fn window(&self, end: i64, seconds: i64) -> Cell {
        let last = end.div_euclid(CELL);
        sum(self.cells.range(last - seconds / CELL + 1..=last))
    }

    /// The fullest window that holds second `at` and does not end after `now`: its end (of several, the latest) and its count.
    pub(super) fn fullest(&self, at: i64, seconds: i64, now: i64) -> (i64, u64) {
        let (cells, own, newest) = (seconds / CELL, at.div_euclid(CELL), now.div_euclid(CELL));
        let mut count = sum(self.cells.range(own - cells + 1..=own)).count;
        let mut best = (own, count);
        let of = |cell: i64| self.cells.get(&cell).map_or(0, |cell| cell.count);
        for end in own + 1..=newest.min(own + cells - 1) {
            count = count + of(end) - of(end - cells);
            if count >= best.1 {
                best = (end, count);
            }
        }
        ((best.0 * CELL + CELL - 1).min(now), best.1)
    }

    /// The reach of the hour that ends at `now`.
    pub(super) fn reach(&self, now: i64) -> u64 {
        let last = now.div_euclid(MINUTE);
        u64::try_from(sum(self.minutes.range(last - 59..=last)).reach).unwrap_or(0)
    }

    /// What was counted in the minutes from `from` up to `to`, both in seconds, the end excluded.
    pub(super) fn between(&self, from: i64, to: i64) -> Cell {
        let (from, to) = (from.div_euclid(MINUTE), to.div_euclid(MINUTE));
        if from >= to { Cell::default() } else { sum(self.minutes.range(from..to)) }
    }

    /// The hours with posts, oldest first: the number of the hour since 1970 and its count.
    pub(super) fn hours(&self) -> &BTreeMap<i64, u64> {
        &self.hours
    }

    /// Counts of five minutes each, where there are any, oldest first: the second at which they begin and the count.
    pub(super) fn fives(&self) -> Vec<(i64, u64)> {
        let mut fives: Vec<(i64, u64)> = Vec::new();
        for (&minute, cell) in &self.minutes {
            let begin = minute.div_euclid(5) * 5 * MINUTE;
            match fives.last_mut() {
                Some((last, count)) if *last == begin => *count += cell.count,
                _ => fives.push((begin, cell.count)),
            }
        }
        fives
    }

    /// Drops what lies beyond the horizons.
    pub(super) fn forget(&mut self, now: i64) {
        drop_before(&mut self.cells, (now - LIVE - HOUR / 4).div_euclid(CELL));
        drop_before(&mut self.minutes, (now - CURVE).div_euclid(MINUTE));
        drop_before(&mut self.hours, (now - HISTORY).div_euclid(HOUR));
    }
}

fn sum<'a>(cells: impl Iterator<Item = (&'a i64, &'a Cell)>) -> Cell {
    let mut all = Cell::default();
    for (_, cell) in cells {
        all.add(*cell);
    }
    all
}

fn drop_before<T>(map: &mut BTreeMap<i64, T>, first: i64) {
    while let Some(entry) = map.first_entry()
        && *entry.key() < first
    {
        entry.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Cell = Cell { count: 1, negative: 0, reach: 1 };
    const NOW: i64 = 1_790_000_000;

    fn series(at: impl IntoIterator<Item = i64>) -> Series {
        let mut series = Series::default();
        at.into_iter().for_each(|at| series.add(at, ONE, NOW));
        series
    }

    #[test]
    fn a_window_holds_what_lies_in_it() {
        let series = series([NOW, NOW - 60, NOW - 289, NOW - 310, NOW - 4000]);
        assert_eq!(series.window(NOW, 60).count, 1);
        assert_eq!(series.window(NOW, 300).count, 3);
        assert_eq!(series.reach(NOW), 4);
    }

    #[test]
    fn the_fullest_window_may_lie_on_either_side_and_never_ends_after_now() {
        let burst: Vec<i64> = (0..20).map(|i| NOW - 3_000 + i * 10).collect();
        // The posts come in newest first, as a list page shows them: the oldest one finds the others after it.
        let series = series(burst.iter().rev().copied());
        let (end, count) = series.fullest(burst[0], 300, NOW);
        assert_eq!(count, 20);
        assert!(end >= burst[19] && end < burst[0] + 300);
        assert_eq!(series.fullest(NOW, 300, NOW), (NOW, 0));
    }

    #[test]
    fn old_posts_are_kept_only_as_coarsely_as_they_matter() {
        let series = series([NOW - DAY, NOW - 8 * DAY, NOW - 60 * DAY]);
        assert_eq!(series.cells.len(), 0);
        assert_eq!(series.minutes.len(), 1);
        assert_eq!(series.hours.len(), 2);
    }

    #[test]
    fn what_is_past_its_horizon_is_forgotten() {
        let mut series = series([NOW, NOW - HOUR, NOW - DAY]);
        series.forget(NOW + LIVE);
        assert_eq!((series.cells.len(), series.minutes.len(), series.hours.len()), (1, 3, 3));
        series.forget(NOW + 57 * DAY);
        assert_eq!(series, Series::default());
    }

    #[test]
    fn a_correction_of_likes_below_zero_is_no_reach() {
        let mut series = Series::default();
        series.add(NOW, Cell { reach: -5, ..Cell::default() }, NOW);
        assert_eq!(series.reach(NOW), 0);
    }

    proptest! {
        #[test]
        fn the_fullest_window_is_the_fullest(ages in prop::collection::vec(0_i64..1_200, 1..60), seconds in prop::sample::select(vec![60_i64, 300])) {
            let series = series(ages.iter().map(|age| NOW - age));
            let own = NOW - ages[0];
            let (end, count) = series.fullest(own, seconds, NOW);
            let ends = (0..seconds / CELL).map(|step| own + step * CELL).filter(|end| end.div_euclid(CELL) <= NOW.div_euclid(CELL));
            prop_assert_eq!(Some(count), ends.map(|end| series.window(end, seconds).count).max());
            prop_assert_eq!(series.window(end, seconds).count, count);
            prop_assert!(end <= NOW);
        }
    }
}
