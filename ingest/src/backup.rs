//! What ingest keeps beside the log: its memories of sources and of the files of folders, what is known of coverage, and the key
//! that pseudonymises authors.
//!
//! The key is part of a backup, readable by its owner alone: without it the same author would bear another hash from the
//! restore on. A key that the environment gives is not in the data folder and so not in a backup.

use crate::{files::MEMORIES, privacy::KEY_FILE};
use anyhow::Context;
use schemas::kit::backup::copy_if_there;
use std::path::Path;

/// Copies them into the folder `to`. Copy the log afterwards: a memory must not know of posts that the log does not hold.
///
/// # Errors
/// When one cannot be read, or the copy not written.
pub fn backup(data_dir: &Path, to: &Path) -> anyhow::Result<()> {
    copy_if_there(&data_dir.join(KEY_FILE), &to.join(KEY_FILE))?;
    crate::coverage::backup(data_dir, to)?;
    copy_memories(&data_dir.join(MEMORIES), &to.join(MEMORIES))?;
    crate::store::backup(data_dir, to)
}

fn copy_memories(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let memories = match std::fs::read_dir(folder) {
        Ok(memories) => memories,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| folder.display().to_string()),
    };
    for memory in memories {
        let name = memory?.file_name();
        // What begins with a dot is being written; the whole one stands beside it.
        if !name.to_string_lossy().starts_with('.') {
            copy_if_there(&folder.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}
