//! `GET /api/coverage`: each source, and whether it is covered. "No data" must never look like "no opinion".
//!
//! | last visit | now | state |
//! |---|---|---|
//! | none | any | waiting |
//! | failed in any way | any | failing |
//! | good | past the time when the next one was due, by a grace | late |
//! | good | before that | ok |
//!
//! A source that programs push is ok for as long as it has handed something in within a day, and is not listed after.

use crate::{door::Door, lately::Lately, tail::Tail};
use axum::{Json, Router, extract::State, routing::get};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{self, MAY_WATCH},
        settings::{Settings, SourceKind},
    },
    log::{LogError, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport, Record},
};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long after its time a visit counts as late, beside one more interval of the source.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// Reports that are read back on start.
const CATCH_UP: u64 = 100_000;

/// What is known of the sources, shared by workers and API.
#[derive(Clone)]
pub(crate) struct Coverage(Arc<Mutex<Vec<Source>>>);

#[derive(Debug, Clone)]
struct Source {
    id: String,
    name: String,
    kind: &'static str,
    every: SignedDuration,
    last: Option<CrawlReport>,
    last_success_at: Option<Timestamp>,
    last_new_at: Option<Timestamp>,
    // Visits, failed visits, new posts.
    lately: Lately<3>,
}

/// One source of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct SourceState {
    id: String,
    name: String,
    kind: &'static str,
    state: &'static str,
    last_visit_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_new_at: Option<Timestamp>,
    next_visit_at: Option<Timestamp>,
    posts_24h: u64,
    visits_24h: u64,
    failed_24h: u64,
    reason: Option<String>,
}

impl Coverage {
    /// The sources of the config, with what the reports of the last day say of them.
    pub(crate) async fn open(settings: &Settings, log: &SharedLog) -> Result<Self, LogError> {
        let sources = settings.source.iter().map(|source| {
            let source = source.get_ref();
            Source {
                id: source.id.clone(),
                name: source.display_name().to_owned(),
                kind: match source.kind {
                    SourceKind::Html => "html",
                    SourceKind::Rss => "rss",
                },
                every: SignedDuration::try_from(source.every).unwrap_or(SignedDuration::MAX),
                last: None,
                last_success_at: None,
                last_new_at: None,
                lately: Lately::default(),
            }
        });
        let coverage = Self(Arc::new(Mutex::new(sources.collect())));
        let mut tail = Tail::open(log, Topic::CrawlReports, CATCH_UP).await?;
        while let Some(entries) = tail.next().await? {
            for report in entries.iter().filter_map(|entry| CrawlReport::decode(&entry.value).ok()) {
                coverage.take(report);
            }
        }
        Ok(coverage)
    }

    /// Takes the report of a visit.
    pub(crate) fn take(&self, report: CrawlReport) {
        let mut sources = self.lock();
        if let Some(source) = sources.iter_mut().find(|source| source.id == report.source) {
            source.take(report);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Source>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn states(&self, door: &Door, now: Timestamp) -> Vec<SourceState> {
        let mut states: Vec<_> = self.lock().iter().map(|source| source.state(now)).collect();
        let mut pushed: Vec<_> = door
            .pushed()
            .iter()
            .filter_map(|(id, handed)| {
                let [posts] = handed.posts.sums(now);
                (posts > 0).then(|| pushed_state(id, handed.last, posts))
            })
            .filter(|state| !states.iter().any(|known| known.id == state.id))
            .collect();
        pushed.sort_by(|a, b| a.id.cmp(&b.id));
        states.append(&mut pushed);
        states
    }
}

impl Source {
    fn take(&mut self, report: CrawlReport) {
        let failed = is_failure(report.outcome);
        self.lately.add(report.finished_at, [1, u64::from(failed), u64::from(report.new)]);
        if !failed {
            self.last_success_at = Some(report.finished_at);
        }
        if report.new > 0 {
            self.last_new_at = Some(report.finished_at);
        }
        self.last = Some(report);
    }

    fn state(&self, now: Timestamp) -> SourceState {
        let [visits, failed, posts] = self.lately.sums(now);
        let state = match &self.last {
            None => "waiting",
            Some(last) if is_failure(last.outcome) => "failing",
            // Saturating: a time of a report is outside input.
            Some(last) if now.duration_since(last.next_visit_at) > self.every.saturating_add(GRACE) => "late",
            Some(_) => "ok",
        };
        SourceState {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: self.kind,
            state,
            last_visit_at: self.last.as_ref().map(|last| last.finished_at),
            last_success_at: self.last_success_at,
            last_new_at: self.last_new_at,
            next_visit_at: self.last.as_ref().map(|last| last.next_visit_at),
            posts_24h: posts,
            visits_24h: visits,
            failed_24h: failed,
            reason: self.last.as_ref().and_then(|last| last.reason.clone()),
        }
    }
}

fn pushed_state(id: &str, last: Timestamp, posts: u64) -> SourceState {
    SourceState {
        id: id.to_owned(),
        name: id.to_owned(),
        kind: "push",
        state: "ok",
        last_visit_at: Some(last),
        last_success_at: Some(last),
        last_new_at: Some(last),
        next_visit_at: None,
        posts_24h: posts,
        visits_24h: 0,
        failed_24h: 0,
        reason: None,
    }
}

pub(crate) fn is_failure(outcome: CrawlOutcome) -> bool {
    !matches!(outcome, CrawlOutcome::Ok | CrawlOutcome::NotModified)
}

/// `GET /api/coverage`.
pub(crate) fn router(coverage: Coverage, door: Door) -> Router {
    Router::new().route("/api/coverage", auth::guard(MAY_WATCH, get(show))).with_state((coverage, door))
}

async fn show(State((coverage, door)): State<(Coverage, Door)>) -> Json<serde_json::Value> {
    let now = Timestamp::now();
    Json(serde_json::json!({ "at": now, "sources": coverage.states(&door, now) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            id: "forum".into(),
            name: "锦水论坛".into(),
            kind: "html",
            every: SignedDuration::from_secs(60),
            last: None,
            last_success_at: None,
            last_new_at: None,
            lately: Lately::default(),
        }
    }

    fn report(outcome: CrawlOutcome) -> CrawlReport {
        let mut report = CrawlReport::decode(include_bytes!("../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        report.outcome = outcome;
        report
    }

    fn after(seconds: i64) -> Timestamp {
        report(CrawlOutcome::Ok).next_visit_at + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn each_row_of_the_table() {
        let mut source = source();
        assert_eq!(source.state(after(0)).state, "waiting");
        source.take(report(CrawlOutcome::LayoutChanged));
        assert_eq!(source.state(after(0)).state, "failing");
        assert_eq!(source.state(after(0)).last_success_at, None);
        source.take(report(CrawlOutcome::NotModified));
        assert_eq!(source.state(after(119)).state, "ok");
        assert_eq!(source.state(after(121)).state, "late");
        let state = source.state(after(0));
        assert_eq!((state.visits_24h, state.failed_24h, state.posts_24h), (2, 1, 8));
    }

    #[test]
    fn an_absurd_time_in_a_report_does_no_harm() {
        let mut source = source();
        let mut absurd = report(CrawlOutcome::Ok);
        absurd.next_visit_at = Timestamp::MAX;
        absurd.finished_at = Timestamp::MIN;
        source.take(absurd);
        assert_eq!(source.state(after(0)).state, "ok");
    }
}
