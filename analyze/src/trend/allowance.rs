//! How many false pages a night the desk accepts, shared out over everything that is looked at.
//!
//! A line that is crossed by chance so and so often a day ([`Expectation::alarms_a_day`]) costs that much of the allowance. It is
//! shared evenly over topics and windows; a topic on which little is posted cannot spend its share (below the least count
//! nothing pages), so what is left over is shared out again. Windows that end together cross together: what is counted twice is
//! given back too.

use super::surprise::Expectation;
use serde::{Deserialize, Serialize};

/// Hours of a night, for which the allowance is stated.
const NIGHT: f64 = 12.0;
/// The part of it for counts of watch topics; reach and negative share have one each, and what nobody defined the rest.
const COUNTS: f64 = 0.6;
const OTHERS: f64 = 0.05;
/// Whatever is left over, one topic may page falsely once in so many days.
const ONCE_IN: f64 = 60.0;
/// Of so many crossings by chance one is a page of its own: the others are windows that overlap it.
const OVERLAP: f64 = 2.0;
/// Of many topics so many are asked what they can spend.
const ASKED: usize = 400;

/// What may be spent, in false alarms a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Allowance {
    /// By each window of each topic.
    pub(super) window: f64,
    /// By the reach of a topic, and by its negative share.
    pub(super) other: f64,
}

impl Allowance {
    /// Of so many false pages a night for so many topics with so many windows, of which `asked` gives the expectation of a window, its
    /// length and the count below which it does not page.
    pub(super) fn of(
        false_pages: f64,
        topics: usize,
        windows: usize,
        asked: impl Iterator<Item = (Expectation, i64, u64)>,
    ) -> Self {
        let day = false_pages * 24.0 / NIGHT;
        let topics = topics.max(1) as f64;
        let most = 1.0 / ONCE_IN;
        let even = (day * COUNTS / topics).min(most) * OVERLAP / windows as f64;
        let other = (day * OTHERS / topics).min(most / 2.0);
        let asked: Vec<_> = asked.take(ASKED * windows).collect();
        let spent = |allowed: f64| -> f64 {
            asked
                .iter()
                .map(|&(expected, seconds, floor)| {
                    let line = expected.line_for_alarms(allowed, seconds, floor);
                    expected.alarms_a_day(line, seconds).min(allowed)
                })
                .sum()
        };
        let whole = even * asked.len() as f64;
        let mut window = even;
        for _ in 0..3 {
            let used = spent(window);
            if used <= 0.0 || used >= whole {
                break;
            }
            window *= (whole / used).min(4.0);
        }
        Self { window: window.min(most * OVERLAP / 2.0), other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topics: usize, asked: &[(Expectation, i64, u64)]) -> Allowance {
        Allowance::of(2.0, topics, 10, asked.iter().copied())
    }

    #[test]
    fn it_is_shared_over_topics_and_windows() {
        let busy: Vec<_> = (0..1_000).map(|_| (Expectation::new(500.0, 1e6), 300, 5)).collect();
        let (few, many) = (of(1_000, &busy), of(10_000, &busy));
        assert!((few.window / many.window - 10.0).abs() < 2.0, "{few:?} {many:?}");
        assert!(many.window * 10.0 * 10_000.0 < 4.0 * OVERLAP, "{many:?}");
    }

    #[test]
    fn what_quiet_topics_cannot_spend_is_shared_out_again() {
        let quiet: Vec<_> = (0..1_000).map(|_| (Expectation::new(0.001, 1.0), 300, 5)).collect();
        let busy: Vec<_> = (0..1_000).map(|_| (Expectation::new(500.0, 1e6), 300, 5)).collect();
        assert!(of(1_000, &quiet).window > 4.0 * of(1_000, &busy).window);
    }

    #[test]
    fn a_single_topic_does_not_page_falsely_every_night() {
        let quiet = [(Expectation::new(1.0, 10.0), 300, 5)];
        assert!(of(1, &quiet).window <= OVERLAP / 2.0 / ONCE_IN);
    }
}
