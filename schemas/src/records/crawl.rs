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
    /// Rows of the list's first page that have been read, each as a hash of its address and state: whoever takes the source
    /// over knows them. Left out when nothing new was read since the last report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u32>,
    /// When the next visit is due.
    #[schemars(with = "String")]
    pub next_visit_at: Timestamp,
}

super::record!(CrawlReport, "crawl_report", 1);
