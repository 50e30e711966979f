//! The writing thread: verdict, posts.analyzed, archive, commit; in this order, record after record.

use super::{
    BACKOFF, Shared,
    arrival::{Arrival, Came},
    clusters::{Clusters, Coming, passed_on},
    read::MOST,
    understand::{Record, Understood, Unreadable},
};
use crate::archive::{
    corrections::Corrections,
    dates::Month,
    retention,
    schema::{Document, FIELDS},
    verdict::{Judgement, Known},
    writer::{ArchiveWriter, Mark, Marked},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use schemas::{
    kit::{disk::Space, metrics, shutdown::Shutdown},
    log::{Jump, LogError, NewRecord, Position, Topic},
    records::{AnalyzedPost, Gone, Record as _, Rejected, Verdict},
};
use std::{collections::HashMap, time::Duration};
use tokio::{runtime::Handle, sync::mpsc, time::Instant};

/// A commit is due after this much text, whatever the number of posts: it waits in memory until then.
const COMMIT_BYTES: usize = 64 << 20;
/// Of a record that is set aside, so much is kept: its copy must fit into the log too.
const REJECTED_BYTES: usize = 4 << 20;

/// How often the archive is tidied, and how often while it is being built anew.
const TIDY: Duration = Duration::from_secs(2);
const TIDY_BUSY: Duration = Duration::from_millis(100);
/// Posts that are corrected in one go, some milliseconds; then batches have their turn.
const CORRECTED: usize = 32;

pub(super) struct Writing {
    shared: Shared,
    writer: ArchiveWriter,
    clusters: Clusters,
    shutdown: Shutdown,
    handle: Handle,
    round: Round,
    // Times of appending of what waits to be committed, for the lag until it can be searched.
    waiting: Vec<(Timestamp, u32)>,
    behind: HashMap<u32, u64>,
}

/// What is judged and not yet appended.
#[derive(Default)]
struct Round {
    analyzed: Vec<NewRecord>,
    rejected: Vec<NewRecord>,
    additions: Vec<Addition>,
    next: Vec<(u32, u64)>,
}

/// What the writing thread does next.
enum Next {
    /// A batch; none when there will be no more.
    Batch(Option<Understood>),
    /// Posts whose corrections have changed.
    Corrected(Vec<Box<str>>),
    /// It is time to commit or to tidy.
    Time,
}

/// A document that goes into the archive once posts.analyzed has acknowledged its post.
struct Addition {
    id: String,
    id_hash: u64,
    judgement: Judgement,
    document: Document,
    bytes: usize,
    appended_at: Timestamp,
}

impl Writing {
    pub(super) fn new(shared: Shared, writer: ArchiveWriter, clusters: Clusters, shutdown: Shutdown) -> Self {
        let (round, waiting, behind) = (Round::default(), Vec::new(), HashMap::new());
        Self { shared, writer, clusters, shutdown, handle: Handle::current(), round, waiting, behind }
    }

    /// Works until nothing more comes, then commits what is done.
    pub(super) fn run(mut self, mut understood: mpsc::Receiver<Understood>) -> anyhow::Result<()> {
        match self.work(&mut understood) {
            Ok(()) => self.commit(),
            // The log failed, not the archive: what is done can be kept.
            Err(error) if error.is::<LogError>() => self.commit().and(Err(error)),
            Err(error) => Err(error),
        }
    }

    fn work(&mut self, understood: &mut mpsc::Receiver<Understood>) -> anyhow::Result<()> {
        let corrections = self.shared.archive.corrections().clone();
        // Whatever ended the life before, each post bears what stands.
        corrections.queue_all();
        let mut due: Option<Instant> = None;
        let mut tidy = self.tidy()?;
        loop {
            let wake = due.map_or(tidy, |due| due.min(tidy));
            // In no order: neither waits for the other for long.
            let next = self.handle.block_on(async {
                tokio::select! {
                    batch = understood.recv() => Next::Batch(batch),
                    ids = corrections.next(CORRECTED) => Next::Corrected(ids),
                    () = tokio::time::sleep_until(wake) => Next::Time,
                }
            });
            let is_new = match next {
                Next::Batch(None) => return Ok(()),
                Next::Batch(Some(batch)) => {
                    self.take(batch, understood)?;
                    true
                }
                Next::Corrected(ids) => self.correct(&ids)?,
                Next::Time => false,
            };
            if is_new {
                due.get_or_insert_with(|| Instant::now() + self.shared.options.commit_every);
            }
            let now = Instant::now();
            let (posts, bytes) = self.writer.uncommitted();
            let full = posts >= self.shared.options.commit_posts || bytes >= COMMIT_BYTES;
            if full || due.is_some_and(|due| now >= due) {
                self.commit()?;
                due = None;
            }
            if now >= tidy {
                tidy = self.tidy()?;
            }
        }
    }

    /// Makes posts bear the corrections that stand; says whether any had to be made anew.
    fn correct(&mut self, ids: &[Box<str>]) -> anyhow::Result<bool> {
        let mut any = false;
        for id in ids {
            any |= self.writer.correct(id)?;
        }
        Ok(any)
    }

    /// Shows the room on the disk, removes months that are no longer kept, and sees to those that are to be built anew. Returns when to
    /// look again.
    fn tidy(&mut self) -> anyhow::Result<Instant> {
        let options = &self.shared.options;
        let now = Month::of(Timestamp::now(), &options.tz);
        self.writer.keep_from(retention::oldest_kept(options.keep_months, now))?;
        if let Ok(space) = Space::of(self.shared.archive.folder()) {
            metrics::DISK_FREE.set(space.free.try_into().unwrap_or(i64::MAX));
        }
        let busy = self.writer.reindex()?;
        Ok(Instant::now() + if busy { TIDY_BUSY } else { TIDY })
    }

    /// Takes a batch and what waits behind it, so that many small batches share one append.
    fn take(&mut self, batch: Understood, understood: &mut mpsc::Receiver<Understood>) -> anyhow::Result<()> {
        let mut next = Some(batch);
        let mut taken = 0;
        while let Some(batch) = next {
            taken += batch.records.len().max(1);
            self.judge(batch)?;
            next = if taken < MOST { understood.try_recv().ok() } else { None };
        }
        self.flush()
    }

    fn judge(&mut self, batch: Understood) -> anyhow::Result<()> {
        let Understood { partition, records, next, end, jump } = batch;
        if let Some(jump) = jump {
            self.flush()?;
            self.jump(partition, jump)?;
        }
        for Record { offset, appended_at, outcome } in records {
            let at = Position { partition, offset };
            match outcome {
                Ok(Came::Post(arrival)) => self.judge_post(at, appended_at, *arrival)?,
                Ok(Came::Gone(gone)) => self.judge_gone(at, appended_at, &gone)?,
                Err(unreadable) => self.round.reject(at, unreadable),
            }
        }
        self.round.next.push((partition, next));
        self.behind.insert(partition, end.saturating_sub(next));
        let behind: u64 = self.behind.values().sum();
        metrics::ANALYZE_BEHIND.with_label_values(&[Topic::PostsRaw.name()]).set(behind.try_into().unwrap_or(i64::MAX));
        Ok(())
    }

    /// Records were lost before they were read, or the log was set back: told, never silent.
    fn jump(&mut self, partition: u32, jump: Jump) -> anyhow::Result<()> {
        metrics::ANALYZE_JUMPS.with_label_values(&[Topic::PostsRaw.name()]).inc();
        tracing::error!(topic = %Topic::PostsRaw, partition, %jump, "positions do not follow on");
        if let Jump::Back { end, .. } = jump {
            self.writer.set_back(partition, end);
            // On disk at once: else, after a crash, what comes now would look as if it were covered.
            self.commit()?;
        }
        Ok(())
    }

    fn judge_post(&mut self, at: Position, appended_at: Timestamp, arrival: Arrival) -> anyhow::Result<()> {
        let came = Known {
            month: Month::of(arrival.dates.published_at, &self.shared.options.tz),
            content: arrival.content,
            counts: arrival.post.counts,
            published_at: arrival.dates.published_at,
            precision: arrival.post.published_precision,
            clamped: arrival.dates.clamped,
        };
        let Some(judgement) = self.writer.judge(at, &arrival.post.id, arrival.id_hash, came)? else { return Ok(()) };
        let cluster = if judgement.verdict == Verdict::Duplicate { None } else { self.cluster(&arrival, &judgement) };
        self.round.analyze(at, appended_at, arrival, judgement, cluster, self.shared.archive.corrections());
        Ok(())
    }

    /// The founder of the cluster that a post belongs to.
    fn cluster(&mut self, arrival: &Arrival, judgement: &Judgement) -> Option<String> {
        let post = &arrival.post;
        let passes_on = passed_on(post.kind, &post.source, post.parent_id.as_deref());
        self.clusters.place(Coming {
            id: &post.id,
            at: judgement.now.published_at.as_second(),
            fingerprint: &arrival.understood.fingerprint,
            passes_on: passes_on.as_deref(),
        })
    }

    fn judge_gone(&mut self, at: Position, appended_at: Timestamp, gone: &Gone) -> anyhow::Result<()> {
        if self.writer.is_pending(&gone.id) {
            // What is stored of the post can be read only when it is committed.
            self.flush()?;
            self.commit()?;
        }
        let counted = match self.writer.judge_gone(at, gone)? {
            Mark::Committed => return Ok(()),
            Mark::Unknown => "unknown",
            Mark::Duplicate => "duplicate",
            Mark::Unreadable(reason) => {
                self.round.reject(at, Unreadable { reason, bytes: gone.encode() });
                return Ok(());
            }
            Mark::Gone(marked) => {
                self.round.gone(at, appended_at, *marked);
                "gone"
            }
        };
        metrics::ANALYZE_POSTS.with_label_values(&[counted]).inc();
        Ok(())
    }

    /// Appends the round to the log; when that is durable, adds it to the archive and moves the positions.
    fn flush(&mut self) -> anyhow::Result<()> {
        let Round { analyzed, rejected, additions, next } = std::mem::take(&mut self.round);
        self.append(Topic::PostsRejected, &rejected)?;
        self.append(Topic::PostsAnalyzed, &analyzed)?;
        for addition in additions {
            let Addition { id, id_hash, judgement, document, bytes, appended_at } = addition;
            self.writer.add(&id, id_hash, &judgement, document, bytes)?;
            match self.waiting.last_mut() {
                Some((at, count)) if *at == appended_at => *count += 1,
                _ => self.waiting.push((appended_at, 1)),
            }
        }
        for (partition, next) in next {
            self.writer.advance(partition, next);
        }
        Ok(())
    }

    /// Appends, and waits as long as the log is unavailable.
    fn append(&self, topic: Topic, records: &[NewRecord]) -> anyhow::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut failures = 0;
        loop {
            let error = match self.handle.block_on(self.shared.log.append(topic, records.to_vec())) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if !matches!(error, LogError::Unavailable(_)) || self.shutdown.is_cancelled() {
                return Err(error.into());
            }
            failures += 1;
            let wait = BACKOFF.wait(failures, 1.0);
            tracing::warn!(%topic, %error, ?wait, "appending again");
            self.shared.health.set(Some(format!("{topic}: {error}")));
            // Shutdown ends the waiting; the next failure then ends the work.
            let _ = self.handle.block_on(async { tokio::time::timeout(wait, self.shutdown.cancelled()).await });
        }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        if self.writer.is_dirty() {
            let timer = metrics::ANALYZE_COMMIT.start_timer();
            self.writer.commit()?;
            timer.observe_duration();
        }
        self.shared.health.committed();
        let now = Timestamp::now();
        for (appended_at, count) in self.waiting.drain(..) {
            let lag = now.duration_since(appended_at).as_secs_f64().max(0.0);
            (0..count).for_each(|_| metrics::ANALYZE_SEARCHABLE.observe(lag));
        }
        Ok(())
    }
}

impl Round {
    fn reject(&mut self, at: Position, unreadable: Unreadable) {
        metrics::ANALYZE_POSTS.with_label_values(&["rejected"]).inc();
        let Unreadable { reason, bytes } = unreadable;
        let origin = format!("{} partition {} offset {}", Topic::PostsRaw, at.partition, at.offset);
        tracing::warn!(%origin, %reason, "a record cannot be read and is set aside in posts.rejected");
        let kept = bytes.len().min(REJECTED_BYTES);
        let reason =
            if kept < bytes.len() { format!("{reason} (only its first {kept} bytes are kept)") } else { reason };
        let rejected = Rejected {
            v: Rejected::VERSION,
            at: Timestamp::now(),
            stage: "analyze".to_owned(),
            origin,
            reason,
            bytes: BASE64.encode(&bytes[..kept]),
        };
        self.rejected.push(NewRecord { partition: 0, key: None, value: rejected.encode() });
    }

    fn analyze(
        &mut self,
        at: Position,
        appended_at: Timestamp,
        arrival: Arrival,
        judgement: Judgement,
        cluster: Option<String>,
        corrections: &Corrections,
    ) {
        let label = match judgement.verdict {
            Verdict::First => "first",
            Verdict::Revision => "revision",
            Verdict::Duplicate => "duplicate",
            Verdict::Gone => "gone",
        };
        metrics::ANALYZE_POSTS.with_label_values(&[label]).inc();
        let Arrival { post, mut understood, dates, id_hash, .. } = arrival;
        let light = judgement.verdict == Verdict::Duplicate;
        let mut analyzed = AnalyzedPost {
            v: AnalyzedPost::VERSION,
            raw: at,
            verdict: judgement.verdict,
            id: post.id,
            source: post.source,
            kind: post.kind,
            url: post.url.filter(|_| !light),
            title: post.title.filter(|_| !light),
            text: if light { String::new() } else { post.text },
            published_at: judgement.now.published_at,
            published_precision: judgement.now.precision,
            date_clamped: judgement.now.clamped,
            fetched_at: dates.fetched_at,
            thread_id: post.thread_id,
            parent_id: post.parent_id,
            counts: post.counts,
            previous: judgement.previous,
            sentiment: (!light).then_some(understood.sentiment),
            tones: if light { Vec::new() } else { std::mem::take(&mut understood.tones) },
            keyphrases: if light { Vec::new() } else { std::mem::take(&mut understood.keyphrases) },
            terms: if light { Vec::new() } else { std::mem::take(&mut understood.terms) },
            topics: if light { Vec::new() } else { std::mem::take(&mut understood.topics) },
            place: post.place.filter(|_| !light),
            category: understood.category.take().filter(|_| !light),
            places: if light { Vec::new() } else { std::mem::take(&mut understood.places) },
            elsewhere: understood.elsewhere.take().filter(|_| !light),
            unit: understood.unit.take().filter(|_| !light),
            fingerprint: understood.fingerprint.hex().filter(|_| !light),
            cluster,
            official: post.official,
            addressed_to: post.addressed_to,
            corrected: None,
            gone_at: None,
            reply: post.reply.filter(|_| !light),
        };
        if !light {
            corrections.apply(&mut analyzed);
        }
        let value = analyzed.encode();
        if !light {
            let normals = [&understood.title, &understood.text];
            let document = FIELDS.document(&analyzed, &value, normals, id_hash, &judgement.now);
            let bytes = value.len() + understood.title.folded.len() + understood.text.folded.len();
            self.additions.push(Addition { id: analyzed.id, id_hash, judgement, document, bytes, appended_at });
        }
        self.analyzed.push(NewRecord { partition: at.partition, key: None, value });
    }

    fn gone(&mut self, at: Position, appended_at: Timestamp, marked: Marked) {
        let Marked { id_hash, judgement, post, document, bytes } = marked;
        let id = post.id.clone();
        let value = AnalyzedPost {
            raw: at,
            verdict: judgement.verdict,
            url: None,
            title: None,
            text: String::new(),
            previous: None,
            sentiment: None,
            tones: Vec::new(),
            keyphrases: Vec::new(),
            terms: Vec::new(),
            topics: Vec::new(),
            place: None,
            category: None,
            places: Vec::new(),
            elsewhere: None,
            unit: None,
            corrected: None,
            fingerprint: None,
            cluster: None,
            reply: None,
            ..post
        }
        .encode();
        self.additions.push(Addition { id, id_hash, judgement, document, bytes, appended_at });
        self.analyzed.push(NewRecord { partition: at.partition, key: None, value });
    }
}
