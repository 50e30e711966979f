//! From `posts.raw` to `posts.analyzed` and the archive, without a loss and without a repetition.
//!
//! ```text
//! posts.raw ─▶ read ─▶ understand (all cores, order kept) ─▶ write: verdict ─▶ posts.analyzed ─▶ archive ─▶ commit
//! ```
//!
//! * [`clusters`]: which posts are the same text again; found after the verdict, in the one writing thread. Pure; `restore` reads what
//!   it knew from the end of posts.analyzed when a life begins, `tally` counts who is met most often.
//! * [`arrival`]: one raw record: decoded, checked and understood, or the reason why not. Pure.
//! * `read`: all partitions of posts.raw, from where the archive stands.
//! * `understand`: many records at a time on all cores; what comes out is in the order that went in.
//! * `write`: one thread. A record's verdict is found; it is appended to posts.analyzed, or to posts.rejected; when that is
//!   durable, it is added to the archive and its position moves; by time or by count the archive commits.
//!
//! The channels between them are bounded, so a slow disk makes the reader wait and memory stays flat. When the log is
//! unavailable, they wait and try again. When the archive fails (a full disk), this life of the pipeline ends and
//! the next begins from what was committed; readiness tells it meanwhile. A stop commits what is done.

pub mod arrival;
pub mod clusters;
mod read;
mod restore;
mod tally;
mod understand;
mod write;

#[cfg(test)]
mod tests;

use crate::archive::{Archive, writer::ArchiveWriter};
use anyhow::Context;
use schemas::{
    kit::{backoff::Backoff, shutdown::Shutdown},
    log::{SharedLog, TopicInfo},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Batches that wait between two parts.
const QUEUE: usize = 2;
/// How long to wait when the log or the disk fails.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(10) };

/// How the pipeline works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory of each open month's writer.
    pub writer_bytes: usize,
    /// The longest time from a record's being processed to its commit.
    pub commit_every: Duration,
    /// A commit is due after this many posts too.
    pub commit_posts: usize,
    /// The timezone in which months begin.
    pub tz: jiff::tz::TimeZone,
    /// The month that it is and so many before it are kept; 0 keeps all.
    pub keep_months: u32,
}

/// Whether the pipeline works, and why not.
#[derive(Debug, Default)]
pub struct Health {
    trouble: Mutex<Option<String>>,
    commits: AtomicU64,
}

impl Health {
    /// Asks.
    ///
    /// # Errors
    /// What keeps it from working now.
    pub fn check(&self) -> Result<(), String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn set(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.set(None);
    }
}

/// The pipeline of one archive.
pub struct Pipeline {
    shared: Shared,
    first: ArchiveWriter,
}

#[derive(Clone)]
struct Shared {
    archive: Arc<Archive>,
    log: SharedLog,
    info: TopicInfo,
    options: Options,
    health: Arc<Health>,
}

impl Pipeline {
    /// Opens the archive for writing, at the position where it stands.
    ///
    /// # Errors
    /// When the archive was built from another log, or cannot be read.
    pub async fn open(
        archive: Arc<Archive>,
        log: SharedLog,
        info: TopicInfo,
        options: Options,
    ) -> anyhow::Result<Self> {
        let shared = Shared { archive, log, info, options, health: Arc::default() };
        let first = shared.open_writer().await?;
        Ok(Self { shared, first })
    }

    /// Whether it works.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.shared.health.clone()
    }

    /// Works until shutdown, one life after the other.
    ///
    /// # Errors
    /// When the last life before shutdown could not commit all that it had done; the rest comes again from the log.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { shared, first } = self;
        let mut writer = Some(first);
        let mut failures = 0;
        loop {
            let before = shared.health.commits.load(Ordering::Relaxed);
            let opened = match writer.take() {
                Some(writer) => Ok(writer),
                None => shared.open_writer().await,
            };
            let outcome = match opened {
                Ok(writer) => shared.live(writer, &shutdown).await,
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(()) => return Ok(()),
                Err(error) if shutdown.is_cancelled() => return Err(error),
                Err(error) => error,
            };
            let progress = shared.health.commits.load(Ordering::Relaxed) != before;
            failures = if progress { 1 } else { failures + 1 };
            let wait = BACKOFF.wait(failures, 1.0);
            tracing::error!(
                error = format!("{error:#}"),
                ?wait,
                "analyzing has stopped and begins again from the last commit"
            );
            shared.health.set(Some(format!("analyzing has stopped and will begin again: {error:#}")));
            tokio::select! {
                () = shutdown.cancelled() => return Err(error),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

impl Shared {
    async fn open_writer(&self) -> anyhow::Result<ArchiveWriter> {
        let (archive, info, writer_bytes) = (self.archive.clone(), self.info.clone(), self.options.writer_bytes);
        tokio::task::spawn_blocking(move || ArchiveWriter::open(archive, &info, writer_bytes)).await?
    }

    /// One life: until shutdown, or until something fails.
    async fn live(&self, writer: ArchiveWriter, shutdown: &Shutdown) -> anyhow::Result<()> {
        let known = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            known = restore::clusters(&self.log, self.info.partitions) => known?,
        };
        let (batches, read) = mpsc::channel(QUEUE);
        let (records, understood) = mpsc::channel(QUEUE);
        let reading = tokio::spawn(read::run(self.log.clone(), writer.resume(), batches, shutdown.clone()));
        let understanding = tokio::spawn(understand::run(read, records, self.archive.understanding().clone()));
        let writing = write::Writing::new(self.clone(), writer, known, shutdown.clone());
        let wrote = tokio::task::spawn_blocking(move || writing.run(understood)).await;
        // The writer has gone, so the others find their channels closed and end too.
        let understood = understanding.await;
        let was_read = reading.await;
        wrote.context("the writing thread panicked")??;
        understood.context("understanding panicked")??;
        was_read.context("reading panicked")??;
        Ok(())
    }
}
