//! The counts of one topic, by event time.
//!
//! | resolution | kept | answers |
//! |---|---|---|
//! | 10 seconds | 6 hours and a quarter | the sliding windows of minutes |
//! | a minute | 7 days | the curve, the windows of hours, how bursty the topic is |
//! | an hour | 8 weeks | what is expected |
//!
//! Steps without posts are not stored, and those that are lie side by side ([`super::steps`]): a quiet topic costs a few dozen bytes a
//! post, and a busy one is bounded by the table. A post goes to the step of its event time whenever it arrives, so history that is laid in
//! late lies where it belongs.

use super::steps::Steps;
use serde::{Deserialize, Serialize};

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
/// How far the finest steps go back, in seconds.
const FINE: i64 = LIVE + HOUR / 4;

/// What was counted in one step or window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    /// First-seen posts.
    pub(super) count: u32,
    /// How many of them are negative.
    pub(super) negative: u32,
    /// How many of them are near-copies of a post that was there before.
    pub(super) copies: u32,
    /// How many of them came in too late to tell of a rise: more than [`LIVE`] after they were published.
    pub(super) late: u32,
    /// Likes, replies and reposts together. May dip below zero in a step when a source corrects its numbers.
    pub(super) reach: i64,
}

impl Cell {
    pub(super) fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.negative = self.negative.saturating_add(other.negative);
        self.copies = self.copies.saturating_add(other.copies);
        self.late = self.late.saturating_add(other.late);
        self.reach = self.reach.saturating_add(other.reach);
    }

    /// The posts that speak for a rise: all that came in in time with words of their own, and of copies at most `most`. A text that
    /// spreads further has reach, and is no further voice.
    pub(super) fn voices(self, most: u32) -> u32 {
        Self { count: self.count.saturating_sub(self.late), late: 0, ..self }.learned(most)
    }

    /// The same of all that came in, whenever they did: what history is learned from.
    pub(super) fn learned(self, most: u32) -> u32 {
        let copies = self.copies.min(self.count);
        self.count - copies + copies.min(most)
    }
}

/// The counts of one topic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Series {
    cells: Steps,
    minutes: Steps,
    hours: Steps,
}

impl Series {
    /// Adds to the steps of second `at`; what lies beyond the horizon of a resolution is not kept in it.
    pub(super) fn add(&mut self, at: i64, what: Cell, now: i64) {
        if at > now - FINE {
            self.cells.add(at.div_euclid(CELL), what);
        }
        if at > now - CURVE {
            self.minutes.add(at.div_euclid(MINUTE), what);
        }
        if at > now - HISTORY {
            self.hours.add(at.div_euclid(HOUR), what);
        }
    }

    /// What was counted in the window of so many seconds that ends with the step of second `end`: by steps of ten seconds up to
    /// half an hour, by minutes up to a week, by hours beyond.
    pub(super) fn window(&self, end: i64, seconds: i64) -> Cell {
        let (steps, step) = match seconds {
            ..=1_800 => (&self.cells, CELL),
            1_801..=CURVE => (&self.minutes, MINUTE),
            _ => (&self.hours, HOUR),
        };
        let last = end.div_euclid(step);
        if seconds < 3 * HOUR || step == HOUR {
            return steps.sum(last - seconds / step + 1, last + 1);
        }
        // A long window is whole hours with minutes at either end.
        let (from, to) = (last - seconds / MINUTE + 1, last + 1);
        let (first_hour, end_hour) = (from.div_euclid(60) + i64::from(from.rem_euclid(60) != 0), to.div_euclid(60));
        let mut all = self.minutes.sum(from, first_hour * 60);
        all.add(self.hours.sum(first_hour, end_hour));
        all.add(self.minutes.sum(end_hour * 60, to));
        all
    }

    /// The fullest window that holds second `at` and does not end after `now`: its end (of several, the latest) and what was counted.
    pub(super) fn fullest(&self, at: i64, seconds: i64, now: i64) -> (i64, Cell) {
        let (width, own, newest) = (seconds / CELL, at.div_euclid(CELL), now.div_euclid(CELL));
        let last = newest.min(own + width - 1).max(own);
        let mut head = self.cells.range(own - width + 1, last + 1).peekable();
        let mut tail = head.clone();
        let mut sum = Counted::default();
        let mut best = (own, Counted::default());
        for end in own..=last {
            while let Some((_, cell)) = head.next_if(|(step, _)| i64::from(*step) <= end) {
                sum.add(cell);
            }
            while let Some((_, cell)) = tail.next_if(|(step, _)| i64::from(*step) <= end - width) {
                sum.take(cell);
            }
            if sum.count >= best.1.count {
                best = (end, sum);
            }
        }
        ((best.0 * CELL + CELL - 1).min(now), best.1.cell())
    }

    /// What was counted in the minutes from `from` up to `to`, both in seconds, the end excluded.
    pub(super) fn between(&self, from: i64, to: i64) -> Cell {
        self.minutes.sum(from.div_euclid(MINUTE), to.div_euclid(MINUTE))
    }

    /// What was counted in the hours from `from` up to `to`, both in seconds, the end excluded.
    pub(super) fn between_hours(&self, from: i64, to: i64) -> Cell {
        self.hours.sum(from.div_euclid(HOUR), to.div_euclid(HOUR))
    }

    /// The hours with posts, oldest first: the number of the hour since 1970 and what was counted.
    pub(super) fn hours(&self) -> impl Iterator<Item = (u32, Cell)> + Clone {
        self.hours.iter()
    }

    /// The minutes with posts, oldest first.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (u32, Cell)> + Clone {
        self.minutes.iter()
    }

    /// Drops what lies beyond the horizons.
    pub(super) fn forget(&mut self, now: i64) {
        self.cells.drop_before((now - FINE).div_euclid(CELL));
        self.minutes.drop_before((now - CURVE).div_euclid(MINUTE));
        self.hours.drop_before((now - HISTORY).div_euclid(HOUR));
    }
}

/// A sum from which steps are taken again.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    count: u64,
    negative: u64,
    copies: u64,
    late: u64,
    reach: i64,
}

impl Counted {
    fn add(&mut self, cell: Cell) {
        self.count += u64::from(cell.count);
        self.negative += u64::from(cell.negative);
        self.copies += u64::from(cell.copies);
        self.late += u64::from(cell.late);
        self.reach = self.reach.wrapping_add(cell.reach);
    }

    fn take(&mut self, cell: Cell) {
        self.count -= u64::from(cell.count);
        self.negative -= u64::from(cell.negative);
        self.copies -= u64::from(cell.copies);
        self.late -= u64::from(cell.late);
        self.reach = self.reach.wrapping_sub(cell.reach);
    }

    fn cell(self) -> Cell {
        let small = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Cell {
            count: small(self.count),
            negative: small(self.negative),
            copies: small(self.copies),
            late: small(self.late),
            reach: self.reach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Cell = Cell { count: 1, negative: 0, copies: 0, late: 0, reach: 1 };
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
        assert_eq!(series.window(NOW, HOUR).reach, 4);
        assert_eq!(series.window(NOW, DAY).count, 5);
    }

    #[test]
    fn copies_speak_only_so_often() {
        let cell = |count, copies| Cell { count, copies, ..Cell::default() };
        assert_eq!([cell(20, 0), cell(20, 8), cell(200, 190)].map(|cell| cell.voices(15)), [20, 20, 25]);
        let late = Cell { late: 18, ..cell(20, 8) };
        assert_eq!((late.voices(15), late.learned(15)), (2, 20));
    }

    #[test]
    fn the_fullest_window_may_lie_on_either_side_and_never_ends_after_now() {
        let burst: Vec<i64> = (0..20).map(|i| NOW - 3_000 + i * 10).collect();
        // The posts come in newest first, as a list page shows them: the oldest one finds the others after it.
        let series = series(burst.iter().rev().copied());
        let (end, cell) = series.fullest(burst[0], 300, NOW);
        assert_eq!(cell.count, 20);
        assert!(end >= burst[19] && end < burst[0] + 300);
        assert_eq!(series.fullest(NOW, 300, NOW), (NOW, Cell::default()));
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
    fn absurd_seconds_are_survived() {
        let mut series = Series::default();
        for at in [i64::MIN / 2, -1, 0, i64::MAX / 2] {
            series.add(at, ONE, at);
            series.window(at, DAY);
            series.forget(at);
        }
    }

    proptest! {
        #[test]
        fn the_fullest_window_is_the_fullest(ages in prop::collection::vec(0_i64..1_200, 1..60), seconds in prop::sample::select(vec![60_i64, 300])) {
            let series = series(ages.iter().map(|age| NOW - age));
            let own = NOW - ages[0];
            let (end, cell) = series.fullest(own, seconds, NOW);
            let ends = (0..seconds / CELL).map(|step| own + step * CELL).filter(|end| end.div_euclid(CELL) <= NOW.div_euclid(CELL));
            prop_assert_eq!(Some(cell.count), ends.map(|end| series.window(end, seconds).count).max());
            prop_assert_eq!(series.window(end, seconds), cell);
            prop_assert!(end <= NOW);
        }

        /// Whatever order posts arrive in, a window holds those that were published within it, to the step.
        #[test]
        fn windows_of_any_length_agree_with_counting(
            ages in prop::collection::vec(0..2 * DAY, 0..80),
            seconds in prop::sample::select(vec![60_i64, 1_800, HOUR, 3 * HOUR, 8 * HOUR, DAY]),
            end in 0..DAY,
        ) {
            let series = series(ages.iter().map(|age| NOW - age));
            let end = NOW - end;
            // Beyond the finest steps only minutes are known.
            prop_assume!(seconds > 1_800 || end - seconds > NOW - LIVE);
            let step = if seconds <= 1_800 { CELL } else { MINUTE };
            let to = (end.div_euclid(step) + 1) * step;
            let within = ages.iter().filter(|&&age| (to - seconds..to).contains(&(NOW - age))).count();
            prop_assert_eq!(series.window(end, seconds).count as usize, within);
        }
    }
}
