//! Building the archive anew, month by month, while posts arrive and searches go on.
//!
//! After a change of the dictionary, the model, the watch topics or the way of indexing, the old months still hold what was
//! understood before. Each is built anew beside the one in use, from the posts that it stores:
//!
//! 1. A thread copies the month: each post is understood again and added to the next [`generation`]. It takes no more than
//!    half of a core, so that intake is not held up.
//!    Corrections are applied to what is understood, as to any document.
//! 2. Posts that arrived meanwhile are those that the copy's last round did not cover; it goes round until few are left. A revision
//!    replaces what was copied of its post.
//! 3. The writing thread commits what is pending, copies the last few and those that were corrected meanwhile, and compares the number of
//!    posts. Then one commit of the
//!    new generation, the first that names what it covers, makes it the month. Searches see the one or the other, each whole.
//!
//! A crash leaves a generation that names nothing: it is removed at the next start and begun again. That somebody asked is
//! written down in [`REQUEST`] until all months are done, so a restart goes on with those that are left.

use super::{
    Archive, READ_AGAIN,
    corrections::Corrections,
    coverage::Coverage,
    dates::Month,
    generation,
    month::{self, MonthIndex},
    payload::{Built, Payload},
    schema::{FIELDS, VerdictColumns},
    verdict,
    writer::{self, ArchiveWriter},
};
use crate::{control, query::Facts, understand::Understanding};
use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use schemas::{
    kit::{fs::write_atomically, metrics, settings::Settings},
    log::{SharedLog, Topic},
    records::{AnalyzedPost, Record},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs::{File, TryLockError},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tantivy::{IndexWriter, TantivyDocument, Term, index::SegmentId, schema::Value};

/// The file, in the archive's folder, that asks for it.
const REQUEST: &str = "reindex.json";
/// Posts that are copied in one go; then the thread rests for as long as they took.
const CHUNK: usize = 256;
/// So few posts may be left to the writing thread: it copies them in some milliseconds.
const FEW: usize = 1_000;
/// Rounds at most: under any load the last ones are short.
const ROUNDS: u32 = 10;
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Request {
    requested_at: Timestamp,
}

/// Asks for the archive of a data folder to be built anew. The process that writes it sees to it.
///
/// # Errors
/// When that cannot be written down.
pub fn request(data_dir: &Path, now: Timestamp) -> anyhow::Result<()> {
    let path = data_dir.join("archive").join(REQUEST);
    write_atomically(&path, &serde_json::to_vec(&Request { requested_at: now })?)
        .with_context(|| format!("writing {}", path.display()))
}

/// How far it has got: months that are done, and all; `None` when nobody asked, or all is done.
///
/// # Errors
/// When the archive cannot be read.
pub fn progress(data_dir: &Path, version: &str) -> anyhow::Result<Option<(usize, usize)>> {
    // A month that was built anew between listing and reading is gone under its former name: it is looked again.
    let mut read = look(data_dir, version);
    for _ in 0..READ_AGAIN {
        if read.is_err() {
            read = look(data_dir, version);
        }
    }
    read
}

fn look(data_dir: &Path, version: &str) -> anyhow::Result<Option<(usize, usize)>> {
    let folder = data_dir.join("archive");
    let Some(requested_at) = requested(&folder)? else { return Ok(None) };
    let (months, _) = generation::list(&folder, |generation| month::covered(&generation.path))?;
    let mut done = 0;
    for generation in &months {
        let built = month::payload(&generation.path)?.map(|payload| payload.built);
        done += usize::from(built.is_some_and(|built| !built.is_due(version, requested_at)));
    }
    Ok(Some((done, months.len())))
}

/// Whether a process writes the archive of a data folder.
///
/// # Errors
/// When it cannot be told.
pub fn is_in_use(data_dir: &Path) -> anyhow::Result<bool> {
    match File::open(data_dir.join("archive").join("lock")) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error).context("the archive's lock"),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("the archive's lock"),
    }
}

/// Builds the archive of a stopped instance anew.
///
/// # Errors
/// When it cannot be read or written.
pub async fn rebuild(settings: &Settings, log: &SharedLog, understanding: Arc<Understanding>) -> anyhow::Result<()> {
    let info = log.describe(Topic::PostsRaw).await?;
    let corrections = control::corrections(settings, log).await?;
    let (data_dir, writer_bytes) = (settings.data_dir.clone(), settings.archive.writer_bytes);
    let work = move || {
        let archive = Arc::new(Archive::open_corrected(&data_dir, understanding, corrections)?);
        let mut writer = ArchiveWriter::open(archive, &info, writer_bytes)?;
        while writer.reindex()? {
            if let Some(error) = writer.rebuild_failed.take() {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    };
    tokio::task::spawn_blocking(work).await?
}

fn requested(archive: &Path) -> anyhow::Result<Option<Timestamp>> {
    let path = archive.join(REQUEST);
    match std::fs::read(&path) {
        Ok(text) => {
            let request: Request = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
            Ok(Some(request.requested_at))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// A month that is being built anew.
pub(super) struct Rebuild {
    pub(super) month: Month,
    /// Posts of the month that were corrected since it began.
    pub(super) corrected: HashSet<String>,
    built: Built,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<Rebuilt>>>,
}

/// A month that was built anew, but for the last few posts.
struct Rebuilt {
    target: MonthIndex,
    writer: IndexWriter,
    copied: Copied,
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl ArchiveWriter {
    /// Takes the next step of what was asked for. Says whether there is more to do.
    ///
    /// A month that cannot be built anew stays as it is, and is tried again.
    ///
    /// # Errors
    /// When what is pending cannot be committed.
    pub fn reindex(&mut self) -> anyhow::Result<bool> {
        let finished = |rebuild: &mut Rebuild| rebuild.thread.as_ref().is_some_and(JoinHandle::is_finished);
        if let Some(mut rebuild) = self.rebuild.take_if(finished) {
            let month = rebuild.month;
            // Everything is in the index in use before the two are compared.
            self.commit()?;
            if let Err(error) = self.take_over(&mut rebuild) {
                let told = format!("{error:#}");
                tracing::error!(%month, error = told, "a month could not be built anew: it stays as it is, and is tried again");
                self.rebuild_after = Some(Instant::now() + AGAIN);
                self.rebuild_failed = Some(error.context(format!("month {month} could not be built anew")));
            }
        }
        if self.rebuild.is_some() {
            return Ok(true);
        }
        let folder = self.archive.folder().to_owned();
        let requested_at = match requested(&folder) {
            Ok(Some(requested_at)) => requested_at,
            Ok(None) => return Ok(false),
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the request to build the archive anew cannot be read: ask again"
                );
                return Ok(false);
            }
        };
        if self.rebuild_after.is_some_and(|after| Instant::now() < after) {
            return Ok(true);
        }
        let version = self.archive.understanding.get().version().to_owned();
        let due = self.months.iter().rev().find(|(_, slot)| slot.built.is_due(&version, requested_at));
        let Some(month) = due.map(|(month, _)| *month) else {
            match std::fs::remove_file(folder.join(REQUEST)) {
                Ok(()) => tracing::info!("the archive was built anew"),
                Err(error) => {
                    tracing::error!(%error, "the archive was built anew; that it was asked for cannot be crossed off now");
                }
            }
            return Ok(false);
        };
        let built = Built { version, at: requested_at.max(Timestamp::now()) };
        match self.begin(month, built) {
            Ok(rebuild) => self.rebuild = Some(rebuild),
            Err(error) => {
                tracing::error!(%month, error = format!("{error:#}"), "a month cannot be built anew now; it is tried again");
                self.rebuild_after = Some(Instant::now() + AGAIN);
            }
        }
        Ok(true)
    }

    fn begin(&self, month: Month, built: Built) -> anyhow::Result<Rebuild> {
        let source = self.months.get(&month).context("no such month")?.index.clone();
        let (understanding, writer_bytes) = (self.archive.understanding.get(), self.writer_bytes);
        let corrections = self.archive.corrections.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        tracing::info!(%month, posts = source.searcher().num_docs(), "building a month of the archive anew");
        let work = move || {
            let generation = source.generation.next();
            // What an earlier try has left.
            generation.remove();
            let target = MonthIndex::open_or_create(&generation)?;
            let writer = writer::index_writer(&target.index, writer_bytes)?;
            let mut copied = Copied::default();
            for _ in 0..ROUNDS {
                if copied.round(&source, (&understanding, &corrections), &writer, Some(&stopped))? < FEW {
                    break;
                }
            }
            Ok(Rebuilt { target, writer, copied })
        };
        let thread = std::thread::Builder::new().name(format!("reindex {month}")).spawn(work)?;
        Ok(Rebuild { month, corrected: HashSet::new(), built, stop, thread: Some(thread) })
    }

    /// Copies what is left and makes the new generation the month.
    fn take_over(&mut self, rebuild: &mut Rebuild) -> anyhow::Result<()> {
        let Some(thread) = rebuild.thread.take() else { return Ok(()) };
        let Ok(rebuilt) = thread.join() else { bail!("building it panicked") };
        let Rebuilt { target, mut writer, mut copied } = rebuilt?;
        let (understanding, folder) = (self.archive.understanding.get(), self.archive.folder().to_owned());
        let corrections = self.archive.corrections.clone();
        let slot = self.months.get_mut(&rebuild.month).context("the month is gone")?;
        let mut replace = || -> anyhow::Result<()> {
            copied.round(&slot.index, (&understanding, &corrections), &writer, None)?;
            for id in &rebuild.corrected {
                let Some((known, mut post)) = slot.index.stored(id)? else { continue };
                let id_hash = verdict::id_hash(id);
                let document = understood_again(&mut post, id_hash, &known, &understanding, &corrections)?;
                writer.delete_term(Term::from_field_text(FIELDS.id, id));
                writer.add_document(document)?;
            }
            writer.commit()?;
            target.reload()?;
            let (wanted, found) = (slot.index.searcher().num_docs(), target.searcher().num_docs());
            ensure!(wanted == found, "it holds {wanted} posts, built anew {found}");
            // The folder itself must outlast a power cut before the other one goes.
            File::open(&folder)?.sync_all()?;
            let payload = Payload { coverage: slot.covered.clone(), built: rebuild.built.clone() };
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload.encode());
            // From here on it is the month, whatever happens.
            prepared.commit()?;
            target.reload()?;
            Ok(())
        };
        let replaced = replace();
        if let Err(error) = replaced {
            // It must not become the month while the other one is written on.
            drop(writer);
            target.generation.remove();
            return Err(error);
        }
        let old = std::mem::replace(&mut slot.index, Arc::new(target));
        slot.built = rebuild.built.clone();
        self.archive.replace(slot.index.clone());
        if slot.writer.is_some() {
            // The former one's merges are of no more use: dropped, it ends them.
            slot.writer = Some(writer);
        } else if let Err(error) = self.archive.close_later(rebuild.month, writer) {
            tracing::warn!(month = %rebuild.month, %error, "its writer was closed at once, and its merges with it");
        }
        old.generation.remove();
        self.show_outdated();
        tracing::info!(month = %rebuild.month, posts = old.searcher().num_docs(), "a month of the archive was built anew");
        Ok(())
    }

    /// Shows how many months another understanding has built.
    pub(super) fn show_outdated(&self) -> usize {
        let understanding = self.archive.understanding.get();
        let version = understanding.version();
        let outdated = self.months.values().filter(|slot| slot.built.version != version).count();
        metrics::ANALYZE_OUTDATED.set(outdated.try_into().unwrap_or(i64::MAX));
        outdated
    }
}

/// What was copied of a month: all that `covered` covers, and perhaps more.
#[derive(Default)]
struct Copied {
    again: bool,
    covered: Option<Coverage>,
    // A segment never changes but by deletions: it need not be looked through twice.
    segments: HashSet<SegmentId>,
}

impl Copied {
    /// Copies what came since the last round, and says how many posts that were. `stop` comes with a pace.
    fn round(
        &mut self,
        source: &MonthIndex,
        (understanding, corrections): (&Understanding, &Corrections),
        writer: &IndexWriter,
        stop: Option<&AtomicBool>,
    ) -> anyhow::Result<usize> {
        // Read before the posts are: they hold at least what it covers.
        let covered = source.payload()?.map(|payload| payload.coverage);
        source.reload()?;
        let searcher = source.searcher();
        let (mut count, mut began) = (0, Instant::now());
        for segment in searcher.segment_readers() {
            if self.segments.contains(&segment.segment_id()) {
                continue;
            }
            let (store, columns) = (segment.get_store_reader(1)?, VerdictColumns::open(segment)?);
            for doc in segment.doc_ids_alive() {
                let stored: TantivyDocument = store.get(doc)?;
                let bytes = stored.get_first(FIELDS.post).and_then(|value| value.as_bytes()).unwrap_or_default();
                let mut post = AnalyzedPost::decode(bytes).context("a stored post")?;
                if self.covered.as_ref().is_some_and(|covered| covered.covers(post.raw)) {
                    continue;
                }
                let (id, id_hash) = (Term::from_field_text(FIELDS.id, &post.id), verdict::id_hash(&post.id));
                let known = columns.known(source.month, doc);
                let document = understood_again(&mut post, id_hash, &known, understanding, corrections)?;
                if self.again {
                    writer.delete_term(id);
                }
                writer.add_document(document)?;
                count += 1;
                if let (Some(stop), 0) = (stop, count % CHUNK) {
                    ensure!(!stop.load(Ordering::Relaxed), "it was told to stop");
                    std::thread::sleep(began.elapsed());
                    began = Instant::now();
                }
            }
        }
        self.segments = searcher.segment_readers().iter().map(tantivy::SegmentReader::segment_id).collect();
        (self.again, self.covered) = (true, covered);
        Ok(count)
    }
}

/// A stored post's document, as this understanding builds it and people have corrected it.
pub(super) fn understood_again(
    post: &mut AnalyzedPost,
    id_hash: u64,
    known: &verdict::Known,
    understanding: &Understanding,
    corrections: &Corrections,
) -> anyhow::Result<TantivyDocument> {
    let title = post.title.as_deref().unwrap_or("");
    let understood = guarded(&post.id, || understanding.understand_with(title, &post.text, Facts::stated(post)))?;
    // What was judged before is no longer of interest.
    post.corrected = None;
    post.sentiment = Some(understood.sentiment);
    post.tones.clone_from(&understood.tones);
    post.category.clone_from(&understood.category);
    post.places.clone_from(&understood.places);
    post.elsewhere.clone_from(&understood.elsewhere);
    post.unit.clone_from(&understood.unit);
    post.fingerprint = understood.fingerprint.hex();
    post.keyphrases.clone_from(&understood.keyphrases);
    post.terms.clone_from(&understood.terms);
    post.topics.clone_from(&understood.topics);
    corrections.apply(post);
    let wire = post.encode();
    Ok(FIELDS.document(post, &wire, [&understood.title, &understood.text], id_hash, known))
}

/// A stored post's document with what stands of corrections. What else was understood of it stays.
pub(super) fn corrected_again(
    post: &mut AnalyzedPost,
    id_hash: u64,
    known: &verdict::Known,
    understanding: &Understanding,
    corrections: &Corrections,
) -> anyhow::Result<TantivyDocument> {
    let normal = |text: &str| guarded(&post.id, || understanding.normalise(text));
    let (title, text) = (normal(post.title.as_deref().unwrap_or(""))?, normal(&post.text)?);
    corrections.apply(post);
    let wire = post.encode();
    Ok(FIELDS.document(post, &wire, [&title, &text], id_hash, known))
}

/// A panic on a post is a fault to be mended; it must not stop the writing.
fn guarded<T>(id: &str, work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let Ok(done) = catch_unwind(AssertUnwindSafe(work)) else {
        bail!("understanding the post {id} panicked: please report this, with the post");
    };
    Ok(done)
}
