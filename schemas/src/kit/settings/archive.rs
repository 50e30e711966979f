//! `[archive]` and `[trend]`.

use super::{KeyFault, log::duration};
use serde::Deserialize;
use std::time::Duration;

/// `[archive]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// The longest time from a post's being read to its being searchable, when there is no hurry.
    #[serde(with = "duration")]
    pub commit_every: Duration,
    /// A commit is due after this many posts too.
    pub commit_posts: usize,
    /// Memory of each open month's writer, in bytes.
    pub writer_bytes: usize,
    /// The month that it is and so many before it are kept; 0 keeps all.
    pub keep_months: u32,
}

impl Default for Archive {
    fn default() -> Self {
        Self { commit_every: Duration::from_secs(1), commit_posts: 50_000, writer_bytes: 128 << 20, keep_months: 0 }
    }
}

/// `[trend]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trend {
    /// A topic without history rises at this many matching posts within five minutes; no topic rises below a third of it.
    pub min_count: u64,
    /// At most so many pages a night (twelve hours) are false, over all topics together.
    pub false_pages: f64,
    /// -log10 of the tail probability below which no count is a spike, whatever `false_pages` grants.
    pub surprise: f64,
    /// Likes, replies and reposts within an hour or a day from which few posts with much reach are a spike.
    pub min_reach: u64,
    /// How long the past weighs in the expectation: after this time its weight is halved.
    #[serde(with = "duration")]
    pub half_life: Duration,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            min_count: 15,
            false_pages: 2.0,
            surprise: 3.0,
            min_reach: 1_000,
            half_life: Duration::from_secs(28 * 24 * 3600),
        }
    }
}

impl Trend {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.min_count == 0 {
            faults.push(("min_count", "must be at least 1".into()));
        }
        if !(0.001..=1_000.0).contains(&self.false_pages) {
            faults.push(("false_pages", "must lie between 0.001 and 1000".into()));
        }
        if !(1.0..=100.0).contains(&self.surprise) {
            faults.push(("surprise", "must lie between 1 and 100".into()));
        }
        if self.min_reach == 0 {
            faults.push(("min_reach", "must be at least 1".into()));
        }
        faults
    }
}
