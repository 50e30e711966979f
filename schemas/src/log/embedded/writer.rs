//! One thread per topic that writes what waits as one transaction.
//!
//! While a commit is on its way to the disk, appends gather in the channel; the next commit takes them all. So a single
//! caller pays one fsync, and many callers share one. The channel is bounded: when the disk is slow, callers wait.

use super::{reader::EmbeddedReader, recent::Recent, store::Store};
use crate::log::{Entry, LogError, NewRecord, Position, Topic, TopicInfo};
use jiff::Timestamp;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Appends that may wait.
const QUEUE: usize = 256;
/// A commit takes no more appends once it holds this many records.
const COMMIT_RECORDS: usize = 8_192;
/// The largest record.
const MAX_RECORD_BYTES: usize = 8 << 20;

enum Job {
    Append(Vec<NewRecord>, oneshot::Sender<Result<Vec<Position>, LogError>>),
    Retain(Timestamp, oneshot::Sender<Result<bool, LogError>>),
}

/// The hand that others hold of a topic's writer thread.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ends: watch::Receiver<Vec<u64>>,
    info: TopicInfo,
    path: PathBuf,
    compacted: bool,
    recent: Arc<Recent>,
}

impl Writer {
    pub(super) fn start(topic: Topic, store: Store) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (ends_out, ends) = watch::channel(store.ends());
        let (info, path, compacted) = (store.info().clone(), store.path().to_owned(), store.is_compacted());
        let recent = Arc::new(Recent::new(info.partitions));
        let work = {
            let recent = Arc::clone(&recent);
            move || work(store, waiting, &ends_out, &recent)
        };
        let thread = std::thread::Builder::new().name(format!("log {topic}")).spawn(work)?;
        let (jobs, thread) = (Mutex::new(Some(jobs)), Mutex::new(Some(thread)));
        Ok(Self { jobs, thread, ends, info, path, compacted, recent })
    }

    pub(super) fn info(&self) -> &TopicInfo {
        &self.info
    }

    pub(super) async fn append(&self, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        for record in &records {
            if record.partition >= self.info.partitions {
                return Err(LogError::Refused(format!(
                    "there is no partition {} (there are {})",
                    record.partition, self.info.partitions
                )));
            }
            if record.value.len() > MAX_RECORD_BYTES {
                return Err(LogError::Refused(format!(
                    "a record of {} bytes; at most {MAX_RECORD_BYTES} are taken",
                    record.value.len()
                )));
            }
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(|reply| Job::Append(records, reply)).await
    }

    pub(super) async fn retain(&self, now: Timestamp) -> Result<bool, LogError> {
        self.ask(|reply| Job::Retain(now, reply)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Job) -> Result<T, LogError> {
        let jobs = lock(&self.jobs).clone().ok_or(LogError::Closed)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(job(reply)).await.map_err(|_| LogError::Closed)?;
        drop(jobs);
        answer.await.map_err(|_| LogError::Closed)?
    }

    pub(super) fn reader(&self, from: Vec<Position>) -> Result<EmbeddedReader, LogError> {
        if let Some(bad) = from.iter().find(|position| position.partition >= self.info.partitions) {
            return Err(LogError::Refused(format!("there is no partition {}", bad.partition)));
        }
        Ok(EmbeddedReader::new(self.path.clone(), from, self.ends.clone(), self.compacted, Arc::clone(&self.recent)))
    }

    pub(super) async fn bounds(&self, partition: u32) -> Result<(u64, u64), LogError> {
        let end = *self
            .ends
            .borrow()
            .get(partition as usize)
            .ok_or_else(|| LogError::Refused(format!("there is no partition {partition}")))?;
        let path = self.path.clone();
        let first = tokio::task::spawn_blocking(move || {
            super::store::open_for_reading(&path).and_then(|connection| super::store::first(&connection, partition))
        })
        .await
        .map_err(|error| LogError::Unavailable(error.to_string()))?
        .map_err(|error| unavailable(&error))?;
        Ok((first.unwrap_or(end), end))
    }

    /// Takes no more, writes what waits and joins the thread.
    pub(super) async fn close(&self) {
        lock(&self.jobs).take();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// A lock whose holder panicked still guards valid data here: each is set in one step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub(super) fn unavailable(error: &rusqlite::Error) -> LogError {
    LogError::Unavailable(error.to_string())
}

fn work(mut store: Store, mut waiting: mpsc::Receiver<Job>, ends: &watch::Sender<Vec<u64>>, recent: &Recent) {
    let mut appends = Vec::new();
    let mut retain = None;
    while let Some(job) = waiting.blocking_recv() {
        let mut records = 0;
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Append(these, reply) => {
                    records += these.len();
                    appends.push((these, reply));
                }
                Job::Retain(now, reply) => retain = Some((now, reply)),
            }
            next = if records < COMMIT_RECORDS && retain.is_none() { waiting.try_recv().ok() } else { None };
        }
        if !appends.is_empty() {
            commit(&mut store, &mut appends, ends, recent);
        }
        if let Some((now, reply)) = retain.take() {
            let outcome = store.retain(now).map_err(|error| unavailable(&error));
            // What was deleted must not be read any more.
            recent.clear();
            // Whoever asked may have gone; then nobody waits for the answer.
            let _ = reply.send(outcome);
        }
    }
}

type Append = (Vec<NewRecord>, oneshot::Sender<Result<Vec<Position>, LogError>>);

fn commit(store: &mut Store, appends: &mut Vec<Append>, ends: &watch::Sender<Vec<u64>>, recent: &Recent) {
    let outcome = store.append(appends.iter().map(|(records, _)| &records[..]), Timestamp::now());
    match outcome {
        Ok(positions) => {
            if !store.is_compacted() {
                let records = appends.iter().flat_map(|(records, _)| records).zip(positions.iter().flatten());
                recent.put(records.map(|(record, at)| (at.partition, entry(store, record, *at))));
            }
            ends.send_replace(store.ends());
            for ((_, reply), positions) in appends.drain(..).zip(positions) {
                let _ = reply.send(Ok(positions));
            }
        }
        Err(error) => {
            tracing::error!(file = %store.path().display(), %error, "the log cannot write; appends are refused until it can");
            // A full disk leaves the connection whole. After anything else a new one is the safer one to go on with.
            if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
                recent.clear();
                if let Err(error) = store.reopen() {
                    tracing::error!(file = %store.path().display(), %error, "the log's file cannot be opened anew");
                }
            }
            for (_, reply) in appends.drain(..) {
                let _ = reply.send(Err(unavailable(&error)));
            }
        }
    }
}

/// A record of the newest commit, as it is read.
fn entry(store: &Store, record: &NewRecord, at: Position) -> Entry {
    Entry {
        offset: at.offset,
        appended_at: store.last_appended(at.partition),
        key: record.key.clone(),
        value: record.value.clone(),
    }
}
