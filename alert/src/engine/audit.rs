//! From the topic `audit` into the audit record.

use super::{
    Desk, insist,
    tail::{Origin, Tail},
};
use schemas::{
    kit::shutdown::Shutdown,
    log::{Batch, SharedLog, Topic},
    records::AuditEntry,
};
use std::sync::Arc;

/// The reader of audit entries.
pub struct Audit {
    tail: Tail,
}

impl Audit {
    /// Opens it at its own position.
    ///
    /// # Errors
    /// When the position belongs to another log, or either cannot be read.
    pub async fn open(desk: &Desk, log: &SharedLog) -> anyhow::Result<Self> {
        Ok(Self { tail: Tail::open(desk, log, Topic::Audit).await? })
    }

    /// Reads until the stage stops.
    pub async fn run(mut self, desk: Arc<Desk>, shutdown: Shutdown) {
        while let Some(batch) = self.tail.next(&shutdown).await {
            if insist("the audit record", &shutdown, || take(&desk, &self.tail.origin, &batch)).await.is_none() {
                return;
            }
        }
    }
}

async fn take(desk: &Desk, origin: &Origin, batch: &Batch) -> anyhow::Result<()> {
    let entries = origin.decode::<AuditEntry>(batch, desk.now()).await?;
    let mut tx = desk.begin().await?;
    for (offset, entry) in entries {
        tx.audit(&format!("audit/{}/{offset}", batch.partition), &entry).await?;
    }
    tx.move_position(Topic::Audit, &origin.identity, batch.partition, batch.next).await?;
    Ok(tx.commit().await?)
}
