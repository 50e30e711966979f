//! Tells a report: to the log, and at once to whoever asks this worker.

use super::Coverage;
use schemas::{
    kit::{backoff::Backoff, metrics},
    log::{LogError, NewRecord, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport, Record},
};
use std::time::Duration;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

impl Coverage {
    /// Appends a report, waiting for as long as the log cannot take it.
    ///
    /// # Errors
    /// When the log will never take it.
    pub(crate) async fn report(&self, log: &SharedLog, report: CrawlReport) -> Result<(), LogError> {
        let CrawlReport { source, outcome, pages, new, .. } = &report;
        metrics::INGEST_VISITS.with_label_values(&[source.as_str(), name(*outcome)]).inc();
        match &report.reason {
            Some(reason) => tracing::warn!(source, ?outcome, %reason, "a visit had trouble"),
            None => tracing::debug!(source, pages, new, "visited"),
        }
        let record = NewRecord { partition: 0, key: None, value: report.encode() };
        let mut failures = 0;
        loop {
            match log.append(Topic::CrawlReports, vec![record.clone()]).await {
                Err(LogError::Unavailable(error)) => {
                    failures += 1;
                    tracing::warn!(%error, "the log does not take reports: the visits wait");
                    tokio::time::sleep(BACKOFF.wait(failures, rand::random())).await;
                }
                appended => {
                    let offset = appended?.first().map(|position| position.offset);
                    self.take_own(offset, report);
                    return Ok(());
                }
            }
        }
    }
}

fn name(outcome: CrawlOutcome) -> &'static str {
    match outcome {
        CrawlOutcome::Ok => "ok",
        CrawlOutcome::NotModified => "not_modified",
        CrawlOutcome::Failed => "failed",
        CrawlOutcome::LayoutChanged => "layout_changed",
        CrawlOutcome::LoginRequired => "login_required",
        CrawlOutcome::RobotsDenied => "robots_denied",
    }
}
