//! The log: where stages meet. A topic is split into partitions; a partition is an ordered sequence of records, each with
//! an offset that never changes.
//!
//! This is the boundary. [`Embedded`] is the default implementation; Apache Kafka is the other. Code above knows neither:
//! it holds an `Arc<dyn Log>`. What an implementation must do is written down as a test suite in [`conformance`].
//!
//! The promises:
//!
//! * **Append.** When [`Log::append`] returns, the records are durable, all of them, in the order given within each
//!   partition. When it fails, none may be assumed stored, and any may have been: the caller appends again, and the
//!   topic is at-least-once.
//! * **Read.** A [`Reader`] yields the records of each partition in the order of their offsets, from where it was told to
//!   begin. It keeps no position for anybody: a stage stores its own, beside the effect of what it read.
//! * **Jumps are shown.** Where the offsets of a topic that is not compacted do not follow on (records fell to retention
//!   before they were read), or the position lies beyond the end, the batch says so ([`Jump`]). It is the reader's to
//!   count, log and show it; nothing is skipped in silence.
//! * **Identity.** A position is worth something only in the log that it was taken from: [`TopicInfo::identity`] names it,
//!   and [`TopicInfo::resume`] refuses a position of another log.

pub mod broker;
pub mod conformance;
mod embedded;
mod housekeeping;
mod kafka;
mod open;
mod position;
mod share;
mod topic;

pub use embedded::{Embedded, EmbeddedOptions, OpenError, backup};
pub use housekeeping::housekeeping;
pub use kafka::{Kafka, KafkaError};
pub use open::open;
pub use position::{Identity, Jump, Position, ResumeError, TopicInfo};
pub use share::{Share, Whole};
pub use topic::{Retention, Topic, partition_of};

use async_trait::async_trait;
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// A log that is shared by whoever holds it.
pub type SharedLog = Arc<dyn Log>;

/// A record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The partition. Records of one post id must always go to the same one: see [`partition_of`].
    pub partition: u32,
    /// The key; a compacted topic keeps the last record of each.
    pub key: Option<Bytes>,
    /// The record's bytes.
    pub value: Bytes,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its offset in the partition.
    pub offset: u64,
    /// When it was appended.
    pub appended_at: jiff::Timestamp,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its bytes.
    pub value: Bytes,
}

/// What a reader yields: records of one partition, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The partition.
    pub partition: u32,
    /// The records. May be empty when there is a jump to tell.
    pub entries: Vec<Entry>,
    /// The offset after the last record, from which the next batch begins.
    pub next: u64,
    /// The end of the partition when the batch was read: `end - next` records wait behind it.
    pub end: u64,
    /// Set when the batch does not begin where the last one ended.
    pub jump: Option<Jump>,
}

/// Why an append or a read failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// It may succeed later: the disk is full, a broker is away. Doors answer 503, crawlers wait.
    #[error("the log cannot take it now: {0}")]
    Unavailable(String),
    /// It will never succeed: the record is too large, the topic has no such partition.
    #[error("the log refuses it: {0}")]
    Refused(String),
    /// The log was closed by this process.
    #[error("the log is closed")]
    Closed,
}

/// The log's boundary. Implementations are cheap to share behind an [`Arc`].
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// What a topic is, where it lives and how many partitions it has. Creates it if it is absent.
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError>;

    /// Appends records and returns, once all are durable, their positions in the order given.
    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError>;

    /// Opens a reader of some partitions, each from the given offset on.
    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError>;

    /// The first offset that is still kept and the offset that the next record will get.
    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError>;

    /// Joins the ingest workers that share sources among them, by partitions of `posts.raw`.
    async fn share(&self) -> Result<Box<dyn Share>, LogError>;

    /// Whether posts are taken now, as far as that can be told without trying.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn takes_posts(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// Enforces retention as of `now`. The embedded log is told so by its owner; a broker does it by itself.
    async fn retain(&self, now: jiff::Timestamp) -> Result<(), LogError>;

    /// Finishes what is under way and refuses everything after.
    async fn close(&self);
}

/// Reads some partitions of a topic.
#[async_trait]
pub trait Reader: Send {
    /// The next records of one of the partitions, at most `most` of them; `None` when none came within `wait`. Partitions
    /// take turns, so that none starves.
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Option<Batch>, LogError>;
}
