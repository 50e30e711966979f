//! The crawl: a task per source that visits it, reports, and waits; a bounded number of visits at once.
//!
//! * [`mod@share`]: which sources are this worker's; [`workers`]: their tasks.
//! * [`visit`]: one visit; [`mod@list`], [`thread`], [`hand_in`]: its parts.
//! * [`memory`]: what is remembered of a source between visits. Pure, each with its table: [`walk`] (how far back a list is
//!   read), [`frontier`] (which threads are due), [`ledger`] (what is covered, and the gaps), [`rhythm`] (when to come again).
//!
//! On stop a visit under way is dropped: what it has not handed in, or not yet remembered, the next one finds again.

mod bottom;
mod frontier;
mod hand_in;
mod ledger;
mod list;
mod memory;
mod order;
mod rhythm;
mod share;
mod thread;
mod visit;
mod walk;
mod workers;

pub(crate) use memory::Inheritance;
pub(crate) use rhythm::Bounds;

use crate::{
    coverage::{self, Coverage},
    door::Door,
    source::Site,
    web::fetch::Fetcher,
};
use anyhow::Context;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};

use memory::Memory;
use schemas::{
    kit::{backoff::Backoff, shutdown::Shutdown},
    log::{LogError, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport},
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use visit::{Visit, Visited};
use workers::Workers;

/// The longest wait after failures, unless the source is visited less often anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const LOG_BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// What all sources share.
pub(crate) struct Crawl {
    pub(crate) log: SharedLog,
    pub(crate) door: Door,
    pub(crate) coverage: Coverage,
    pub(crate) fetcher: Fetcher,
    pub(crate) visits: Semaphore,
}

/// Visits this worker's share of the sources until shutdown.
///
/// # Errors
/// When the log was closed, or refuses reports.
pub(crate) async fn run(crawl: Arc<Crawl>, sites: Vec<Site>, shutdown: Shutdown) -> anyhow::Result<()> {
    let log = crawl.log.clone();
    let partitions = log.describe(Topic::PostsRaw).await.context("posts.raw")?.partitions;
    let mut share = log.share().await.context("sharing the sources among the workers")?;
    let mut workers = Workers::new(crawl, sites, shutdown.clone());
    let mut failures = 0;
    loop {
        let told = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            ended = workers.ended() => {
                ended?;
                continue;
            }
            told = share.changed() => told,
        };
        match told {
            Ok(ours) => {
                failures = 0;
                let change = share::change(workers.sources(), &workers.running(), &ours, partitions);
                tracing::info!(partitions = ?ours, begin = change.begin.len(), leave = change.leave.len(), "a share");
                workers.leave(&change).await?;
                share.settled();
                workers.begin(&change).await;
            }
            Err(LogError::Unavailable(error)) => {
                failures += 1;
                tracing::warn!(%error, "the share of the sources stays as it was");
                tokio::time::sleep(LOG_BACKOFF.wait(failures, rand::random())).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Crawl {
    /// Visits a source, not before it is `due`, until it is to be left.
    async fn source(&self, site: Arc<Site>, due: Timestamp, leave: &Shutdown) -> Result<(), LogError> {
        let mut failures = 0;
        let mut wait = due.min(Timestamp::now() + LONGEST_WAIT).duration_since(Timestamp::now());
        loop {
            tokio::select! {
                () = leave.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()) => {}
            }
            let (report, memory) = {
                // Closed never: the semaphore lives as long as this.
                let _turn = tokio::select! {
                    () = leave.cancelled() => return Ok(()),
                    turn = self.visits.acquire() => turn,
                };
                let mut memory = self.remember(&site).await;
                let told = self.tell_what_is_untold(&site, &memory).await?;
                if memory.is_older_than(&told) {
                    memory.inherit(&told, Timestamp::now());
                }
                let (mut visited, panicked) = self.visit(&site, &mut memory).await?;
                failures = if coverage::is_failure(visited.report.outcome) { failures + 1 } else { 0 };
                let pause = memory.state.rhythm.pause(site.pace, Timestamp::now(), &site.tz);
                visited.report.next_visit_at = next_visit(&visited, pause, failures, rand::random());
                if visited.report.rows == told.rows {
                    visited.report.rows.clear();
                }
                memory.state.last = Some(visited.report.clone());
                // What a visit leaves behind that broke off in our own fault is not to be trusted.
                (visited.report, (!panicked).then_some(memory))
            };
            // A report that is told binds whoever comes next: what it rests on is kept before.
            if let Some(memory) = memory {
                self.keep(&site, memory).await;
            }
            wait = report.next_visit_at.duration_since(Timestamp::now());
            self.coverage.report(&self.log, report).await?;
        }
    }

    /// Tells the report of a visit that was remembered but not told before this program ended. Returns what all reports say.
    async fn tell_what_is_untold(&self, site: &Site, memory: &Memory) -> Result<Inheritance, LogError> {
        let told = self.coverage.inheritance(&site.id);
        match &memory.state.last {
            Some(last) if told.last_visit < Some(last.finished_at) => {
                self.coverage.report(&self.log, last.clone()).await?;
                Ok(self.coverage.inheritance(&site.id))
            }
            _ => Ok(told),
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
                    finished_at: Timestamp::now().max(began),
                    reason: Some("a fault in this program, it is in the log: please report it".into()),
                    ..CrawlReport::of(&site.id, &site.name, CrawlOutcome::Failed, began)
                };
                Ok((Visited { report, retry_after: None }, true))
            }
        }
    }

    async fn remember(&self, site: &Site) -> Memory {
        let (store, id) = (self.door.store().clone(), site.id.clone());
        tokio::task::spawn_blocking(move || Memory::load(&store, &id)).await.unwrap_or_default()
    }

    /// Keeps what is remembered.
    async fn keep(&self, site: &Site, memory: Memory) {
        let (store, id) = (self.door.store().clone(), site.id.clone());
        let kept = tokio::task::spawn_blocking(move || memory.save(&store, &id)).await;
        if let Err(error) = kept.map_err(anyhow::Error::from).flatten() {
            let error = format!("{error:#}");
            tracing::warn!(source = %site.id, error, "what is remembered of a source cannot be kept: more is fetched again");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(retry_after: Option<Duration>) -> Visited {
        let report = CrawlReport::of("forum", "锦水论坛", CrawlOutcome::Ok, Timestamp::UNIX_EPOCH);
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
        assert_eq!([1, 2, 3, 4, 20].map(|failures| wait(None, failures)), [120, 240, 300, 300, 300]);
    }

    #[test]
    fn a_site_that_asks_for_time_gets_it() {
        assert_eq!(wait(Some(600), 1), 600);
        assert_eq!(wait(Some(1), 1), 120);
    }
}
