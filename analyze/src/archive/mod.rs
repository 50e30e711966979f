//! Verdicts, tantivy, search: the posts of all months, each month an index of its own in `data_dir/archive/2026-11/`.
//!
//! This module alone imports tantivy. Its parts:
//!
//! * [`dates`]: when a post was published, as far as it can be believed, and so its month. Pure.
//! * [`verdict`]: first seen, revision or duplicate. Pure.
//! * [`coverage`]: what of the log the archive holds; what a replay skips. Pure.
//! * `schema`, `tokens`, `seen`, `month`: a month on disk, and which ids it may hold.
//! * [`corrections`]: what people corrected of stored posts. Pure but for its queue.
//! * [`writer`]: verdicts, documents and commits; one thread owns it.
//! * [`search`]: queries, pages, highlights; any number of threads.
//! * [`export`]: the whole result of a search as a file.
//! * [`brief`]: 快报, 日报 and 周报 drafted from searches.
//! * `api`: all of it over HTTP.
//! * [`retention`]: which months are kept. Pure.
//! * [`reindex`], `generation`, `payload`: a month built anew beside itself, and which of them is the month.
//! * `backup`: a copy of it all, while it is written.
//!
//! One process writes an archive: its folder is locked. Any other may read it ([`Archive::open_read_only`]).

mod api;
mod backup;
pub mod brief;
pub mod corrections;
pub mod coverage;
pub mod dates;
pub mod export;
mod generation;
mod month;
mod payload;
pub mod reindex;
pub mod retention;
pub(crate) mod schema;
pub mod search;
mod seen;
mod tokens;
pub mod verdict;
pub mod writer;

#[cfg(test)]
mod tests;

use crate::{pipeline, understand::Living};
use anyhow::Context;
pub use backup::backup;
use corrections::Corrections;
use dates::Month;
use generation::Generation;
use month::MonthIndex;
use schemas::{
    kit::{
        service::{Ready, Service},
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{SharedLog, Topic},
};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

/// How often a read-only archive that changes under our hands is looked at again.
const READ_AGAIN: u32 = 3;

/// The months, open for reading.
pub struct Archive {
    folder: PathBuf,
    understanding: Living,
    corrections: Corrections,
    months: RwLock<BTreeMap<Month, Arc<MonthIndex>>>,
    // Writers that gave way and wait for their merges to end.
    closing: Mutex<HashMap<Month, JoinHandle<()>>>,
    // Held as long as this process may write; released by the operating system whatever happens to the process.
    _lock: Option<File>,
}

impl Archive {
    /// Opens the archive of a data folder for this process alone to write. It is made when it is absent.
    ///
    /// # Errors
    /// When another process has it, or it cannot be read.
    pub fn open(data_dir: &Path, understanding: impl Into<Living>) -> anyhow::Result<Self> {
        Self::open_corrected(data_dir, understanding, Corrections::default())
    }

    /// The same, with what people corrected.
    ///
    /// # Errors
    /// When another process has it, or it cannot be read.
    pub fn open_corrected(
        data_dir: &Path,
        understanding: impl Into<Living>,
        corrections: Corrections,
    ) -> anyhow::Result<Self> {
        let folder = data_dir.join("archive");
        let unusable = || format!("the archive's folder {} cannot be used", folder.display());
        std::fs::create_dir_all(&folder).with_context(unusable)?;
        let lock = File::create(folder.join("lock")).with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "the archive in {} belongs to another running process: stop that one, or give this one its own data_dir",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        let (used, left) = generation::list(&folder, |generation| month::covered(&generation.path))?;
        generation::tidy(&folder, &left).with_context(unusable)?;
        let mut months = BTreeMap::new();
        for generation in used {
            months.insert(generation.month, Arc::new(MonthIndex::open_or_create(&generation)?));
        }
        Ok(Self::with(folder, understanding.into(), corrections, months, Some(lock)))
    }

    /// Opens the archive of a data folder for reading, whether or not a process writes it, as of its last commit.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_read_only(data_dir: &Path, understanding: impl Into<Living>) -> anyhow::Result<Self> {
        let folder = data_dir.join("archive");
        // A month that was built anew between looking and opening is looked for again.
        let mut months = read_months(&folder);
        for _ in 0..READ_AGAIN {
            if months.is_err() {
                months = read_months(&folder);
            }
        }
        let months = months?;
        Ok(Self::with(folder, understanding.into(), Corrections::default(), months, None))
    }

    fn with(
        folder: PathBuf,
        understanding: Living,
        corrections: Corrections,
        months: BTreeMap<Month, Arc<MonthIndex>>,
        lock: Option<File>,
    ) -> Self {
        Self { folder, understanding, corrections, months: RwLock::new(months), closing: Mutex::default(), _lock: lock }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What people corrected.
    #[must_use]
    pub fn corrections(&self) -> &Corrections {
        &self.corrections
    }

    /// What is understood by now.
    #[must_use]
    pub fn understanding(&self) -> &Living {
        &self.understanding
    }

    /// Posts that can be found.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.months().iter().map(|month| month.searcher().num_docs()).sum()
    }

    /// All months, the oldest first.
    fn months(&self) -> Vec<Arc<MonthIndex>> {
        self.months.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A month; it is made when it is absent.
    fn month(&self, month: Month) -> anyhow::Result<Arc<MonthIndex>> {
        let mut months = self.months.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = months.get(&month) {
            return Ok(index.clone());
        }
        let index = Arc::new(MonthIndex::open_or_create(&Generation::first(&self.folder, month))?);
        months.insert(month, index.clone());
        Ok(index)
    }

    /// Gives searches a month that was built anew.
    fn replace(&self, index: Arc<MonthIndex>) {
        self.months.write().unwrap_or_else(PoisonError::into_inner).insert(index.month, index);
    }

    /// Searches find nothing more of a month.
    fn forget(&self, month: Month) {
        self.months.write().unwrap_or_else(PoisonError::into_inner).remove(&month);
    }

    /// Closes a month's writer on a thread of its own, when its merges have ended.
    fn close_later(&self, month: Month, writer: tantivy::IndexWriter) -> std::io::Result<()> {
        let close = move || {
            if let Err(error) = writer.wait_merging_threads() {
                tracing::warn!(%month, %error, "a merge of the archive failed; the segments stay as they are");
            }
        };
        let thread = std::thread::Builder::new().name(format!("close {month}")).spawn(close)?;
        self.closing.lock().unwrap_or_else(PoisonError::into_inner).insert(month, thread);
        Ok(())
    }

    /// Waits until a month's former writer is closed.
    fn wait_closed(&self, month: Month) -> anyhow::Result<()> {
        let thread = self.closing.lock().unwrap_or_else(PoisonError::into_inner).remove(&month);
        match thread.map(JoinHandle::join) {
            Some(Err(_)) => anyhow::bail!("closing the writer of month {month} panicked"),
            _ => Ok(()),
        }
    }
}

fn read_months(folder: &Path) -> anyhow::Result<BTreeMap<Month, Arc<MonthIndex>>> {
    let (used, _) = generation::list(folder, |generation| month::covered(&generation.path))?;
    let mut months = BTreeMap::new();
    for generation in used {
        if let Some(index) = MonthIndex::open(&generation)? {
            months.insert(generation.month, Arc::new(index));
        }
    }
    Ok(months)
}

/// Opens the archive that the config names, with what people corrected.
///
/// # Errors
/// When another process has it, or it cannot be read.
pub async fn open(
    settings: &Settings,
    understanding: impl Into<Living>,
    corrections: Corrections,
) -> anyhow::Result<Arc<Archive>> {
    let (data_dir, understanding) = (settings.data_dir.clone(), understanding.into());
    let open = move || Archive::open_corrected(&data_dir, understanding, corrections).map(Arc::new);
    tokio::task::spawn_blocking(open).await?
}

/// Starts the archive: the pipeline from `posts.raw` to `posts.analyzed` and the index, and the search API.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(
    settings: &Settings,
    log: SharedLog,
    archive: Arc<Archive>,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let info = log.describe(Topic::PostsRaw).await?;
    let out = log.describe(Topic::PostsAnalyzed).await?;
    anyhow::ensure!(
        info.partitions == out.partitions,
        "posts.raw has {} partitions and posts.analyzed {}: they must be the same, make the smaller one anew",
        info.partitions,
        out.partitions
    );
    let options = pipeline::Options {
        writer_bytes: settings.archive.writer_bytes,
        commit_every: settings.archive.commit_every,
        commit_posts: settings.archive.commit_posts,
        tz: settings.tz(),
        keep_months: settings.archive.keep_months,
    };
    let links = brief::Links::to(settings.http.public_url.as_deref());
    let router = api::router(archive.clone(), log.clone(), settings.tz(), links);
    let pipeline = pipeline::Pipeline::open(archive, log, info, options).await?;
    let health = pipeline.health();
    let task = tokio::spawn(pipeline.run(shutdown));
    Ok(Service { name: "analyze", router, ready: Ready::new(move || health.check()), task })
}
