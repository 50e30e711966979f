//! Reads `posts.analyzed`, writes `topics.pulse`, and keeps the snapshot: the I/O around [`Trend`].
//!
//! Order of work: a batch is counted, then its pulses are appended, then, every few seconds, the snapshot is written. A crash
//! in between repeats: records are counted again from the snapshot on, and pulses are absolute, so a repeated one does no
//! harm; after a restart every topic is told once at once, which makes good a pulse that a crash has swallowed.

use super::{
    WatchTopics,
    api::Shared,
    official,
    snapshot::{self, Borrowed},
    state::{Config, Trend},
};
use anyhow::Context;
use base64::Engine;
use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    kit::{backoff::Backoff, fs::write_atomically, metrics, settings::Settings, shutdown::Shutdown},
    log::{Batch, Entry, Identity, Log, LogError, NewRecord, Position, Reader, SharedLog, Topic},
    records::{AnalyzedPost, Pulse, Record, Rejected},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Records in one go: some milliseconds of work.
const BATCH: usize = 1_000;
/// How often the clock moves on when no post comes in.
const TICK: Duration = Duration::from_millis(250);
/// How often the snapshot is written when something has changed: what came since is counted again after a crash, in less time than it took.
const SNAPSHOT: Duration = Duration::from_secs(10);
/// The first one comes sooner: a process that is killed again and again must get on all the same.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(1);
/// A snapshot takes at most this share of the time: a larger state is written less often.
const SNAPSHOT_SHARE: u32 = 20;
const RETRY: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

pub(super) struct Worker {
    log: SharedLog,
    reader: Box<dyn Reader>,
    trend: Shared,
    official: official::Shared,
    official_path: PathBuf,
    official_unsaved: bool,
    shutdown: Shutdown,
    path: PathBuf,
    identity: Identity,
    next: Vec<u64>,
    ends: Vec<u64>,
    /// Pulses that the log has not taken yet, the last of each topic.
    untold: BTreeMap<String, Pulse>,
    ticked: Instant,
    saved: Instant,
    save_every: Duration,
    unsaved: bool,
}

impl Worker {
    /// Restores the state and opens the log.
    pub(super) async fn open(
        settings: &Settings,
        mut watched: WatchTopics,
        log: SharedLog,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let config = Config { watch: watched.borrow_and_update().to_vec(), ..Config::from(settings) };
        let folder = settings.data_dir.join(super::FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let path = folder.join(super::SNAPSHOT);
        let official_path = folder.join(super::OFFICIAL);
        let official = official::Shared::new(official::load(&official_path));
        let now = Timestamp::now();
        let info = log.describe(Topic::PostsAnalyzed).await.context("posts.analyzed cannot be described")?;
        let (trend, from) = match snapshot::load(&path, now)? {
            Some(snapshot) => {
                let from = info
                    .resume(Some((&snapshot.identity, &snapshot.next)))
                    .with_context(|| format!("the trend snapshot {}", path.display()))?;
                let mut trend = Trend::restore(&config, snapshot.state, now);
                trend.tell_all();
                (trend, from)
            }
            None => (Trend::new(&config), first_kept(&*log, info.partitions).await?),
        };
        let next: Vec<u64> = from.iter().map(|position| position.offset).collect();
        let reader = log.reader(Topic::PostsAnalyzed, from).await.context("posts.analyzed cannot be read")?;
        Ok(Self {
            log,
            reader,
            trend: Shared::new(trend, watched),
            official,
            official_path,
            official_unsaved: false,
            shutdown,
            path,
            identity: info.identity,
            ends: next.clone(),
            next,
            untold: BTreeMap::new(),
            ticked: Instant::now(),
            saved: Instant::now(),
            save_every: FIRST_SNAPSHOT,
            unsaved: false,
        })
    }

    pub(super) fn shared(&self) -> Shared {
        self.trend.clone()
    }

    pub(super) fn official(&self) -> official::Shared {
        self.official.clone()
    }

    /// Runs until shutdown; what was counted is then in the snapshot.
    pub(super) async fn run(mut self) -> anyhow::Result<()> {
        let shutdown = self.shutdown.clone();
        let mut failures = 0;
        loop {
            let batch = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                batch = self.reader.next(BATCH, TICK) => batch,
            };
            match batch {
                Ok(batch) => {
                    failures = 0;
                    if let Some(batch) = batch {
                        self.take(batch).await?;
                    }
                }
                Err(LogError::Closed) if shutdown.is_cancelled() => break,
                Err(LogError::Unavailable(error)) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "posts.analyzed cannot be read now; trying again");
                    pause(&shutdown, failures).await;
                }
                Err(error) => return Err(error).context("posts.analyzed cannot be read"),
            }
            self.tell().await?;
            self.save_if_due().await;
        }
        self.save().await
    }

    /// Counts a batch.
    async fn take(&mut self, batch: Batch) -> anyhow::Result<()> {
        let topic = Topic::PostsAnalyzed;
        if let Some(jump) = batch.jump {
            metrics::ANALYZE_JUMPS.with_label_values(&[topic.name()]).inc();
            tracing::error!(%topic, partition = batch.partition, %jump, "the trend misses records");
        }
        let now = Timestamp::now();
        let (mut posts, mut unreadable) = (Vec::with_capacity(batch.entries.len()), Vec::new());
        for entry in &batch.entries {
            match AnalyzedPost::decode(&entry.value) {
                Ok(post) => posts.push(post),
                Err(error) => unreadable.push(rejected(batch.partition, entry, error.to_string(), now)),
            }
        }
        {
            let mut trend = self.trend.lock();
            for post in &posts {
                trend.observe(post, now);
            }
        }
        {
            let mut official = self.official.lock();
            for post in &posts {
                self.official_unsaved |= official.observe(post, now.as_second());
            }
        }
        // The position moves only when what could not be read is set aside.
        set_aside(&*self.log, &unreadable, &self.shutdown).await?;
        let partition = batch.partition as usize;
        if let (Some(next), Some(end)) = (self.next.get_mut(partition), self.ends.get_mut(partition)) {
            (*next, *end) = (batch.next, batch.end);
        }
        let behind: u64 = self.ends.iter().zip(&self.next).map(|(end, next)| end.saturating_sub(*next)).sum();
        metrics::ANALYZE_BEHIND.with_label_values(&[topic.name()]).set(i64::try_from(behind).unwrap_or(i64::MAX));
        self.unsaved = true;
        Ok(())
    }

    /// Moves the clock on and appends what is to be told.
    async fn tell(&mut self) -> anyhow::Result<()> {
        let pulses = {
            let (mut trend, now) = (self.trend.lock(), Timestamp::now());
            // While posts stream in, one look at all topics for many batches is enough, but a rise is told at once.
            let begun = trend.news();
            if self.ticked.elapsed() < TICK && begun == 0 && self.untold.is_empty() {
                return Ok(());
            }
            metrics::ANALYZE_SPIKES.inc_by(begun as u64);
            trend.tick(now)
        };
        self.ticked = Instant::now();
        self.unsaved |= !pulses.is_empty();
        self.untold.extend(pulses.into_iter().map(|pulse| (pulse.topic.id.clone(), pulse)));
        if self.untold.is_empty() {
            return Ok(());
        }
        let records: Vec<_> = self.untold.values().map(record).collect();
        let count = records.len() as u64;
        match self.log.append(Topic::TopicsPulse, records).await {
            Ok(_) => {
                metrics::ANALYZE_PULSES.inc_by(count);
                self.untold.clear();
                Ok(())
            }
            // They wait; newer states of the same topics will take their place.
            Err(LogError::Unavailable(error)) => {
                tracing::warn!(%error, pulses = count, "topics.pulse cannot be written now; trying again");
                pause(&self.shutdown, 1).await;
                Ok(())
            }
            Err(LogError::Closed) if self.shutdown.is_cancelled() => Ok(()),
            Err(error) => Err(error).context("topics.pulse cannot be written"),
        }
    }

    async fn save_if_due(&mut self) {
        if !self.unsaved || self.saved.elapsed() < self.save_every {
            return;
        }
        // The last snapshot still stands; a restart counts again from there.
        if let Err(error) = self.save().await {
            tracing::error!(error = format!("{error:#}"), "the trend snapshot could not be written; trying again");
        }
    }

    async fn save(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let bytes = {
            let trend = self.trend.lock();
            Borrowed { identity: &self.identity, next: &self.next, state: trend.state() }.encode()?
        };
        if self.official_unsaved {
            // Before the snapshot: its position must never lie beyond what is known here.
            let (official, path) = (self.official.lock().clone(), self.official_path.clone());
            tokio::task::spawn_blocking(move || official::save(&path, &official))
                .await
                .context("the official threads")??;
            self.official_unsaved = false;
        }
        let path = self.path.clone();
        self.saved = began;
        tokio::task::spawn_blocking(move || write(&path, &bytes)).await.context("the snapshot's task")??;
        self.save_every = SNAPSHOT.max(began.elapsed() * SNAPSHOT_SHARE);
        self.unsaved = false;
        Ok(())
    }
}

async fn set_aside(log: &dyn Log, unreadable: &[Rejected], shutdown: &Shutdown) -> anyhow::Result<()> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let record = |rejected: &Rejected| NewRecord { partition: 0, key: None, value: rejected.encode() };
    for failures in 1.. {
        match log.append(Topic::PostsRejected, unreadable.iter().map(record).collect()).await {
            Ok(_) => break,
            Err(LogError::Unavailable(error)) if !shutdown.is_cancelled() => {
                tracing::warn!(%error, failures, "posts.rejected cannot be written now; trying again");
                pause(shutdown, failures).await;
            }
            Err(error) => return Err(error).context("posts.rejected cannot be written"),
        }
    }
    Ok(())
}

async fn pause(shutdown: &Shutdown, failures: u32) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(RETRY.wait(failures, 0.5)) => {}
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_atomically(path, bytes).with_context(|| format!("the trend snapshot {} cannot be written", path.display()))
}

async fn first_kept(log: &dyn Log, partitions: u32) -> anyhow::Result<Vec<Position>> {
    let mut from = Vec::new();
    for partition in 0..partitions {
        let (offset, _) = log.bounds(Topic::PostsAnalyzed, partition).await.context("the bounds of posts.analyzed")?;
        from.push(Position { partition, offset });
    }
    Ok(from)
}

fn record(pulse: &Pulse) -> NewRecord {
    NewRecord { partition: 0, key: Some(Bytes::copy_from_slice(pulse.topic.id.as_bytes())), value: pulse.encode() }
}

fn rejected(partition: u32, entry: &Entry, reason: String, at: Timestamp) -> Rejected {
    tracing::error!(partition, offset = entry.offset, %reason, "a record of posts.analyzed cannot be read; it is set aside");
    Rejected {
        v: Rejected::VERSION,
        at,
        stage: "analyze".into(),
        origin: format!("posts.analyzed {partition}/{}", entry.offset),
        reason,
        bytes: base64::engine::general_purpose::STANDARD.encode(&entry.value),
    }
}
