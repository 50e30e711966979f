//! The memory of what was seen, alone: a door for the load program that measures it (`benches`, `--bin seen`).

use super::{Found, Store};
use crate::seen::Fingerprint;
use schemas::log::Identity;
use std::path::Path;

/// The memory of what was seen, as the door uses it, without a door.
pub struct SeenMemory(Store);

impl SeenMemory {
    /// Opens the one in a data folder, for at most so many posts.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process has it.
    pub fn open(data_dir: &Path, seen_ids: u64) -> anyhow::Result<Self> {
        let identity = Identity { cluster: "measured".into(), topic_id: "none".into() };
        let store = Store::open(data_dir, Found { identity: &identity, ends: &[] }, seen_ids)?;
        anyhow::ensure!(store.is_kept(), "{} belongs to another running process", data_dir.display());
        Ok(Self(store))
    }

    /// Marks posts, each by the hashes of its id and its content.
    pub fn mark(&self, posts: &[(u64, u64)]) {
        self.0.seen().mark(&prints(posts));
    }

    /// Which of them are known in this very state.
    #[must_use]
    pub fn knows(&self, posts: &[(u64, u64)]) -> Vec<bool> {
        self.0.seen().knows(&prints(posts))
    }

    /// Marks that wait to be written: what a crash now would cost, were it not read back from `posts.raw`.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.seen().waiting()
    }

    /// Marks in each run on disk, the oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<u64> {
        self.0.seen().runs().iter().map(|stored| stored.run.count()).collect()
    }
}

fn prints(posts: &[(u64, u64)]) -> Vec<Fingerprint> {
    posts.iter().map(|&(id, content)| Fingerprint { id, content }).collect()
}
