//! Ten thousand sources on schedule in one process: its memory, and whether they are visited in time.
//!
//! `cargo run --release -p benches --bin sources -- --minutes 5`
//!
//! Half of the sources are feeds, half forums, on as many hosts (ports on loopback, served by a process of their own) as
//! `--hosts` says, each visited once a minute: 167 visits a second. Once a minute the news of each tenth changes. Every ten seconds it prints
//! visits, failures, how late visits began against the time that the visit before had set, memory, and open files.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)] // a program for developers: it speaks, and it fails loudly

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use benches::machine::usage;
use clap::Parser;
use jiff::Timestamp;
use schemas::{
    kit::{settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions, Position, SharedLog, Topic},
    records::{CrawlOutcome, CrawlReport, Record},
};
use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const TICK: Duration = Duration::from_secs(10);

#[derive(Debug, Parser)]
struct Options {
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    #[arg(long, default_value_t = 10_000)]
    sources: usize,
    /// Hosts that serve them.
    #[arg(long, default_value_t = 2_000)]
    hosts: usize,
    /// Visits at once.
    #[arg(long, default_value_t = 64)]
    workers: usize,
    /// Serves the hosts, and prints their ports.
    #[arg(long, hide = true)]
    serve: bool,
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if options.serve { runtime.block_on(serve(options.hosts)) } else { runtime.block_on(crawl(&options)) }
}

/// The number of the latest news of a source: one of ten has another each minute.
fn news(source: usize) -> i64 {
    (Timestamp::now().as_second() / 60 + source as i64) / 10
}

async fn feed(Path(source): Path<usize>, headers: HeaderMap) -> Response {
    let latest = news(source);
    let tag = format!("\"{latest}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut page =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>街道</title>".to_owned();
    for n in (latest - 19..=latest).rev() {
        let _ = write!(
            page,
            "<item><guid>{n}</guid><link>http://127.0.0.1/{source}/{n}</link><title>第{n}条</title>\
             <description>抚琴街道今天又停水了，居民反映水压很低，至今没有通知。</description>\
             <pubDate>Tue, 24 Nov 2026 10:00:00 +0800</pubDate></item>"
        );
    }
    page.push_str("</channel></rss>");
    ([(header::CONTENT_TYPE, "application/rss+xml".to_owned()), (header::ETAG, tag)], page).into_response()
}

async fn list(Path(source): Path<usize>) -> Response {
    let latest = news(source);
    let rows: String = (latest - 4..=latest)
        .rev()
        .map(|n| format!("<li class=row><a href=\"/t/{source}-{n}\">第{n}帖</a><i>{n}</i></li>"))
        .collect();
    axum::response::Html(format!("<!DOCTYPE html><title>论坛</title><ul>{rows}</ul>")).into_response()
}

async fn thread() -> Response {
    let posts: String = (0..3)
        .map(|n| {
            let class = if n == 0 { "post" } else { "reply" };
            format!("<div class={class} id=p{n}><b>居民{n}</b><p>抚琴街道今天又停水了，居民反映水压很低。</p><i>2026-11-20 08:3{n}</i></div>")
        })
        .collect();
    axum::response::Html(format!("<!DOCTYPE html><title>论坛</title><h1>又停水了</h1>{posts}")).into_response()
}

async fn serve(hosts: usize) {
    let router = Router::new().route("/f/{n}", get(feed)).route("/b/{n}", get(list)).route("/t/{id}", get(thread));
    let mut ports = Vec::new();
    for _ in 0..hosts {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port().to_string());
        let router = router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    println!("{}", ports.join(" "));
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}

fn config(options: &Options, ports: &[&str], folder: &std::path::Path) -> String {
    let mut config = format!(
        "data_dir = {:?}\n[crawl]\npause = \"0s\"\nworkers = {}\n",
        folder.display().to_string(),
        options.workers
    );
    for n in 0..options.sources {
        let port = ports[n % ports.len()];
        let (kind, path) = if n % 2 == 0 { ("rss", "f") } else { ("html", "b") };
        let _ = write!(
            config,
            "[[source]]\nid = \"s{n}\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:{port}/{path}/{n}\"\nevery = \"60s\"\n\
             fastest = \"60s\"\nslowest = \"60s\"\nallow_private = true\n"
        );
        if kind == "html" {
            config.push_str(
                "[source.list]\nitem = \"li.row\"\nlink = \"a@href\"\nchanged = \"i\"\n[source.thread]\nid = \"t/([0-9-]+)\"\n\
                 post = \"div.post\"\ntitle = \"h1\"\nfields = { text = \"p\", author = \"b\", published_at = \"i\" }\n\
                 [source.thread.comments]\nitem = \"div.reply\"\n\
                 fields = { native_id = \"@id\", text = \"p\", author = \"b\", published_at = \"i\" }\n",
            );
        }
    }
    config
}

async fn crawl(options: &Options) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--serve", "--hosts", &options.hosts.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ports = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ports).unwrap();
    let ports: Vec<&str> = ports.split_whitespace().collect();
    let folder = tempfile::tempdir().unwrap();
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
    let settings =
        Settings::parse(&config(options, &ports, folder.path()), []).unwrap_or_else(|error| panic!("{error:?}"));
    let mut reports = log.reader(Topic::CrawlReports, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let shutdown = Shutdown::new();
    let service = ingest::start(&settings, log.clone(), shutdown.clone()).await.unwrap();
    let (began, mut told) = (Instant::now(), Instant::now());
    let mut due: HashMap<String, Timestamp> = HashMap::new();
    let (mut visits, mut failures, mut late, mut peak) = (0_u64, 0_u64, Vec::<f64>::new(), 0_u64);
    while began.elapsed().as_secs_f64() < options.minutes * 60.0 {
        if let Some(batch) = reports.next(1_000, Duration::from_secs(1)).await.unwrap() {
            for entry in &batch.entries {
                let report = CrawlReport::decode(&entry.value).unwrap();
                visits += 1;
                failures += u64::from(!matches!(report.outcome, CrawlOutcome::Ok | CrawlOutcome::NotModified));
                if let Some(due) = due.insert(report.source, report.next_visit_at) {
                    late.push(report.started_at.duration_since(due).as_secs_f64().max(0.0));
                }
            }
        }
        if told.elapsed() >= TICK {
            told = Instant::now();
            let used = usage(std::process::id()).unwrap();
            peak = peak.max(used.rss_anon);
            late.sort_by(f64::total_cmp);
            let quantile = |q: f64| late.get((late.len() as f64 * q) as usize).copied().unwrap_or(f64::NAN);
            println!(
                "{:>4.0} s: {:>4} of {} sources known, {:>4.0} visits/s, {failures} failed; late {:.2} s p50, {:.2} s p99; {} MiB, peak {}; {} files; {:.0} s of CPU",
                began.elapsed().as_secs_f64(),
                due.len(),
                options.sources,
                visits as f64 / TICK.as_secs_f64(),
                quantile(0.5),
                quantile(0.99),
                used.rss_anon >> 20,
                peak >> 20,
                std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
                used.cpu.as_secs_f64(),
            );
            (visits, failures) = (0, 0);
            late.clear();
        }
    }
    shutdown.cancel();
    service.task.await.unwrap().unwrap();
    let _ = server.kill();
    let _ = server.wait();
}
