//! The door: the one way by which posts come in, whether pushed, imported or crawled.
//!
//! Lines are read and judged ([`mod@line`]), what was seen before is spared ([`crate::seen`]), the rest is appended to
//! `posts.raw` and only then counted as accepted and remembered. One bad line never costs the good ones beside it. When the
//! log cannot take posts the door says so ([`LogError`]); nothing is remembered, and handing in again is safe: `posts.raw`
//! is at-least-once.

mod gone;
pub(crate) mod http;
mod line;
mod reject;
mod tally;

pub use gone::Gone;
pub(crate) use reject::Rejectable;
pub(crate) use tally::Pushed;
pub use tally::{Accepted, MAX_LISTED, Refused};

use crate::{
    privacy::AuthorKey,
    seen::{Fingerprint, Hashing, Seen},
    tail::{self, Follow},
};
use anyhow::Context;
use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    kit::settings::Settings,
    log::{LogError, NewRecord, SharedLog, Topic, partition_of},
    records::{DoorPost, RawPost, Record, Via},
};
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lines that are read, and records that are appended, at a time.
const CHUNK_LINES: usize = 2_000;
/// Bytes that are read at a time, whatever the number of lines.
const CHUNK_BYTES: usize = 2 << 20;
/// Up to this many bytes are read on the async runtime itself; more goes to a thread that may block.
const INLINE_BYTES: usize = 32 << 10;
/// Records of `posts.raw` that are read back on start, to remember what was seen before.
const CATCH_UP: u64 = 400_000;

/// The door. Cheap to clone; clones share one memory.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    log: SharedLog,
    partitions: u32,
    key: AuthorKey,
    hashing: Hashing,
    seen: Mutex<Seen>,
    pushed: Mutex<Pushed>,
    /// What comes after that which was read back.
    follow: Mutex<Option<Follow>>,
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
    /// Opens the door to a log: loads the key that pseudonymises authors, and reads the tail of `posts.raw` back into
    /// memory.
    ///
    /// # Errors
    /// When the key or the log cannot be read.
    pub async fn open(settings: &Settings, log: SharedLog) -> anyhow::Result<Self> {
        let key = AuthorKey::load(settings)?;
        let partitions = log.describe(Topic::PostsRaw).await.context("posts.raw")?.partitions;
        let door = Self(Arc::new(Inner {
            log,
            partitions,
            key,
            hashing: Hashing::new(),
            seen: Mutex::new(Seen::new()),
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
        let mut outcome = Accepted::default();
        let inline = lines.len() <= INLINE_BYTES;
        let mut rest = lines;
        while !rest.is_empty() {
            let (chunk, count) = first_lines(&mut rest);
            let (door, first) = (self.clone(), outcome.lines + 1);
            let now = Timestamp::now();
            let sort = move || {
                let lines = (first..).zip(chunk.split(|&byte| byte == b'\n'));
                let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
                door.sort(filled.map(|(number, line)| (number, line::read(without_bom(number, line)))), via, now)
            };
            let sorted = if inline {
                sort()
            } else {
                tokio::task::spawn_blocking(sort).await.map_err(|error| LogError::Unavailable(error.to_string()))?
            };
            outcome.add(self.append(sorted, via).await?);
            outcome.lines += count;
        }
        Ok(outcome)
    }

    /// Takes posts that are no lines, such as crawled ones. Refused ones are numbered from 1.
    ///
    /// # Errors
    /// As [`Self::take_lines`].
    pub async fn take_posts(&self, posts: Vec<DoorPost>, via: Via) -> Result<Accepted, LogError> {
        let count = posts.len() as u64;
        let sorted = self.sort((1..).zip(posts.into_iter().map(Ok)), via, Timestamp::now());
        let mut outcome = self.append(sorted, via).await?;
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
        mut rejects: Vec<Rejectable>,
    ) -> Result<Accepted, LogError> {
        let outcome = self.take_posts(posts.clone(), Via::Crawl).await?;
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
        let now = Timestamp::now();
        let (mut records, mut marks) = (Vec::new(), Vec::new());
        for reject in rejects {
            let print = self.0.hashing.rejected(source, &reject.bytes);
            if self.seen().knows(print) {
                continue;
            }
            marks.push(print);
            records.push(NewRecord { partition: 0, key: None, value: reject.record(source, now).encode() });
        }
        if records.is_empty() {
            return Ok(());
        }
        self.0.log.append(Topic::PostsRejected, records).await?;
        let mut seen = self.seen();
        for mark in marks {
            seen.mark(mark);
        }
        Ok(())
    }

    /// What came in through the doors of programs, by source.
    pub(crate) fn pushed(&self) -> MutexGuard<'_, Pushed> {
        self.0.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges posts: which to append, which are known, which are refused.
    fn sort(&self, posts: impl Iterator<Item = (u64, Result<DoorPost, String>)>, via: Via, now: Timestamp) -> Sorted {
        let mut sorted = Sorted::default();
        let mut admitted = Vec::new();
        for (number, post) in posts {
            match post.and_then(|post| line::admit(post, via, now, &self.0.key)) {
                Ok(post) => admitted.push((number, self.0.hashing.fingerprint(&post), post)),
                Err(reason) => sorted.outcome.refuse(number, reason),
            }
        }
        // The last state of each post within the chunk; states in between are appended too.
        let mut within: HashMap<u64, Fingerprint> = HashMap::new();
        let mut known: HashSet<usize> = HashSet::new();
        {
            let mut seen = self.seen();
            for (index, (_, print, _)) in admitted.iter().enumerate() {
                let is_known = match within.get(&print.id()) {
                    Some(last) => last == print,
                    None => seen.knows(*print),
                };
                if is_known {
                    known.insert(index);
                }
                within.insert(print.id(), *print);
            }
        }
        for (index, (number, print, post)) in admitted.into_iter().enumerate() {
            if known.contains(&index) {
                sorted.outcome.duplicate += 1;
                continue;
            }
            sorted.outcome.accepted += 1;
            if via == Via::Crawl {
                sorted.outcome.taken.push(number);
            }
            sorted.marks.push(print);
            sorted.records.push(self.record(&post));
        }
        sorted
    }

    fn record(&self, post: &RawPost) -> NewRecord {
        NewRecord { partition: partition_of(&post.id, self.0.partitions), key: None, value: post.encode() }
    }

    /// Appends; once it is durable, remembers and counts.
    async fn append(&self, sorted: Sorted, via: Via) -> Result<Accepted, LogError> {
        let Sorted { records, marks, outcome } = sorted;
        if !records.is_empty() {
            self.0.log.append(Topic::PostsRaw, records).await?;
        }
        {
            let mut seen = self.seen();
            for mark in marks {
                seen.mark(mark);
            }
        }
        outcome.count(via);
        Ok(outcome)
    }

    async fn catch_up(&self) -> Result<(), LogError> {
        let mut reader =
            tail::Tail::open(&self.0.log, Topic::PostsRaw, CATCH_UP / u64::from(self.0.partitions)).await?;
        while let Some(entries) = reader.next().await? {
            let door = self.clone();
            let remember = move || {
                // What cannot be read is analyze's to set aside.
                let posts: Vec<_> = entries
                    .iter()
                    .filter_map(|entry| Some((entry.appended_at, RawPost::decode(&entry.value).ok()?)))
                    .collect();
                let (mut seen, mut pushed) = (door.seen(), door.pushed());
                for (at, post) in posts {
                    seen.mark(door.0.hashing.fingerprint(&post));
                    if post.via != Via::Crawl {
                        pushed.take(&post.source, 1, at);
                    }
                }
            };
            tokio::task::spawn_blocking(remember).await.map_err(|error| LogError::Unavailable(error.to_string()))?;
        }
        *self.0.follow.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader.follow());
        Ok(())
    }

    /// Counts what programs hand in, here or at the doors of other workers, until the log is closed.
    pub(crate) async fn follow(&self) {
        let Some(mut follow) = self.0.follow.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        while let Some(batch) = follow.next().await {
            let mut pushed = self.pushed();
            for entry in &batch.entries {
                // What cannot be read is analyze's to set aside.
                if let Ok(post) = serde_json::from_slice::<Origin<'_>>(&entry.value)
                    && post.via != Via::Crawl
                {
                    pushed.take(&post.source, 1, entry.appended_at);
                }
            }
        }
    }
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
