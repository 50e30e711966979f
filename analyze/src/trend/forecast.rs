//! What the next hour is expected to bring.
//!
//! The baseline's hour, times how far the topic is above it now and where that goes: the last quarter of an hour against its
//! expectation, its growth over the quarter before, damped (Gardner & McKenzie, *Management Science* 31, 1985: a trend is not
//! followed for ever) and fading by a tenth a quarter.

use super::{
    series::{HOUR, MINUTE},
    topic::{Around, Topic, rounded},
};
use schemas::records::Forecast;

const QUARTER: i64 = 15 * MINUTE;
/// A quarter's growth is followed within these bounds.
const GROWTH: (f64, f64) = (0.5, 1.6);
/// Of the growth so much is followed from one quarter to the next.
const DAMPING: f64 = 0.6;
/// What is above the expectation fades so.
const FADING: f64 = 0.9;
/// How far a forecast of the excess is off, relatively: see the band.
const DOUBT: f64 = 0.5;

/// Of a topic with history.
pub(super) fn forecast(topic: &Topic, around: Around<'_>, now: i64) -> Forecast {
    let usual = topic.expect(HOUR, now + HOUR, around, now);
    let quarter = |end: i64| {
        let seen = topic.seen(QUARTER, end, topic.series.window(end, QUARTER), around, now);
        // Half a post either way, lest nothing be divided by nothing.
        (seen.voices as f64 + 0.5) / (seen.expected.mean + 0.5)
    };
    let (last, before) = (quarter(now), quarter(now - QUARTER));
    let excess = (last - 1.0).max(0.0);
    let growth = if before > 1.0 { (last / before).clamp(GROWTH.0, GROWTH.1) } else { 1.0 };
    let (mut step, mut factor, mut sum) = (growth, 1.0, 0.0);
    for _ in 0..4 {
        step = 1.0 + (step - 1.0) * DAMPING;
        factor *= step * FADING;
        sum += factor / 4.0;
    }
    // Where next to nothing is usual, what is above it is counted in posts.
    let above = excess * sum * usual.mean.max(0.5);
    let expected = usual.mean + above;
    let deviation = (usual.mean + usual.mean * usual.mean / usual.size + above + (DOUBT * above).powi(2)).sqrt();
    Forecast {
        seconds: HOUR as u32,
        expected: rounded(expected),
        lower: rounded((expected - 1.64 * deviation).max(0.0)),
        upper: rounded(expected + 1.64 * deviation),
    }
}
