//! Whose folder it is, and the looks at it, one after the other, each with its report.
//!
//! Sites are shared out among the ingest workers; a folder is where it is. So every worker that has the source in its config looks for the
//! folder on its own machine:
//!
//! | the folder | locked | another worker's good report is fresh | outcome |
//! |---|---|---|---|
//! | is here | by us | – | look, report |
//! | is here | by another process of this machine | – | nothing: it looks |
//! | is not here | – | yes | nothing: it lies on that worker's machine |
//! | is not here | – | no | reported as failing |
//!
//! Workers on several machines may each have a folder of that name, and then each reads its own. The lock is on the folder
//! itself and writes nothing into it.

use super::{
    Folder,
    folder::{Look, Seen},
    memory::Memory,
};
use crate::{coverage::Coverage, door::Door};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::shutdown::Shutdown,
    log::{Identity, LogError, SharedLog},
    records::{CrawlOutcome, CrawlReport, Span},
};
use std::{fs::File, io, os::unix::fs::MetadataExt, panic::AssertUnwindSafe, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// How soon a file that may still be being written is looked at again.
const SETTLE: Duration = Duration::from_secs(2);
/// How long after it was due another worker's report still counts as fresh.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What all folders share.
pub(crate) struct Files {
    pub(crate) log: SharedLog,
    pub(crate) door: Door,
    pub(crate) coverage: Coverage,
    pub(crate) identity: Identity,
    pub(crate) data_dir: PathBuf,
}

/// Watches folders until shutdown.
///
/// # Errors
/// When the log was closed, or refuses reports.
pub(crate) async fn run(files: Arc<Files>, folders: Vec<Folder>, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for folder in folders {
        let files = files.clone();
        tasks.spawn(async move { files.watch(&folder).await });
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            Some(ended) = tasks.join_next() => ended??,
            else => {
                shutdown.cancelled().await;
                return Ok(());
            }
        }
    }
}

/// Whose a folder is.
enum Whose {
    Ours,
    AnotherProcess,
    Missing(io::Error),
}

impl Files {
    async fn watch(&self, folder: &Folder) -> Result<(), LogError> {
        let mut memory = Memory::load(&self.data_dir, &folder.id, &self.identity);
        let mut lock = None;
        let mut covered_to = None;
        loop {
            let began = Timestamp::now();
            let seen = match whose(folder, &mut lock) {
                Whose::Ours => Some(self.look(folder, &mut memory).await?),
                Whose::AnotherProcess => None,
                Whose::Missing(error) if !self.is_elsewhere(folder, began) => {
                    Some(Seen::failed(format!("{}: {error}: make the folder, or mend the path", folder.path.display())))
                }
                Whose::Missing(_) => None,
            };
            let mut wait = folder.every;
            if let Some(seen) = seen {
                if seen.waiting {
                    wait = wait.min(SETTLE);
                }
                let report = report(folder, &seen, began, covered_to, wait);
                if let Some(covered) = report.covered {
                    covered_to = Some(covered.to);
                }
                wait = Duration::try_from(report.next_visit_at.duration_since(Timestamp::now())).unwrap_or_default();
                self.coverage.report(&self.log, report).await?;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// A fault of ours is reported like one of the folder: it must not silence it.
    async fn look(&self, folder: &Folder, memory: &mut Memory) -> Result<Seen, LogError> {
        let look = Look { folder, door: &self.door, data_dir: &self.data_dir, memory };
        match AssertUnwindSafe(look.run()).catch_unwind().await {
            Ok(seen) => seen,
            Err(_) => Ok(Seen::failed("a fault in this program, it is in the log: please report it".into())),
        }
    }

    fn is_elsewhere(&self, folder: &Folder, now: Timestamp) -> bool {
        let fresh = SignedDuration::try_from(folder.every * 2).unwrap_or(SignedDuration::MAX).saturating_add(GRACE);
        self.coverage.last_success(&folder.id).is_some_and(|at| now.duration_since(at) <= fresh)
    }
}

/// Finds out whose a folder is, and locks it if it is nobody's.
fn whose(folder: &Folder, lock: &mut Option<File>) -> Whose {
    let lies = match std::fs::metadata(&folder.path) {
        Ok(lies) if lies.is_dir() => lies,
        Ok(_) => return Whose::Missing(io::Error::other("is no folder")),
        Err(error) => return Whose::Missing(error),
    };
    // A folder that was made anew is another one.
    let is_it = |held: &File| held.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (lies.dev(), lies.ino()));
    if lock.as_ref().is_some_and(is_it) {
        return Whose::Ours;
    }
    *lock = None;
    match File::open(&folder.path) {
        Ok(opened) => match opened.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Whose::AnotherProcess,
            // A file system that has no locks has one worker, or its posts come twice and are spared.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => {
                *lock = Some(opened);
                Whose::Ours
            }
        },
        Err(error) => Whose::Missing(error),
    }
}

fn report(
    folder: &Folder,
    seen: &Seen,
    began: Timestamp,
    covered_to: Option<Timestamp>,
    wait: Duration,
) -> CrawlReport {
    let finished_at = Timestamp::now().max(began);
    let outcome = seen.outcome();
    // Whatever was handed in since the last look has been read, but for what is still being written.
    let covered = (outcome != CrawlOutcome::Failed && !seen.waiting)
        .then(|| Span { from: covered_to.unwrap_or(began).min(began), to: began });
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    CrawlReport {
        finished_at,
        reason: seen.reason(),
        pages: seen.files,
        found: seen.found.try_into().unwrap_or(u32::MAX),
        new: seen.new.try_into().unwrap_or(u32::MAX),
        covered,
        next_visit_at: began.checked_add(wait).unwrap_or(Timestamp::MAX).max(finished_at),
        ..CrawlReport::of(&folder.id, &folder.name, outcome, began)
    }
}
