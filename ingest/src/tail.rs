//! The last records of a topic, as it stands when it is asked: what the memories of this stage are filled with on start.

use schemas::log::{Entry, LogError, Position, Reader, SharedLog, Topic};
use std::{collections::HashMap, time::Duration};

const BATCH: usize = 2_000;
/// The records are there; only a broker that has gone makes one wait.
const WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Tail {
    reader: Box<dyn Reader>,
    // Partitions that are not read to where they ended at the beginning.
    ends: HashMap<u32, u64>,
}

impl Tail {
    /// At most the last `most` records of each partition.
    pub(crate) async fn open(log: &SharedLog, topic: Topic, most: u64) -> Result<Self, LogError> {
        let mut from = Vec::new();
        let mut ends = HashMap::new();
        for partition in 0..log.describe(topic).await?.partitions {
            let (first, end) = log.bounds(topic, partition).await?;
            if first < end {
                from.push(Position { partition, offset: first.max(end.saturating_sub(most)) });
                ends.insert(partition, end);
            }
        }
        Ok(Self { reader: log.reader(topic, from).await?, ends })
    }

    /// The next records; none when all have been read.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, LogError> {
        if self.ends.is_empty() {
            return Ok(None);
        }
        let Some(batch) = self.reader.next(BATCH, WAIT).await? else {
            return Err(LogError::Unavailable(format!("no record came within {} seconds", WAIT.as_secs())));
        };
        if self.ends.get(&batch.partition).is_some_and(|&end| batch.next >= end) {
            self.ends.remove(&batch.partition);
        }
        Ok(Some(batch.entries))
    }
}
