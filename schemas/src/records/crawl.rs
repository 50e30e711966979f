//! `crawl.reports`: what each visit to a source brought, so that coverage can be proven.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrawlOutcome {
    /// Read and stored.
    Ok,
    /// The source said that nothing has changed since.
    NotModified,
    /// No answer, or an answer that is an error.
    Failed,
    /// An answer in which the selectors match nothing.
    LayoutChanged,
    /// The source asks for a log-in.
    LoginRequired,
    /// robots.txt forbids it.
    RobotsDenied,
}

/// A stretch of time, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// From.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// To.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// A gap, or a part of one, that a visit closed: what was posted in it has been read after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedGap {
    /// From.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// To.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// What proves it, for a person: "page 7 reached a post seen before", with its key.
    pub proof: String,
}

/// How many posts came with about the same lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LagCount {
    /// The upper bound of the bucket, as [`lag_bucket`] gives it.
    pub up_to_seconds: u32,
    /// The posts in it.
    pub posts: u32,
}

/// The upper bounds of the buckets that lags are counted in: 1 s to 30 days, and one for everything beyond.
///
/// None is more than twice the one before it. So a percentile that is read from the counts, stated as the bound of the
/// bucket that it falls into, is never less than the true one and less than twice as much (from one second on). The bounds
/// are round, so that a person can read them.
pub const LAG_BOUNDS: [u32; 24] = {
    const MINUTE: u32 = 60;
    const HOUR: u32 = 60 * MINUTE;
    const DAY: u32 = 24 * HOUR;
    [
        1,
        2,
        4,
        8,
        15,
        30,
        MINUTE,
        2 * MINUTE,
        4 * MINUTE,
        8 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        4 * HOUR,
        8 * HOUR,
        16 * HOUR,
        DAY,
        2 * DAY,
        4 * DAY,
        8 * DAY,
        15 * DAY,
        30 * DAY,
        u32::MAX,
    ]
};

/// The bucket of a lag in seconds, named by its upper bound, which it includes. A post that is stated to be published in the
/// future has no lag.
#[must_use]
pub fn lag_bucket(seconds: i64) -> u32 {
    LAG_BOUNDS.into_iter().find(|&bound| seconds <= i64::from(bound)).unwrap_or(u32::MAX)
}

/// A record of `crawl.reports`: one visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrawlReport {
    /// Version of the record.
    pub v: u16,
    /// The source's id.
    pub source: String,
    /// The source's name, for a person.
    pub name: String,
    /// Begin of the visit.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// End of the visit.
    #[schemars(with = "String")]
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: CrawlOutcome,
    /// What went wrong and what to do, for a person; none when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Pages fetched.
    pub pages: u32,
    /// Posts and comments found on them.
    pub found: u32,
    /// Those not seen before, or changed.
    pub new: u32,
    /// The stretch of time that this visit covers: gapless up to its begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<Span>,
    /// The stretch that could not be covered, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Span>,
    /// Why the gap is one, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_reason: Option<String>,
    /// Gaps of earlier visits, or parts of them, that this one closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<ClosedGap>,
    /// Set while the source answers well but has fallen silent against its own learned rhythm: the time of its last new post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub silent_since: Option<Timestamp>,
    /// The server's `Date` minus our clock, in milliseconds; none when the server states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// How long this visit's new posts took from being published to being stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lags: Vec<LagCount>,
    /// Posts seen before that are gone from the source, as this visit found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gone: u32,
    /// Rows of the list's first page that have been read, each as a hash of its address and state: whoever takes the source
    /// over knows them. Left out when nothing new was read since the last report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u32>,
    /// When the next visit is due.
    #[schemars(with = "String")]
    pub next_visit_at: Timestamp,
}

super::record!(CrawlReport, "crawl_report", 1);

impl CrawlReport {
    /// The report of a visit that began and ended now and of which nothing is known but its outcome.
    #[must_use]
    pub fn of(source: &str, name: &str, outcome: CrawlOutcome, now: Timestamp) -> Self {
        Self {
            v: <Self as super::Record>::VERSION,
            source: source.to_owned(),
            name: name.to_owned(),
            started_at: now,
            finished_at: now,
            outcome,
            reason: None,
            pages: 0,
            found: 0,
            new: 0,
            covered: None,
            gap: None,
            gap_reason: None,
            closed: Vec::new(),
            silent_since: None,
            clock_offset_ms: None,
            lags: Vec::new(),
            gone: 0,
            rows: Vec::new(),
            next_visit_at: now,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_falls_into_the_bucket_that_ends_at_or_after_it() {
        let of = |seconds: [i64; 8]| seconds.map(lag_bucket);
        assert_eq!(of([i64::MIN, 0, 1, 2, 3, 60, 61, 90_000]), [1, 1, 1, 2, 4, 60, 120, 172_800]);
        assert_eq!([30 * 86_400, 30 * 86_400 + 1, i64::MAX].map(lag_bucket), [2_592_000, u32::MAX, u32::MAX]);
    }

    #[test]
    fn a_bound_is_at_most_twice_the_one_before() {
        let (_, measured) = LAG_BOUNDS.split_last().unwrap();
        for pair in measured.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] <= 2 * pair[0], "{pair:?}");
        }
    }
}
