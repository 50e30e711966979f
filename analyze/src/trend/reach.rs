//! Few posts with much reach: the second trigger.
//!
//! Likes, replies and reposts are heavy-tailed: their logarithm is taken for normal, with a mean and a variance that are learned
//! from the topic's own hours and days in which there were any (a log-normal with an unknown variance, drawn to a prior). A
//! page needs a least reach too.

use super::{
    series::{Cell, DAY, HOUR},
    spike::{figure, length, once_in},
};
use serde::{Deserialize, Serialize};

/// The windows, in seconds.
pub(super) const WINDOWS: [i64; 2] = [HOUR, DAY];
/// The prior: some twenty likes, replies and reposts, within a factor of five or so, and the weight of it in windows.
const PRIOR_MEAN: f64 = 3.0;
const PRIOR_VARIANCE: f64 = 2.25;
const PRIOR_WEIGHT: f64 = 10.0;
/// The least standard deviation of the logarithm.
const LEAST_DEVIATION: f64 = 0.8;

/// How much reach windows of one length have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Usual {
    mean: f32,
    variance: f32,
    /// The share of windows with any.
    share: f32,
}

/// How much reach a topic usually has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Reach([Usual; WINDOWS.len()]);

impl Default for Reach {
    fn default() -> Self {
        Self::learn(&std::iter::empty(), 0)
    }
}

impl Reach {
    /// From the hours with posts (number and what was counted) among so many that were watched.
    pub(super) fn learn(hours: &(impl Iterator<Item = (u32, Cell)> + Clone), watched: usize) -> Self {
        Self(WINDOWS.map(|seconds| {
            let step = (seconds / HOUR) as u32;
            let mut sums: Vec<(u32, i64)> = Vec::new();
            for (hour, cell) in hours.clone() {
                match sums.last_mut() {
                    Some((last, sum)) if *last == hour / step => *sum = sum.saturating_add(cell.reach),
                    _ => sums.push((hour / step, cell.reach)),
                }
            }
            let logs: Vec<f64> =
                sums.iter().filter(|(_, sum)| *sum > 0).map(|(_, sum)| (*sum as f64).ln_1p()).collect();
            let count = logs.len() as f64 + PRIOR_WEIGHT;
            let mean = (logs.iter().sum::<f64>() + PRIOR_MEAN * PRIOR_WEIGHT) / count;
            let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
            let prior = PRIOR_WEIGHT * (PRIOR_VARIANCE + (PRIOR_MEAN - mean).powi(2));
            let windows = (watched as f64 / f64::from(step)).max(1.0);
            Usual {
                mean: mean as f32,
                variance: ((squares + prior) / count * (1.0 + 1.0 / count)) as f32,
                share: ((logs.len() as f64 + 1.0) / (windows + 1.0)).min(1.0) as f32,
            }
        }))
    }

    /// How often a day a window of [`WINDOWS`] has so much reach.
    pub(super) fn alarms_a_day(self, window: usize, reach: u64) -> f64 {
        let usual = self.0[window];
        let deviation = f64::from(usual.variance).sqrt().max(LEAST_DEVIATION);
        let distance = ((reach as f64).ln_1p() - f64::from(usual.mean)) / deviation;
        let tail = 0.5 * libm::erfc(distance / std::f64::consts::SQRT_2);
        // Sliding windows cross some three times as often as ones that lie side by side.
        3.0 * f64::from(usual.share) * tail * DAY as f64 / WINDOWS[window] as f64
    }

    /// The reach that is usual of a window of [`WINDOWS`] that has any.
    pub(super) fn usual(self, window: usize) -> f64 {
        f64::from(self.0[window].mean).exp_m1().max(0.0)
    }

    /// Why a rise begins, if one does.
    pub(super) fn reason(self, window: usize, cell: Cell, least: u64, allowed: f64) -> Option<String> {
        let reach = u64::try_from(cell.reach).unwrap_or(0);
        if reach < least || cell.count == 0 {
            return None;
        }
        let alarms = self.alarms_a_day(window, reach);
        (alarms <= allowed).then(|| {
            let (length, usual) = (length(WINDOWS[window]), figure(self.usual(window)));
            format!("{length} {} 条的赞评转共 {reach}, 平时约 {usual}, {}", cell.count, once_in(alarms))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(count: u32, reach: i64) -> Cell {
        Cell { count, reach, ..Cell::default() }
    }

    #[test]
    fn few_posts_with_much_reach_are_a_rise_and_their_usual_reach_is_not() {
        let hours: Vec<_> = (0..1_000_u32).map(|hour| (hour, cell(1, 5 + i64::from(hour % 40)))).collect();
        let reach = Reach::learn(&hours.iter().copied(), 1_000);
        let why = reach.reason(0, cell(15, 2_385), 500, 0.01).unwrap();
        assert!(why.starts_with("1 小时 15 条的赞评转共 2385, 平时约 "), "{why}");
        assert_eq!(reach.reason(0, cell(15, 60), 1, 0.01), None);
        assert_eq!(reach.reason(0, cell(1, 400), 500, 1.0), None, "below the least reach nothing pages");
    }

    #[test]
    fn a_topic_that_often_has_much_is_no_surprise() {
        let hours: Vec<_> = (0..1_000_u32).map(|hour| (hour, cell(9, 1_000 * (1 + i64::from(hour % 7))))).collect();
        assert_eq!(Reach::learn(&hours.iter().copied(), 1_000).reason(0, cell(15, 9_000), 500, 0.01), None);
    }

    #[test]
    fn absurd_numbers_are_survived() {
        let reach =
            Reach::learn(&[(0, cell(1, i64::MAX)), (1, cell(1, i64::MIN)), (2, cell(1, i64::MAX))].into_iter(), 3);
        assert!(reach.alarms_a_day(1, u64::MAX).is_finite());
        assert_eq!(Reach::default().reason(0, cell(1, i64::MIN), 1, 1.0), None);
    }
}
