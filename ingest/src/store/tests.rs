use super::{
    catalog::{self, Marks},
    folder::backup,
    keeper::Work,
    *,
};
use crate::seen::Fingerprint;
use proptest::prelude::*;
use schemas::log::Position;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Runs of 8 marks, generations of 64.
const BOUND: u64 = 512;

fn identity(cluster: &str) -> Identity {
    Identity { cluster: cluster.into(), topic_id: "t".into() }
}

fn open_of(folder: &Path, cluster: &str, ends: &[u64]) -> Store {
    let store = Store::open(folder, Found { identity: &identity(cluster), ends }, BOUND).unwrap();
    assert!(store.is_kept());
    store
}

fn open(folder: &Path) -> Store {
    open_of(folder, "c", &[u64::MAX])
}

/// The marks of a post whose id is hashed well enough.
fn mark(id: u64, content: u64) -> Fingerprint {
    Fingerprint { id: id.wrapping_mul(0x9E37_79B9_7F4A_7C15), content }
}

fn marks(ids: std::ops::Range<u64>) -> Vec<Fingerprint> {
    ids.map(|id| mark(id, 1)).collect()
}

fn known(store: &Store, ids: std::ops::Range<u64>) -> usize {
    store.seen().knows(&marks(ids)).into_iter().filter(|known| *known).count()
}

fn files(folder: &TempDir) -> HashSet<String> {
    let children = std::fs::read_dir(folder.path().join("memory")).unwrap();
    children.map(|child| child.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_marked_is_known_after_a_restart_with_the_positions_that_it_covers() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    assert_eq!(store.seen().positions(), None, "it is new");
    store.seen().begin_at(&[5]);
    store.seen().mark_appended(&[mark(1, 1), mark(2, 1)], &[5, 6].map(|offset| Position { partition: 0, offset }));
    store.seen().mark_appended(&[mark(1, 2)], &[Position { partition: 0, offset: 9 }]);
    let hashing = store.seen().hashing();
    drop(store);

    let store = open(folder.path());
    let asked = [mark(1, 2), mark(2, 1), mark(1, 1), mark(3, 1)];
    assert_eq!(store.seen().knows(&asked), [true, true, false, false]);
    assert_eq!(store.seen().positions(), Some(vec![7]), "what lies at 7 and 8 was not marked");
    assert_eq!(store.seen().hashing(), hashing, "else no mark would say anything");
    store.seen().mark_read(&[], 0, 7..10);
    assert!(store.seen().covers(0, 0..10) && !store.seen().covers(0, 9..11));
}

#[test]
fn another_process_has_it_for_itself() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let log = Found { identity: &identity("c"), ends: &[u64::MAX] };
    let second = Store::open(folder.path(), log, BOUND).unwrap();
    assert!(!second.is_kept());
    second.seen().mark(&marks(0..100));
    assert_eq!(known(&second, 0..100), 100);
    drop((store, second));
    assert_eq!(known(&open(folder.path()), 0..100), 0);
}

#[test]
fn with_another_log_or_one_that_was_set_back_it_begins_anew() {
    let folder = TempDir::new().unwrap();
    let remember = || {
        let store = open_of(folder.path(), "c", &[10]);
        store.seen().begin_at(&[10]);
        store.seen().mark(&marks(0..5));
        store.save("forum", b"state".into(), vec![(1, b"row".into())], &[]).unwrap();
    };
    let is_empty = |store: &Store| {
        known(store, 0..5) == 0 && store.load("forum").unwrap() == Kept::default() && store.seen().positions().is_none()
    };
    remember();
    assert!(!is_empty(&open_of(folder.path(), "c", &[10])));
    assert!(is_empty(&open_of(folder.path(), "other", &[10])));
    assert!(is_empty(&open_of(folder.path(), "c", &[10])), "not even when the first one comes back");
    remember();
    assert!(is_empty(&open_of(folder.path(), "c", &[9])), "the log ends before what is remembered of it");
    remember();
    assert!(is_empty(&open_of(folder.path(), "c", &[10, 10])), "another number of partitions");
}

#[test]
fn a_catalog_that_is_damaged_is_set_aside() {
    let folder = TempDir::new().unwrap();
    for round in 0..2 {
        let store = open(folder.path());
        store.seen().mark(&marks(0..100));
        drop(store);
        let catalog = folder.path().join("memory").join(catalog::FILE);
        std::fs::write(&catalog, b"nonsense ".repeat(2_000)).unwrap();
        assert_eq!(known(&open(folder.path()), 0..100), 0, "round {round}");
        assert!(files(&folder).contains("set-aside"));
    }
    // What is found later is set aside at the next start.
    open(folder.path()).seen().mark(&marks(0..100));
    std::fs::write(folder.path().join("memory").join(catalog::DAMAGED), "").unwrap();
    assert_eq!(known(&open(folder.path()), 0..100), 0);
    assert!(!files(&folder).contains(catalog::DAMAGED));
}

#[test]
fn runs_that_are_torn_or_gone_are_forgotten_and_what_no_catalog_lists_is_removed() {
    let folder = TempDir::new().unwrap();
    for part in 0..3 {
        open(folder.path()).seen().mark(&marks(part * 10..part * 10 + 5));
    }
    let run = |number| catalog::file(&folder.path().join("memory"), number);
    let length = std::fs::metadata(run(1)).unwrap().len();
    std::fs::File::options().write(true).open(run(1)).unwrap().set_len(length - 1).unwrap();
    std::fs::remove_file(run(2)).unwrap();
    std::fs::write(run(17), b"half a run").unwrap();
    let store = open(folder.path());
    assert_eq!([0..5, 10..15, 20..25].map(|ids| known(&store, ids)), [0, 0, 5]);
    assert!(!run(1).exists() && !run(17).exists() && run(3).exists());
    drop(store);
    assert_eq!(known(&open(folder.path()), 20..25), 5);
}

/// A store whose keeper is moved by hand.
struct ByHand {
    seen: Arc<Seen>,
    work: Work,
    catalog: Arc<Catalog>,
    folder: TempDir,
}

impl ByHand {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        catalog.found(&identity("c")).unwrap();
        let marks = catalog.marks(folder.path()).unwrap();
        Self::of(folder, catalog, marks)
    }

    fn of(folder: TempDir, catalog: Catalog, marks: Marks) -> Self {
        let (catalog, seen) = (Arc::new(catalog), Arc::new(Seen::new(marks, Plan::new(BOUND))));
        let work = Work::new(seen.clone(), catalog.clone(), folder.path(), Plan::new(BOUND));
        Self { seen, work, catalog, folder }
    }

    /// What is left when the process is killed now, opened again.
    fn killed(self) -> Self {
        let Self { folder, .. } = self;
        let catalog = Catalog::open(folder.path()).unwrap();
        let marks = catalog.marks(folder.path()).unwrap();
        Self::of(folder, catalog, marks)
    }

    fn settle(&mut self) {
        self.work.write().unwrap();
        while self.work.tidy().unwrap() {}
    }
}

#[test]
fn the_bound_holds_and_the_oldest_goes_unless_it_is_asked_for() {
    let mut store = ByHand::new();
    for from in (0..5_000).step_by(10) {
        store.seen.mark(&marks(from..from + 10));
        // Somebody asks for the first ten all the while.
        assert_eq!(store.seen.knows(&marks(0..10)), [true; 10], "at {from}");
        store.settle();
        // Nothing is answered from memory.
        store = store.killed();
    }
    let sizes: Vec<u64> = store.seen.runs().iter().map(|stored| stored.run.count()).collect();
    let sum: u64 = sizes.iter().sum();
    assert!((BOUND / 4 * 3..=BOUND).contains(&sum) && sizes.len() < 24, "{sizes:?}");
    let kept = std::fs::read_dir(store.folder.path()).unwrap();
    let runs = kept.filter(|child| catalog::number(&child.as_ref().unwrap().path()).is_some()).count();
    assert_eq!(runs, sizes.len(), "no file is left behind");
    let known = |ids| store.seen.knows(&marks(ids)).into_iter().filter(|known| *known).count();
    assert_eq!((known(4_700..5_000), known(10..4_000)), (300, 0));
    assert_eq!(store.catalog.run_numbers().unwrap().len(), sizes.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// It never knows what was not marked last; what it was given to write it knows for as long as the bound says.
    #[test]
    fn it_agrees_with_a_model(steps in prop::collection::vec((0u64..60, 0u64..3, 0u8..10), 1..150)) {
        let mut store = ByHand::new();
        let (mut model, mut written) = (HashMap::new(), HashMap::new());
        for (id, content, step) in steps {
            match step {
                0 => { store.settle(); written = model.clone(); }
                1 => { store = store.killed(); model = written.clone(); }
                2 => { store.work.write().unwrap(); store.work.tidy().unwrap(); written = model.clone(); }
                3..=6 => { store.seen.mark(&[mark(id, content)]); model.insert(id, content); }
                _ => {
                    let known = store.seen.knows(&[mark(id, content)])[0];
                    prop_assert_eq!(known, model.get(&id) == Some(&content), "{} {}", id, content);
                }
            }
        }
    }
}

#[test]
fn a_backup_of_a_store_in_use_is_a_store() {
    let (folder, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    backup(folder.path(), to.path()).unwrap();
    assert!(!to.path().join("memory").exists(), "there was nothing to copy");
    let store = open(folder.path());
    store.save("forum", b"state".into(), vec![(7, b"row".into())], &[]).unwrap();
    for part in 0..50 {
        store.seen().mark(&marks(part * 10..part * 10 + 10));
        let to = to.path().join(part.to_string());
        std::fs::create_dir(&to).unwrap();
        backup(folder.path(), &to).unwrap();
        let copy = open(&to);
        assert_eq!(copy.load("forum").unwrap(), Kept { state: Some(b"state".into()), rows: vec![(7, b"row".into())] });
    }
    drop(store);
    backup(folder.path(), to.path()).unwrap();
    assert_eq!(known(&open(to.path()), 0..500), 500);
}

#[test]
fn a_source_has_its_rows_for_itself() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    store.save("a", b"1".into(), vec![(u64::MAX, b"x".into()), (0, b"y".into()), (9, b"z".into())], &[]).unwrap();
    store.save("ab", b"2".into(), vec![(5, b"other".into())], &[]).unwrap();
    store.save("a", b"3".into(), vec![(0, b"new".into())], &[9, 10]).unwrap();
    drop(store);
    let store = open(folder.path());
    let rows = vec![(0, b"new".to_vec()), (u64::MAX, b"x".to_vec())];
    assert_eq!(store.load("a").unwrap(), Kept { state: Some(b"3".into()), rows });
    assert_eq!(store.load("b").unwrap(), Kept::default());
    store.forget_others(|source| source == "ab").unwrap();
    assert_eq!(store.load("a").unwrap(), Kept::default());
    assert_eq!(store.load("ab").unwrap().rows, [(5, b"other".to_vec())]);
}

const CHILD: &str = "WANGLOU_STORE_CHILD";

/// What the frontier holds after so many saves: rows come, change and go.
fn frontier(saves: u64) -> BTreeMap<u64, u64> {
    let mut rows = BTreeMap::new();
    for n in 1..=saves {
        rows.insert(n % 40, n);
        rows.remove(&(n % 7));
    }
    rows
}

/// Not a test of its own: the process that is killed. It marks and saves, and says how far it is.
#[test]
#[ignore = "it is started by the next test"]
fn child() {
    use std::io::Write;
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let store = open(&folder);
    let mut next = store.seen().positions().map_or(0, |positions| positions[0]);
    store.seen().begin_at(&[next]);
    let state = store.load("forum").unwrap().state;
    let mut saves = state.map_or(0, |state| u64::from_le_bytes(state.try_into().unwrap()));
    loop {
        let positions: Vec<_> = (next..next + 5).map(|offset| Position { partition: 0, offset }).collect();
        store.seen().mark_appended(&marks(next..next + 5), &positions);
        next += 5;
        saves += 1;
        let put = vec![(saves % 40, saves.to_le_bytes().to_vec())];
        let (put, deletes) = if saves % 40 == saves % 7 { (vec![], vec![saves % 7]) } else { (put, vec![saves % 7]) };
        store.save("forum", saves.to_le_bytes().into(), put, &deletes).unwrap();
        let runs = store.seen().runs().last().map_or(0, |stored| stored.number);
        writeln!(std::io::stdout(), "saved {saves} {runs}").unwrap();
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_holds_what_it_says() {
    let folder = TempDir::new().unwrap();
    let (mut lines_until_killed, mut reached) = (3, 0);
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::child", "--ignored", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut told = lines.filter_map(|line| {
            // The harness may have begun the line.
            let (saves, runs) = line.split_once("saved ")?.1.split_once(' ')?;
            Some((saves.parse::<u64>().unwrap(), runs.parse::<u64>().unwrap()))
        });
        // Not before it has written something, and at another moment each time.
        let (_, first) = told.next().unwrap();
        told.by_ref().find(|(_, run)| *run > first).unwrap();
        let (saved, _) = told.nth(lines_until_killed).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        lines_until_killed = lines_until_killed * 2 % 997 + 1;

        let store = open(folder.path());
        // It was killed with its next step under way, or some: the pipe holds what nobody has read.
        let kept = store.load("forum").unwrap();
        let saves = u64::from_le_bytes(kept.state.unwrap().try_into().unwrap());
        assert!(saves >= saved, "round {round}: what was saved outlives the process");
        let rows: BTreeMap<u64, u64> =
            kept.rows.into_iter().map(|(row, value)| (row, u64::from_le_bytes(value.try_into().unwrap()))).collect();
        assert_eq!(rows, frontier(saves), "round {round}: no save is torn");
        let position = store.seen().positions().map_or(0, |positions| positions[0]);
        assert!(position > reached, "round {round}: it goes on from where it was");
        reached = position;
        let within = position.saturating_sub(BOUND / 2)..position;
        assert_eq!(known(&store, within.clone()), (within.end - within.start) as usize, "round {round}");
        assert!(!store.seen().knows(&[mark(position.saturating_sub(1), 2)])[0]);
        assert_eq!(known(&store, 1_000_000..1_001_000), 0);
    }
}
