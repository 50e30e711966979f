//! What it costs to remember posts: `cargo run --release -p benches --bin seen -- --ids 100000000`.
//!
//! Marks so many random ids in batches as the door does, waiting whenever more than a run's worth waits to be written: the rate
//! is what the memory sustains, not what it takes in. Then it asks for ids, one at a time and in batches: of all ages that
//! it holds, of the last tenth, and for ones that were never marked. Disk and memory are printed on the way, their peaks at the end;
//! then it is opened again. The memory asked for is this process's: the program itself holds a batch at a time.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use anyhow::{Context, ensure};
use benches::machine::usage;
use clap::Parser;
use ingest::SeenMemory;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Posts in a batch, as in a request that is pushed.
const BATCH: u64 = 500;
/// Marks that may wait: what is worth a run.
const WAITING: usize = 1 << 18;
const LOOK_UPS: u64 = 200_000;

#[derive(Debug, Parser)]
struct Options {
    /// Ids to mark; also the bound.
    #[arg(long, default_value_t = 10_000_000)]
    ids: u64,
    /// Marks go on to this multiple of it, so that the oldest go.
    #[arg(long, default_value_t = 1.3)]
    times: f64,
    /// Where to put it; a temporary folder unless it is given.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Default)]
struct Peaks {
    disk: u64,
    memory: u64,
}

impl Peaks {
    fn look(&mut self, folder: &Path) -> (u64, u64) {
        let memory = usage(std::process::id()).map_or(0, |usage| usage.rss_anon);
        let disk = size(folder);
        self.disk = self.disk.max(disk);
        self.memory = self.memory.max(memory);
        (disk, memory)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let mut peaks = Peaks::default();
    let base = peaks.look(folder).1;
    let memory = SeenMemory::open(folder, options.ids)?;
    let marks = (options.ids as f64 * options.times) as u64;
    println!("{marks} marks, bound {}; the program alone {} MiB", options.ids, base >> 20);

    let began = Instant::now();
    let (mut tenth, tell) = (Instant::now(), (marks / 10).next_multiple_of(BATCH).max(BATCH));
    for from in (0..marks).step_by(BATCH as usize) {
        memory.mark(&(from..(from + BATCH).min(marks)).map(post).collect::<Vec<_>>());
        while memory.waiting() > WAITING {
            std::thread::sleep(Duration::from_millis(1));
        }
        if from.is_multiple_of(tell / 16 / BATCH * BATCH + BATCH) {
            peaks.look(folder);
        }
        let done = from + BATCH;
        if done.is_multiple_of(tell) {
            let rate = tell as f64 / tenth.elapsed().as_secs_f64();
            let (disk, anon) = peaks.look(folder);
            println!(
                "{done:>12} {rate:>9.0} marks/s  disk {:>5} MiB  memory {:>4} MiB  {} runs",
                disk >> 20,
                anon >> 20,
                memory.runs().len()
            );
            tenth = Instant::now();
        }
    }
    println!(
        "marked: {:.0} marks/s, {:.0} s",
        marks as f64 / began.elapsed().as_secs_f64(),
        began.elapsed().as_secs_f64()
    );

    let oldest = marks.saturating_sub(options.ids / 8 * 7);
    look_up(&memory, "hit, any age", oldest..marks, 1, true)?;
    look_up(&memory, "hit, last tenth", marks - marks / 10..marks, 1, true)?;
    look_up(&memory, "never marked", marks..marks * 2, 1, false)?;
    look_up(&memory, "never marked, 500 at once", marks * 2..marks * 3, BATCH, false)?;
    let (disk, anon) = peaks.look(folder);
    let held: u64 = memory.runs().iter().sum();
    println!(
        "{held} held: disk {} MiB (peak {}), {:.2} bytes an id; memory {} MiB (peak {}), {:.2} bytes an id",
        disk >> 20,
        peaks.disk >> 20,
        disk as f64 / held as f64,
        anon >> 20,
        peaks.memory >> 20,
        anon as f64 / held as f64
    );
    let closing = Instant::now();
    drop(memory);
    println!("closed in {:.2} s", closing.elapsed().as_secs_f64());
    let opening = Instant::now();
    let memory = SeenMemory::open(folder, options.ids)?;
    println!("opened in {:.2} s: {} runs", opening.elapsed().as_secs_f64(), memory.runs().len());
    ensure!(memory.knows(&[post(marks - 1)]) == [true], "the last mark is forgotten");
    Ok(())
}

/// The hashes of the n-th post: as random as those of real ones.
fn post(n: u64) -> (u64, u64) {
    let mut random = SmallRng::seed_from_u64(n);
    (random.random(), random.random())
}

fn look_up(
    memory: &SeenMemory,
    what: &str,
    among: std::ops::Range<u64>,
    at_once: u64,
    expected: bool,
) -> anyhow::Result<()> {
    let mut random = SmallRng::seed_from_u64(1);
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    for _ in 0..LOOK_UPS / at_once {
        let asked: Vec<_> = (0..at_once).map(|_| post(random.random_range(among.clone()))).collect();
        let asking = Instant::now();
        let known = memory.knows(&asked);
        slowest = slowest.max(asking.elapsed());
        ensure!(known.into_iter().all(|known| known == expected), "{what}: a wrong answer");
    }
    let rate = LOOK_UPS as f64 / began.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} look-ups/s, the slowest call {:.1} ms", slowest.as_secs_f64() * 1e3);
    Ok(())
}

/// Bytes of the files in a folder and those below it; what goes meanwhile counts nothing.
fn size(folder: &Path) -> u64 {
    let Ok(children) = std::fs::read_dir(folder).context("it is gone") else { return 0 };
    let sizes = children.flatten().filter_map(|child| child.metadata().ok().map(|found| (child.path(), found)));
    sizes.map(|(path, found)| if found.is_dir() { size(&path) } else { found.len() }).sum()
}
