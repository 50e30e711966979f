//! The keeper: a thread that writes what waits as runs, merges runs, and removes the oldest. Nobody waits for it.
//!
//! | what happens | what is lost |
//! |---|---|
//! | killed while a run is written or merged | nothing: it is in no catalog, and the next start removes it |
//! | killed before what waits is written | nothing: it is read back from the positions in the catalog |
//! | the disk is full or fails | it is tried again a minute later; beyond a million marks the oldest are forgotten |
//! | a run cannot be read when it is merged | what cannot be read of it is forgotten |

use super::{
    catalog::{self, Catalog, Stored},
    plan::Plan,
    run::{self, Merge, Run, Writer},
    seen::{Batch, Seen, Woken},
};
use crate::seen::Fingerprint;
use anyhow::{Context, Result};
use schemas::kit::kv::Lasting;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// What waits is written after this time, however little it is: it bounds what a start reads back.
const LATEST: Duration = Duration::from_secs(300);
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// Marks that are merged between two looks at what waits.
const STEP: usize = 1 << 16;

/// The thread; what waits is written when this is dropped.
pub(super) struct Keeper {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread does.
pub(super) struct Work {
    seen: Arc<Seen>,
    catalog: Arc<Catalog>,
    folder: PathBuf,
    plan: Plan,
    next_number: u64,
    merging: Option<Merging>,
}

struct Merging {
    inputs: Vec<u64>,
    output: u64,
    merge: Merge,
}

impl Keeper {
    pub(super) fn start(seen: Arc<Seen>, catalog: Arc<Catalog>, folder: &Path, plan: Plan) -> std::io::Result<Self> {
        let work = Work::new(seen.clone(), catalog, folder, plan);
        let thread = std::thread::Builder::new().name("memory".into()).spawn(move || work.run())?;
        Ok(Self { seen, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.seen.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of the memory had a fault: please report it");
        }
    }
}

impl Work {
    pub(super) fn new(seen: Arc<Seen>, catalog: Arc<Catalog>, folder: &Path, plan: Plan) -> Self {
        let last = seen.runs().iter().map(|stored| stored.number).max();
        let next_number = last.map_or(1, |last| last + 1);
        Self { seen, catalog, folder: folder.to_owned(), plan, next_number, merging: None }
    }

    fn run(mut self) {
        let mut written = Instant::now();
        // What was left undone by the last process comes first.
        let (mut failed, mut is_busy) = (false, true);
        loop {
            let woken = match (std::mem::take(&mut failed), is_busy) {
                (true, _) => self.seen.rest(AGAIN),
                (false, true) => self.seen.wait(Duration::ZERO),
                (false, false) => self.seen.wait(LATEST.saturating_sub(written.elapsed())),
            };
            let stop = matches!(woken, Woken::Stop);
            // Where marks come faster than runs are merged they wait: each run more makes each look-up slower.
            let takes_more = !is_busy || self.plan.takes_more(self.seen.runs().len());
            if stop || (takes_more && (matches!(woken, Woken::Full) || written.elapsed() >= LATEST)) {
                written = Instant::now();
                if let Err(error) = self.write() {
                    tracing::warn!(error = format!("{error:#}"), folder = %self.folder.display(), "what was seen cannot be written now: make room on the disk, or see what is wrong with it; it is tried again");
                    failed = true;
                }
            }
            if stop {
                self.abandon();
                return;
            }
            is_busy = self.tidy().unwrap_or_else(|error| {
                tracing::warn!(error = format!("{error:#}"), folder = %self.folder.display(), "runs cannot be merged now: make room on the disk, or see what is wrong with it; it is tried again");
                self.abandon();
                failed = true;
                false
            });
        }
    }

    /// Writes what waits.
    pub(super) fn write(&mut self) -> Result<()> {
        let Batch { marks, positions } = self.seen.take();
        if marks.is_empty() {
            return Ok(());
        }
        let first = self.next_number;
        let mut runs = self.seen.runs().to_vec();
        // More than a generation only after it could not be written for long: else the bound would drop too much at once.
        let parts = marks.chunks(self.plan.generation() as usize);
        let written = parts.map(|part| self.write_run(part)).collect::<Result<Vec<_>>>().and_then(|mut written| {
            runs.append(&mut written);
            sync(&self.folder)?;
            Ok(self.catalog.keep(&runs, positions.as_deref(), Lasting::Soon)?)
        });
        if let Err(error) = written {
            (first..self.next_number).for_each(|number| catalog::remove(&self.folder, number));
            self.seen.give_back(marks);
            return Err(error);
        }
        self.seen.set_runs(runs);
        Ok(())
    }

    fn write_run(&mut self, marks: &[Fingerprint]) -> Result<Stored> {
        let (number, mut marks) = (self.number(), marks.to_vec());
        run::sort(&mut marks);
        let mut writer = Writer::create(&catalog::file(&self.folder, number), marks.len() as u64)?;
        for mark in marks {
            writer.push(mark)?;
        }
        Ok(Stored { number, run: Arc::new(writer.finish()?) })
    }

    /// Goes on merging, or begins to, or removes the oldest runs. Returns whether there may be more to do.
    pub(super) fn tidy(&mut self) -> Result<bool> {
        if let Some(merging) = &mut self.merging {
            if !merging.merge.step(STEP)? {
                self.finish()?;
            }
            return Ok(true);
        }
        let runs = self.seen.runs();
        let sizes: Vec<u64> = runs.iter().map(|stored| stored.run.count()).collect();
        let gone = self.plan.drop(&sizes);
        if gone > 0 {
            self.replace(&runs[..gone], None)?;
            return Ok(true);
        }
        if let Some(range) = self.plan.merge(&sizes) {
            let (inputs, output) = (&runs[range], self.number());
            let of: Vec<Arc<Run>> = inputs.iter().map(|stored| stored.run.clone()).collect();
            let merge = Merge::begin(&of, &catalog::file(&self.folder, output))?;
            let inputs = inputs.iter().map(|stored| stored.number).collect();
            self.merging = Some(Merging { inputs, output, merge });
        }
        Ok(self.merging.is_some())
    }

    fn finish(&mut self) -> Result<()> {
        let Some(Merging { inputs, output, merge }) = self.merging.take() else { return Ok(()) };
        let merged = merge.finish().map_err(anyhow::Error::from).and_then(|run| {
            sync(&self.folder)?;
            let runs = self.seen.runs();
            let inputs: Vec<Stored> = runs.iter().filter(|stored| inputs.contains(&stored.number)).cloned().collect();
            self.replace(&inputs, Some(Stored { number: output, run: Arc::new(run) }))
        });
        merged.inspect_err(|_| catalog::remove(&self.folder, output))
    }

    /// Puts one run, or none, in the place of some that lie side by side.
    fn replace(&self, gone: &[Stored], by: Option<Stored>) -> Result<()> {
        let is_gone = |stored: &Stored| gone.iter().any(|gone| gone.number == stored.number);
        let runs = self.seen.runs();
        let at = runs.iter().position(is_gone).unwrap_or(runs.len());
        let mut kept: Vec<Stored> = runs.iter().filter(|stored| !is_gone(stored)).cloned().collect();
        kept.splice(at..at, by);
        // Now: else a power cut could bring back a catalog that lists what is removed here.
        self.catalog.keep(&kept, None, Lasting::Now)?;
        self.seen.set_runs(kept);
        gone.iter().for_each(|stored| catalog::remove(&self.folder, stored.number));
        Ok(())
    }

    fn abandon(&mut self) {
        if let Some(merging) = self.merging.take() {
            catalog::remove(&self.folder, merging.output);
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| folder.display().to_string())
}
