//! How ingest workers share sources: each works on those whose [`partition_of`](super::partition_of) their id, among the
//! partitions of `posts.raw`, is its own. A worker that dies loses its partitions to the others.
//!
//! | what happens | what the worker is told | what it must do |
//! |---|---|---|
//! | it joined, or one left | more partitions | begin with their sources |
//! | one joined | fewer partitions | finish or drop what is under way on the others, then say so |
//! | it was away for too long | none | drop everything: another may be at work already |
//!
//! Two workers may visit a source at the same time for a moment, when one was away without knowing it. That costs a visit;
//! `posts.raw` is at-least-once, and analyze alone decides what is new.

use super::LogError;
use async_trait::async_trait;

/// A worker's part of the sources.
#[async_trait]
pub trait Share: Send {
    /// Our partitions, as soon as they differ from what was told last. Cancel safe.
    async fn changed(&mut self) -> Result<Vec<u32>, LogError>;

    /// Says that nothing is under way any more on partitions that the last [`Share::changed`] did not name. Until then, and for
    /// a bounded time, the group waits before it gives them to another.
    fn settled(&mut self);
}

/// The share of a process that has the log for itself: everything, for ever.
#[derive(Debug)]
pub struct Whole {
    partitions: Option<u32>,
}

impl Whole {
    /// All of so many partitions.
    #[must_use]
    pub fn of(partitions: u32) -> Self {
        Self { partitions: Some(partitions) }
    }
}

#[async_trait]
impl Share for Whole {
    async fn changed(&mut self) -> Result<Vec<u32>, LogError> {
        match self.partitions.take() {
            Some(partitions) => Ok((0..partitions).collect()),
            None => std::future::pending().await,
        }
    }

    fn settled(&mut self) {}
}
