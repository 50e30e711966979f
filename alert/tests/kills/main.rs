//! Two hundred kills: the engine as a process of its own, in the lives of a thousand incidents, killed with SIGKILL again and again while channels
//! fail in every documented way. In the morning nothing is missing: no page, no rung, no clock, no entry of the audit record; and nothing was
//! told twice that could be known to have arrived.
//!
//! The process is this executable once more ([`life`]); what happens in it is decided by a seed ([`play`]), and its clock runs faster than the
//! wall's. The receivers ([`front`]) are here, and outlive it. `WANGLOU_SOAK=200` is the long form, `WANGLOU_SEED` repeats one.

// A test speaks by failing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub
)]

#[path = "../support/mod.rs"]
mod support;

mod front;
mod history;
mod life;
mod play;
mod verdict;

use front::Front;
use play::{Play, dice, wall};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{sync::watch, time::timeout};
use verdict::{Kill, Morning};

/// Names the folder to the process that is killed.
const FOLDER: &str = "WANGLOU_KILLED";
/// After so long on the wall's clock without a kill everything must be over.
const END: Duration = Duration::from_secs(600);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// No test: the process that is killed.
#[test]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(life::live(Path::new(&folder)));
}

/// How a process stands, by what it has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Said {
    Nothing,
    Up,
    Over,
    /// It said nothing more.
    Gone,
}

struct Process {
    child: Child,
    /// Holding it is what keeps the process.
    _stdin: ChildStdin,
    said: watch::Receiver<Said>,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("errors")).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["the_process_that_is_killed", "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let (say, said) = watch::channel(Said::Nothing);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            let mut last = Said::Nothing;
            for line in lines.map_while(Result::ok) {
                last = match line.as_str() {
                    life::UP => Said::Up,
                    life::OVER => Said::Over,
                    _ => continue,
                };
                say.send_replace(last);
            }
            if last != Said::Over {
                say.send_replace(Said::Gone);
            }
        });
        Self { _stdin: child.stdin.take().unwrap(), child, said }
    }

    /// Waits until it has said so much.
    async fn until(&mut self, wanted: Said) -> Said {
        *self.said.wait_for(|said| *said >= wanted).await.unwrap()
    }

    /// SIGKILL.
    fn kill(mut self) -> Kill {
        let before = Instant::now();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (before, Instant::now())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Size {
    kills: u64,
    incidents: u64,
    /// In how many minutes of the play they open.
    minutes: i64,
    speed: i64,
}

impl Size {
    fn of_environment() -> Self {
        match number("WANGLOU_SOAK") {
            Some(kills) => Self { kills, incidents: 5 * kills, minutes: 8 * kills as i64 / 5, speed: 60 },
            None => Self { kills: 12, incidents: 100, minutes: 40, speed: 240 },
        }
    }

    /// For how long on the wall's clock incidents live, until most of them have ended.
    fn lasts(&self) -> Duration {
        Duration::from_secs_f64((self.minutes + 40) as f64 * 60.0 / self.speed as f64)
    }
}

async fn night(records: String) {
    let size = Size::of_environment();
    let seed = number("WANGLOU_SEED").unwrap_or_else(|| wall() as u64 % 1_000_000);
    println!("WANGLOU_SEED={seed}: {} incidents, {} kills", size.incidents, size.kills);
    let folder = TempDir::new().unwrap();
    let front = Front::start(seed).await;
    let play = Play {
        folder: folder.path().to_owned(),
        records,
        front: front.url.clone(),
        begun: wall(),
        speed: size.speed,
        incidents: size.incidents,
        minutes: size.minutes,
        seed,
    };
    play.write();
    front.begin(&play);
    let began = Instant::now();
    let kills = kill_again_and_again(&play, &front, &size).await;
    println!("killed {} times in {:.1?}", kills.len(), began.elapsed());
    let mut last = Process::start(&play.folder);
    let ended = timeout(END, last.until(Said::Over)).await;
    let errors = || std::fs::read_to_string(play.folder.join("errors")).unwrap_or_default();
    assert_eq!(ended, Ok(Said::Over), "WANGLOU_SEED={seed}: it did not come to an end\n{}", errors());
    assert!(last.child.wait().unwrap().success(), "WANGLOU_SEED={seed}: it did not end well\n{}", errors());
    println!("all over after {:.1?}", began.elapsed());
    let morning = verdict::judge(&play, &front, kills).await;
    println!("judged after {:.1?}", began.elapsed());
    tell(&morning, seed);
}

async fn kill_again_and_again(play: &Play, front: &Front, size: &Size) -> Vec<Kill> {
    let (begin, mut kills) = (Instant::now(), Vec::new());
    for n in 0..size.kills {
        let roll = |what: &str, sides| dice(play.seed, &format!("{what} of kill {n}"), sides);
        let life = Duration::from_millis(20 + roll("life", 381));
        let mut process = Process::start(&play.folder);
        match roll("moment", 4) {
            // While it starts, or soon after.
            0 => tokio::time::sleep(life).await,
            // Right after a message has arrived: it may know of it, or not yet.
            1 => {
                process.until(Said::Up).await;
                let _ = timeout(Duration::from_secs(1), front.news()).await;
                tokio::time::sleep(Duration::from_millis(roll("moments", 4))).await;
            }
            // While it works.
            _ => {
                process.until(Said::Up).await;
                tokio::time::sleep(life).await;
            }
        }
        // A stretch without kills, so that there is life between them.
        let due = size.lasts().mul_f64(n as f64 / size.kills as f64);
        if n % 3 == 2 {
            tokio::time::sleep(due.saturating_sub(begin.elapsed())).await;
        }
        assert!(*process.said.borrow() <= Said::Up, "WANGLOU_SEED={}: it ended by itself", play.seed);
        kills.push(process.kill());
    }
    kills
}

fn tell(morning: &Morning, seed: u64) {
    println!("{} incidents, {} messages: {:?}", morning.files.len(), morning.arrived.len(), morning.told);
    if morning.complaints.is_empty() {
        return;
    }
    let mut kinds = BTreeMap::<String, usize>::new();
    for (_, what) in &morning.complaints {
        // Up to the first word that is of one incident alone.
        let is_word = |word: &&str| word.chars().all(|letter| letter.is_alphabetic() || letter == ',');
        *kinds.entry(what.split(' ').take_while(is_word).collect::<Vec<_>>().join(" ")).or_default() += 1;
    }
    println!("{kinds:?}");
    for (incident, what) in morning.complaints.iter().take(8) {
        println!("\n{}: {what}", incident.as_deref().unwrap_or("the whole"));
        let file = incident.as_ref().and_then(|id| morning.files.iter().find(|(file, _)| file.incident.id == *id));
        for event in file.iter().flat_map(|(_, history)| history) {
            println!("  {} {} {} {}: {}", event.seq, event.at, event.who, event.action, event.text);
        }
    }
    panic!("WANGLOU_SEED={seed}: {} things are wrong", morning.complaints.len());
}

fn run(records: impl Future<Output = String>) {
    if std::env::var_os(FOLDER).map(OsString::into_string).is_some() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { night(records.await).await });
}

/// One at a time: two would wait for each other's disk and tell less.
static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn nothing_is_lost_with_the_records_in_a_file() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    run(async { "sqlite:records.db".to_owned() });
}

#[test]
fn nothing_is_lost_with_the_records_on_a_server() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    run(support::postgres::database());
}
