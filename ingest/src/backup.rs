//! What ingest keeps beside the log: its memories of sources, and the key that pseudonymises authors.
//!
//! The key is part of a backup, readable by its owner alone: without it the same author would bear another hash from the
//! restore on. A key that the environment gives is not in the data folder and so not in a backup.

use crate::privacy::KEY_FILE;
use schemas::kit::backup::copy_if_there;
use std::path::Path;

/// Copies them into the folder `to`. Copy the log afterwards: a memory must not know of posts that the log does not hold.
///
/// # Errors
/// When one cannot be read, or the copy not written.
pub fn backup(data_dir: &Path, to: &Path) -> anyhow::Result<()> {
    copy_if_there(&data_dir.join(KEY_FILE), &to.join(KEY_FILE))?;
    crate::store::backup(data_dir, to)
}
