use super::*;
use crate::log::{SharedLog, conformance};
use std::{fs::OpenOptions, io::Write, sync::Arc, time::Duration};
use tempfile::TempDir;

struct Folder {
    folder: TempDir,
    log: SharedLog,
}

fn open(folder: &Path) -> SharedLog {
    Arc::new(Embedded::open(&EmbeddedOptions { partitions: 2, ..EmbeddedOptions::new(folder) }).unwrap())
}

fn make() -> Folder {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path());
    Folder { folder, log }
}

#[async_trait]
impl conformance::Fixture for Folder {
    fn log(&self) -> SharedLog {
        Arc::clone(&self.log)
    }

    async fn reopen(&mut self) {
        self.log.close().await;
        self.log = Arc::new(Nothing);
        self.log = open(self.folder.path());
    }

    async fn forget(&self, partition: u32, count: u64) -> bool {
        // By the file's own means: retention goes by time, and a test does not wait for days.
        let connection = rusqlite::Connection::open(self.folder.path().join("posts.raw.db")).unwrap();
        let (from, to) = ((u64::from(partition) << 48) as i64, (u64::from(partition) << 48 | count) as i64);
        connection.execute("DELETE FROM records WHERE id >= ?1 AND id < ?2", [from, to]).unwrap();
        // As retention does: what it deletes is not kept in memory either.
        self.log.retain(Timestamp::now()).await.unwrap();
        true
    }
}

/// Stands in while the folder changes hands: the old log must be gone before the new one may lock it.
struct Nothing;

#[async_trait]
impl Log for Nothing {
    async fn describe(&self, _: Topic) -> Result<TopicInfo, LogError> {
        Err(LogError::Closed)
    }
    async fn append(&self, _: Topic, _: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        Err(LogError::Closed)
    }
    async fn reader(&self, _: Topic, _: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        Err(LogError::Closed)
    }
    async fn bounds(&self, _: Topic, _: u32) -> Result<(u64, u64), LogError> {
        Err(LogError::Closed)
    }
    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        Err(LogError::Closed)
    }
    async fn retain(&self, _: Timestamp) -> Result<(), LogError> {
        Err(LogError::Closed)
    }
    async fn close(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    conformance::run(async || make()).await;
}

fn record(value: impl Into<bytes::Bytes>) -> NewRecord {
    NewRecord { partition: 0, key: None, value: value.into() }
}

async fn values(log: &SharedLog) -> Vec<bytes::Bytes> {
    let mut reader = log.reader(Topic::PostsRaw, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let mut values = Vec::new();
    while let Some(batch) = reader.next(1000, Duration::from_millis(20)).await.unwrap() {
        values.extend(batch.entries.into_iter().map(|entry| entry.value));
    }
    values
}

/// A crash leaves the write-ahead log with a torn or half-written tail. Whatever the tail looks like, the log opens, holds a
/// prefix of what was appended, and takes more.
#[tokio::test]
async fn a_torn_tail_is_cut() {
    let original = make();
    for i in 0..40 {
        original.log.append(Topic::PostsRaw, vec![record(format!("{i:0100}"))]).await.unwrap();
    }
    let database = std::fs::read(original.folder.path().join("posts.raw.db")).unwrap();
    let wal = std::fs::read(original.folder.path().join("posts.raw.db-wal")).unwrap();
    assert!(wal.len() > 40 * 4096, "the appends are still in the write-ahead log, as after a crash");
    let mut seen_shorter = false;
    for cut in [0, 1, 31, 32, 33, wal.len() / 3, wal.len() / 2, wal.len() - 5000, wal.len() - 1, wal.len()] {
        for garbage in [0, 7, 9000] {
            let folder = TempDir::new().unwrap();
            std::fs::copy(original.folder.path().join("cluster-id"), folder.path().join("cluster-id")).unwrap();
            std::fs::write(folder.path().join("posts.raw.db"), &database).unwrap();
            std::fs::write(folder.path().join("posts.raw.db-wal"), &wal[..cut]).unwrap();
            let mut tail = OpenOptions::new().append(true).open(folder.path().join("posts.raw.db-wal")).unwrap();
            tail.write_all(&vec![0xa5; garbage]).unwrap();
            drop(tail);
            let log = open(folder.path());
            let kept = values(&log).await;
            seen_shorter |= kept.len() < 40;
            assert!(kept.iter().enumerate().all(|(i, value)| *value == format!("{i:0100}")), "cut at {cut}");
            if cut == wal.len() {
                assert_eq!(kept.len(), 40, "a whole tail is kept whole, whatever garbage follows");
            }
            let position = log.append(Topic::PostsRaw, vec![record("next")]).await.unwrap();
            assert_eq!(position, [Position { partition: 0, offset: kept.len() as u64 }]);
            log.close().await;
        }
    }
    assert!(seen_shorter);
}

#[test]
fn a_second_process_is_refused_with_the_reason() {
    let first = make();
    let second = Embedded::open(&EmbeddedOptions::new(first.folder.path()));
    let error = second.err().unwrap().to_string();
    assert!(error.contains("belongs to another running process"), "{error}");
}

#[tokio::test]
async fn another_number_of_partitions_is_refused() {
    let folder = TempDir::new().unwrap();
    open(folder.path()).close().await;
    let outcome = Embedded::open(&EmbeddedOptions { partitions: 3, ..EmbeddedOptions::new(folder.path()) });
    assert!(matches!(outcome, Err(OpenError::Partitions { found: 2, wanted: 3, .. })));
}

fn with_retention(folder: &Path, age: Duration, bytes: u64) -> Embedded {
    let retention = HashMap::from([(Topic::PostsRaw, Retention::Delete { age, bytes })]);
    Embedded::open(&EmbeddedOptions { partitions: 2, retention, ..EmbeddedOptions::new(folder) }).unwrap()
}

#[tokio::test]
async fn retention_by_time_forgets_what_is_old() {
    let folder = TempDir::new().unwrap();
    let log = with_retention(folder.path(), Duration::from_secs(3600), u64::MAX);
    log.append(Topic::PostsRaw, (0..5_000).map(|_| record("x")).collect()).await.unwrap();
    log.retain(Timestamp::now()).await.unwrap();
    assert_eq!(log.bounds(Topic::PostsRaw, 0).await.unwrap(), (0, 5_000));
    log.retain(Timestamp::now() + Duration::from_secs(3601)).await.unwrap();
    assert_eq!(log.bounds(Topic::PostsRaw, 0).await.unwrap(), (5_000, 5_000));
    let next = log.append(Topic::PostsRaw, vec![record("x")]).await.unwrap();
    assert_eq!(next[0].offset, 5_000, "offsets go on, they never begin again");
}

#[tokio::test]
async fn retention_by_size_forgets_the_oldest_first() {
    let folder = TempDir::new().unwrap();
    let log = with_retention(folder.path(), Duration::from_secs(1 << 40), 100_000);
    for _ in 0..100 {
        log.append(Topic::PostsRaw, (0..100).map(|_| record(vec![b'x'; 100])).collect()).await.unwrap();
    }
    log.retain(Timestamp::now()).await.unwrap();
    let (first, end) = log.bounds(Topic::PostsRaw, 0).await.unwrap();
    assert_eq!((first, end), (9_000, 10_000));
}

#[tokio::test]
async fn identity_belongs_to_the_folder() {
    let (one, two) = (make(), make());
    let identity = async |folder: &Folder| folder.log.describe(Topic::PostsRaw).await.unwrap().identity;
    assert_ne!(identity(&one).await, identity(&two).await);
}

fn disk_of(free: &Arc<std::sync::atomic::AtomicU64>) -> Arc<Disk> {
    let free = Arc::clone(free);
    let space = move || crate::kit::disk::Space {
        free: free.load(std::sync::atomic::Ordering::Relaxed),
        total: 1 << 30,
        read_only: false,
    };
    Arc::new(Disk::with_probe("/data", Some(1000), move || Ok(space())))
}

#[tokio::test]
async fn a_short_disk_stops_posts_alone_and_they_go_on_by_themselves() {
    let folder = TempDir::new().unwrap();
    let free = Arc::new(std::sync::atomic::AtomicU64::new(1000));
    let log = Embedded::open(&EmbeddedOptions { disk: disk_of(&free), ..EmbeddedOptions::new(folder.path()) }).unwrap();
    log.append(Topic::PostsRaw, vec![record("before")]).await.unwrap();
    free.store(999, std::sync::atomic::Ordering::Relaxed);
    let refused = log.append(Topic::PostsRaw, vec![record("refused")]).await;
    assert!(matches!(&refused, Err(LogError::Unavailable(reason)) if reason.contains("reserve_bytes")), "{refused:?}");
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::PostsRaw) {
        log.append(topic, vec![record("into the reserve")]).await.unwrap();
    }
    free.store(1100, std::sync::atomic::Ordering::Relaxed);
    let position = log.append(Topic::PostsRaw, vec![record("after")]).await.unwrap();
    assert_eq!(position, [Position { partition: 0, offset: 1 }], "nothing of what was refused is there");
}

#[test]
fn a_file_that_is_opened_anew_goes_on_where_it_stood() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("posts.raw.db");
    let keep = Retention::Delete { age: Duration::from_secs(60), bytes: u64::MAX };
    let mut store = Store::open(&path, "c", 2, keep).unwrap();
    let append = |store: &mut Store, value: &'static str| {
        let records = [record(value)];
        store.append([&records[..]].into_iter(), Timestamp::now()).unwrap()
    };
    append(&mut store, "a");
    store.reopen().unwrap();
    assert_eq!(append(&mut store, "b"), [[Position { partition: 0, offset: 1 }]]);
    std::fs::rename(folder.path(), folder.path().with_extension("away")).unwrap();
    assert!(store.reopen().is_err());
    std::fs::rename(folder.path().with_extension("away"), folder.path()).unwrap();
    assert_eq!(append(&mut store, "c"), [[Position { partition: 0, offset: 2 }]], "the old connection has stayed");
}

#[tokio::test]
async fn what_retention_frees_is_given_back_to_the_file_system() {
    let folder = TempDir::new().unwrap();
    let log = with_retention(folder.path(), Duration::from_secs(3600), u64::MAX);
    for _ in 0..8 {
        log.append(Topic::PostsRaw, (0..100).map(|_| record(vec![b'x'; 80_000])).collect()).await.unwrap();
    }
    let size = || {
        // As after a quiet while: what is in the write-ahead log reaches the file.
        let connection = rusqlite::Connection::open(folder.path().join("posts.raw.db")).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::metadata(folder.path().join("posts.raw.db")).unwrap().len()
    };
    let full = size();
    assert!(full > 64_000_000, "{full}");
    log.retain(Timestamp::now() + Duration::from_secs(3601)).await.unwrap();
    let kept = size();
    assert!(kept < full / 4, "{kept} of {full}: only a spare for the next appends is kept");
    let next = log.append(Topic::PostsRaw, vec![record("next")]).await.unwrap();
    assert_eq!(next[0].offset, 800);
}

/// A file system of its own that is really full, where this machine lets tests mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn of(megabytes: u32) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let size = format!("size={megabytes}m");
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_disk_that_is_really_full_costs_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::of(24) else {
        #[allow(clippy::print_stderr)] // said to whoever reads the tests' output
        {
            eprintln!("skipped: no file system can be mounted here (root can)");
        }
        return;
    };
    let folder = disk.0.path().join("log");
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).unwrap();
    let log = open(&folder);
    let mut acknowledged = Vec::new();
    let mut rounds_refused = 0;
    // Fills the disk, frees it a little, fills it again: each time the log recovers.
    for round in 0..3_u32 {
        let refused = loop {
            let value = format!("{:06}{}", acknowledged.len(), "满".repeat(20_000));
            match log.append(Topic::PostsRaw, vec![record(value.clone())]).await {
                Ok(_) => acknowledged.push(value),
                Err(error) => break error,
            }
            assert!(acknowledged.len() < 2_000, "24 MiB hold no more");
        };
        assert!(matches!(refused, LogError::Unavailable(_)), "{refused:?}");
        rounds_refused += 1;
        assert!(log.append(Topic::PostsRaw, vec![record(vec![0; 4 << 20])]).await.is_err(), "it stays full");
        let left = (2 - u64::from(round)) * (8 << 20) / 3;
        OpenOptions::new().write(true).open(&ballast).unwrap().set_len(left).unwrap();
        let value = format!("{:06}", acknowledged.len());
        log.append(Topic::PostsRaw, vec![record(value.clone())]).await.expect("there is room again");
        acknowledged.push(value);
    }
    assert_eq!(rounds_refused, 3);
    assert!(values(&log).await == acknowledged, "all that was acknowledged, and nothing else, in its order");
    log.close().await;
    drop(log);
    assert!(values(&open(&folder)).await == acknowledged, "after a restart too, full as the disk is");
}
