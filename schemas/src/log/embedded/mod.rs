//! The embedded log: one SQLite database in WAL mode per topic, in the data folder.
//!
//! Why SQLite and not a log of our own: an append-only file is easy to write and hard to recover (torn tails, reordered
//! sectors, full disks, short writes), and SQLite's write-ahead log has met all of these for twenty years. It checksums
//! each frame, cuts a torn tail on open, and a reader never waits for the writer. Measured beside fjall it is as fast
//! (0.86 and 0.85 million records a second), a file can be looked into with `sqlite3`, and the records database stands
//! on the same library.
//!
//! Operation:
//! * [`store`]: the SQL of one topic's file.
//! * [`writer`]: one thread per topic that writes what waits as one transaction (group commit): `synchronous=FULL`, so a
//!   commit has been fsync'd when it returns, and only then are the appends in it acknowledged.
//! * [`reader`]: reads on a connection of its own and sleeps until the writer says that an end has moved. Who keeps up with the
//!   writer is served from [`recent`], the newest records in memory.
//!
//! Limits: one process owns the folder (`lock`); the number of partitions is fixed when a topic is made; space freed by
//! retention is given back to the file system in steps; a file that an older version made keeps its size until it is
//! restored from a backup.
//!
//! When the disk fails: a write that SQLite could not finish is rolled back, its appends are refused, and the next one is
//! tried; what was acknowledged is not touched.

mod backup;
mod reader;
mod recent;
mod store;
mod writer;

pub use backup::backup;

use super::{Log, LogError, NewRecord, Position, Reader, Retention, Share, Topic, TopicInfo, Whole};
use crate::kit::disk::Disk;
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};
use store::Store;
use writer::Writer;

/// How the embedded log is opened.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The folder; it is made when it is absent.
    pub folder: PathBuf,
    /// Partitions of the topics of posts. A topic that exists keeps the number it was made with.
    pub partitions: u32,
    /// Retention that differs from [`Topic::retention`].
    pub retention: HashMap<Topic, Retention>,
    /// The disk: when it runs short, posts are refused and all else is still taken.
    pub disk: Arc<Disk>,
}

impl EmbeddedOptions {
    /// The defaults, in `folder`, with no reserve on its disk.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let disk = Arc::new(Disk::new(&folder, Some(0)));
        Self { folder, partitions: 4, retention: HashMap::new(), disk }
    }
}

/// Why the embedded log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the log in {} belongs to another running process: stop that one, or give this one its own data_dir", .0.display())]
    Locked(PathBuf),
    /// The folder or a file in it cannot be used.
    #[error("the log in {folder}: {error}", folder = .0.display(), error = .1)]
    Io(PathBuf, std::io::Error),
    /// A topic's database cannot be opened.
    #[error(
        "the log's file {file}: {error}. Stop, keep a copy of the file, and restore it from a backup",
        file = .0.display(),
        error = .1
    )]
    Store(PathBuf, rusqlite::Error),
    /// A topic was made with another number of partitions.
    #[error(
        "the log's file {} has {found} partitions and [log] partitions is {wanted}: set it back to {found}",
        .path.display()
    )]
    Partitions {
        /// The topic's file.
        path: PathBuf,
        /// Partitions it has.
        found: u32,
        /// Partitions configured.
        wanted: u32,
    },
}

/// The embedded log.
pub struct Embedded {
    topics: HashMap<Topic, Writer>,
    disk: Arc<Disk>,
    // Held until the last writer is gone; released by the operating system whatever happens to the process.
    _lock: File,
}

impl Embedded {
    /// Opens all topics of the folder, makes those that are absent, and recovers what a crash left behind.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: &EmbeddedOptions) -> Result<Self, OpenError> {
        let folder = &options.folder;
        let io = |error| OpenError::Io(folder.clone(), error);
        std::fs::create_dir_all(folder).map_err(io)?;
        let lock = File::create(folder.join("lock")).map_err(io)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Locked(folder.clone()),
            TryLockError::Error(error) => OpenError::Io(folder.clone(), error),
        })?;
        let cluster = cluster_id(folder).map_err(io)?;
        let mut topics = HashMap::new();
        for topic in Topic::ALL {
            let path = folder.join(format!("{topic}.db"));
            let wanted = topic.partitions(options.partitions);
            let retention = options.retention.get(&topic).copied().unwrap_or_else(|| topic.retention());
            let store = Store::open(&path, &cluster, wanted, retention)
                .map_err(|error| OpenError::Store(path.clone(), error))?;
            let found = store.info().partitions;
            if found != wanted {
                return Err(OpenError::Partitions { path, found, wanted });
            }
            topics.insert(topic, Writer::start(topic, store).map_err(io)?);
        }
        Ok(Self { topics, disk: Arc::clone(&options.disk), _lock: lock })
    }

    fn topic(&self, topic: Topic) -> Result<&Writer, LogError> {
        self.topics.get(&topic).ok_or(LogError::Closed)
    }
}

/// The log's own id: made once, kept beside the topics.
fn cluster_id(folder: &Path) -> std::io::Result<String> {
    let path = folder.join("cluster-id");
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        Ok(_) => new_cluster_id(&path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => new_cluster_id(&path),
        Err(error) => Err(error),
    }
}

fn new_cluster_id(path: &Path) -> std::io::Result<String> {
    let id = random_id();
    crate::kit::fs::write_atomically(path, id.as_bytes())?;
    Ok(id)
}

fn random_id() -> String {
    format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}

#[async_trait]
impl Log for Embedded {
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError> {
        Ok(self.topic(topic)?.info().clone())
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        if topic == Topic::PostsRaw {
            self.takes_posts()?;
        }
        self.topic(topic)?.append(records).await
    }

    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(self.topic(topic)?.reader(from)?))
    }

    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        self.topic(topic)?.bounds(partition).await
    }

    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        Ok(Box::new(Whole::of(self.topic(Topic::PostsRaw)?.info().partitions)))
    }

    fn takes_posts(&self) -> Result<(), LogError> {
        self.disk.check().map_err(LogError::Unavailable)
    }

    async fn retain(&self, now: Timestamp) -> Result<(), LogError> {
        for writer in self.topics.values() {
            // A step at a time: appends that wait get in between.
            while writer.retain(now).await? {}
        }
        Ok(())
    }

    async fn close(&self) {
        for writer in self.topics.values() {
            writer.close().await;
        }
    }
}

#[cfg(test)]
mod tests;
