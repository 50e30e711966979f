//! From `crawl.reports` to alerts about sources. What is decided is in [`crate::upkeep`].
//!
//! Once a second, what was reported since is taken and the time is judged. How sources stand, the alerts, their pages and the
//! position change in one transaction; when it fails, what was judged is thrown away and read again from the database.

use super::{
    Desk, insist,
    paging::tell,
    tail::{Origin, Tail},
};
use crate::{
    outbox::Reason,
    quiet::silence::Silence,
    records::{RecordsError, Tx},
    upkeep::{Alert, Upkeep, Verdict, trouble::Kind},
};
use jiff::Timestamp;
use schemas::{
    kit::{metrics, settings::Settings, shutdown::Shutdown},
    log::{Batch, SharedLog, Topic},
    records::CrawlReport,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Reports that are read when none has been read yet: months of them say nothing of now.
const FIRST: u64 = 20_000;
const TICK: Duration = Duration::from_secs(1);
/// How urgent a source is among what pages tell of: like a matter of level III; an outage of several like one of level II.
const URGENCY: u8 = 3;

/// The reader of reports.
pub struct Reports {
    tail: Tail,
    judging: Judging,
}

/// What reports are judged with.
struct Judging {
    log: SharedLog,
    settings: Arc<Settings>,
    /// None until it was read from the database, and after a change that failed.
    upkeep: Mutex<Option<Upkeep>>,
}

impl Reports {
    /// Opens it at its own position.
    ///
    /// # Errors
    /// When the position belongs to another log, or either cannot be read.
    pub async fn open(desk: &Desk, log: &SharedLog, settings: &Arc<Settings>) -> anyhow::Result<Self> {
        let tail = Tail::open_near(desk, log, Topic::CrawlReports, FIRST).await?;
        let (log, settings) = (SharedLog::clone(log), Arc::clone(settings));
        Ok(Self { tail, judging: Judging { log, settings, upkeep: Mutex::default() } })
    }

    /// Reads and judges until the stage stops.
    pub async fn run(mut self, desk: Arc<Desk>, shutdown: Shutdown) {
        loop {
            let next = tokio::time::Instant::now() + TICK;
            let read = tokio::select! {
                () = shutdown.cancelled() => return,
                read = self.tail.within(TICK) => read,
            };
            let (judging, origin) = (&self.judging, &self.tail.origin);
            match insist("upkeep", &shutdown, || judging.take(&desk, origin, read.as_ref())).await {
                None => return,
                Some(false) => {}
                // Only what is read up to the end is judged, and that once a second.
                Some(true) => tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep_until(next) => {}
                },
            }
        }
    }

    /// Takes what was reported and judges by the time; for whoever moves the time by hand.
    ///
    /// # Errors
    /// When the database or the log could not take it.
    pub async fn step(&mut self, desk: &Desk) -> anyhow::Result<()> {
        loop {
            let read = self.tail.within(Duration::ZERO).await;
            if self.judging.take(desk, &self.tail.origin, read.as_ref()).await? {
                return Ok(());
            }
        }
    }
}

impl Judging {
    /// Returns whether everything up to now has been read.
    async fn take(&self, desk: &Desk, origin: &Origin, batch: Option<&Batch>) -> anyhow::Result<bool> {
        let now = desk.now();
        let reports: Vec<CrawlReport> = match batch {
            Some(batch) => origin.decode(batch, now).await?.into_iter().map(|(_, report)| report).collect(),
            None => Vec::new(),
        };
        let is_current = match batch {
            Some(batch) => self.log.bounds(Topic::CrawlReports, batch.partition).await?.1 <= batch.next,
            None => true,
        };
        let mut slot = self.upkeep.lock().await;
        // Taken out: what is thrown away on an error is read again.
        let mut upkeep = match slot.take() {
            Some(upkeep) => upkeep,
            None => Upkeep::new(&self.settings, desk.records.standings().await?, now),
        };
        for report in &reports {
            upkeep.take(report, now);
        }
        let verdict = if is_current { upkeep.judge(now) } else { Verdict::default() };
        desk.keep_up(&mut upkeep, &verdict, batch.map(|batch| (origin, batch))).await?;
        *slot = Some(upkeep);
        Ok(is_current)
    }
}

impl Desk {
    /// Writes down what was judged.
    async fn keep_up(
        &self,
        upkeep: &mut Upkeep,
        verdict: &Verdict,
        read: Option<(&Origin, &Batch)>,
    ) -> Result<(), RecordsError> {
        let changed = upkeep.take_changed();
        if changed.is_empty() && read.is_none() && *verdict == Verdict::default() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let now = self.now();
        for source in &changed {
            tx.save_standing(source, upkeep.standing(source)).await?;
        }
        for alert in &verdict.opened {
            tracing::warn!(source = %alert.source, kind = alert.kind.as_str(), reason = %alert.reason, "a source alert");
            tx.open_source_alert(alert).await?;
        }
        for alert in &verdict.resolved {
            tx.resolve_source_alert(alert, now).await?;
        }
        let mut silences = tx.silences().await?;
        for (group, _) in &verdict.tell {
            if !self.keep_sources_back(&mut tx, &mut silences, group, now).await? {
                self.page_sources(&mut tx, group, Reason::SourceAlert, upkeep.count(), now).await?;
            }
        }
        for group in &verdict.told_over {
            // Of what nobody was told, nobody is told that it is over.
            if !silences.iter().any(|silence| silence.kept.contains(group)) {
                self.page_sources(&mut tx, group, Reason::SourceResolved, upkeep.count(), now).await?;
            }
        }
        if let Some((origin, batch)) = read {
            tx.move_position(Topic::CrawlReports, &origin.identity, batch.partition, batch.next).await?;
        }
        tx.commit().await?;
        for alert in &verdict.opened {
            metrics::ALERT_SOURCE_ALERTS.with_label_values(&[alert.kind.as_str()]).inc();
        }
        self.wake();
        Ok(())
    }

    /// Whether silences keep back what is told of a group of alerts: all of its sources are in maintenance. The silence remembers it.
    async fn keep_sources_back(
        &self,
        tx: &mut Tx,
        silences: &mut [Silence],
        group: &str,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let alerts = tx.alerts_of(group).await?;
        let keeper = |alert: &Alert| silences.iter().rposition(|silence| silence.keeps_source(&alert.source, now));
        let keepers: Option<Vec<usize>> = alerts.iter().map(keeper).collect();
        let Some(silence) = keepers.and_then(|all| silences.get_mut(*all.first()?)) else { return Ok(false) };
        silence.kept.push(group.to_owned());
        tx.save_silence(silence, false).await?;
        metrics::ALERT_SILENCED.inc();
        Ok(true)
    }

    /// Writes the pages about alerts that a silence kept back, where they are not over.
    pub(super) async fn page_kept_sources(&self, tx: &mut Tx, group: &str, now: Timestamp) -> Result<(), RecordsError> {
        if tx.alerts_of(group).await?.iter().all(|alert| alert.resolved_at.is_some()) {
            return Ok(());
        }
        let sources = self.records.standings().await?.len();
        self.page_sources(tx, group, Reason::SourceAlert, sources, now).await
    }

    /// Writes the pages about a group of alerts. The key names the group, so that it pages a channel once when it begins and once
    /// when it is over.
    async fn page_sources(
        &self,
        tx: &mut Tx,
        group: &str,
        reason: Reason,
        sources: usize,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let alerts = tx.alerts_of(group).await?;
        let Some(kind) = alerts.first().map(|alert| alert.kind) else { return Ok(()) };
        let text = match reason {
            Reason::SourceResolved => self.style.over_text(kind, &alerts, sources, now),
            _ => self.style.alert_text(kind, &alerts, sources, now),
        };
        let reach = self.reach(tx, self.plan.upkeep.as_ref(), now, false).await?;
        let urgency = if alerts.len() > 2 { URGENCY - 1 } else { URGENCY };
        let body = |key: &str| self.style.alert_body(key, reason.as_str(), kind, &alerts, &text);
        tell(tx, (reason, group, urgency), &reach.channels, body, now).await
    }

    /// Shows how many alerts are open.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn count_source_alerts(&self) -> Result<(), RecordsError> {
        let open = self.records.open_source_alerts().await?;
        for kind in Kind::ALL {
            let count = open.get(&kind).copied().unwrap_or_default();
            metrics::ALERT_SOURCE_ALERTS_OPEN.with_label_values(&[kind.as_str()]).set(count);
        }
        Ok(())
    }
}
