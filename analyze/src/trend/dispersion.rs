//! How much counts vary beyond chance, by the length of the window.
//!
//! Posts come in clusters, and days differ: counts vary more than Poisson counts would, by a part that grows with the square of
//! the mean. That part is estimated by the method of moments at three lengths (five minutes, an hour, a day) and drawn towards
//! what all topics together show at that length, the more the less the topic's own history tells. Between the lengths it runs
//! straight over their logarithm.

use super::series::{DAY, HOUR, MINUTE};
use serde::{Deserialize, Serialize};

/// The lengths, in seconds.
pub(super) const SCALES: [i64; 3] = [5 * MINUTE, HOUR, DAY];
/// The dispersion before anything is known.
pub(super) const USUAL: f64 = 0.1;
/// The weight of what all topics show against a topic's own history, in squared expected posts.
const DRAWN: f64 = 20.0;
/// The weight of the usual against what all topics show.
const USUAL_WEIGHT: f64 = 50.0;
/// One topic tells all others no more than so many squared expected posts do: a busy one is not the measure of all.
const MOST_TOLD: f64 = 2_000.0;
/// A quiet topic's few clusters do not make it deaf.
const HIGHEST: f64 = 1.5;

/// What the history tells at one length: squares beyond chance, and squared expected posts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Evidence {
    excess: f32,
    squares: f32,
}

impl Evidence {
    /// From counts and what was expected of them. A count far above is taken for as high as usual ones go: it is a rise.
    pub(super) fn of(seen: impl Iterator<Item = (f64, f64)>, usual: f64) -> Self {
        let (mut excess, mut squares) = (0.0, 0.0);
        for (count, mean) in seen {
            excess += (count.min(edge(mean, usual)) - mean).powi(2) - mean;
            squares += mean * mean;
        }
        Self { excess: excess as f32, squares: squares as f32 }
    }
}

/// What all topics together show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Common([f32; SCALES.len()]);

impl Default for Common {
    fn default() -> Self {
        Self([USUAL as f32; SCALES.len()])
    }
}

impl Common {
    /// Of so many topics.
    pub(super) fn of<'a>(topics: impl Iterator<Item = &'a [Evidence; SCALES.len()]>) -> Self {
        let mut sums = [(USUAL * USUAL_WEIGHT, USUAL_WEIGHT); SCALES.len()];
        for topic in topics {
            for (sum, evidence) in sums.iter_mut().zip(topic) {
                let (excess, squares) = (f64::from(evidence.excess), f64::from(evidence.squares));
                let worth = (MOST_TOLD / squares.max(1e-9)).min(1.0);
                sum.0 += worth * excess.min(HIGHEST * squares);
                sum.1 += worth * squares;
            }
        }
        Self(sums.map(|(excess, squares)| (excess / squares).clamp(0.0, HIGHEST) as f32))
    }
}

/// A topic's dispersion at each length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion([f32; SCALES.len()]);

impl From<Common> for Dispersion {
    fn from(common: Common) -> Self {
        Self(common.0)
    }
}

impl Dispersion {
    /// A topic's own, drawn towards what all show.
    pub(super) fn of(own: &[Evidence; SCALES.len()], common: Common) -> Self {
        let mut found = common.0;
        for (found, evidence) in found.iter_mut().zip(own) {
            let (excess, squares) = (f64::from(evidence.excess), f64::from(evidence.squares));
            *found = ((f64::from(*found) * DRAWN + excess) / (DRAWN + squares)).clamp(0.0, HIGHEST) as f32;
        }
        Self(found)
    }

    /// For a window of so many seconds.
    pub(super) fn at(self, seconds: i64) -> f64 {
        let last = SCALES.len() - 1;
        if seconds <= SCALES[0] {
            return f64::from(self.0[0]);
        }
        let Some(above) = SCALES.iter().position(|&scale| seconds <= scale) else { return f64::from(self.0[last]) };
        let (low, high) = (SCALES[above - 1] as f64, SCALES[above] as f64);
        let share = (seconds as f64 / low).ln() / (high / low).ln();
        let (below, above) = (f64::from(self.0[above - 1]), f64::from(self.0[above]));
        below + share * (above - below)
    }
}

/// A generous upper edge of counts with this mean: four standard deviations, at twice the dispersion, and three.
pub(super) fn edge(mean: f64, dispersion: f64) -> f64 {
    mean + 4.0 * (mean + 2.0 * dispersion * mean * mean).sqrt() + 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(of: [(f64, f64); 2], times: usize) -> Evidence {
        Evidence::of(std::iter::repeat_n(of, times).flatten(), USUAL)
    }

    #[test]
    fn bursts_are_found_and_chance_is_not_taken_for_bursts() {
        // Half of the windows twice as full, half of them empty: a variance of mean², of which the mean is chance.
        let bursty = evidence([(8.0, 4.0), (0.0, 4.0)], 500);
        let even = evidence([(6.0, 4.0), (2.0, 4.0)], 500);
        let of = |evidence| Dispersion::of(&[evidence; 3], Common::default()).at(300);
        assert!((of(bursty) - 0.75).abs() < 0.01, "{}", of(bursty));
        assert!(of(even) < 0.01, "{}", of(even));
    }

    #[test]
    fn little_history_is_drawn_to_what_all_show() {
        let calm = [evidence([(6.0, 4.0), (2.0, 4.0)], 500); 3];
        let common = Common::of(std::iter::repeat_n(&calm, 20));
        assert!(common.0[0] < 0.01, "{common:?}");
        assert_eq!(Dispersion::of(&[Evidence::default(); 3], common), Dispersion(common.0));
        assert_eq!(Common::of([].into_iter()), Common::default());
    }

    #[test]
    fn between_lengths_it_runs_straight() {
        let dispersion = Dispersion([0.1, 0.3, 0.2]);
        let at = |seconds| (dispersion.at(seconds) * 1_000.0).round() / 1_000.0;
        assert_eq!([at(60), at(300), at(3_600), at(86_400), at(7 * 86_400)], [0.1, 0.1, 0.3, 0.2, 0.2]);
        assert!((dispersion.at(1_039) - 0.2).abs() < 0.001);
    }
}
