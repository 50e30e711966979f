//! Follows `crawl.reports`, so that hours which nobody read are not learned as quiet.
//!
//! No position is kept: what a report says is absolute, so the last ones are read again at each start.

use super::api::Shared;
use jiff::Timestamp;
use schemas::{
    kit::{backoff::Backoff, shutdown::Shutdown},
    log::{Log, LogError, Position, Reader, Topic},
    records::{CrawlReport, Record},
};
use std::time::Duration;

/// Reports read again at a start: days of them, for hundreds of sources.
const CATCH_UP: u64 = 50_000;
const BATCH: usize = 500;
const WAIT: Duration = Duration::from_secs(1);
const RETRY: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// A reader of the last reports and all that come.
pub(super) async fn open(log: &dyn Log) -> Result<Box<dyn Reader>, LogError> {
    let mut from = Vec::new();
    for partition in 0..log.describe(Topic::CrawlReports).await?.partitions {
        let (first, end) = log.bounds(Topic::CrawlReports, partition).await?;
        from.push(Position { partition, offset: first.max(end.saturating_sub(CATCH_UP)) });
    }
    log.reader(Topic::CrawlReports, from).await
}

/// Reads until shutdown. A report that cannot be read is left to the stages that keep coverage: they set it aside.
pub(super) async fn follow(mut reader: Box<dyn Reader>, trend: Shared, shutdown: Shutdown) {
    let mut failures = 0;
    loop {
        let batch = tokio::select! {
            () = shutdown.cancelled() => return,
            batch = reader.next(BATCH, WAIT) => batch,
        };
        match batch {
            Ok(batch) => {
                failures = 0;
                let entries = batch.into_iter().flat_map(|batch| batch.entries);
                let reports: Vec<_> = entries.filter_map(|entry| CrawlReport::decode(&entry.value).ok()).collect();
                if !reports.is_empty() {
                    let (mut trend, now) = (trend.lock(), Timestamp::now());
                    reports.iter().for_each(|report| trend.report(report, now));
                }
            }
            Err(LogError::Closed) => return,
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, failures, "crawl.reports cannot be read now; trying again");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(RETRY.wait(failures, 0.5)) => {}
                }
            }
        }
    }
}
