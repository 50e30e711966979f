//! What the pipeline knows of clusters after a restart: read again from the end of `posts.analyzed`.

use super::clusters::{self, Clusters};
use schemas::{
    log::{LogError, Position, SharedLog, Topic},
    records::{AnalyzedPost, Record as _},
};
use std::{collections::HashMap, time::Duration};

/// Records of one read.
const MOST: usize = 1_024;
/// How long to wait for records that the log says it has.
const WAIT: Duration = Duration::from_secs(10);

/// The clusters of the last posts, as many as are remembered. What cannot be read is passed over: its copies found a cluster anew.
pub(super) async fn clusters(log: &SharedLog, partitions: u32) -> Result<Clusters, LogError> {
    let each = (clusters::MOST as u64 / u64::from(partitions.max(1))).max(1);
    let (mut from, mut ends) = (Vec::new(), HashMap::new());
    for partition in 0..partitions {
        let (first, end) = log.bounds(Topic::PostsAnalyzed, partition).await?;
        let offset = end.saturating_sub(each).max(first);
        if offset < end {
            from.push(Position { partition, offset });
            ends.insert(partition, end);
        }
    }
    let (mut known, mut copies) = (Clusters::default(), Vec::new());
    if from.is_empty() {
        return Ok(known);
    }
    let mut reader = log.reader(Topic::PostsAnalyzed, from).await?;
    while !ends.is_empty() {
        let Some(batch) = reader.next(MOST, WAIT).await? else { break };
        for entry in batch.entries {
            if let Ok(post) = AnalyzedPost::decode(&entry.value) {
                copies.extend(known.restore(post));
            }
        }
        if ends.get(&batch.partition).is_some_and(|&end| batch.next >= end) {
            ends.remove(&batch.partition);
        }
    }
    for (id, founder) in copies {
        known.rejoin(&id, &founder);
    }
    Ok(known)
}
