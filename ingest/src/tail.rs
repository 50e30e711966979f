//! The last records of a topic, as it stands when it is asked: what the memories of this stage are filled with on start. And
//! then what is appended after: by this worker, and by others.

use schemas::{
    kit::backoff::Backoff,
    log::{Batch, LogError, Position, Reader, SharedLog, Topic},
};
use std::{collections::HashMap, time::Duration};

const BATCH: usize = 2_000;
/// The records are there; only a broker that has gone makes one wait.
const WAIT: Duration = Duration::from_secs(10);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(10) };

pub(crate) struct Tail {
    reader: Box<dyn Reader>,
    begins: Vec<u64>,
    // Partitions that are not read to where they ended at the beginning.
    ends: HashMap<u32, u64>,
    follow: Follow,
}

/// What is appended to a topic after its tail was read.
pub(crate) struct Follow {
    log: SharedLog,
    topic: Topic,
    /// The next offset of each partition.
    next: Vec<u64>,
    reader: Option<Box<dyn Reader>>,
}

impl Tail {
    /// At most the last `most` records of each partition.
    pub(crate) async fn open(log: &SharedLog, topic: Topic, most: u64) -> Result<Self, LogError> {
        Self::open_at(log, topic, most, &[]).await
    }

    /// The last `most` records of each partition, and all from these offsets on.
    pub(crate) async fn open_at(log: &SharedLog, topic: Topic, most: u64, all: &[u64]) -> Result<Self, LogError> {
        let (mut from, mut begins) = (Vec::new(), Vec::new());
        let (mut ends, mut next) = (HashMap::new(), Vec::new());
        for partition in 0..log.describe(topic).await?.partitions {
            let (first, end) = log.bounds(topic, partition).await?;
            let all = all.get(partition as usize).copied().unwrap_or(u64::MAX);
            let offset = end.saturating_sub(most).min(all).max(first);
            begins.push(offset);
            next.push(end);
            if offset < end {
                from.push(Position { partition, offset });
                ends.insert(partition, end);
            }
        }
        let follow = Follow { log: log.clone(), topic, next, reader: None };
        Ok(Self { reader: log.reader(topic, from).await?, begins, ends, follow })
    }

    /// Where each partition is read from.
    pub(crate) fn begins(&self) -> &[u64] {
        &self.begins
    }

    /// The next records; none when all have been read.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, LogError> {
        if self.ends.is_empty() {
            return Ok(None);
        }
        let Some(batch) = self.reader.next(BATCH, WAIT).await? else {
            return Err(LogError::Unavailable(format!("no record came within {} seconds", WAIT.as_secs())));
        };
        if let Some(next) = self.follow.next.get_mut(batch.partition as usize) {
            *next = batch.next.max(*next);
        }
        if self.ends.get(&batch.partition).is_some_and(|&end| batch.next >= end) {
            self.ends.remove(&batch.partition);
        }
        Ok(Some(batch))
    }

    /// What comes after.
    pub(crate) fn follow(self) -> Follow {
        self.follow
    }
}

impl Follow {
    /// The next offset of the first partition.
    pub(crate) fn at(&self) -> u64 {
        self.next.first().copied().unwrap_or_default()
    }

    /// The next records, however long it takes; a log that cannot be read now is tried again. None when it is closed.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        for failures in 1.. {
            match self.read().await {
                Ok(batch) => return Some(batch),
                Err(LogError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(topic = %self.topic, %error, "what other workers write cannot be read now");
                    self.reader = None;
                    tokio::time::sleep(BACKOFF.wait(failures, rand::random())).await;
                }
            }
        }
        None
    }

    async fn read(&mut self) -> Result<Batch, LogError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let from = (0..).zip(&self.next).map(|(partition, &offset)| Position { partition, offset }).collect();
                self.reader.insert(self.log.reader(self.topic, from).await?)
            }
        };
        loop {
            let Some(batch) = reader.next(BATCH, WAIT).await? else { continue };
            if let Some(next) = self.next.get_mut(batch.partition as usize) {
                *next = batch.next;
            }
            return Ok(batch);
        }
    }
}
