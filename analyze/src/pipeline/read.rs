//! Reads all partitions of posts.raw, and waits while the log is unavailable.

use super::BACKOFF;
use schemas::{
    kit::shutdown::Shutdown,
    log::{Batch, LogError, Position, SharedLog, Topic},
};
use std::time::Duration;
use tokio::sync::mpsc;

/// Records of one read. In a hurry reads are full and the cost of each step is shared by many; at leisure a read brings
/// what there is.
pub(super) const MOST: usize = 2_048;
const WAIT: Duration = Duration::from_secs(60);

pub(super) async fn run(
    log: SharedLog,
    mut from: Vec<Position>,
    batches: mpsc::Sender<Batch>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut failures = 0;
    loop {
        let outcome = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            () = batches.closed() => return Ok(()),
            outcome = follow(&log, &mut from, &batches, &mut failures) => outcome,
        };
        match outcome {
            Ok(()) => return Ok(()),
            Err(LogError::Unavailable(reason)) => {
                failures += 1;
                let wait = BACKOFF.wait(failures, 1.0);
                tracing::warn!(%reason, ?wait, "posts.raw cannot be read now; trying again");
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = tokio::time::sleep(wait) => {}
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Passes batches on until the next part is gone. `from` moves with what was passed on.
async fn follow(
    log: &SharedLog,
    from: &mut [Position],
    batches: &mpsc::Sender<Batch>,
    failures: &mut u32,
) -> Result<(), LogError> {
    let mut reader = log.reader(Topic::PostsRaw, from.to_vec()).await?;
    loop {
        let Some(batch) = reader.next(MOST, WAIT).await? else { continue };
        *failures = 0;
        let (partition, next) = (batch.partition, batch.next);
        if batches.send(batch).await.is_err() {
            return Ok(());
        }
        if let Some(position) = from.iter_mut().find(|position| position.partition == partition) {
            position.offset = next;
        }
    }
}
