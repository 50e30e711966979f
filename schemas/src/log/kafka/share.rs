//! The consumer group in which ingest workers share sources: it reads nothing, it only hands out partitions.
//!
//! A thread of its own polls the group. When partitions are taken away, librdkafka calls us on that thread and waits: there we
//! tell the worker, and hold the group up until it has settled, for at most [`SETTLING`].

use super::client::{Quiet, Settled, meaning, tell};
use crate::log::{LogError, Share, Topic};
use async_trait::async_trait;
use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::KafkaError,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a worker may take to finish or drop what is under way.
const SETTLING: Duration = Duration::from_secs(10);
/// So long after its last heartbeat a worker counts as dead. The least that brokers allow by default.
const SESSION: Duration = Duration::from_secs(6);
const POLL: Duration = Duration::from_millis(200);

/// Our place in the group.
pub(super) struct Group {
    told: watch::Receiver<Told>,
    members: Arc<Members>,
    _leave: LeaveOnDrop,
}

struct LeaveOnDrop(CancellationToken);

impl Drop for LeaveOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What the worker is told: its partitions, and how many changes there were.
#[derive(Debug, Clone, Default)]
struct Told {
    change: u64,
    partitions: BTreeSet<u32>,
}

/// What the group's thread and the worker share.
struct Members {
    tell: watch::Sender<Told>,
    // The change up to which the worker has settled.
    settled: Mutex<u64>,
    woken: Condvar,
    closed: CancellationToken,
}

impl Group {
    pub(super) fn join(client: &Settled, closed: &CancellationToken) -> Result<Self, LogError> {
        let leave = closed.child_token();
        let (tell, told) = watch::channel(Told::default());
        let members = Arc::new(Members { tell, settled: Mutex::new(0), woken: Condvar::new(), closed: leave.clone() });
        let mut config = client.config();
        config.set("group.id", client.group());
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "latest");
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", SESSION.as_millis().to_string());
        config.set("heartbeat.interval.ms", (SESSION / 3).as_millis().to_string());
        let consumer: BaseConsumer<Hearing> =
            config.create_with_context(Hearing(Arc::clone(&members))).map_err(|error| meaning(&error))?;
        consumer.subscribe(&[&client.name(Topic::PostsRaw)]).map_err(|error| meaning(&error))?;
        std::thread::Builder::new()
            .name("ingest group".into())
            .spawn({
                let leave = leave.clone();
                move || attend(&consumer, &leave)
            })
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(Self { told, members, _leave: LeaveOnDrop(leave) })
    }
}

/// Polls the group until we leave it; dropping the consumer then tells the others at once.
fn attend(consumer: &BaseConsumer<Hearing>, leave: &CancellationToken) {
    while !leave.is_cancelled() {
        match consumer.poll(POLL) {
            None | Some(Ok(_)) => {}
            // librdkafka goes on by itself; when we were away for too long, it takes our partitions away.
            Some(Err(error)) => {
                tracing::debug!(%error, "the group of ingest workers");
                std::thread::sleep(POLL);
            }
        }
    }
}

#[async_trait]
impl Share for Group {
    async fn changed(&mut self) -> Result<Vec<u32>, LogError> {
        let closed = self.members.closed.clone();
        tokio::select! {
            () = closed.cancelled() => Err(LogError::Closed),
            changed = self.told.changed() => {
                changed.map_err(|_| LogError::Closed)?;
                Ok(self.told.borrow_and_update().partitions.iter().copied().collect())
            }
        }
    }

    fn settled(&mut self) {
        // What was told after the worker last asked is not settled by this.
        let change = if self.told.has_changed().unwrap_or(true) { None } else { Some(self.told.borrow().change) };
        if let Some(change) = change {
            *self.members.settled() = change;
            self.members.woken.notify_all();
        }
    }
}

impl Members {
    fn settled(&self) -> MutexGuard<'_, u64> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<u32>)) -> u64 {
        let mut number = 0;
        self.tell.send_modify(|told| {
            told.change += 1;
            number = told.change;
            change(&mut told.partitions);
        });
        number
    }

    /// Waits until the worker has settled a change.
    fn wait_for(&self, change: u64) {
        let deadline = Instant::now() + SETTLING;
        let mut settled = self.settled();
        while *settled < change && !self.closed.is_cancelled() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!(
                    seconds = SETTLING.as_secs(),
                    "visits to sources that went to another worker have not ended in time; it begins all the same"
                );
                return;
            }
            // Woken now and then to see whether the log was closed.
            settled = self.woken.wait_timeout(settled, left.min(POLL)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

struct Hearing(Arc<Members>);

impl ClientContext for Hearing {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tell(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Quiet.error(error, reason);
    }
}

impl ConsumerContext for Hearing {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let gone = partitions(list);
            let change = self.0.change(|ours| ours.retain(|partition| !gone.contains(partition)));
            tracing::info!(partitions = ?gone, "sources go to another ingest worker");
            self.0.wait_for(change);
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            // Nothing is read here: the group only shares out.
            if let Err(error) = consumer.pause(list) {
                tracing::debug!(%error, "the group of ingest workers");
            }
            let new = partitions(list);
            if !new.is_empty() {
                tracing::info!(partitions = ?new, "sources come to this ingest worker");
                self.0.change(|ours| ours.extend(&new));
            }
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<u32> {
    list.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
}
