//! The Numenta Anomaly Benchmark's tweet counts, judged by the gauge of trend.
//!
//! [`files`] reads the benchmark's files and writes results as any scorer of it reads them; [`scorer`] is its score.

pub mod files;
pub mod scorer;

use analyze::trend::gauge::Gauge;
use files::File;
use std::time::Duration;

/// The half-life of what the gauge has learned: a week, in which every hour of the week was once.
pub const HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// The score of each row of a file, from 0 to 1; nothing of later rows enters.
#[must_use]
pub fn run(file: &File) -> Vec<f64> {
    let mut gauge = Gauge::new(HALF_LIFE);
    file.rows.iter().map(|row| gauge.feed(row.at, files::STEP, row.count).score).collect()
}
