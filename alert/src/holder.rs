//! Who a process is when it asks for the lease: a name of its own for each start, and the name of the one before it in the
//! same data folder, if that one is known to be dead.
//!
//! `data_dir/alert.holder` holds the last name, and the process that wrote it holds a lock on that file for as long as it
//! lives; the kernel lets go of it however the process ends. Whoever gets the lock therefore knows its predecessor dead, and
//! need not wait for a lease that nobody renews any more: a restart after SIGKILL is active at once.
//!
//! | the file | the lock | candidate |
//! |---|---|---|
//! | absent or empty | free | without predecessor |
//! | holds a name | free | with that predecessor |
//! | any | held: another process runs over this folder | without predecessor: it waits for the lease like any other |
//! | cannot be opened or written | – | without predecessor; it is logged |
//!
//! A folder that was copied to another machine costs one take-over, no more: the epoch fences whatever is believed here.

use crate::{engine::desk::random_key, lease::Candidate};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

const FILE: &str = "alert.holder";
const LONGEST: u64 = 256;

/// A candidate, and the lock that tells the next one that it is dead.
pub(crate) struct Holder {
    /// The candidate.
    pub(crate) candidate: Candidate,
    _lock: Option<File>,
}

/// Enters a data folder.
pub(crate) fn enter(data_dir: &Path) -> Holder {
    let mut candidate = Candidate::new(random_key());
    let lock = match sign(&data_dir.join(FILE), &candidate.name) {
        Ok(Some((file, predecessor))) => {
            candidate.predecessor = predecessor;
            Some(file)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::warn!(%error, file = FILE, "cannot be written: the next start will wait until the lease runs out");
            None
        }
    };
    Holder { candidate, _lock: lock }
}

/// Writes the name and returns the one before it; `None` when that one lives.
fn sign(path: &Path, name: &str) -> std::io::Result<Option<(File, Option<String>)>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut before = String::new();
    // What is no text was not written by us.
    let read = Read::by_ref(&mut file).take(LONGEST).read_to_string(&mut before);
    let predecessor = read.ok().map(|_| before.trim().to_owned()).filter(|name| !name.is_empty());
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(name.as_bytes())?;
    file.sync_all()?;
    Ok(Some((file, predecessor)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// The module's table, a row each.
    #[test]
    fn who_knows_its_predecessor_dead() {
        let folder = TempDir::new().unwrap();
        let first = enter(&folder.path().join("new"));
        assert_eq!(first.candidate.predecessor, None);
        let name = first.candidate.name.clone();
        let beside = enter(&folder.path().join("new"));
        assert_eq!(beside.candidate.predecessor, None, "the first one lives");
        assert_ne!(beside.candidate.name, name);
        drop((first, beside));
        let second = enter(&folder.path().join("new"));
        assert_eq!(second.candidate.predecessor, Some(name), "who only looked on left no name");
        drop(second);

        std::fs::write(folder.path().join("new").join(FILE), [0xff, 0xfe]).unwrap();
        assert_eq!(enter(&folder.path().join("new")).candidate.predecessor, None);
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(enter(&folder.path().join("file")).candidate.predecessor, None, "no folder: told, not fatal");
    }
}
