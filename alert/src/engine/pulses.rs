//! From `topics.pulse` to incidents.

use super::{
    Desk, insist,
    tail::{Origin, Tail},
};
use schemas::{
    kit::shutdown::Shutdown,
    log::{Batch, SharedLog, Topic},
    records::Pulse,
};
use std::sync::Arc;

/// The reader of pulses.
pub struct Pulses {
    tail: Tail,
}

impl Pulses {
    /// Opens it at its own position.
    ///
    /// # Errors
    /// When the position belongs to another log, or either cannot be read.
    pub async fn open(desk: &Desk, log: &SharedLog) -> anyhow::Result<Self> {
        Ok(Self { tail: Tail::open(desk, log, Topic::TopicsPulse).await? })
    }

    /// Reads until the stage stops.
    pub async fn run(mut self, desk: Arc<Desk>, shutdown: Shutdown) {
        while let Some(batch) = self.tail.next(&shutdown).await {
            let done = insist("pulses", &shutdown, || take(&desk, &self.tail.origin, &batch)).await;
            if done.is_none() {
                return;
            }
        }
    }

    /// Reads the next batch and lets it take effect; for whoever moves the time by hand.
    ///
    /// # Errors
    /// When the database or the log could not take it.
    pub async fn step(&mut self, desk: &Desk, shutdown: &Shutdown) -> anyhow::Result<()> {
        match self.tail.next(shutdown).await {
            Some(batch) => take(desk, &self.tail.origin, &batch).await,
            None => Ok(()),
        }
    }
}

async fn take(desk: &Desk, origin: &Origin, batch: &Batch) -> anyhow::Result<()> {
    let pulses: Vec<Pulse> = origin.decode(batch, desk.now()).await?.into_iter().map(|(_, pulse)| pulse).collect();
    Ok(desk.take(&pulses, &origin.identity, batch.partition, batch.next).await?)
}
