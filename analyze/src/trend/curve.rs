//! A topic's curve over its expected band, as the API shows it.

use super::{series::MINUTE, state::Trend, topic::Topic};
use jiff::Timestamp;
use serde::Serialize;

/// One step of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Step {
    /// Its begin.
    at: Timestamp,
    count: u64,
    negative: u64,
    expected: f64,
    upper: f64,
}

/// Seconds of a step, so that a curve over so many minutes has some 2,000 steps at most.
pub(super) fn step_seconds(minutes: i64) -> i64 {
    if minutes <= 24 * 60 { MINUTE } else { 5 * MINUTE }
}

/// The curve of the last minutes, the oldest step first; the last one may still grow.
pub(super) fn curve(trend: &Trend, topic: &Topic, minutes: i64, now: Timestamp) -> Vec<Step> {
    let seconds = step_seconds(minutes);
    let end = now.as_second().div_euclid(seconds);
    let around = trend.around(topic);
    let mut upper = 1;
    (end - minutes * MINUTE / seconds + 1..=end)
        .filter_map(|step| {
            let begin = step * seconds;
            let cell = topic.series.between(begin, begin + seconds);
            let expected = topic.baseline.expect(begin + seconds, seconds, &around.manner.calendar, around.rhythm);
            upper = expected.upper_near(upper);
            Some(Step {
                at: Timestamp::from_second(begin).ok()?,
                count: cell.count.into(),
                negative: cell.negative.into(),
                expected: (expected.mean * 1_000.0).round() / 1_000.0,
                upper: upper as f64,
            })
        })
        .collect()
}
