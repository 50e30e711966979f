//! A small table on disk: keys to values, both bytes, in the order of the keys. SQLite beneath, in one file with its
//! write-ahead log, so that torn writes, full disks and killed processes are its business and met before.
//!
//! * What is written together is there together or not at all ([`Kv::write`]).
//! * It outlives a killed process. A power cut may cost the last writes unless they were [`Lasting::Now`]; never the
//!   middle ones.
//! * Another process may copy it at any time ([`copy`]).

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A table in a file.
#[derive(Debug)]
pub struct Kv(Mutex<Connection>);

/// A key, and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What is written at once.
#[derive(Debug, Default)]
pub struct Writes(Vec<(Vec<u8>, Option<Vec<u8>>)>);

/// When what is written is safe from a power cut. From a killed process it is at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Some time later: cheap.
    Soon,
    /// When the call returns, with all that was written before.
    Now,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct KvError(#[from] rusqlite::Error);

impl KvError {
    /// Whether the file holds nonsense: trying again does not help.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self.0.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            || matches!(self.0, rusqlite::Error::InvalidColumnType(..))
    }

    /// Whether there is no room on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.sqlite_error_code() == Some(ErrorCode::DiskFull)
    }
}

impl Writes {
    /// Sets a key.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push((key, Some(value)));
    }

    /// Removes a key; it need not be there.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.0.push((key, None));
    }
}

impl Kv {
    /// Opens a table, or makes it. SQLite recovers what a crash left.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no such table.
    pub fn open(path: &Path) -> Result<Self, KvError> {
        Self::prepare(Connection::open(path)?)
    }

    /// A table that is gone with the value.
    ///
    /// # Errors
    /// Never, but for a want of memory.
    pub fn in_memory() -> Result<Self, KvError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> Result<Self, KvError> {
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA journal_size_limit = 16777216;
             PRAGMA cache_size = -4096;
             CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT value FROM kv WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// The keys that begin with a prefix, without it, and their values; in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, KvError> {
        let connection = self.lock();
        // Up to the first key that does not begin with it.
        let mut statement = connection.prepare_cached("SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key")?;
        let mut rows = statement.query([prefix])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(rest) = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?.strip_prefix(prefix) else {
                break;
            };
            found.push((rest.to_vec(), row.get(1)?));
        }
        Ok(found)
    }

    /// Writes all of it, or nothing.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is there then.
    pub fn write(&self, writes: Writes, lasting: Lasting) -> Result<(), KvError> {
        let mut connection = self.lock();
        if lasting == Lasting::Soon {
            return write(&mut connection, writes);
        }
        // In WAL mode this syncs the write-ahead log as part of the commit, with all that stands in it.
        connection.execute_batch("PRAGMA synchronous = FULL;")?;
        let written = write(&mut connection, writes);
        connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
        written
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(connection: &mut Connection, writes: Writes) -> Result<(), KvError> {
    let tx = connection.transaction()?;
    {
        let mut put = tx.prepare_cached("INSERT OR REPLACE INTO kv (key, value) VALUES (?1, ?2)")?;
        let mut delete = tx.prepare_cached("DELETE FROM kv WHERE key = ?1")?;
        for (key, value) in writes.0 {
            match value {
                Some(value) => put.execute(params![key, value])?,
                None => delete.execute([key])?,
            };
        }
    }
    Ok(tx.commit()?)
}

/// Copies a table, as it is at one moment; a process may be writing it.
///
/// # Errors
/// When it cannot be read, or the copy not written.
pub fn copy(from: &Path, to: &Path) -> Result<(), KvError> {
    // Not read-only: when the process that wrote it was killed, SQLite has to recover the file first.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn writes(puts: &[(&str, &str)], deletes: &[&str]) -> Writes {
        let mut writes = Writes::default();
        puts.iter().for_each(|(key, value)| writes.put((*key).into(), (*value).into()));
        deletes.iter().for_each(|key| writes.delete((*key).into()));
        writes
    }

    #[test]
    fn what_was_written_is_there_again_and_in_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let kv = Kv::open(&path).unwrap();
        kv.write(writes(&[("a", "1"), ("b", "2")], &[]), Lasting::Soon).unwrap();
        kv.write(writes(&[("b", "3")], &["a", "absent"]), Lasting::Now).unwrap();
        copy(&path, &folder.path().join("copy.db")).unwrap();
        drop(kv);
        for name in ["t.db", "copy.db"] {
            let kv = Kv::open(&folder.path().join(name)).unwrap();
            assert_eq!(kv.scan(b"").unwrap(), [(b"b".to_vec(), b"3".to_vec())], "{name}");
        }
    }

    #[test]
    fn a_file_that_is_no_table_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert!(Kv::open(&path).unwrap_err().is_damage());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_is_a_map_in_order(steps in prop::collection::vec(
            prop::collection::vec(("[ab\u{ff}]{0,3}", prop::option::of(any::<u8>())), 0..6), 0..20)
        ) {
            let kv = Kv::in_memory().unwrap();
            let mut model = BTreeMap::new();
            for step in steps {
                let mut writes = Writes::default();
                for (key, value) in step {
                    let key = key.into_bytes();
                    match value {
                        Some(value) => { writes.put(key.clone(), vec![value]); model.insert(key, vec![value]); }
                        None => { writes.delete(key.clone()); model.remove(&key); }
                    }
                }
                kv.write(writes, Lasting::Soon).unwrap();
            }
            prop_assert_eq!(kv.scan(b"").unwrap(), model.clone().into_iter().collect::<Vec<_>>());
            let under_a = model.iter().filter_map(|(key, value)| Some((key.strip_prefix(b"a")?.to_vec(), value.clone())));
            prop_assert_eq!(kv.scan(b"a").unwrap(), under_a.collect::<Vec<_>>());
            for (key, value) in &model {
                prop_assert_eq!(kv.get(key).unwrap(), Some(value.clone()));
            }
        }
    }
}
