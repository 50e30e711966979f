//! Appends to a topic.
//!
//! The producer is idempotent and never gives up a record alone (`message.timeout.ms=0`): it would leave a hole, and what was
//! appended behind the hole would be taken for the whole. What is not acknowledged within [`PATIENCE`] is given up together:
//! the producer and all that waits in it are dropped, and the next append builds another. The same happens after an error that
//! librdkafka calls fatal, which a batch that the broker refuses is too (`enable.gapless.guarantee`).
//!
//! | outcome of an append | what lies in the topic |
//! |---|---|
//! | acknowledged | all of it, in order |
//! | not | a beginning of it in each partition, possibly nothing, possibly all; the caller appends all of it again |

use super::{
    client::{Quiet, Settled, meaning, tell},
    topics::MAX_MESSAGE_BYTES,
};
use crate::log::{LogError, NewRecord, Position, Topic};
use rdkafka::{
    ClientContext, Message,
    config::{ClientConfig, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

/// How long an append may take; tests are in a hurry.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 4 } else { 15 });
/// How long a stop waits for what is under way.
const FLUSH: Duration = Duration::from_secs(10);
/// How long an append that failed is told of: longer than it takes for the next one to fail.
const REMEMBERED: Duration = Duration::from_secs(30);
/// How soon a full queue is tried again.
const FULL: Duration = Duration::from_millis(5);
/// The largest record, as in the embedded log.
const MAX_RECORD_BYTES: usize = 8 << 20;

type Inner = ThreadedProducer<Deliveries>;

/// The producer of a topic.
pub(super) struct Producer {
    topic: String,
    config: ClientConfig,
    current: Mutex<Option<Arc<Inner>>>,
    /// The last append's failure, and when it was; none after one that worked.
    failed: Mutex<Option<(Instant, LogError)>>,
}

/// Refuses a record that is too large.
pub(super) fn check_size(record: &NewRecord) -> Result<(), LogError> {
    let bytes = record.value.len() + record.key.as_ref().map_or(0, bytes::Bytes::len);
    if bytes <= MAX_RECORD_BYTES {
        return Ok(());
    }
    Err(LogError::Refused(format!("a record of {bytes} bytes; at most {MAX_RECORD_BYTES} are taken")))
}

impl Producer {
    pub(super) fn new(client: &Settled, topic: Topic) -> Self {
        let mut config = client.config();
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        config.set("message.timeout.ms", "0");
        // A batch that the broker refuses stops the producer: what waits behind it must not be stored without it.
        config.set("enable.gapless.guarantee", "true");
        config.set("message.max.bytes", MAX_MESSAGE_BYTES.to_string());
        config.set("queue.buffering.max.kbytes", "131072");
        // An append is a batch already: little is gained by waiting for another.
        config.set("linger.ms", "2");
        if config.get("compression.type").is_none() && config.get("compression.codec").is_none() {
            config.set("compression.type", "lz4");
        }
        Self { topic: client.name(topic), config, current: Mutex::new(None), failed: Mutex::new(None) }
    }

    pub(super) async fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        let deadline = Instant::now() + PATIENCE;
        let inner = self.inner()?;
        let outcome = self.send(&inner, &records, deadline).await;
        let fatal = inner.client().fatal_error();
        if let Some((code, reason)) = &fatal {
            tracing::error!(topic = self.topic, %code, reason, "the producer cannot go on and is built anew");
        }
        if outcome.is_err() {
            let seconds = PATIENCE.as_secs();
            tracing::error!(
                topic = self.topic,
                seconds,
                "Kafka did not acknowledge in time; the producer is built anew"
            );
        }
        if fatal.is_some() || !matches!(outcome, Ok(Ok(_))) {
            self.give_up(inner);
        }
        let outcome = outcome.unwrap_or_else(|TooLate| {
            Err(LogError::Unavailable(format!("Kafka did not acknowledge within {} seconds", PATIENCE.as_secs())))
        });
        *lock(&self.failed) = outcome.as_ref().err().map(|error| (Instant::now(), error.clone()));
        outcome
    }

    /// Whether appends work, as far as the last one tells. It is forgotten after a while: where nobody appends because none
    /// seems to be taken, nothing else would tell that they are.
    pub(super) fn works(&self) -> Result<(), LogError> {
        match &*lock(&self.failed) {
            Some((at, error @ LogError::Unavailable(_))) if at.elapsed() < REMEMBERED => Err(error.clone()),
            _ => Ok(()),
        }
    }

    async fn send(
        &self,
        inner: &Inner,
        records: &[NewRecord],
        deadline: Instant,
    ) -> Result<Result<Vec<Position>, LogError>, TooLate> {
        let (append, done) = Append::expect(records.len());
        for (index, record) in records.iter().enumerate() {
            let waiting = Box::new(Waiting { append: Arc::clone(&append), index });
            let partition = i32::try_from(record.partition).unwrap_or(i32::MAX);
            let mut next =
                BaseRecord::with_opaque_to(&self.topic, waiting).partition(partition).payload(&record.value[..]);
            if let Some(key) = &record.key {
                next = next.key(&key[..]);
            }
            while let Err((error, unsent)) = inner.send(next) {
                match error {
                    KafkaError::MessageProduction(Code::QueueFull) if Instant::now() < deadline => sleep(FULL).await,
                    KafkaError::MessageProduction(Code::QueueFull) => return Err(TooLate),
                    error => return Ok(Err(meaning(&error))),
                }
                next = unsent;
            }
        }
        match timeout_at(deadline, done).await {
            Ok(Ok(outcome)) => Ok(outcome.map_err(|error| meaning(&error)).map(|offsets| {
                let positions = records.iter().zip(offsets);
                positions.map(|(record, offset)| Position { partition: record.partition, offset }).collect()
            })),
            // Dropped with the producer, by an append that ran out of patience before this one.
            Ok(Err(_)) => Ok(Err(LogError::Unavailable("Kafka did not acknowledge in time".into()))),
            Err(_) => Err(TooLate),
        }
    }

    fn inner(&self) -> Result<Arc<Inner>, LogError> {
        let mut current = lock(&self.current);
        if let Some(inner) = &*current {
            return Ok(Arc::clone(inner));
        }
        let made: Inner = self.config.create_with_context(Deliveries).map_err(|error| meaning(&error))?;
        Ok(Arc::clone(current.insert(Arc::new(made))))
    }

    /// Drops a producer and what waits in it, once, whoever was the first to find it useless.
    fn give_up(&self, inner: Arc<Inner>) {
        lock(&self.current).take_if(|current| Arc::ptr_eq(current, &inner));
        inner.purge(PurgeConfig::default().queue().inflight());
        // Whoever is the last to hold it waits for its threads.
        std::thread::spawn(move || drop(inner));
    }

    /// Waits for what is under way and takes no more.
    pub(super) async fn close(&self) {
        let Some(inner) = lock(&self.current).take() else { return };
        let flushed = tokio::task::spawn_blocking(move || inner.flush(FLUSH));
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(topic = self.topic, %error, "some appends were not acknowledged before the stop");
        }
    }
}

/// A lock whose holder panicked still guards valid data here: each is set in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The append was not acknowledged in time.
struct TooLate;

/// An append on its way: its records are reported one by one.
struct Append(Mutex<Reported>);

struct Reported {
    offsets: Vec<u64>,
    left: usize,
    done: Option<oneshot::Sender<Result<Vec<u64>, KafkaError>>>,
}

/// One record of an append on its way.
struct Waiting {
    append: Arc<Append>,
    index: usize,
}

impl Append {
    fn expect(records: usize) -> (Arc<Self>, oneshot::Receiver<Result<Vec<u64>, KafkaError>>) {
        let (done, outcome) = oneshot::channel();
        let reported = Reported { offsets: vec![0; records], left: records, done: Some(done) };
        (Arc::new(Self(Mutex::new(reported))), outcome)
    }

    fn report(&self, index: usize, outcome: Result<u64, KafkaError>) {
        let mut reported = lock(&self.0);
        reported.left -= 1;
        let outcome = match outcome {
            Ok(offset) => {
                reported.offsets[index] = offset;
                if reported.left > 0 {
                    return;
                }
                Ok(std::mem::take(&mut reported.offsets))
            }
            // One that failed fails the append: what waits behind it is given up with the producer.
            Err(error) => Err(error),
        };
        if let Some(done) = reported.done.take() {
            // Whoever appended may have gone.
            let _ = done.send(outcome);
        }
    }
}

/// Hears from librdkafka what became of each record.
struct Deliveries;

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tell(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Quiet.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Waiting>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        let outcome = match delivered {
            Ok(message) => Ok(message.offset().max(0) as u64),
            Err((error, _)) => Err(error.clone()),
        };
        waiting.append.report(waiting.index, outcome);
    }
}
