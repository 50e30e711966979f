//! Reads partitions that it was assigned, each from where it was told to begin.
//!
//! librdkafka fetches ahead into a queue of its own, which is bounded. From there records are taken into one buffer per
//! partition, and a batch is a buffer's beginning: partitions take turns.
//!
//! | Kafka says of a position | outcome |
//! |---|---|
//! | the next record lies at it | read |
//! | the next record lies behind it (retention, compaction) | read, with the jump; compaction is no loss |
//! | out of range, before the first record kept | goes on there, with the jump |
//! | out of range, beyond the end | goes on at the end, with the step back |
//! | out of range, but the bounds include it (a leader has just changed) | asked again |

use super::{
    client::{Quiet, Settled, meaning, passes},
    native,
    topics::{self, Topics},
};
use crate::log::{Batch, Entry, Jump, LogError, Position, Reader, Retention, Topic};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::BorrowedMessage,
};
use std::{collections::VecDeque, ffi::CString, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Of each partition so many records are buffered here at most, beside librdkafka's own queue.
const BUFFER: usize = 4_096;
/// And about so many bytes; a batch holds no more either.
const BUFFER_BYTES: usize = 4 << 20;

pub(super) struct KafkaReader {
    topics: Arc<Topics>,
    topic: Topic,
    name: String,
    c_name: CString,
    compacted: bool,
    config: ClientConfig,
    // None only while it is being replaced or dropped.
    consumer: Option<StreamConsumer<Quiet>>,
    tracks: Vec<Track>,
    turn: usize,
    closed: CancellationToken,
}

/// One partition that is read.
struct Track {
    partition: u32,
    /// The offset that the next batch begins at.
    next: u64,
    /// The offset that the next record to be buffered is expected at.
    expected: u64,
    buffer: VecDeque<Entry>,
    /// Of the values in it.
    bytes: usize,
    /// The end as it was last heard of.
    end: u64,
    /// A jump that no record tells of.
    jump: Option<Jump>,
}

impl KafkaReader {
    pub(super) fn open(
        client: &Settled,
        topics: &Arc<Topics>,
        topic: Topic,
        from: Vec<Position>,
        closed: CancellationToken,
    ) -> Result<Self, LogError> {
        let mut config = client.config();
        // librdkafka wants a group even of who never joins one.
        config.set("group.id", format!("{}-reader", client.group()));
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "error");
        config.set("fetch.wait.max.ms", "100");
        config.set("fetch.error.backoff.ms", "100");
        config.set("queued.max.messages.kbytes", "16384");
        let track = |position: Position| Track {
            partition: position.partition,
            next: position.offset,
            expected: position.offset,
            buffer: VecDeque::new(),
            bytes: 0,
            end: position.offset,
            jump: None,
        };
        let name = client.name(topic);
        let mut reader = Self {
            topics: Arc::clone(topics),
            topic,
            c_name: CString::new(name.clone()).map_err(|error| LogError::Refused(error.to_string()))?,
            name,
            compacted: topic.retention() == Retention::Compact,
            config,
            consumer: None,
            tracks: from.into_iter().map(track).collect(),
            turn: 0,
            closed,
        };
        reader.connect()?;
        Ok(reader)
    }

    /// Begins to fetch from where each partition stands. Each consumer is assigned once: librdkafka (2.12) aborts the process when an
    /// assignment is replaced or ended while the one before it is still being stopped.
    fn connect(&mut self) -> Result<(), LogError> {
        retire(self.consumer.take());
        let mut list = TopicPartitionList::with_capacity(self.tracks.len());
        for track in &self.tracks {
            let (partition, offset) = (i32::try_from(track.partition), i64::try_from(track.expected));
            let (Ok(partition), Ok(offset)) = (partition, offset) else {
                return Err(LogError::Refused(format!("{} has no offset {}", self.name, track.expected)));
            };
            list.add_partition_offset(&self.name, partition, Offset::Offset(offset))
                .map_err(|error| meaning(&error))?;
        }
        let consumer: StreamConsumer<Quiet> =
            self.config.create_with_context(Quiet).map_err(|error| meaning(&error))?;
        consumer.assign(&list).map_err(|error| meaning(&error))?;
        self.consumer = Some(consumer);
        Ok(())
    }

    /// Takes what has been fetched, waiting for the first of it until `deadline` if `wait`. Cancel safe.
    async fn take(&mut self, most: usize, deadline: Option<Instant>) -> Result<(), KafkaError> {
        let Self { consumer, tracks, .. } = self;
        // It is missing after it could not be replaced: whoever reads tries again with a new reader.
        let Some(consumer) = consumer else { return Err(KafkaError::Canceled) };
        let mut stream = consumer.stream();
        if let Some(deadline) = deadline {
            match timeout_at(deadline, stream.next()).await {
                Ok(Some(message)) => take_one(tracks, &message?),
                Ok(None) | Err(_) => return Ok(()),
            }
        }
        let most = most.clamp(1, BUFFER) * tracks.len();
        let is_full = |tracks: &[Track]| {
            let (records, bytes) = tracks
                .iter()
                .fold((0, 0), |(records, bytes), track| (records + track.buffer.len(), bytes + track.bytes));
            records >= most || bytes >= BUFFER_BYTES * tracks.len()
        };
        while !is_full(tracks) {
            match stream.next().now_or_never() {
                Some(Some(message)) => take_one(tracks, &message?),
                Some(None) | None => break,
            }
        }
        Ok(())
    }

    /// Finds out which positions Kafka does not have, and moves them to where it can go on.
    async fn mend(&mut self) -> Result<(), LogError> {
        for track in &mut self.tracks {
            let (first, end) = topics::bounds(&self.topics, self.topic, track.partition).await?;
            track.end = end;
            let found = if track.expected > end { end } else { track.expected.max(first) };
            if found == end && found != track.expected {
                track.jump = Jump::between(track.expected, None, end);
            }
            // Where a record follows, that tells of the jump.
            track.expected = found;
        }
        self.connect()
    }

    /// The partition whose turn it is among those that have something to tell.
    fn ready(&mut self) -> Option<usize> {
        let count = self.tracks.len();
        let told = |track: &Track| !track.buffer.is_empty() || track.jump.is_some();
        let index = (0..count).map(|step| (self.turn + step) % count).find(|&index| told(&self.tracks[index]))?;
        self.turn = (index + 1) % count;
        Some(index)
    }

    fn batch(&mut self, index: usize, most: usize) -> Batch {
        let heard = self
            .consumer
            .as_ref()
            .and_then(|consumer| native::watermarks(consumer.client(), &self.c_name, self.tracks[index].partition));
        let compacted = self.compacted;
        let track = &mut self.tracks[index];
        let entries = track.first(most.max(1));
        let last = entries.last().map_or(track.expected, |entry| entry.offset + 1);
        // What the last fetch said may be older than what it brought.
        track.end = heard.map_or(track.end, |(_, end)| end).max(last);
        let told_by_record = Jump::between(track.next, entries.first().map(|entry| entry.offset), track.end);
        let jump = track.jump.take().or(told_by_record);
        let jump = jump.filter(|jump| !(compacted && matches!(jump, Jump::Ahead { .. })));
        track.next = last;
        Batch { partition: track.partition, entries, next: last, end: track.end, jump }
    }
}

impl Track {
    /// Takes the buffer's beginning: at most `most` records, and one where there is one, however large.
    fn first(&mut self, most: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let before = bytes;
            bytes += entry.value.len();
            before < BUFFER_BYTES
        };
        let count = self.buffer.iter().take(most).take_while(fits).count();
        let entries: Vec<Entry> = self.buffer.drain(..count).collect();
        self.bytes -= entries.iter().map(|entry| entry.value.len()).sum::<usize>();
        entries
    }
}

fn take_one(tracks: &mut [Track], message: &BorrowedMessage<'_>) {
    let (partition, offset) = (u32::try_from(message.partition()), u64::try_from(message.offset()));
    let (Ok(partition), Ok(offset)) = (partition, offset) else { return };
    let Some(track) = tracks.iter_mut().find(|track| track.partition == partition) else { return };
    // After a new assignment nothing older comes; should it, it was read before.
    if offset < track.expected {
        return;
    }
    track.expected = offset + 1;
    track.bytes += message.payload_len();
    track.buffer.push_back(Entry {
        offset,
        appended_at: message
            .timestamp()
            .to_millis()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice).unwrap_or_default(),
    });
}

#[async_trait]
impl Reader for KafkaReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Option<Batch>, LogError> {
        let deadline = Instant::now() + wait;
        let closed = self.closed.clone();
        // What came meanwhile joins what is left, so that a full partition does not starve the others.
        let mut until = None;
        loop {
            let taken = tokio::select! {
                biased;
                () = closed.cancelled() => return Err(LogError::Closed),
                taken = self.take(most, until) => taken,
            };
            match taken {
                Ok(()) => {}
                Err(error) if is_out_of_range(&error) => self.mend().await?,
                Err(error) if passes(&error) => tracing::debug!(topic = self.name, %error, "kafka"),
                Err(error) => return Err(meaning(&error)),
            }
            if let Some(index) = self.ready() {
                return Ok(Some(self.batch(index, most)));
            }
            if Instant::now() >= deadline && until.is_some() {
                return Ok(None);
            }
            until = Some(deadline);
        }
    }
}

/// The position is not one that Kafka has.
fn is_out_of_range(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation))
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        retire(self.consumer.take());
    }
}

/// Closing a consumer waits for its threads, and the one who drops it may be needed.
fn retire(consumer: Option<StreamConsumer<Quiet>>) {
    if let Some(consumer) = consumer {
        std::thread::spawn(move || drop(consumer));
    }
}
