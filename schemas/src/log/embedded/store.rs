//! The SQL of one topic's file. Nothing here waits, sends or knows of threads.

use super::random_id;
use crate::log::{Entry, Identity, NewRecord, Position, Retention, TopicInfo};
use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use std::path::{Path, PathBuf};

/// How many records a step of retention deletes at most: it holds up appends for a few milliseconds.
const RETAIN_STEP: u32 = 2_000;
/// How many free pages a step gives back to the file system at most: 16 MiB.
const VACUUM_STEP: u32 = 2_048;
/// Free pages that are kept for the next appends, at least: 8 MiB.
const SPARE_PAGES: u32 = 1_024;
/// And at least this part of those in use: where as much comes in as falls to retention, no page is moved for nothing.
const SPARE_PART: u32 = 4;

/// A row's id is its partition and offset in one number, so that appends go to the end of the table's B-tree and a range
/// of offsets is a range of ids.
const OFFSET_BITS: u32 = 48;

fn row_id(partition: u32, offset: u64) -> i64 {
    ((u64::from(partition) << OFFSET_BITS) | offset) as i64
}

fn offset_of(row_id: i64) -> u64 {
    row_id as u64 & ((1 << OFFSET_BITS) - 1)
}

/// What is known of a partition without asking the database.
#[derive(Debug, Clone, Copy, Default)]
struct Partition {
    next: u64,
    bytes: u64,
    last_at: i64,
}

/// The file of a topic, open for writing.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
    info: TopicInfo,
    retention: Retention,
    partitions: Vec<Partition>,
}

impl Store {
    /// Opens the file; SQLite recovers what a crash left in its write-ahead log.
    pub(super) fn open(path: &Path, cluster: &str, partitions: u32, retention: Retention) -> rusqlite::Result<Self> {
        let mut connection = open_for_writing(path)?;
        let tx = connection.transaction()?;
        tx.execute_batch(
            "CREATE TABLE IF NOT EXISTS topic (id TEXT NOT NULL, partitions INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS partitions (
                 partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, bytes INTEGER NOT NULL, last_at INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS records (
                 id INTEGER PRIMARY KEY, at INTEGER NOT NULL, key BLOB, value BLOB NOT NULL);",
        )?;
        if retention == Retention::Compact {
            tx.execute_batch("CREATE INDEX IF NOT EXISTS records_by_key ON records (key);")?;
        }
        let known =
            tx.query_row("SELECT id, partitions FROM topic", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (topic_id, partitions): (String, u32) = match known {
            Some(known) => known,
            None => {
                let id = random_id();
                tx.execute("INSERT INTO topic (id, partitions) VALUES (?1, ?2)", params![id, partitions])?;
                for partition in 0..partitions {
                    tx.execute("INSERT INTO partitions VALUES (?1, 0, 0, 0)", [partition])?;
                }
                (id, partitions)
            }
        };
        let info = TopicInfo { identity: Identity { cluster: cluster.to_owned(), topic_id }, partitions };
        let known = read_partitions(&tx, partitions)?;
        tx.commit()?;
        Ok(Self { path: path.to_owned(), connection, info, retention, partitions: known })
    }

    pub(super) fn info(&self) -> &TopicInfo {
        &self.info
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The end of each partition.
    pub(super) fn ends(&self) -> Vec<u64> {
        self.partitions.iter().map(|partition| partition.next).collect()
    }

    /// When the last record of a partition was appended, as it stands in the file.
    pub(super) fn last_appended(&self, partition: u32) -> Timestamp {
        self.partitions.get(partition as usize).map_or(Timestamp::UNIX_EPOCH, |known| time(known.last_at))
    }

    /// Whether gaps between offsets are what compaction leaves behind, and no loss.
    pub(super) fn is_compacted(&self) -> bool {
        self.retention == Retention::Compact
    }

    /// Writes the records of several appends as one transaction and returns their positions, append by append. When it
    /// fails nothing has been written.
    pub(super) fn append<'a>(
        &mut self,
        appends: impl Iterator<Item = &'a [NewRecord]>,
        now: Timestamp,
    ) -> rusqlite::Result<Vec<Vec<Position>>> {
        let compact = self.is_compacted();
        let mut partitions = self.partitions.clone();
        let tx = self.connection.transaction()?;
        let mut positions = Vec::new();
        {
            let mut insert = tx.prepare_cached("INSERT INTO records (id, at, key, value) VALUES (?1, ?2, ?3, ?4)")?;
            for records in appends {
                let mut these = Vec::with_capacity(records.len());
                for record in records {
                    let Some(partition) = partitions.get_mut(record.partition as usize) else {
                        return Err(rusqlite::Error::IntegralValueOutOfRange(0, i64::from(record.partition)));
                    };
                    let offset = partition.next;
                    // A clock that is set back must not let a younger record look older than its elders.
                    partition.last_at = partition.last_at.max(now.as_millisecond());
                    let id = row_id(record.partition, offset);
                    if let (true, Some(key)) = (compact, &record.key) {
                        remove_older(&tx, partition, record.partition, key)?;
                    }
                    insert.execute(params![id, partition.last_at, record.key.as_deref(), &record.value[..]])?;
                    partition.next += 1;
                    partition.bytes += size(record);
                    these.push(Position { partition: record.partition, offset });
                }
                positions.push(these);
            }
        }
        write_partitions(&tx, &partitions)?;
        tx.commit()?;
        self.partitions = partitions;
        Ok(positions)
    }

    /// Does one step of what retention asks for. Returns whether there may be more to do.
    pub(super) fn retain(&mut self, now: Timestamp) -> rusqlite::Result<bool> {
        let Retention::Delete { age, bytes } = self.retention else { return Ok(false) };
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let before = now.as_millisecond().saturating_sub(age);
        let mut more = false;
        for partition in 0..self.info.partitions {
            more |= self.delete_step(partition, before, u64::MAX)?;
        }
        let excess = self.partitions.iter().map(|partition| partition.bytes).sum::<u64>().saturating_sub(bytes);
        if !more && excess > 0 {
            let mut oldest: Option<(i64, u32)> = None;
            for partition in 0..self.info.partitions {
                if let Some(at) = self.first_at(partition)?
                    && oldest.is_none_or(|(other, _)| at < other)
                {
                    oldest = Some((at, partition));
                }
            }
            if let Some((_, partition)) = oldest {
                self.delete_step(partition, i64::MAX, excess)?;
                more = true;
            }
        }
        Ok(self.give_back()? || more)
    }

    /// Gives a step's worth of what was freed back to the file system, which sees it at the next checkpoint. Returns whether
    /// there is more. A file that was made before this was possible keeps its size until it is restored from a backup.
    fn give_back(&mut self) -> rusqlite::Result<bool> {
        let pragma = |name: &str| self.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, u32>(0));
        if pragma("auto_vacuum")? != INCREMENTAL {
            return Ok(false);
        }
        let (pages, free) = (pragma("page_count")?, pragma("freelist_count")?);
        let excess = free.saturating_sub(SPARE_PAGES.max(pages.saturating_sub(free) / SPARE_PART));
        if excess == 0 {
            return Ok(false);
        }
        let step = excess.min(VACUUM_STEP);
        // A row for each page that is freed: all must be asked for.
        let mut vacuum = self.connection.prepare(&format!("PRAGMA incremental_vacuum({step})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
        Ok(excess > step && pragma("freelist_count")? < free)
    }

    /// Opens the file anew after a failed write whose cause may lie in what is open: a disk that went away and came back.
    /// The old connection stays when that fails.
    pub(super) fn reopen(&mut self) -> rusqlite::Result<()> {
        let mut connection = open_for_writing(&self.path)?;
        let tx = connection.transaction()?;
        let partitions = read_partitions(&tx, self.info.partitions)?;
        tx.commit()?;
        self.connection = connection;
        self.partitions = partitions;
        Ok(())
    }

    fn first_at(&self, partition: u32) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT at FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1")?
            .query_row([row_id(partition, 0), row_id(partition + 1, 0)], |row| row.get(0))
            .optional()
    }

    /// Deletes the oldest records of a partition, a step's worth at most: those from before a time, until `excess` bytes
    /// are freed. Returns whether the step was a full one.
    fn delete_step(&mut self, partition: u32, before: i64, excess: u64) -> rusqlite::Result<bool> {
        let mut partitions = self.partitions.clone();
        let tx = self.connection.transaction()?;
        let (count, freed, last): (u32, i64, Option<i64>) = tx.query_row(
            "SELECT count(*), coalesce(sum(size), 0), max(id) FROM (
                 SELECT id, at, size, sum(size) OVER (ORDER BY id) - size AS freed FROM (
                     SELECT id, at, coalesce(length(key), 0) + length(value) AS size
                     FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3))
             WHERE at < ?4 AND freed < ?5",
            params![
                row_id(partition, 0),
                row_id(partition + 1, 0),
                RETAIN_STEP,
                before,
                i64::try_from(excess).unwrap_or(i64::MAX),
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some(last) = last else { return Ok(false) };
        tx.execute("DELETE FROM records WHERE id >= ?1 AND id <= ?2", [row_id(partition, 0), last])?;
        if let Some(partition) = partitions.get_mut(partition as usize) {
            partition.bytes = partition.bytes.saturating_sub(freed as u64);
        }
        write_partitions(&tx, &partitions)?;
        tx.commit()?;
        self.partitions = partitions;
        Ok(count == RETAIN_STEP)
    }
}

/// In a compacted topic a key's last record replaces the one before it.
fn remove_older(tx: &Transaction<'_>, known: &mut Partition, partition: u32, key: &Bytes) -> rusqlite::Result<()> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM records WHERE key = ?1 AND id >= ?2 AND id < ?3 RETURNING length(key) + length(value)",
    )?;
    let range = params![&key[..], row_id(partition, 0), row_id(partition + 1, 0)];
    for freed in delete.query_map(range, |row| row.get::<_, i64>(0))? {
        known.bytes = known.bytes.saturating_sub(freed? as u64);
    }
    Ok(())
}

fn size(record: &NewRecord) -> u64 {
    (record.key.as_ref().map_or(0, Bytes::len) + record.value.len()) as u64
}

fn read_partitions(tx: &Transaction<'_>, partitions: u32) -> rusqlite::Result<Vec<Partition>> {
    let mut statement = tx.prepare("SELECT next, bytes, last_at FROM partitions WHERE partition = ?1")?;
    (0..partitions)
        .map(|partition| {
            statement.query_row([partition], |row| {
                Ok(Partition { next: row.get(0)?, bytes: row.get(1)?, last_at: row.get(2)? })
            })
        })
        .collect()
}

fn write_partitions(tx: &Transaction<'_>, partitions: &[Partition]) -> rusqlite::Result<()> {
    let mut update =
        tx.prepare_cached("UPDATE partitions SET next = ?2, bytes = ?3, last_at = ?4 WHERE partition = ?1")?;
    for (index, partition) in partitions.iter().enumerate() {
        update.execute(params![index, partition.next, partition.bytes, partition.last_at])?;
    }
    Ok(())
}

/// `auto_vacuum` as SQLite tells it.
const INCREMENTAL: u32 = 2;

fn open_for_writing(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    // Only in a new file: it takes no effect in another, but is a write, and a full disk must not keep the log from opening.
    if connection.query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0))? == 0 {
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
    }
    // The page size takes effect only in a new file. 8 KiB holds some 20 posts a page and halves the height of the tree.
    connection.execute_batch(
        "PRAGMA page_size = 8192;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 2000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -8192;",
    )?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.execute_batch("PRAGMA cache_size = -2048;")?;
    Ok(connection)
}

/// Reads records of a partition from an offset on and before `end`, at most `most` records and about `bytes` bytes, but
/// at least one where there is one.
pub(super) fn read(
    connection: &Connection,
    from: Position,
    end: u64,
    most: usize,
    bytes: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection
        .prepare_cached("SELECT id, at, key, value FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3")?;
    let mut rows = statement.query(params![row_id(from.partition, from.offset), row_id(from.partition, end), most])?;
    let mut entries = Vec::with_capacity(most.min(1024));
    let mut taken = 0;
    while let Some(row) = rows.next()? {
        let value = Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?);
        let key = row.get_ref(2)?.as_blob_or_null()?.map(Bytes::copy_from_slice);
        taken += value.len();
        entries.push(Entry { offset: offset_of(row.get(0)?), appended_at: time(row.get(1)?), key, value });
        if taken >= bytes {
            break;
        }
    }
    Ok(entries)
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The first offset that is still kept.
pub(super) fn first(connection: &Connection, partition: u32) -> rusqlite::Result<Option<u64>> {
    connection
        .query_row(
            "SELECT id FROM records WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1",
            [row_id(partition, 0), row_id(partition + 1, 0)],
            |row| row.get(0),
        )
        .optional()
        .map(|id: Option<i64>| id.map(offset_of))
}
