//! The crawl: a task per source that visits it, reports, and waits; a bounded number of visits at once.
//!
//! * [`visit`]: one visit.
//! * [`memory`]: what is remembered of a source between visits.
//! * [`stretch`]: which stretch of time a visit covers.
//!
//! On stop a visit under way is dropped: what it has not handed in, or not yet remembered, the next one finds again.

mod memory;
mod stretch;
mod visit;

use crate::{
    coverage::{self, Coverage},
    door::Door,
    source::Site,
    web::fetch::Fetcher,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
pub(crate) use memory::MEMORIES;
use memory::Memory;
use schemas::{
    kit::{backoff::Backoff, metrics, shutdown::Shutdown},
    log::{Identity, LogError, NewRecord, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport, Record},
};
use std::{panic::AssertUnwindSafe, path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet};
use visit::{Visit, Visited};

/// The longest wait after failures, unless the source is visited less often anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(1800);
const LOG_BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// What all sources share.
pub(crate) struct Crawl {
    pub(crate) log: SharedLog,
    pub(crate) door: Door,
    pub(crate) coverage: Coverage,
    pub(crate) fetcher: Fetcher,
    pub(crate) identity: Identity,
    pub(crate) data_dir: PathBuf,
    pub(crate) visits: Semaphore,
}

/// Visits all sources until shutdown.
///
/// # Errors
/// When the log was closed, or refuses reports.
pub(crate) async fn run(crawl: Arc<Crawl>, sites: Vec<Site>, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for site in sites {
        let (crawl, shutdown) = (crawl.clone(), shutdown.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => Ok(()),
                ended = crawl.source(Arc::new(site)) => ended,
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    shutdown.cancelled().await;
    Ok(())
}

impl Crawl {
    /// Visits a source for ever.
    async fn source(&self, site: Arc<Site>) -> Result<(), LogError> {
        let mut memory = Memory::load(&self.data_dir, &site.id, &self.identity);
        let mut failures = 0;
        loop {
            let report = {
                // Closed never: the semaphore lives as long as this.
                let _turn = self.visits.acquire().await;
                let (mut visited, panicked) = self.visit(&site, &mut memory).await?;
                if panicked {
                    memory = Memory::new(self.identity.clone());
                }
                failures = if coverage::is_failure(visited.report.outcome) { failures + 1 } else { 0 };
                visited.report.next_visit_at = next_visit(&visited, site.every, failures, rand::random());
                visited.report
            };
            metrics::INGEST_VISITS.with_label_values(&[site.id.as_str(), outcome_name(report.outcome)]).inc();
            match &report.reason {
                Some(reason) => {
                    tracing::warn!(source = %site.id, outcome = ?report.outcome, %reason, "a visit had trouble");
                }
                None => tracing::debug!(source = %site.id, pages = report.pages, new = report.new, "visited"),
            }
            self.report(&report).await?;
            if report.outcome != CrawlOutcome::NotModified {
                self.keep(&site, &memory).await;
            }
            let wait = report.next_visit_at.duration_since(Timestamp::now());
            self.coverage.take(report);
            tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
        }
    }

    /// One visit; a fault of ours in it is reported like one of the source, so that one page cannot silence a source.
    async fn visit(&self, site: &Arc<Site>, memory: &mut Memory) -> Result<(Visited, bool), LogError> {
        let began = Timestamp::now();
        let visit = Visit::new(site, &self.fetcher, &self.door, memory, began);
        match AssertUnwindSafe(visit.run()).catch_unwind().await {
            Ok(visited) => Ok((visited?, false)),
            Err(_) => {
                let report = CrawlReport {
                    v: CrawlReport::VERSION,
                    source: site.id.clone(),
                    name: site.name.clone(),
                    started_at: began,
                    finished_at: Timestamp::now().max(began),
                    outcome: CrawlOutcome::Failed,
                    reason: Some("a fault in this program, it is in the log: please report it".into()),
                    pages: 0,
                    found: 0,
                    new: 0,
                    covered: None,
                    gap: None,
                    next_visit_at: began,
                };
                Ok((Visited { report, retry_after: None }, true))
            }
        }
    }

    /// Appends a report, waiting for as long as the log cannot take it.
    async fn report(&self, report: &CrawlReport) -> Result<(), LogError> {
        let record = NewRecord { partition: 0, key: None, value: report.encode() };
        for failures in 1.. {
            match self.log.append(Topic::CrawlReports, vec![record.clone()]).await {
                Err(LogError::Unavailable(error)) => {
                    tracing::warn!(%error, "the log does not take reports: the crawl waits");
                    tokio::time::sleep(LOG_BACKOFF.wait(failures, rand::random())).await;
                }
                appended => return appended.map(drop),
            }
        }
        Ok(())
    }

    async fn keep(&self, site: &Site, memory: &Memory) {
        let (memory, data_dir, id) = (memory.clone(), self.data_dir.clone(), site.id.clone());
        let kept = tokio::task::spawn_blocking(move || memory.save(&data_dir, &id)).await;
        if let Err(error) = kept.map_err(std::io::Error::other).flatten() {
            tracing::warn!(source = %site.id, %error, "the memory of a source cannot be kept: after a restart all is fetched again");
        }
    }
}

/// When the next visit is due: at the source's interval; after failures later and later, and not before the site says.
fn next_visit(visited: &Visited, every: Duration, failures: u32, jitter: f64) -> Timestamp {
    let report = &visited.report;
    let after = |from: Timestamp, wait: Duration| {
        from.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
    };
    if failures == 0 {
        return after(report.started_at, every).max(report.finished_at);
    }
    let backoff = Backoff { first: every.saturating_mul(2), longest: LONGEST_WAIT.max(every) };
    let wait = backoff.wait(failures, jitter).max(every).max(visited.retry_after.unwrap_or_default());
    after(report.finished_at, wait)
}

fn outcome_name(outcome: CrawlOutcome) -> &'static str {
    match outcome {
        CrawlOutcome::Ok => "ok",
        CrawlOutcome::NotModified => "not_modified",
        CrawlOutcome::Failed => "failed",
        CrawlOutcome::LayoutChanged => "layout_changed",
        CrawlOutcome::LoginRequired => "login_required",
        CrawlOutcome::RobotsDenied => "robots_denied",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(retry_after: Option<Duration>) -> Visited {
        let report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        Visited { report, retry_after }
    }

    fn wait(retry_after: Option<u64>, failures: u32) -> i64 {
        let visited = visited(retry_after.map(Duration::from_secs));
        let next = next_visit(&visited, Duration::from_secs(60), failures, 1.0);
        next.duration_since(visited.report.finished_at).as_secs()
    }

    #[test]
    fn good_visits_come_at_the_interval_and_failed_ones_back_off() {
        assert_eq!(wait(None, 0), 60);
        assert_eq!([1, 2, 3, 4, 20].map(|failures| wait(None, failures)), [120, 240, 480, 960, 1800]);
    }

    #[test]
    fn a_site_that_asks_for_time_gets_it() {
        assert_eq!(wait(Some(600), 1), 600);
        assert_eq!(wait(Some(1), 1), 120);
    }
}
