//! `[coverage]`: after which time it is told that a source is not covered.

use super::{KeyFault, log::duration};
use serde::Deserialize;
use std::{collections::HashSet, time::Duration};

/// `[coverage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Coverage {
    /// A source's visits fail for this time, and none that is good lies between.
    #[serde(with = "duration")]
    pub failing_after: Duration,
    /// The selectors match nothing for this time: the layout has changed, or the pages are empty.
    #[serde(with = "duration")]
    pub layout_after: Duration,
    /// The source asks for a log-in for this time.
    #[serde(with = "duration")]
    pub login_after: Duration,
    /// The source has been silent against its own rhythm for this time. How long its rhythm lets it be silent is learned, and
    /// passes first.
    #[serde(with = "duration")]
    pub silent_after: Duration,
    /// A gap has not been closed for this time.
    #[serde(with = "duration")]
    pub gap_after: Duration,
    /// No report has come for this time since the next visit was due: nobody visits the source.
    #[serde(with = "duration")]
    pub unreported_after: Duration,
    /// At least three sources agree for this time that our clock is wrong.
    #[serde(with = "duration")]
    pub clock_after: Duration,
    /// How far our clock may lie from theirs.
    #[serde(with = "duration")]
    pub clock_tolerance: Duration,
    /// A source must be well for this time, in at least two visits, before it counts as recovered.
    #[serde(with = "duration")]
    pub resolve_after: Duration,
    /// The roster that is told; the first one where this is missing, every channel where there is none.
    pub duty: Option<String>,
}

impl Default for Coverage {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            failing_after: minutes(10),
            layout_after: minutes(10),
            login_after: minutes(10),
            silent_after: minutes(10),
            gap_after: minutes(30),
            unreported_after: minutes(10),
            clock_after: minutes(5),
            clock_tolerance: Duration::from_secs(30),
            resolve_after: minutes(5),
            duty: None,
        }
    }
}

impl Coverage {
    pub(super) fn check(&self, duties: &HashSet<&str>) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if let Some(duty) = &self.duty
            && !duties.contains(duty.as_str())
        {
            faults.push(("duty", format!("there is no [[duty]] with the id {duty:?}")));
        }
        if self.clock_tolerance < Duration::from_secs(2) {
            faults.push(("clock_tolerance", "must be at least 2s: a Date header counts whole seconds".into()));
        }
        faults
    }
}
