//! From the feed table to the topic `incidents`: appended first, deleted then. A crash in between appends twice.

use super::{Desk, insist};
use bytes::Bytes;
use schemas::{
    kit::shutdown::Shutdown,
    log::{NewRecord, SharedLog, Topic},
};
use std::{sync::Arc, time::Duration};

const MOST: u32 = 200;
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Feeds until the stage stops, and once more then.
pub async fn run(desk: Arc<Desk>, log: SharedLog, shutdown: Shutdown) {
    loop {
        let done = insist("the incidents feed", &shutdown, || step(&desk, &log)).await;
        if done.is_none() || shutdown.is_cancelled() {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = desk.to_feed.notified() => {}
            () = tokio::time::sleep(AT_LEAST_EVERY) => {}
        }
    }
}

/// Feeds what waits.
///
/// # Errors
/// When the log or the database could not take it.
pub async fn step(desk: &Desk, log: &SharedLog) -> anyhow::Result<()> {
    while let Some((through, records)) = desk.records.feed(MOST).await? {
        let records = records
            .into_iter()
            .map(|(incident, record)| NewRecord {
                partition: 0,
                key: Some(Bytes::from(incident)),
                value: Bytes::from(record),
            })
            .collect();
        log.append(Topic::Incidents, records).await?;
        let mut tx = desk.begin().await?;
        tx.fed(through).await?;
        tx.commit().await?;
    }
    Ok(())
}
