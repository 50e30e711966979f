//! What is remembered of the files of a folder: `data_dir/files/SOURCE.json`. A saving, like all memory here: without it every file is
//! read again, and the door spares what it knows.

use super::listing::{Remembered, Stamp};
use schemas::{kit::fs::write_atomically, log::Identity};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::Xxh3;

/// The folder in the data folder.
pub(crate) const MEMORIES: &str = "files";
/// So much of a file's begin and end tells it from others.
const PRINTED: u64 = 64 << 10;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    // What was handed in lies in this log; with another log everything is read again.
    log: Identity,
    pub(crate) files: BTreeMap<String, Remembered>,
    /// How the files stood at the last look.
    #[serde(skip)]
    pub(crate) before: BTreeMap<String, Stamp>,
}

impl Memory {
    /// What is remembered, or nothing where that cannot be read or is of another log.
    pub(crate) fn load(data_dir: &Path, source: &str, log: &Identity) -> Self {
        let path = path(data_dir, source);
        let read = std::fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice::<Self>(&bytes)?));
        match read {
            Ok(memory) if memory.log == *log => return memory,
            Ok(_) => tracing::warn!(source, "the memory of the files is of another log: all are read again"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(source, %error, "the memory of the files cannot be read: all are read again");
            }
        }
        Self { log: log.clone(), files: BTreeMap::new(), before: BTreeMap::new() }
    }

    /// # Errors
    /// When the disk cannot take it.
    pub(crate) fn save(&self, data_dir: &Path, source: &str) -> io::Result<()> {
        std::fs::create_dir_all(data_dir.join(MEMORIES))?;
        write_atomically(&path(data_dir, source), &serde_json::to_vec(self)?)
    }
}

fn path(data_dir: &Path, source: &str) -> PathBuf {
    data_dir.join(MEMORIES).join(format!("{source}.json"))
}

/// A hash of a file's size, and of how it begins and ends.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn print(file: &mut File, size: u64) -> io::Result<u64> {
    let mut hash = Xxh3::new();
    hash.update(&size.to_le_bytes());
    let mut bytes = Vec::new();
    for from in [0, size.saturating_sub(PRINTED)] {
        bytes.clear();
        file.seek(SeekFrom::Start(from))?;
        file.take(PRINTED).read_to_end(&mut bytes)?;
        hash.update(&bytes);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(hash.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_and_that_of_another_log_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = |id: &str| Identity { cluster: "c".into(), topic_id: id.into() };
        let mut memory = Memory::load(folder.path(), "hotline", &log("a"));
        let stamp = Stamp { size: 3, written: 1_795_492_800_123_456_789 };
        let remembered = Remembered { stamp, print: u64::MAX, reading: 2, rows: 9, done: true, refused: false };
        memory.files.insert("工单.csv".into(), remembered);
        memory.save(folder.path(), "hotline").unwrap();
        assert_eq!(Memory::load(folder.path(), "hotline", &log("a")), memory);
        assert!(Memory::load(folder.path(), "hotline", &log("b")).files.is_empty());
        std::fs::write(path(folder.path(), "hotline"), "{").unwrap();
        assert!(Memory::load(folder.path(), "hotline", &log("a")).files.is_empty());
    }

    #[test]
    fn begin_end_and_size_are_in_the_print() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let print = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            super::print(&mut File::open(&path).unwrap(), bytes.len() as u64).unwrap()
        };
        let mut long = vec![b'x'; PRINTED as usize * 3];
        let whole = print(&long);
        assert_eq!(print(&long), whole);
        *long.last_mut().unwrap() = b'y';
        let other_end = print(&long);
        long[0] = b'y';
        assert!(other_end != whole && print(&long) != other_end && print(&long[1..]) != print(&long));
    }
}
