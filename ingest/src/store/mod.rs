//! What ingest remembers, on disk: which posts were seen, and where it stands with each source.
//!
//! ```text
//! data_dir/memory/catalog.db   the frontier, the list of runs, the positions that they cover, the seed  (schemas::kit::kv)
//!                 12.run …     the marks of the posts that were seen                                    (mod@run)
//!                 .lock        one process at a time
//! ```
//!
//! All of it is a saving and never the truth: without it everything is fetched again, and analyze alone decides what is
//! new. So whatever is wrong with it, it is set aside with a warning and begun anew; nothing refuses to start.
//!
//! **Seen.** A mark goes to [`mod@recent`], which answers nearly all that is asked, and waits there to be written with
//! others as a run ([`mod@keeper`]). With a run, in one transaction, go the positions in `posts.raw` up to which all is marked
//! ([`mod@offsets`]): what a crash has cost is read back from there. [`mod@plan`] says which runs are merged and which go.
//!
//! **Frontier.** For each source a state and rows, opaque here; written together or not at all ([`mod@frontier`]).
//!
//! It belongs to one log: that is where what was handed in lies. With another log, or one that was set back, it is removed.

mod catalog;
mod folder;
mod frontier;
mod keeper;
mod measure;
mod offsets;
mod plan;
mod recent;
mod run;
mod seen;
#[cfg(test)]
mod tests;

pub(crate) use folder::{backup, remove_outdated};
pub(crate) use frontier::Kept;
pub use measure::SeenMemory;
pub(crate) use seen::Seen;

use anyhow::Context;
use catalog::Catalog;
use folder::Folder;
use keeper::Keeper;
use plan::Plan;
use schemas::log::Identity;

use std::{path::Path, sync::Arc};

/// What ingest remembers. Cheap to clone; when the last clone is dropped, what waits is written.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    // Dropped first: it writes what waits.
    _keeper: Option<Keeper>,
    seen: Arc<Seen>,
    catalog: Arc<Catalog>,
    // Dropped last: until then it is this process's.
    folder: Option<Folder>,
}

/// The log that it belongs to, as it is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Which topic of which log.
    pub(crate) identity: &'a Identity,
    /// The end of each partition of `posts.raw`.
    pub(crate) ends: &'a [u64],
}

impl Store {
    /// Opens what is remembered in a data folder, `seen_ids` posts at most. When another process has it, it is a memory
    /// that ends with this process ([`Self::is_kept`]).
    ///
    /// # Errors
    /// When the folder cannot be used at all.
    pub(crate) fn open(data_dir: &Path, log: Found<'_>, seen_ids: u64) -> anyhow::Result<Self> {
        let Some(folder) = Folder::lock(data_dir)? else {
            let (catalog, marks) = Catalog::in_memory()?;
            let seen = Arc::new(Seen::new(marks, Plan::MEMORY_ONLY));
            return Ok(Self(Arc::new(Inner { _keeper: None, seen, catalog: Arc::new(catalog), folder: None })));
        };
        let cannot = || format!("the memory of ingest in {}", folder.path().display());
        let (catalog, marks) = folder.open(log).with_context(cannot)?;
        let (catalog, plan) = (Arc::new(catalog), Plan::new(seen_ids));
        let seen = Arc::new(Seen::new(marks, plan));
        let keeper = Keeper::start(seen.clone(), catalog.clone(), folder.path(), plan).with_context(cannot)?;
        Ok(Self(Arc::new(Inner { _keeper: Some(keeper), seen, catalog, folder: Some(folder) })))
    }

    /// Whether it outlives this process.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.folder.is_some()
    }

    /// What was seen.
    pub(crate) fn seen(&self) -> &Seen {
        &self.0.seen
    }
}
