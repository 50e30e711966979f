//! One look at a folder: list, read what is to be read, hand it in, put it away.

use super::{
    Folder,
    away::{self, Refusals},
    listing::{self, Listed, Remembered, Stamp, Step},
    memory::{Memory, print},
    reader::{self, Format, Row, Unfit},
};
use crate::door::{Door, Way};
use schemas::{
    kit::{backoff::Backoff, settings::Done},
    log::LogError,
    records::CrawlOutcome,
};
use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Rows that are handed in at a time.
const BATCH: usize = 500;
/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Files of a folder that are looked at.
const MOST_FILES: usize = 100_000;
/// Troubles that a report tells of.
const MOST_TROUBLES: usize = 3;
/// How long the memory may lie behind what was handed in.
const SAVE_EVERY: Duration = Duration::from_secs(1);
const DOOR_BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// What a look came to.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) files: u32,
    pub(crate) found: u64,
    pub(crate) new: u64,
    /// Files that may still be being written.
    pub(crate) waiting: bool,
    failed: bool,
    layout: bool,
    troubles: Vec<String>,
    more_troubles: usize,
}

impl Seen {
    /// Nothing could be looked at.
    pub(crate) fn failed(reason: String) -> Self {
        Self { failed: true, troubles: vec![reason], ..Self::default() }
    }

    pub(crate) fn outcome(&self) -> CrawlOutcome {
        match (self.failed, self.layout, self.files) {
            (true, ..) => CrawlOutcome::Failed,
            (_, true, _) => CrawlOutcome::LayoutChanged,
            (.., 0) => CrawlOutcome::NotModified,
            _ => CrawlOutcome::Ok,
        }
    }

    pub(crate) fn reason(&self) -> Option<String> {
        let more =
            if self.more_troubles > 0 { format!("; and {} more files", self.more_troubles) } else { String::new() };
        (!self.troubles.is_empty()).then(|| self.troubles.join("; ") + &more)
    }

    fn trouble(&mut self, trouble: String) {
        if self.troubles.len() < MOST_TROUBLES {
            self.troubles.push(trouble);
        } else {
            self.more_troubles += 1;
        }
    }
}

/// A look under way.
pub(crate) struct Look<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) door: &'a Door,
    pub(crate) data_dir: &'a Path,
    pub(crate) memory: &'a mut Memory,
}

/// A file that is open, and as it stood then.
struct Opened {
    file: File,
    stamp: Stamp,
    print: u64,
}

impl Look<'_> {
    /// Looks.
    ///
    /// # Errors
    /// When the log will never take anything again.
    pub(crate) async fn run(mut self) -> Result<Seen, LogError> {
        let mut seen = Seen::default();
        let path = self.folder.path.clone();
        let listed = match blocking(move || list(&path)).await {
            Ok(listed) => listed,
            Err(error) => {
                seen.failed = true;
                seen.trouble(format!("{}: {error}", self.folder.path.display()));
                return Ok(seen);
            }
        };
        if listed.len() == MOST_FILES {
            seen.trouble(format!("more than {MOST_FILES} entries: only so many are looked at, move what is done away"));
        }
        for entry in &listed {
            self.entry(entry, &mut seen).await?;
        }
        let now: BTreeMap<String, Stamp> =
            listed.into_iter().filter_map(|entry| Some((entry.name, entry.stamp?))).collect();
        let known = self.memory.files.len();
        self.memory.files.retain(|name, _| now.contains_key(name));
        self.memory.before = now;
        if self.memory.files.len() != known {
            self.save();
        }
        Ok(seen)
    }

    async fn entry(&mut self, entry: &Listed, seen: &mut Seen) -> Result<(), LogError> {
        let name = entry.name.as_str();
        let (remembered, before) = (self.memory.files.get(name), self.memory.before.get(name).copied());
        match listing::step(entry, self.folder.pattern.as_ref(), remembered, before, self.folder.reading_print) {
            Step::PassOver => {}
            Step::Refuse => seen.trouble(format!("{name}: is a link or no file: hand the file itself in")),
            Step::Wait => seen.waiting = true,
            Step::Done => {
                if self.folder.done == Done::Move {
                    let refused = remembered.is_some_and(|known| known.refused);
                    self.put_away(name, refused, None, seen).await;
                }
            }
            Step::Read(from) => {
                let path = self.folder.path.join(name);
                match blocking(move || open(&path)).await {
                    Ok(opened) => self.file(name, opened, from, seen).await?,
                    Err(error) => {
                        seen.failed = true;
                        seen.trouble(format!("{name}: {error}"));
                    }
                }
            }
        }
        Ok(())
    }

    async fn file(&mut self, name: &str, opened: Opened, from: u64, seen: &mut Seen) -> Result<(), LogError> {
        let Opened { file, stamp, print } = opened;
        let reading_print = self.folder.reading_print;
        let mut known = Remembered { stamp, print, reading: reading_print, rows: from, done: false, refused: false };
        if let Some(before) =
            self.memory.files.get(name).filter(|before| before.print == print && before.reading == reading_print)
        {
            // It was touched, and is what it was.
            known = Remembered { stamp, ..before.clone() };
        }
        let (sender, mut batches) = mpsc::channel(AHEAD);
        let (format, reading, skip) = (Format::of(name), self.folder.reading.clone(), known.rows);
        let Some(format) = format.filter(|_| !known.done) else {
            self.memory.files.insert(name.to_owned(), known);
            return Ok(());
        };
        let read = tokio::task::spawn_blocking(move || batched(file, format, &reading, skip, &sender));
        let (mut refusals, mut taken, mut saved) = (Refusals::default(), 0, Instant::now());
        while let Some(rows) = batches.recv().await {
            let last = rows.last().map_or(known.rows, |row| row.number);
            seen.found += rows.len() as u64;
            let (accepted, known_already) = self.hand_in(rows, &mut refusals).await?;
            seen.new += accepted;
            taken += accepted + known_already;
            known.rows = last;
            known.refused |= !refusals.is_none();
            self.memory.files.insert(name.to_owned(), known.clone());
            if saved.elapsed() >= SAVE_EVERY {
                self.save();
                saved = Instant::now();
            }
        }
        match read.await {
            Ok(Ok(())) => {}
            Ok(Err(unfit)) => {
                seen.layout |= matches!(unfit, Unfit::Layout(_));
                refusals.unfit = Some(unfit.to_string());
            }
            Err(_) => refusals.unfit = Some("a fault in this program, it is in the log: please report it".into()),
        }
        seen.files += 1;
        known.done = true;
        known.refused |= !refusals.is_none();
        let (failed, report) = (known.refused, refusals.full(name, taken));
        if !refusals.is_none() {
            seen.trouble(format!("{name}: {}", refusals.short()));
        }
        tracing::info!(source = %self.folder.id, file = name, taken, refused = refusals.count, "a file was read");
        self.memory.files.insert(name.to_owned(), known);
        self.save();
        let is_as_it_was = fs::symlink_metadata(self.folder.path.join(name)).is_ok_and(|now| stamp_of(&now) == stamp);
        if self.folder.done == Done::Move && is_as_it_was {
            self.put_away(name, failed, Some(report), seen).await;
        }
        Ok(())
    }

    /// Hands rows in, waiting for as long as the log cannot take them. Returns how many are new, and how many were known.
    async fn hand_in(&self, rows: Vec<Row>, refusals: &mut Refusals) -> Result<(u64, u64), LogError> {
        let (mut lines, mut posts, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match row.found {
                Ok(post) => {
                    lines.push(row.line);
                    posts.push(post);
                }
                Err(reject) => {
                    refusals.row(row.line, reject.reason.clone());
                    rejects.push(reject);
                }
            }
        }
        for failures in 1.. {
            match self.door.take_found(&self.folder.id, Way::File, posts.clone(), rejects.clone()).await {
                Ok(outcome) => {
                    for refused in outcome.refused {
                        let line = lines.get(refused.line as usize - 1).copied().unwrap_or_default();
                        refusals.row(line, refused.reason);
                    }
                    return Ok((outcome.accepted, outcome.duplicate));
                }
                Err(LogError::Unavailable(error)) => {
                    tracing::warn!(source = %self.folder.id, %error, failures, "the log does not take a file: waiting");
                    tokio::time::sleep(DOOR_BACKOFF.wait(failures, rand::random())).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((0, 0))
    }

    async fn put_away(&mut self, name: &str, failed: bool, report: Option<String>, seen: &mut Seen) {
        let (folder, file) = (self.folder.path.clone(), name.to_owned());
        match blocking(move || away::put(&folder, &file, failed, report.as_deref())).await {
            Ok(to) => tracing::info!(source = %self.folder.id, to = %to.display(), "a file was put away"),
            Err(error) => {
                seen.failed = true;
                seen.trouble(format!("{name}: was read, and cannot be moved: {error}"));
            }
        }
    }

    fn save(&self) {
        if let Err(error) = self.memory.save(self.data_dir, &self.folder.id) {
            tracing::warn!(source = %self.folder.id, %error, "the memory of the files cannot be kept: after a restart some are read again");
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Reads a file and sends its rows in batches.
fn batched(
    file: File,
    format: Format,
    reading: &reader::Reading,
    skip: u64,
    sender: &mpsc::Sender<Vec<Row>>,
) -> Result<(), Unfit> {
    let mut batch = Vec::new();
    let outcome = reader::read(file, format, reading, skip, &mut |row| {
        batch.push(row);
        batch.len() < BATCH || sender.blocking_send(std::mem::take(&mut batch)).is_ok()
    });
    if !batch.is_empty() && outcome != Err(Unfit::Stopped) {
        // Nobody waits for them any more: the next look reads them again.
        let _ = sender.blocking_send(batch);
    }
    outcome
}

/// The entries of a folder, by name.
fn list(folder: &Path) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder)?.take(MOST_FILES) {
        let entry = entry?;
        // A name that is no text is of no kind that is read.
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Not what a link leads to. A file that has gone meanwhile is none.
        let Ok(metadata) = fs::symlink_metadata(entry.path()) else { continue };
        listed.push(Listed { name, stamp: metadata.is_file().then(|| stamp_of(&metadata)) });
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    let written = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Stamp { size: metadata.len(), written }
}

/// Opens a file, and makes sure that it is the one that lies in the folder.
fn open(path: &Path) -> io::Result<Opened> {
    let listed = fs::symlink_metadata(path)?;
    if !listed.is_file() {
        return Err(io::Error::other("is no file any more"));
    }
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if (metadata.dev(), metadata.ino()) != (listed.dev(), listed.ino()) {
        return Err(io::Error::other("was exchanged while it was opened"));
    }
    let stamp = stamp_of(&metadata);
    let print = print(&mut file, stamp.size)?;
    Ok(Opened { file, stamp, print })
}
