//! Reading a topic from this stage's own position.

use super::Desk;
use crate::records::Records;
use schemas::{
    kit::{metrics, shutdown::Shutdown},
    log::{Batch, Identity, LogError, NewRecord, Position, Reader, SharedLog, Topic, TopicInfo},
    records::{Record, Rejected},
};
use std::time::Duration;

const MOST: usize = 500;
const WAIT: Duration = Duration::from_secs(1);

/// A reader that begins where this stage's records say.
pub(crate) struct Tail {
    reader: Box<dyn Reader>,
    /// Where its batches come from.
    pub(crate) origin: Origin,
}

/// A topic of a log.
pub(crate) struct Origin {
    topic: Topic,
    pub(crate) identity: Identity,
    log: SharedLog,
}

impl Tail {
    /// Opens it. Fails when the position was taken in another log.
    pub(crate) async fn open(desk: &Desk, log: &SharedLog, topic: Topic) -> anyhow::Result<Self> {
        Self::open_near(desk, log, topic, u64::MAX).await
    }

    /// The same; without a position yet, at most so many records before the end.
    pub(crate) async fn open_near(desk: &Desk, log: &SharedLog, topic: Topic, most: u64) -> anyhow::Result<Self> {
        let (info, mut from, is_stored) = place(&desk.records, log, topic).await?;
        if !is_stored {
            for place in &mut from {
                let (_, end) = log.bounds(topic, place.partition).await?;
                place.offset = place.offset.max(end.saturating_sub(most));
            }
            let mut tx = desk.begin().await?;
            for place in &from {
                tx.move_position(topic, &info.identity, place.partition, place.offset).await?;
            }
            tx.commit().await?;
        }
        let reader = log.reader(topic, from).await?;
        Ok(Self { reader, origin: Origin { topic, identity: info.identity, log: log.clone() } })
    }

    /// The next batch; `None` when the stage stops. What is missing between two batches is counted and told.
    pub(crate) async fn next(&mut self, shutdown: &Shutdown) -> Option<Batch> {
        let topic = self.origin.topic;
        loop {
            let read = tokio::select! {
                () = shutdown.cancelled() => return None,
                read = self.reader.next(MOST, WAIT) => read,
            };
            match read {
                Ok(Some(batch)) => {
                    told(topic, &batch);
                    return Some(batch);
                }
                Ok(None) => {}
                Err(LogError::Closed) => return None,
                Err(error) => {
                    tracing::error!(%topic, %error, "cannot be read now; trying again");
                    tokio::select! {
                        () = shutdown.cancelled() => return None,
                        () = tokio::time::sleep(WAIT) => {}
                    }
                }
            }
        }
    }
}

impl Tail {
    /// What is there, or comes within a time. A topic that cannot be read now has nothing.
    pub(crate) async fn within(&mut self, wait: Duration) -> Option<Batch> {
        let topic = self.origin.topic;
        match self.reader.next(MOST, wait).await {
            Ok(batch) => batch.inspect(|batch| told(topic, batch)),
            Err(error) => {
                tracing::error!(%topic, %error, "cannot be read now; trying again");
                tokio::time::sleep(wait).await;
                None
            }
        }
    }
}

/// Counts and tells what is missing before a batch.
fn told(topic: Topic, batch: &Batch) {
    if let Some(jump) = batch.jump {
        metrics::ALERT_JUMPS.with_label_values(&[topic.name()]).inc();
        tracing::error!(%topic, partition = batch.partition, %jump, "positions do not follow on");
    }
}

impl Origin {
    /// The records of a batch with their offsets. What can't be read is set aside on `posts.rejected` first.
    pub(crate) async fn decode<R: Record>(
        &self,
        batch: &Batch,
        now: jiff::Timestamp,
    ) -> Result<Vec<(u64, R)>, LogError> {
        let mut records = Vec::with_capacity(batch.entries.len());
        let mut rejected = Vec::new();
        for entry in &batch.entries {
            match R::decode(&entry.value) {
                Ok(record) => records.push((entry.offset, record)),
                Err(error) => {
                    let origin = format!("{} {}/{}", self.topic, batch.partition, entry.offset);
                    tracing::error!(origin, %error, "set aside");
                    rejected.push(set_aside(origin, &error.to_string(), &entry.value, now));
                }
            }
        }
        if !rejected.is_empty() {
            self.log.append(Topic::PostsRejected, rejected).await?;
        }
        Ok(records)
    }
}

/// Where reading goes on, and whether that was stored. Fails when the position was taken in another log.
pub(crate) async fn place(
    records: &Records,
    log: &SharedLog,
    topic: Topic,
) -> anyhow::Result<(TopicInfo, Vec<Position>, bool)> {
    let info = log.describe(topic).await?;
    let stored = records.position(topic).await?;
    let from = info.resume(stored.as_ref().map(|(identity, next)| (identity, next.as_slice())))?;
    Ok((info, from, stored.is_some()))
}

fn set_aside(origin: String, reason: &str, bytes: &[u8], at: jiff::Timestamp) -> NewRecord {
    use base64::Engine;
    let record = Rejected {
        v: Rejected::VERSION,
        at,
        stage: "alert".into(),
        origin,
        reason: reason.to_owned(),
        bytes: base64::engine::general_purpose::STANDARD.encode(bytes),
    };
    NewRecord { partition: 0, key: None, value: record.encode() }
}
