//! Pages fetched and extracted a second, next to Scrapy and a Go program with colly.
//!
//! `cargo run --release -p benches --bin pages -- --seconds 10 --rounds 5`
//!
//! A forum is served on loopback by a process of its own ([`benches::forum`]: pages of 65 KB with twenty posts). Each contestant
//! crawls it without a pause between requests: list, then the threads on it, and of each post its id, author, time, text and
//! likes. It prints once a second how many posts it has extracted; the program measures from the fourth line on, and the CPU time
//! of the contestant's process alone. `benches/peers/setup.sh` makes what the others need; who is not there is left out.
//!
//! Wanglou does more with a page than the others: times are read, authors hashed, telephone numbers masked, and what it has
//! accepted is durable in the log. The others drop what they have extracted.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)] // a program for developers: it speaks, and it fails loudly

use benches::{forum, machine::usage};
use clap::{Parser, Subcommand};
use schemas::{
    kit::{metrics, settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions},
};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Boards of the forum: as many lists are read in turn, or at once.
const BOARDS: usize = 64;
/// Requests under way at once.
const AT_ONCE: usize = 32;
/// Lines that are not measured: programs start, caches fill.
const WARM_UP: usize = 4;

#[derive(Debug, Parser)]
struct Options {
    /// How long each is measured each time.
    #[arg(long, default_value_t = 10)]
    seconds: usize,
    /// How often.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Serves the forum, and prints its address.
    Serve,
    /// Crawls the forum at this address.
    Crawl {
        /// As printed by `serve`.
        address: String,
    },
}

fn main() {
    let options = Options::parse();
    match options.part {
        Some(Part::Serve) => runtime().block_on(serve()),
        Some(Part::Crawl { address }) => runtime().block_on(crawl(&address)),
        None => compare(options.seconds, options.rounds),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&listener.local_addr().unwrap().to_string());
    axum::serve(listener, forum::router()).await.unwrap();
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    // Who does not listen any more has ended us.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

async fn crawl(address: &str) {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
    let mut config =
        format!("data_dir = {:?}\n[crawl]\npause = \"0s\"\nworkers = {AT_ONCE}\n", folder.path().display().to_string());
    for board in 0..BOARDS {
        let _ = write!(
            config,
            "[[source]]\nid = \"b{board}\"\nkind = \"html\"\nurl = \"http://{address}/b/{board}\"\nevery = \"1s\"\nallow_private = true\n{}",
            forum::SELECTORS
        );
    }
    let settings = Settings::parse(&config, []).unwrap_or_else(|error| panic!("{error:?}"));
    let _service = ingest::start(&settings, log, Shutdown::new()).await.unwrap();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        say(&metrics::INGEST_ACCEPTED.with_label_values(&["crawl"]).get().to_string());
    }
}

/// Who crawls, and how it is started; the address of the forum comes last.
struct Contestant {
    name: &'static str,
    command: Vec<String>,
}

/// What was measured of one in one round.
#[derive(Clone, Copy)]
struct Figures {
    pages_a_second: f64,
    cpu_a_page: f64,
    rss_mib: f64,
}

fn compare(seconds: usize, rounds: usize) {
    let own = std::env::current_exe().unwrap().display().to_string();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let built =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| peers.join("../../target"), Into::into).join("peers");
    let text = |path: std::path::PathBuf| path.display().to_string();
    let contestants = [
        Contestant { name: "Wanglou", command: vec![own.clone(), "crawl".into()] },
        Contestant {
            name: "Scrapy",
            command: vec![text(built.join("venv/bin/python")), text(peers.join("scrapy_forum.py"))],
        },
        Contestant { name: "colly (Go)", command: vec![text(built.join("colly"))] },
    ];
    let mut server = Command::new(&own).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let mut measured: Vec<Vec<Figures>> = contestants.iter().map(|_| Vec::new()).collect();
    // In turn, so that what else the machine does befalls all alike.
    for round in 1..=rounds {
        for (contestant, figures) in contestants.iter().zip(&mut measured) {
            if !Path::new(&contestant.command[0]).exists() {
                println!("{} is not there: benches/peers/setup.sh makes it", contestant.name);
                continue;
            }
            let one = measure(contestant, address.trim(), seconds);
            println!(
                "round {round}: {:<12} {:>7.0} pages/s, {:.2} ms of CPU a page",
                contestant.name,
                one.pages_a_second,
                one.cpu_a_page * 1e3
            );
            figures.push(one);
        }
    }
    let _ = server.kill();
    let _ = server.wait();
    print_table(&contestants, &measured);
}

fn measure(contestant: &Contestant, address: &str, seconds: usize) -> Figures {
    let (program, arguments) = contestant.command.split_first().unwrap();
    let mut child = Command::new(program).args(arguments).arg(address).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut posts = |child: &mut Child| -> f64 {
        match lines.next() {
            Some(line) => line.unwrap().trim().parse().unwrap(),
            None => panic!("{} ended: {:?}", contestant.name, child.wait()),
        }
    };
    for _ in 1..WARM_UP {
        posts(&mut child);
    }
    let (posts_before, began, cpu_before) = (posts(&mut child), Instant::now(), usage(child.id()).unwrap());
    let mut posts_after = posts_before;
    for _ in 0..seconds {
        posts_after = posts(&mut child);
    }
    let (took, after) = (began.elapsed(), usage(child.id()).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    let pages = (posts_after - posts_before) / forum::POSTS as f64;
    Figures {
        pages_a_second: pages / took.as_secs_f64(),
        cpu_a_page: (after.cpu - cpu_before.cpu).as_secs_f64() / pages,
        rss_mib: after.rss_anon as f64 / f64::from(1 << 20),
    }
}

fn print_table(contestants: &[Contestant], measured: &[Vec<Figures>]) {
    let column = |figures: &[Figures], of: fn(&Figures) -> f64| -> (f64, f64, f64) {
        let mut values: Vec<f64> = figures.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        (values[values.len() / 2], values[0], values[values.len() - 1])
    };
    println!("\n| | pages/s | pages/s of a core | CPU a page | memory | of Wanglou's pages/s |");
    println!("|---|---|---|---|---|---|");
    let first = measured
        .first()
        .filter(|figures| !figures.is_empty())
        .map(|figures| column(figures, |one| one.pages_a_second).0);
    for (contestant, figures) in contestants.iter().zip(measured).filter(|(_, figures)| !figures.is_empty()) {
        let (pages, least, most) = column(figures, |one| one.pages_a_second);
        let (cpu, cpu_least, cpu_most) = column(figures, |one| one.cpu_a_page * 1e3);
        let (rss, ..) = column(figures, |one| one.rss_mib);
        println!(
            "| {} | {pages:.0} ({least:.0}–{most:.0}) | {:.0} | {cpu:.2} ms ({cpu_least:.2}–{cpu_most:.2}) | {rss:.0} MiB | {:.2} |",
            contestant.name,
            1e3 / cpu,
            pages / first.unwrap_or(f64::NAN)
        );
    }
}
