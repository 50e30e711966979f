//! The door: the one way by which posts come in, whether pushed, imported or crawled.
//!
//! Lines are read and judged ([`mod@line`]), what was seen before is spared ([`crate::store`]), the rest is appended to
//! `posts.raw` and only then counted as accepted and remembered. One bad line never costs the good ones beside it. When the
//! log cannot take posts the door says so ([`LogError`]); nothing is remembered, and handing in again is safe: `posts.raw`
//! is at-least-once.

mod gone;
pub(crate) mod http;
pub(crate) mod line;
mod reject;
mod tally;
mod voice;

pub use gone::Gone;
pub(crate) use line::admit;
pub(crate) use reject::Rejectable;
pub use tally::{Accepted, MAX_LISTED, Refused};
pub(crate) use tally::{Pushed, Way};

use crate::{
    privacy::AuthorKey,
    seen::Fingerprint,
    store::{self, Seen, Store},
    tail::{Follow, Tail},
};
use anyhow::Context;
use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    kit::settings::Settings,
    log::{Batch, LogError, NewRecord, SharedLog, Topic, partition_of},
    records::{DoorPost, RawPost, RawRecord, Record, Via},
};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use voice::{Voice, Voices};

/// Lines that are read, and records that are appended, at a time.
const CHUNK_LINES: usize = 2_000;
/// Bytes that are read at a time, whatever the number of lines.
const CHUNK_BYTES: usize = 2 << 20;
/// Records of `posts.raw` that a memory begins with: the last ones.
const CATCH_UP: u64 = 400_000;

/// The door. Cheap to clone; clones share one memory.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    log: SharedLog,
    partitions: u32,
    key: AuthorKey,
    store: Store,
    voices: Voices,
    pushed: Mutex<Pushed>,
    /// What comes after that which was read back, and up to where each partition was.
    follow: Mutex<Option<(Follow, Vec<u64>)>>,
}

/// All that is read of a post to know who handed it in: a few per cent of the work of reading it whole.
#[derive(Deserialize)]
struct Origin<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    via: Via,
}

/// What a chunk of posts comes to before it is appended.
#[derive(Default)]
struct Sorted {
    records: Vec<NewRecord>,
    marks: Vec<Fingerprint>,
    outcome: Accepted,
}

impl Door {
    /// Opens the door to a log: loads the key that pseudonymises authors, opens what is remembered, and reads back from
    /// `posts.raw` what is not. When another process has the memory of the data folder, this door's ends with it.
    ///
    /// # Errors
    /// When the key or the log cannot be read, or the data folder cannot be used.
    pub async fn open(settings: &Settings, log: SharedLog) -> anyhow::Result<Self> {
        let key = AuthorKey::load(settings)?;
        let info = log.describe(Topic::PostsRaw).await.context("posts.raw")?;
        let mut ends = Vec::new();
        for partition in 0..info.partitions {
            ends.push(log.bounds(Topic::PostsRaw, partition).await.context("posts.raw")?.1);
        }
        let (data_dir, seen_ids) = (settings.data_dir.clone(), settings.crawl.seen_ids);
        let open = move || Store::open(&data_dir, store::Found { identity: &info.identity, ends: &ends }, seen_ids);
        let store = tokio::task::spawn_blocking(open).await??;
        let door = Self(Arc::new(Inner {
            log,
            partitions: info.partitions,
            key,
            store,
            voices: Voices::new(settings),
            pushed: Mutex::new(Pushed::default()),
            follow: Mutex::new(None),
        }));
        door.catch_up().await.context("reading back the tail of posts.raw")?;
        Ok(door)
    }

    /// Takes lines, one JSON object each. They are durable when this returns.
    ///
    /// # Errors
    /// When the log cannot take them. Some may have been taken: handing all in again is safe.
    pub async fn take_lines(&self, lines: Bytes, via: Via) -> Result<Accepted, LogError> {
        let way = Way::from(via);
        let mut outcome = Accepted::default();
        let mut rest = lines;
        while !rest.is_empty() {
            let (chunk, count) = first_lines(&mut rest);
            let (door, first) = (self.clone(), outcome.lines + 1);
            let now = Timestamp::now();
            let sort = move || {
                let lines = (first..).zip(chunk.split(|&byte| byte == b'\n'));
                let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
                door.sort(filled.map(|(number, line)| (number, line::read(without_bom(number, line)))), way, now)
            };
            outcome.add(self.append(blocking(sort).await?, way).await?);
            outcome.lines += count;
        }
        Ok(outcome)
    }

    /// Takes posts that are no lines, such as crawled ones. Refused ones are numbered from 1.
    ///
    /// # Errors
    /// As [`Self::take_lines`].
    pub async fn take_posts(&self, posts: Vec<DoorPost>, via: Via) -> Result<Accepted, LogError> {
        self.take(posts, via.into()).await
    }

    async fn take(&self, posts: Vec<DoorPost>, way: Way) -> Result<Accepted, LogError> {
        let count = posts.len() as u64;
        let (door, now) = (self.clone(), Timestamp::now());
        let sorted = blocking(move || door.sort((1..).zip(posts.into_iter().map(Ok)), way, now)).await?;
        let mut outcome = self.append(sorted, way).await?;
        outcome.lines = count;
        Ok(outcome)
    }

    /// Takes what a visit has found: posts, and what could not become one. What is refused goes to `posts.rejected` too.
    ///
    /// # Errors
    /// As [`Self::take_lines`].
    pub(crate) async fn take_crawled(
        &self,
        source: &str,
        posts: Vec<DoorPost>,
        rejects: Vec<Rejectable>,
    ) -> Result<Accepted, LogError> {
        self.take_found(source, Way::Crawl, posts, rejects).await
    }

    /// Takes what a source of the config has brought, as [`Self::take_crawled`] does.
    ///
    /// # Errors
    /// As [`Self::take_lines`].
    pub(crate) async fn take_found(
        &self,
        source: &str,
        way: Way,
        posts: Vec<DoorPost>,
        mut rejects: Vec<Rejectable>,
    ) -> Result<Accepted, LogError> {
        let outcome = self.take(posts.clone(), way).await?;
        for refused in &outcome.refused {
            if let Some(post) = posts.get(refused.line as usize - 1) {
                rejects.push(Rejectable::new(&refused.reason, post));
            }
        }
        self.set_aside(source, rejects).await?;
        Ok(outcome)
    }

    /// Appends to `posts.rejected` what was not set aside before.
    async fn set_aside(&self, source: &str, rejects: Vec<Rejectable>) -> Result<(), LogError> {
        if rejects.is_empty() {
            return Ok(());
        }
        let (door, source) = (self.clone(), source.to_owned());
        let new = move || {
            let now = Timestamp::now();
            let hashing = door.seen().hashing();
            let prints: Vec<_> = rejects.iter().map(|reject| hashing.rejected(&source, &reject.bytes)).collect();
            let known = door.seen().knows(&prints);
            let new = rejects.into_iter().zip(prints).zip(known).filter(|(_, known)| !known);
            let record =
                |reject: Rejectable| NewRecord { partition: 0, key: None, value: reject.record(&source, now).encode() };
            new.map(|((reject, print), _)| (record(reject), print)).unzip::<_, _, Vec<_>, Vec<_>>()
        };
        let (records, marks) = blocking(new).await?;
        if !records.is_empty() {
            self.0.log.append(Topic::PostsRejected, records).await?;
            self.seen().mark(&marks);
        }
        Ok(())
    }

    /// What came in through the doors of programs, by source.
    pub(crate) fn pushed(&self) -> MutexGuard<'_, Pushed> {
        self.0.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What ingest remembers.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    fn seen(&self) -> &Seen {
        self.0.store.seen()
    }

    /// Judges posts: which to append, which are known, which are refused. Blocks.
    fn sort(&self, posts: impl Iterator<Item = (u64, Result<DoorPost, String>)>, way: Way, now: Timestamp) -> Sorted {
        let mut sorted = Sorted::default();
        let hashing = self.seen().hashing();
        let (mut admitted, mut prints) = (Vec::new(), Vec::new());
        for (number, post) in posts {
            match post.and_then(|post| self.admit(post, way, now)) {
                Ok(post) => {
                    prints.push(hashing.fingerprint(&post));
                    admitted.push((number, post));
                }
                Err(reason) => sorted.outcome.refuse(number, reason),
            }
        }
        let known = self.seen().knows(&prints);
        // The last state of each post within the chunk; states in between are appended too.
        let mut within: HashMap<u64, Fingerprint> = HashMap::new();
        for (((number, post), print), known) in admitted.into_iter().zip(prints).zip(known) {
            let known = within.insert(print.id, print).map_or(known, |last| last == print);
            if known {
                sorted.outcome.duplicate += 1;
                continue;
            }
            sorted.outcome.accepted += 1;
            if way == Way::Crawl {
                sorted.outcome.taken.push(number);
            }
            sorted.marks.push(print);
            sorted.records.push(self.record(&post));
        }
        sorted
    }

    fn admit(&self, post: DoorPost, way: Way, now: Timestamp) -> Result<RawPost, String> {
        let voice = if way.is_of_config() { self.0.voices.of(&post) } else { Voice::default() };
        let admitted = line::admit(post, way.via(), now, &self.0.key)?;
        Ok(RawPost { official: voice.official, addressed_to: voice.addressed_to, ..admitted })
    }

    fn record(&self, post: &RawPost) -> NewRecord {
        NewRecord { partition: partition_of(&post.id, self.0.partitions), key: None, value: post.encode() }
    }

    /// Appends; once it is durable, remembers and counts.
    async fn append(&self, sorted: Sorted, way: Way) -> Result<Accepted, LogError> {
        let Sorted { records, marks, outcome } = sorted;
        if !records.is_empty() {
            let positions = self.0.log.append(Topic::PostsRaw, records).await?;
            self.seen().mark_appended(&marks, &positions);
        }
        outcome.count(way);
        Ok(outcome)
    }

    /// Reads back what is in `posts.raw` and not remembered; and, for what programs have handed in lately, some more.
    async fn catch_up(&self) -> Result<(), LogError> {
        let most = CATCH_UP / u64::from(self.0.partitions);
        let positions = self.seen().positions();
        let all = positions.as_deref().unwrap_or_default();
        let mut tail = Tail::open_at(&self.0.log, Topic::PostsRaw, most, all).await?;
        let mut read = tail.begins().to_vec();
        if positions.is_none() {
            self.seen().begin_at(&read);
        }
        while let Some(batch) = tail.next().await? {
            let Some(from) = read.get_mut(batch.partition as usize) else { continue };
            let (door, from) = (self.clone(), std::mem::replace(from, batch.next));
            blocking(move || door.take_back(&batch, from)).await?;
        }
        *self.lock_follow() = Some((tail.follow(), read));
        Ok(())
    }

    /// Reads what comes in here or at the doors of other workers, until the log is closed.
    pub(crate) async fn follow(&self) {
        let Some((mut follow, mut read)) = self.lock_follow().take() else { return };
        while let Some(batch) = follow.next().await {
            let Some(from) = read.get_mut(batch.partition as usize) else { continue };
            let from = std::mem::replace(from, batch.next);
            self.take_back(&batch, from);
        }
    }

    /// Takes note of what was read in `posts.raw` from an offset on: remembers the posts that are not this door's own, and
    /// counts what programs have handed in. What cannot be read is analyze's to set aside.
    fn take_back(&self, batch: &Batch, from: u64) {
        if !self.seen().covers(batch.partition, from..batch.next) {
            let hashing = self.seen().hashing();
            // What cannot be read is analyze's to set aside.
            let records = batch.entries.iter().filter_map(|entry| RawRecord::decode(&entry.value).ok());
            let print = |record| match record {
                RawRecord::Post(post) => hashing.fingerprint(&post),
                RawRecord::Gone(gone) => hashing.gone(&gone.id),
            };
            let prints: Vec<_> = records.map(print).collect();
            self.seen().mark_read(&prints, batch.partition, from..batch.next);
        }
        let mut pushed = self.pushed();
        for entry in &batch.entries {
            if let Ok(post) = serde_json::from_slice::<Origin<'_>>(&entry.value)
                && post.via != Via::Crawl
            {
                pushed.take(&post.source, 1, entry.appended_at);
            }
        }
    }

    fn lock_follow(&self) -> MutexGuard<'_, Option<(Follow, Vec<u64>)>> {
        self.0.follow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what may take its time on a thread for that.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LogError::Unavailable(error.to_string()))
}

/// Takes whole lines from the front, up to a chunk's worth of them, and counts them.
fn first_lines(rest: &mut Bytes) -> (Bytes, u64) {
    let mut count = 0;
    for (at, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        count += 1;
        if count == CHUNK_LINES || at >= CHUNK_BYTES {
            return (rest.split_to(at + 1), count as u64);
        }
    }
    // What is left, and after its last break perhaps a line that has none.
    let unended = u64::from(rest.last().is_some_and(|&byte| byte != b'\n'));
    (std::mem::take(rest), count as u64 + unended)
}

/// Some programs begin a file with a byte-order mark.
fn without_bom(number: u64, line: &[u8]) -> &[u8] {
    if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_with_lines_and_lose_none() {
        let text: String = (0..CHUNK_LINES * 2 + 1).map(|n| format!("{n}\n")).collect::<String>() + "last";
        let mut rest = Bytes::from(text.clone());
        let mut chunks = Vec::new();
        let mut lines = 0;
        while !rest.is_empty() {
            let (chunk, count) = first_lines(&mut rest);
            lines += count;
            chunks.push(chunk);
        }
        assert_eq!(chunks.concat(), text.as_bytes());
        assert_eq!(lines, CHUNK_LINES as u64 * 2 + 2);
        assert!(chunks[0].ends_with(b"\n") && chunks.len() == 3);
    }
}
