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
    /// -log10 of the tail probability from which a count is a spike.
    pub surprise: f64,
    /// How long the past weighs in the expectation: after this time its weight is halved.
    #[serde(with = "duration")]
    pub half_life: Duration,
}

impl Default for Trend {
    fn default() -> Self {
        Self { min_count: 15, surprise: 6.0, half_life: Duration::from_secs(28 * 24 * 3600) }
    }
}

impl Trend {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.min_count == 0 {
            faults.push(("min_count", "must be at least 1".into()));
        }
        if !(1.0..=100.0).contains(&self.surprise) {
            faults.push(("surprise", "must lie between 1 and 100".into()));
        }
        faults
    }
}
