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
//!
//! Whichever worker is asked knows of all sources: it follows `crawl.reports`. Its own reports it takes at once; when they
//! come by on the log they are skipped.

use crate::{
    crawl::Inheritance,
    door::Door,
    lately::Lately,
    source,
    tail::{Follow, Tail},
};
use axum::{Json, Router, extract::State, routing::get};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{self, MAY_WATCH},
        settings::Settings,
    },
    log::{Entry, LogError, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport, Record},
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long after its time a visit counts as late, beside one more interval of the source.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// Reports that are read back on start.
const CATCH_UP: u64 = 100_000;
/// How long reports of other workers are waited for.
const CATCH_UP_WAIT: Duration = Duration::from_secs(10);
const STALE: &str =
    "the latest reports cannot be read: sources are taken over from older ones, and gaps may be reported that are none";

/// What is known of the sources, shared by workers and API.
#[derive(Clone)]
pub(crate) struct Coverage(Arc<Shared>);

struct Shared {
    known: Mutex<Known>,
    /// The offset up to which `crawl.reports` was read.
    read_to: watch::Sender<u64>,
}

struct Known {
    sources: Vec<Source>,
    /// The offset up to which `crawl.reports` was read.
    read_to: u64,
    /// Own reports beyond that, which were taken at once.
    ahead: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
struct Source {
    id: String,
    name: String,
    kind: &'static str,
    every: SignedDuration,
    last: Option<CrawlReport>,
    last_success_at: Option<Timestamp>,
    last_new_at: Option<Timestamp>,
    covered_to: Option<Timestamp>,
    rows: Vec<u32>,
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
    /// The sources of the config, with what the reports of the last day say of them; and what to follow from there on.
    pub(crate) async fn open(settings: &Settings, log: &SharedLog) -> Result<(Self, Follow), LogError> {
        let sources = settings.source.iter().map(|source| {
            let source = source.get_ref();
            Source::new(&source.id, source.display_name(), source::kind(source), source.every)
        });
        let known = Known { sources: sources.collect(), read_to: 0, ahead: BTreeSet::new() };
        let coverage = Self(Arc::new(Shared { known: Mutex::new(known), read_to: watch::Sender::new(0) }));
        let mut tail = Tail::open(log, Topic::CrawlReports, CATCH_UP).await?;
        while let Some(batch) = tail.next().await? {
            coverage.take(&batch.entries);
        }
        let follow = tail.follow();
        coverage.has_read(follow.at());
        Ok((coverage, follow))
    }

    /// Takes the reports of all workers, as they come, until the log is closed.
    pub(crate) async fn follow(&self, mut reports: Follow) {
        while let Some(batch) = reports.next().await {
            self.take(&batch.entries);
            self.has_read(batch.next);
        }
    }

    /// Waits, but not for ever, until everything that was reported up to now is known.
    pub(crate) async fn catch_up(&self, log: &SharedLog) {
        let reached = async {
            let (_, end) = log.bounds(Topic::CrawlReports, 0).await?;
            // The sender lives as long as this.
            let _ = self.0.read_to.subscribe().wait_for(|read_to| *read_to >= end).await;
            Ok::<_, LogError>(())
        };
        match tokio::time::timeout(CATCH_UP_WAIT, reached).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "{}", STALE),
            Err(_) => tracing::warn!(seconds = CATCH_UP_WAIT.as_secs(), "{}", STALE),
        }
    }

    /// Takes the report of a visit of this worker, which stands at `offset` in the log.
    pub(crate) fn take_own(&self, offset: Option<u64>, report: CrawlReport) {
        let mut known = self.lock();
        let Some(offset) = offset.filter(|&offset| offset >= known.read_to) else { return };
        known.ahead.insert(offset);
        known.take(report);
    }

    /// When somebody's last good visit to a source ended.
    pub(crate) fn last_success(&self, source: &str) -> Option<Timestamp> {
        self.lock().sources.iter().find(|known| known.id == source)?.last_success_at
    }

    /// What the reports of a source say to whoever begins to visit it.
    pub(crate) fn inheritance(&self, source: &str) -> Inheritance {
        let known = self.lock();
        let Some(source) = known.sources.iter().find(|known| known.id == source) else { return Inheritance::default() };
        Inheritance {
            covered_to: source.covered_to,
            rows: source.rows.clone(),
            next_visit_at: source.last.as_ref().map(|last| last.next_visit_at),
        }
    }

    fn take(&self, entries: &[Entry]) {
        let mut known = self.lock();
        for entry in entries {
            if !known.ahead.remove(&entry.offset)
                && let Ok(report) = CrawlReport::decode(&entry.value)
            {
                known.take(report);
            }
        }
    }

    fn has_read(&self, to: u64) {
        let mut known = self.lock();
        known.read_to = to;
        known.ahead = known.ahead.split_off(&to);
        self.0.read_to.send_replace(to);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn states(&self, door: &Door, now: Timestamp) -> Vec<SourceState> {
        let mut states: Vec<_> = self.lock().sources.iter().map(|source| source.state(now)).collect();
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

impl Known {
    fn take(&mut self, report: CrawlReport) {
        if let Some(source) = self.sources.iter_mut().find(|source| source.id == report.source) {
            source.take(report);
        }
    }
}

impl Source {
    fn new(id: &str, name: &str, kind: &'static str, every: Duration) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            every: SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX),
            last: None,
            last_success_at: None,
            last_new_at: None,
            covered_to: None,
            rows: Vec::new(),
            lately: Lately::default(),
        }
    }

    fn take(&mut self, mut report: CrawlReport) {
        let failed = is_failure(report.outcome);
        self.lately.add(report.finished_at, [1, u64::from(failed), u64::from(report.new)]);
        // Two workers may have visited it at the same time: reports may come in another order than they were made.
        if !failed {
            self.last_success_at = self.last_success_at.max(Some(report.finished_at));
        }
        if report.new > 0 {
            self.last_new_at = self.last_new_at.max(Some(report.finished_at));
        }
        self.covered_to = self.covered_to.max(report.covered.map(|covered| covered.to));
        let is_last = self.last.as_ref().is_none_or(|last| last.finished_at <= report.finished_at);
        let rows = std::mem::take(&mut report.rows);
        if is_last && !rows.is_empty() {
            self.rows = rows;
        }
        if is_last {
            self.last = Some(report);
        }
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
        Source::new("forum", "锦水论坛", "html", Duration::from_secs(60))
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
