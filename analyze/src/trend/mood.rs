//! A negative share that is far above the usual: the third trigger.
//!
//! The usual share is a beta belief, drawn to that of all posts; no topic is known better than some hundred posts would tell,
//! for moods come in clusters. The negative posts of a window are then beta-binomial, and the tail of that is the probability by
//! which it is judged.

use super::{
    series::{Cell, DAY, HOUR},
    spike::{length, once_in},
};
use serde::{Deserialize, Serialize};

/// The windows, in seconds.
pub(super) const WINDOWS: [i64; 2] = [HOUR, DAY];
/// The weight of what all posts show, and the most that a topic's own posts weigh, in posts.
const DRAWN: f64 = 20.0;
const MOST: f64 = 100.0;
/// A page needs a share of negative posts of so much, and so much more than usual.
const LEAST_SHARE: f64 = 0.5;
const LEAST_MORE: f64 = 0.2;
/// Of more posts than this a share is taken.
const MOST_POSTS: u32 = 1_000;

/// The usual share of negative posts: the parameters of a beta belief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Mood {
    negative: f32,
    other: f32,
}

impl Default for Mood {
    fn default() -> Self {
        Self { negative: 0.3, other: 0.7 }
    }
}

impl Mood {
    /// From the hours with posts and what all posts show.
    pub(super) fn learn(hours: impl Iterator<Item = (u32, Cell)>, all: Self) -> Self {
        let (mut count, mut negative) = (0.0, 0.0);
        for (_, cell) in hours {
            count += f64::from(cell.count);
            negative += f64::from(cell.negative.min(cell.count));
        }
        let scale = (MOST / count.max(1.0)).min(1.0);
        let share = all.share();
        Self {
            negative: (DRAWN * share + scale * negative) as f32,
            other: (DRAWN * (1.0 - share) + scale * (count - negative)) as f32,
        }
    }

    /// The usual share.
    pub(super) fn share(self) -> f64 {
        f64::from(self.negative) / f64::from(self.negative + self.other)
    }

    /// How often a day a window of [`WINDOWS`] with so many posts has so many negative ones.
    pub(super) fn alarms_a_day(self, window: usize, cell: Cell) -> f64 {
        // Sliding windows cross some three times as often as ones that lie side by side.
        3.0 * self.tail(cell) * DAY as f64 / WINDOWS[window] as f64
    }

    /// Why a rise begins, if one does.
    pub(super) fn reason(self, window: usize, cell: Cell, least: u64, allowed: f64) -> Option<String> {
        let share = f64::from(cell.negative) / f64::from(cell.count.max(1));
        if u64::from(cell.count) < least || share < LEAST_SHARE || share < self.share() + LEAST_MORE {
            return None;
        }
        let alarms = self.alarms_a_day(window, cell);
        (alarms <= allowed).then(|| {
            let (length, usual) = (length(WINDOWS[window]), self.share() * 100.0);
            format!(
                "{length} {} 条中 {} 条负面, 平时负面占 {usual:.0}%, {}",
                cell.count,
                cell.negative,
                once_in(alarms)
            )
        })
    }

    /// `P(X ≥ negative)` of a beta-binomial.
    fn tail(self, cell: Cell) -> f64 {
        let scale = (f64::from(MOST_POSTS) / f64::from(cell.count.max(1))).min(1.0);
        let posts = (f64::from(cell.count) * scale).round();
        let negative = (f64::from(cell.negative.min(cell.count)) * scale).round();
        let (a, b) = (f64::from(self.negative).max(1e-3), f64::from(self.other).max(1e-3));
        let ln_gamma = libm::lgamma;
        let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let choose = ln_gamma(posts + 1.0) - ln_gamma(negative + 1.0) - ln_gamma(posts - negative + 1.0);
        let mut term = (choose + beta(negative + a, posts - negative + b) - beta(a, b)).exp();
        let mut sum = 0.0;
        let mut k = negative;
        while k <= posts {
            sum += term;
            term *= (posts - k) / (k + 1.0) * (k + a) / (posts - k - 1.0 + b).max(1e-9);
            k += 1.0;
        }
        sum.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(count: u32, negative: u32) -> Cell {
        Cell { count, negative, ..Cell::default() }
    }

    /// A uniform belief makes every number of negative posts as likely as any other.
    #[test]
    fn the_tail_of_a_uniform_belief_is_known() {
        let uniform = Mood { negative: 1.0, other: 1.0 };
        for negative in 0..=10 {
            let exact = f64::from(11 - negative) / 11.0;
            assert!((uniform.tail(cell(10, negative)) - exact).abs() < 1e-9);
        }
    }

    #[test]
    fn anger_where_there_is_none_is_a_rise_and_where_there_is_always_is_not() {
        let hours = |negative| (0..500_u32).map(move |hour| (hour, cell(4, negative))).collect::<Vec<_>>();
        let (calm, angry) =
            (Mood::learn(hours(0).into_iter(), Mood::default()), Mood::learn(hours(3).into_iter(), Mood::default()));
        let why = calm.reason(0, cell(20, 18), 15, 0.001).unwrap();
        assert!(why.starts_with("1 小时 20 条中 18 条负面, 平时负面占 "), "{why}");
        assert_eq!(angry.reason(0, cell(20, 18), 15, 0.001), None);
        assert_eq!(calm.reason(0, cell(14, 14), 15, 0.001), None, "too few posts");
        assert_eq!(calm.reason(0, cell(60, 29), 15, 0.001), None, "less than half");
    }

    #[test]
    fn absurd_numbers_are_survived() {
        let mood = Mood::learn([(0, cell(u32::MAX, 7))].into_iter(), Mood::default());
        assert!(mood.alarms_a_day(0, cell(u32::MAX, u32::MAX)).is_finite());
        assert!(mood.alarms_a_day(0, cell(0, 5)).is_finite());
    }
}
