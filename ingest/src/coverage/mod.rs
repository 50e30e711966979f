//! Whether each source is covered, and since when it is not: what is known from `crawl.reports`. "No data" must never look like
//! "no opinion".
//!
//! * [`timeline`]: what is known of each second of thirty days; [`gaps`]: which gaps are open; [`lags`]: how late posts come;
//!   [`findings`]: what is wrong now.
//! * [`source`]: what the reports of one source come to.
//! * [`snapshot`]: all of it on disk with the position in the log, so that a restart reads on and not all over again.
//! * [`report`]: how a report gets there. [`api`]: `GET /api/coverage`.
//!
//! Whichever worker is asked knows of all sources: it follows `crawl.reports`. Its own reports it takes at once; when they
//! come by on the log they are skipped.

mod api;
mod findings;
mod gaps;
mod lags;
mod report;
mod snapshot;
mod source;

mod timeline;

pub(crate) use api::router;
pub(crate) use findings::is_failure;
pub(crate) use snapshot::backup;

use crate::{
    crawl::Inheritance,
    tail::{Follow, Tail},
};
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    kit::{metrics, settings::Settings},
    log::{Entry, Identity, LogError, SharedLog, Topic},
    records::{CrawlReport, Record},
};
use snapshot::Snapshot;
use source::Source;
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Reports that are read back on start where there is no snapshot, and at most where there is one.
const CATCH_UP: u64 = 400_000;
/// How long reports of other workers are waited for.
const CATCH_UP_WAIT: Duration = Duration::from_secs(10);
/// How often the snapshot is written.
const SAVE_EVERY: Duration = Duration::from_secs(60);
const STALE: &str =
    "the latest reports cannot be read: sources are taken over from older ones, and gaps may be reported that are none";

/// What is known of the sources, shared by workers and API.
#[derive(Clone)]
pub(crate) struct Coverage(Arc<Shared>);

struct Shared {
    known: Mutex<Known>,
    /// The offset up to which `crawl.reports` was read.
    read_to: watch::Sender<u64>,
    /// Since when this program runs.
    running: Timestamp,
    tz: TimeZone,
    identity: Identity,
    folder: PathBuf,
}

struct Known {
    sources: Vec<Source>,
    places: HashMap<String, usize>,
    /// The offset up to which `crawl.reports` was read.
    read_to: u64,
    /// Own reports beyond that, which were taken at once.
    ahead: BTreeSet<u64>,
}

impl Coverage {
    /// The sources of the config, with what the snapshot and the reports since say of them; and what to follow from there on.
    pub(crate) async fn open(settings: &Settings, log: &SharedLog) -> Result<(Self, Follow), LogError> {
        let sources: Vec<Source> = settings
            .source
            .iter()
            .map(|source| source.get_ref())
            .map(|source| Source::new(&source.id, source.display_name(), crate::source::kind(source), source.every))
            .collect();
        let places = sources.iter().enumerate().map(|(place, source)| (source.id.clone(), place)).collect();
        let mut known = Known { sources, places, read_to: 0, ahead: BTreeSet::new() };
        let identity = log.describe(Topic::CrawlReports).await?.identity;
        let folder = settings.data_dir.join(snapshot::FOLDER);
        let from = known.restore(snapshot::load(&folder), &identity);
        let coverage = Self(Arc::new(Shared {
            known: Mutex::new(known),
            read_to: watch::Sender::new(0),
            running: Timestamp::now(),
            tz: settings.tz(),
            identity,
            folder,
        }));
        let mut tail = match from {
            Some(from) => {
                let (_, end) = log.bounds(Topic::CrawlReports, 0).await?;
                Tail::open_at(log, Topic::CrawlReports, 0, &[from.max(end.saturating_sub(CATCH_UP))]).await?
            }
            None => Tail::open(log, Topic::CrawlReports, CATCH_UP).await?,
        };
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

    /// Writes the snapshot now and then, for ever.
    pub(crate) async fn keep(&self) -> std::convert::Infallible {
        let mut written = 0;
        loop {
            tokio::time::sleep(SAVE_EVERY).await;
            let read_to = self.lock().read_to;
            if read_to != written {
                self.save().await;
                written = read_to;
            }
            self.tell();
        }
    }

    /// Writes the snapshot. Without one, a restart reads reports again; no more than that is lost.
    pub(crate) async fn save(&self) {
        let coverage = self.clone();
        let saved = tokio::task::spawn_blocking(move || {
            // Encoded while nobody changes it, written after.
            let bytes = {
                let known = coverage.lock();
                snapshot::encode(&coverage.0.identity, known.read_to, &known.ahead, &known.sources)?
            };
            snapshot::write(&coverage.0.folder, &bytes)
        })
        .await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "the snapshot of coverage cannot be written");
            }
            Err(error) => tracing::error!(%error, "the snapshot of coverage cannot be written"),
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
    fn take_own(&self, offset: Option<u64>, report: CrawlReport) {
        let mut known = self.lock();
        let Some(offset) = offset.filter(|&offset| offset >= known.read_to) else { return };
        known.ahead.insert(offset);
        known.take(report, Timestamp::now(), &self.0.tz);
    }

    /// When the next visit to a source is due, as its last report says.
    pub(crate) fn next_visit_at(&self, source: &str) -> Option<Timestamp> {
        self.lock().source(source)?.history.last.as_ref().map(|last| last.next_visit_at)
    }

    /// What the reports of a source say to whoever visits it.
    pub(crate) fn inheritance(&self, source: &str) -> Inheritance {
        let known = self.lock();
        let Some(source) = known.source(source) else { return Inheritance::default() };
        let history = &source.history;
        Inheritance {
            covered_to: history.covered_to,
            rows: history.rows.clone(),
            last_visit: history.last.as_ref().map(|last| last.finished_at),
        }
    }

    /// When somebody's last good visit to a source ended.
    pub(crate) fn last_success(&self, source: &str) -> Option<Timestamp> {
        self.lock().source(source)?.history.last_success_at
    }

    fn take(&self, entries: &[Entry]) {
        let now = Timestamp::now();
        let mut known = self.lock();
        for entry in entries {
            if !known.ahead.remove(&entry.offset)
                && let Ok(report) = CrawlReport::decode(&entry.value)
            {
                known.take(report, now, &self.0.tz);
            }
        }
    }

    fn has_read(&self, to: u64) {
        let mut known = self.lock();
        known.read_to = to;
        known.ahead = known.ahead.split_off(&to);
        self.0.read_to.send_replace(to);
    }

    /// How many sources stand how, for whoever watches the metrics.
    fn tell(&self) {
        let now = Timestamp::now();
        let known = self.lock();
        for state in api::STATES {
            let count = known.sources.iter().filter(|source| source.state(now) == state).count();
            metrics::INGEST_SOURCES_BY_STATE.with_label_values(&[state]).set(count as i64);
        }
        let gaps = known.sources.iter().map(|source| source.history.gaps.open().len()).sum::<usize>();
        metrics::INGEST_OPEN_GAPS.set(gaps as i64);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn source(&self, id: &str) -> Option<&Source> {
        self.sources.get(*self.places.get(id)?)
    }

    fn take(&mut self, report: CrawlReport, now: Timestamp, tz: &TimeZone) {
        if let Some(source) = self.places.get(&report.source).and_then(|&place| self.sources.get_mut(place)) {
            source.take(report, now, tz);
        }
    }

    /// Takes what a snapshot of this log holds, and returns where to read on.
    fn restore(&mut self, snapshot: Option<Snapshot>, identity: &Identity) -> Option<u64> {
        let snapshot = snapshot.filter(|snapshot| snapshot.identity == *identity)?;
        for (id, history) in snapshot.sources {
            if let Some(source) = self.places.get(&id).and_then(|&place| self.sources.get_mut(place)) {
                source.history = history;
            }
        }
        self.ahead = snapshot.ahead;
        Some(snapshot.read_to)
    }
}
