//! The writing side of the archive: verdicts, documents, commits. One thread owns it.
//!
//! A post is judged ([`ArchiveWriter::judge`]) against what is committed and what is pending since the last commit, then
//! goes to posts.analyzed, and only when that has acknowledged it is added ([`ArchiveWriter::add`]) and in time committed
//! ([`ArchiveWriter::commit`]). What a commit covers, and what happens when it is cut short, is told in
//! [`coverage`](super::coverage).
//!
//! A correction ([`ArchiveWriter::correct`]) makes the document of a stored post anew, in its month, and moves no position: the post
//! keeps the place in the log that it came from.
//!
//! At most [`OPEN_MONTHS`] months have a tantivy writer. It lives long: one that is dropped after each commit kills its
//! own merges. When all are taken by months with something to commit, posts of further months are parked in memory and
//! written at the next commit, month after month; so a bulk of posts from many months costs one opening of each month per
//! commit. A writer that must give way is closed beside the stream, when its merges have ended.
//!
//! After an error the writer is of no more use: drop it and open another, which takes up from what was committed.

use super::{
    Archive,
    coverage::Coverage,
    dates::Month,
    month::MonthIndex,
    payload::{Built, Payload},
    reindex::{Rebuild, corrected_again, understood_again},
    schema::{self, Document, FIELDS},
    seen::Seen,
    verdict::{self, Judgement, Known},
};
use anyhow::Context;
use jiff::Timestamp;
use schemas::{
    kit::{fs::write_atomically, metrics},
    log::{Position, TopicInfo},
    records::{AnalyzedPost, Gone, Verdict},
};
use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};
use tantivy::{
    Index, IndexWriter, Term,
    indexer::{IndexWriterOptions, LogMergePolicy},
};

/// Months that have a writer at a time.
pub const OPEN_MONTHS: usize = 3;
/// tantivy's limits of a writer's memory.
const WRITER_BYTES: std::ops::RangeInclusive<usize> = 15_000_000..=4_000_000_000;
/// A segment of more documents is not merged again: no merge lasts long.
const LARGEST_MERGE: usize = 2_000_000;
/// The share of deleted documents (of revised posts) from which a segment is rewritten.
const DELETED_SHARE: f32 = 0.3;

/// The file that holds the archive's position.
pub(super) const POSITION: &str = "position.json";

/// See the module.
pub struct ArchiveWriter {
    pub(super) archive: Arc<Archive>,
    pub(super) writer_bytes: usize,
    pub(super) months: BTreeMap<Month, Slot>,
    // Since the last commit.
    pending: HashMap<Box<str>, Known>,
    added: usize,
    added_bytes: usize,
    // All before it is added; what the position file says.
    done: Coverage,
    written: Option<Coverage>,
    clock: u64,
    oldest: Option<Month>,
    pub(super) rebuild: Option<Rebuild>,
    pub(super) rebuild_after: Option<Instant>,
    pub(super) rebuild_failed: Option<anyhow::Error>,
    #[cfg(test)]
    pub(crate) fuse: Option<u32>,
}

pub(super) struct Slot {
    pub(super) index: Arc<MonthIndex>,
    seen: Seen,
    pub(super) covered: Coverage,
    pub(super) built: Built,
    pub(super) writer: Option<IndexWriter>,
    parked: Vec<Change>,
    dirty: bool,
    used: u64,
}

/// What becomes of a mark that a post is gone.
pub enum Mark {
    /// Its effect is committed already, from a life that ended in a crash.
    Committed,
    /// Nobody knows the post.
    Unknown,
    /// It is gone already, or was there again later.
    Duplicate,
    /// The post that is stored cannot be understood again, for the reason given; it stays as it is.
    Unreadable(String),
    /// It is gone from now on.
    Gone(Box<Marked>),
}

/// A post that is gone, as it is to be stored.
pub struct Marked {
    /// Hash of its id.
    pub id_hash: u64,
    /// The verdict.
    pub judgement: Judgement,
    /// The post with its text, and since when it is gone.
    pub post: AnalyzedPost,
    /// Its document.
    pub document: Document,
    /// Bytes of text in it, about.
    pub bytes: usize,
}

enum Change {
    Add(Document),
    Replace(Term, Document),
}

impl ArchiveWriter {
    /// Opens the writing side, for posts of the log that `info` describes.
    ///
    /// # Errors
    /// When the archive was built from another log, or cannot be read.
    pub fn open(archive: Arc<Archive>, info: &TopicInfo, writer_bytes: usize) -> anyhow::Result<Self> {
        let path = archive.folder().join(POSITION);
        let context = || format!("the archive's position in {}", path.display());
        let written = match std::fs::read_to_string(&path) {
            Ok(text) => Some(Coverage::decode(&text).with_context(context)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(context),
        };
        let done = Coverage::of(written.clone(), info).with_context(context)?;
        let mut months = BTreeMap::new();
        for index in archive.months() {
            index.reload()?;
            months.insert(index.month, Slot::open(index, info)?);
        }
        let opened = Self {
            archive,
            writer_bytes: writer_bytes.clamp(*WRITER_BYTES.start(), *WRITER_BYTES.end()),
            months,
            pending: HashMap::new(),
            added: 0,
            added_bytes: 0,
            done,
            written,
            clock: 0,
            oldest: None,
            rebuild: None,
            rebuild_after: None,
            rebuild_failed: None,
            #[cfg(test)]
            fuse: None,
        };
        let outdated = opened.show_outdated();
        if outdated > 0 {
            tracing::warn!(
                months = outdated,
                "months of the archive were built by another version's dictionary or model: `wanglou reindex` builds them anew"
            );
        }
        Ok(opened)
    }

    /// Where reading begins.
    #[must_use]
    pub fn resume(&self) -> Vec<Position> {
        self.done.resume()
    }

    /// Posts and bytes of text added since the last commit.
    #[must_use]
    pub fn uncommitted(&self) -> (usize, usize) {
        (self.added, self.added_bytes)
    }

    /// Whether a commit would change anything.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.written.as_ref() != Some(&self.done) || self.months.values().any(|slot| slot.dirty)
    }

    /// Decides what a post is, given what came. `None`: there is nothing to do. Its effect is committed already, from a life that
    /// ended in a crash; or it is of a month that is no longer kept.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn judge(&mut self, at: Position, id: &str, id_hash: u64, came: Known) -> anyhow::Result<Option<Judgement>> {
        let known = match self.pending.get(id) {
            Some(known) => Some(*known),
            None => self.find(id, id_hash)?,
        };
        let covers = |known: &Known| self.months.get(&known.month).is_some_and(|slot| slot.covered.covers(at));
        if known.as_ref().is_some_and(covers) {
            return Ok(None);
        }
        let judgement = verdict::judge(known, came);
        if self.oldest.is_some_and(|oldest| judgement.now.month < oldest) {
            metrics::ANALYZE_POSTS.with_label_values(&["expired"]).inc();
            return Ok(None);
        }
        if judgement.verdict != Verdict::Duplicate {
            self.slot(judgement.now.month)?;
            self.pending.insert(id.into(), judgement.now);
        }
        Ok(Some(judgement))
    }

    /// Whether what is known of a post is not committed yet.
    #[must_use]
    pub fn is_pending(&self, id: &str) -> bool {
        self.pending.contains_key(id)
    }

    /// Decides what a mark does to its post, which must not be pending.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn judge_gone(&mut self, at: Position, gone: &Gone) -> anyhow::Result<Mark> {
        let id_hash = verdict::id_hash(&gone.id);
        let mut months = self.months.values().rev().filter(|slot| slot.seen.may_hold(id_hash));
        let stored = months.find_map(|slot| {
            let stored = slot.index.stored(&gone.id).transpose()?;
            Some(stored.map(|stored| (slot.covered.covers(at), stored)))
        });
        let Some((is_covered, (known, mut post))) = stored.transpose()? else { return Ok(Mark::Unknown) };
        if is_covered {
            return Ok(Mark::Committed);
        }
        let judgement = verdict::judge_gone(known, post.fetched_at, gone.gone_at);
        if judgement.verdict == Verdict::Duplicate {
            return Ok(Mark::Duplicate);
        }
        // The place in the log that it now comes from, as a revision has it: building the month anew tells by it what came meanwhile.
        (post.raw, post.gone_at) = (at, Some(gone.gone_at));
        let (understanding, corrections) = (self.archive.understanding.get(), &self.archive.corrections);
        let understood = understood_again(&mut post, id_hash, &judgement.now, &understanding, corrections);
        let document = match understood {
            Ok(document) => document,
            Err(error) => return Ok(Mark::Unreadable(format!("{error:#}"))),
        };
        self.pending.insert(gone.id.as_str().into(), judgement.now);
        let bytes = 2 * post.text.len();
        Ok(Mark::Gone(Box::new(Marked { id_hash, judgement, post, document, bytes })))
    }

    fn find(&self, id: &str, id_hash: u64) -> anyhow::Result<Option<Known>> {
        for slot in self.months.values().rev().filter(|slot| slot.seen.may_hold(id_hash)) {
            if let Some(known) = slot.index.find(id)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Adds the document of a post that was judged first seen or a revision, and that posts.analyzed has acknowledged.
    ///
    /// # Errors
    /// When the index cannot take it.
    pub fn add(
        &mut self,
        id: &str,
        id_hash: u64,
        judgement: &Judgement,
        document: Document,
        bytes: usize,
    ) -> anyhow::Result<()> {
        let change = match judgement.verdict {
            Verdict::Revision | Verdict::Gone => Change::Replace(Term::from_field_text(FIELDS.id, id), document),
            Verdict::First | Verdict::Duplicate => Change::Add(document),
        };
        self.put(judgement.now.month, id_hash, change, bytes)
    }

    /// Makes what is stored of a post bear the correction that stands, or none, where it does not yet. Says whether it had to be made
    /// anew. Nothing is done for a post that is not stored: it will bear what stands when it comes.
    ///
    /// # Errors
    /// When the archive cannot be read or written.
    pub fn correct(&mut self, id: &str) -> anyhow::Result<bool> {
        if self.is_pending(id) {
            // What is stored of the post can be read only when it is committed.
            self.commit()?;
        }
        let id_hash = verdict::id_hash(id);
        let mut months = self.months.values().rev().filter(|slot| slot.seen.may_hold(id_hash));
        let stored = months.find_map(|slot| slot.index.stored(id).transpose());
        let Some((known, mut post)) = stored.transpose()? else { return Ok(false) };
        let corrections = &self.archive.corrections;
        if corrections.is_borne_by(&post) {
            return Ok(false);
        }
        let document = corrected_again(&mut post, id_hash, &known, &self.archive.understanding.get(), corrections);
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                tracing::error!(
                    post = id,
                    error = format!("{error:#}"),
                    "a post cannot be corrected: it stays as it is"
                );
                return Ok(false);
            }
        };
        let change = Change::Replace(Term::from_field_text(FIELDS.id, id), document);
        self.put(known.month, id_hash, change, 2 * post.text.len())?;
        self.pending.insert(id.into(), known);
        if let Some(rebuild) = self.rebuild.as_mut().filter(|rebuild| rebuild.month == known.month) {
            // Its place in the log does not tell the copy that it has changed.
            rebuild.corrected.insert(id.to_owned());
        }
        Ok(true)
    }

    fn put(&mut self, month: Month, id_hash: u64, change: Change, bytes: usize) -> anyhow::Result<()> {
        self.open_if_free(month)?;
        let slot = self.slot(month)?;
        slot.seen.insert(id_hash);
        slot.dirty = true;
        match &slot.writer {
            Some(writer) => change.apply(writer)?,
            None => slot.parked.push(change),
        }
        self.added += 1;
        self.added_bytes += bytes;
        Ok(())
    }

    /// All of a partition before `next` is done: added, found to be a duplicate, or set aside.
    pub fn advance(&mut self, partition: u32, next: u64) {
        self.done.advance(partition, next);
    }

    /// The log was set back: what lies at `end` and beyond is new. Commit at once, before anything of it is read.
    pub fn set_back(&mut self, partition: u32, end: u64) {
        // What it has copied would be told from what is new by positions that mean something else now.
        self.rebuild = None;
        self.done.set_back(partition, end);
        for slot in self.months.values_mut() {
            slot.dirty |= slot.covered.set_back(partition, end);
        }
    }

    /// Commits each month that has something to commit, shows it to searches, and then writes the archive's position.
    ///
    /// # Errors
    /// When the disk cannot take it. What was committed stays; the rest comes again from the log.
    pub fn commit(&mut self) -> anyhow::Result<()> {
        // Open months first: once they are clean, they can give way to the parked ones.
        let (open, parked): (Vec<Month>, Vec<Month>) = self
            .months
            .iter()
            .filter(|(_, slot)| slot.dirty)
            .map(|(month, _)| *month)
            .partition(|month| self.months[month].writer.is_some());
        for month in open.into_iter().chain(parked) {
            self.step()?;
            self.commit_month(month).with_context(|| format!("committing month {month} of the archive"))?;
        }
        self.step()?;
        if self.written.as_ref() != Some(&self.done) {
            let path = self.archive.folder().join(POSITION);
            write_atomically(&path, self.done.encode().as_bytes())
                .with_context(|| format!("writing the archive's position to {}", path.display()))?;
            self.written = Some(self.done.clone());
        }
        self.pending.clear();
        (self.added, self.added_bytes) = (0, 0);
        metrics::ANALYZE_DOCUMENTS.set(self.archive.documents().try_into().unwrap_or(i64::MAX));
        Ok(())
    }

    fn commit_month(&mut self, month: Month) -> anyhow::Result<()> {
        self.open_if_free(month)?;
        let Some(slot) = self.months.get_mut(&month) else { return Ok(()) };
        let writer = slot.writer.as_mut().context("no writer is free")?;
        let mut covered = slot.covered.clone();
        covered.absorb(&self.done);
        let mut prepared = writer.prepare_commit()?;
        let payload = Payload { coverage: covered, built: slot.built.clone() };
        prepared.set_payload(&payload.encode());
        prepared.commit()?;
        slot.covered = payload.coverage;
        slot.dirty = false;
        slot.index.reload()?;
        Ok(())
    }

    /// From now on keeps no month before this one. A month that cannot be removed now is tried again the next time.
    ///
    /// # Errors
    /// When what is pending cannot be committed.
    pub fn keep_from(&mut self, oldest: Option<Month>) -> anyhow::Result<()> {
        self.oldest = oldest;
        let Some(oldest) = oldest.filter(|oldest| self.months.keys().any(|month| month < oldest)) else {
            return Ok(());
        };
        self.commit()?;
        while let Some(entry) = self.months.first_entry().filter(|entry| *entry.key() < oldest) {
            let month = *entry.key();
            if self.rebuild.as_ref().is_some_and(|rebuild| rebuild.month == month) {
                self.rebuild = None;
            }
            let generation = &entry.get().index.generation;
            if let Err(error) = generation.set_aside() {
                tracing::error!(%month, %error, "a month of the archive that is no longer kept cannot be removed");
                break;
            }
            entry.remove();
            self.archive.forget(month);
            tracing::info!(%month, "a month of the archive was removed: it is older than [archive] keep_months");
        }
        Ok(())
    }

    /// The month's slot; it is made when the month is new.
    fn slot(&mut self, month: Month) -> anyhow::Result<&mut Slot> {
        match self.months.entry(month) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(place) => {
                let index = self.archive.month(month)?;
                let built =
                    Built { version: self.archive.understanding.get().version().to_owned(), at: Timestamp::now() };
                Ok(place.insert(Slot::new(index, self.done.cleared(), built, Seen::with_room_for(0))))
            }
        }
    }

    /// Gives the month a writer, if it has none and one is free or can be taken from a month with nothing to commit.
    /// What was parked is written first, in its order.
    fn open_if_free(&mut self, month: Month) -> anyhow::Result<()> {
        self.clock += 1;
        let clock = self.clock;
        let slot = self.slot(month)?;
        slot.used = clock;
        if slot.writer.is_some() {
            return Ok(());
        }
        let open = self.months.values().filter(|slot| slot.writer.is_some());
        if open.clone().count() >= OPEN_MONTHS {
            let idle = open.filter(|slot| !slot.dirty).min_by_key(|slot| slot.used).map(|slot| slot.index.month);
            let Some(writer) = idle.and_then(|idle| self.months.get_mut(&idle)).and_then(|slot| slot.writer.take())
            else {
                return Ok(());
            };
            if let Some(idle) = idle {
                self.archive.close_later(idle, writer)?;
            }
        }
        self.archive.wait_closed(month)?;
        let writer = index_writer(&self.months[&month].index.index, self.writer_bytes)?;
        let slot = self.slot(month)?;
        for change in slot.parked.drain(..) {
            change.apply(&writer)?;
        }
        slot.writer = Some(writer);
        Ok(())
    }

    /// The archive's folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.archive.folder().to_owned()
    }

    /// A point at which a test may end this life.
    #[allow(clippy::unnecessary_wraps, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
    fn step(&mut self) -> anyhow::Result<()> {
        #[cfg(test)]
        if let Some(fuse) = &mut self.fuse {
            anyhow::ensure!(*fuse > 0, "this life has ended");
            *fuse -= 1;
        }
        Ok(())
    }
}

/// A writer of an index, as all months have it.
pub(super) fn index_writer(index: &Index, bytes: usize) -> anyhow::Result<IndexWriter> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(bytes)
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut merges = LogMergePolicy::default();
    merges.set_max_docs_before_merge(LARGEST_MERGE);
    merges.set_del_docs_ratio_before_merge(DELETED_SHARE);
    writer.set_merge_policy(Box::new(merges));
    // tantivy (0.27) begins again at the stamp of the last commit. A deletion that bears it counts as committed to a merge, which
    // passes it over in one segment and leaves it out in another: the post that it was to replace stays. So that stamp is spent
    // on the deletion of a post that cannot be.
    writer.delete_term(Term::from_field_text(FIELDS.id, ""));
    Ok(writer)
}

impl Slot {
    fn open(index: Arc<MonthIndex>, info: &TopicInfo) -> anyhow::Result<Self> {
        let (covered, built) = index.payload()?.map(|payload| (payload.coverage, payload.built)).unzip();
        let covered = Coverage::of(covered, info).with_context(|| format!("month {} of the archive", index.month))?;
        let seen = index.seen()?;
        Ok(Self::new(index, covered, built.unwrap_or_default(), seen))
    }

    fn new(index: Arc<MonthIndex>, covered: Coverage, built: Built, seen: Seen) -> Self {
        Self { index, seen, covered, built, writer: None, parked: Vec::new(), dirty: false, used: 0 }
    }
}

impl Change {
    fn apply(self, writer: &IndexWriter) -> tantivy::Result<()> {
        let document = match self {
            Self::Add(document) => document,
            Self::Replace(id, document) => {
                writer.delete_term(id);
                document
            }
        };
        writer.add_document(schema::fitted(document, &writer.index().schema()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_bears_the_stamp_of_the_last_commit() {
        let index = Index::create_in_ram(FIELDS.schema.clone());
        schema::register_tokenizers(&index);
        for _ in 0..3 {
            let mut writer = index_writer(&index, *WRITER_BYTES.start()).unwrap();
            let stamp = writer.delete_term(Term::from_field_text(FIELDS.id, "forum:1"));
            assert!(stamp > index.load_metas().unwrap().opstamp);
            writer.commit().unwrap();
        }
    }
}
