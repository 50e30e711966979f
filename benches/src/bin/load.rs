//! The load program: Wanglou on its embedded log or on Kafka, posts pushed at a rate, and what comes of it.
//!
//! `cargo run --release -p benches --bin load -- --minutes 10 --rate 10000`, with `--log kafka` for the same on a broker that it
//! starts itself, and `--log kafka --apart` for the services as processes of their own.
//!
//! It starts `target/release/wanglou` on a data folder of its own, pushes NDJSON over HTTP at a steady rate (open loop: a slow
//! answer does not slow the clock) and asks, all the while, two things of single posts among the many:
//!
//! * a *marked* post: how long after its 202 it is found by search (asked every 20 ms, and more rarely the longer it takes: a search costs,
//!   is put on the audit record, and must not be the load when the archive is behind);
//! * a *crossing* post, the fifteenth of a watch topic of its own: how long after it was sent its page reaches a webhook.
//!
//! The load and the broker share the machine with what is measured; their CPU times are printed beside.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)] // a program for developers: it speaks, and it fails loudly

use axum::{Json, Router, routing::post};
use benches::{
    machine::{Usage, usage},
    site::{self, Site},
    texts::Texts,
};
use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const TOKEN: &str = "load";
/// Watch topics that can cross the line once each.
const TOPICS: u64 = 400;
/// How often a marked post is asked for at first.
const ASKED_EVERY: Duration = Duration::from_millis(20);

#[derive(Debug, Parser)]
struct Options {
    /// How long to push.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Posts a second to push.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Posts a request.
    #[arg(long, default_value_t = 500)]
    batch: u64,
    /// Bytes of text in a post, about.
    #[arg(long, default_value_t = 160)]
    bytes: usize,
    /// A JSONL file whose `text` fields are pushed; a small grammar without it.
    #[arg(long)]
    texts: Option<PathBuf>,
    #[command(flatten)]
    site: site::Options,
}

struct Run {
    client: reqwest::Client,
    base: String,
    accepted: AtomicU64,
    refused: AtomicU64,
    searchable: Mutex<Histogram<u64>>,
    paged: Mutex<Histogram<u64>>,
    answered: Mutex<Histogram<u64>>,
    /// Watch topics whose crossing post has been sent, and when.
    crossing: Mutex<HashMap<String, Instant>>,
}

impl Run {
    async fn push(&self, body: String) {
        let begin = Instant::now();
        let request = self.client.post(format!("{}/api/posts", self.base)).bearer_auth(TOKEN).body(body);
        match request.send().await {
            Ok(answer) if answer.status() == 202 => {
                let answer: Value = answer.json().await.unwrap_or_default();
                self.accepted.fetch_add(answer["accepted"].as_u64().unwrap_or(0), Ordering::Relaxed);
                record(&self.answered, begin.elapsed());
            }
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Pushes one post with a word of its own and asks until it is found.
    async fn mark(&self, number: u64) {
        let word = format!("mark{number}x");
        self.push(line("mark", number, &format!("{word} 桂花开了"))).await;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(60) {
            let found =
                self.client.get(format!("{}/api/search?limit=0&q={word}", self.base)).bearer_auth(TOKEN).send().await;
            if let Ok(found) = found
                && found.json::<Value>().await.unwrap_or_default()["total"] == json!(1)
            {
                break;
            }
            tokio::time::sleep((begin.elapsed() / 20).max(ASKED_EVERY)).await;
        }
        record(&self.searchable, begin.elapsed());
    }

    /// Pushes the fifteen posts that make a watch topic rise.
    async fn cross(&self, number: u64) {
        let topic = format!("probe{number}");
        let body = |range: std::ops::Range<u64>| -> String {
            range.map(|i| line(&topic, i, &format!("{topic}x 又停水了"))).collect()
        };
        self.push(body(0..14)).await;
        self.crossing.lock().unwrap().insert(topic.clone(), Instant::now());
        self.push(body(14..15)).await;
    }
}

fn line(source: &str, number: u64, text: &str) -> String {
    json!({
        "source": source, "native_id": number.to_string(), "kind": "post", "text": text,
        "published_at": jiff::Timestamp::now().to_string(), "likes": number % 7,
    })
    .to_string()
        + "\n"
}

fn record(histogram: &Mutex<Histogram<u64>>, time: Duration) {
    histogram.lock().unwrap().saturating_record(time.as_micros() as u64);
}

fn histogram() -> Mutex<Histogram<u64>> {
    Mutex::new(Histogram::new_with_bounds(1, 120_000_000, 3).unwrap())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (hook, mut pages) = receiver().await?;
    let site = Site::start(&options.site, &config(&hook), &[("LOAD_TOKEN", TOKEN)])?;
    let base = site.base.clone();
    let client = schemas::kit::http::client().timeout(Duration::from_secs(60)).build()?;
    while !client.get(format!("{base}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let run = Arc::new(Run {
        client,
        base,
        accepted: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        searchable: histogram(),
        paged: histogram(),
        answered: histogram(),
        crossing: Mutex::new(HashMap::new()),
    });
    let paging = tokio::spawn({
        let run = run.clone();
        async move {
            while let Some((topic, at)) = pages.recv().await {
                if let Some(sent) = run.crossing.lock().unwrap().remove(&topic) {
                    record(&run.paged, at - sent);
                }
            }
        }
    });

    let before = Costs::of(&site);
    let begin = Instant::now();
    let peak = push(&options, &run, &site).await;
    let pushed_for = begin.elapsed();
    let accepted = run.accepted.load(Ordering::Relaxed);
    let mut behind = Duration::ZERO;
    while total(&run).await < accepted && behind < Duration::from_secs(300) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        behind = begin.elapsed() - pushed_for;
    }
    tokio::time::sleep(Duration::from_secs(5)).await; // pages under way
    paging.abort();
    let after = Costs::of(&site);
    print(&run, &options, pushed_for, behind, total(&run).await);
    print_costs(&before, &after, peak, pushed_for + behind, accepted);
    let disk = site.disk_bytes();
    println!(
        "disk after the run           {:>10.1} MiB, {:.0} bytes a post",
        mib(disk),
        disk as f64 / accepted.max(1) as f64
    );
    Ok(())
}

/// Pushes at the rate, marks and crosses among it, and returns the highest memory seen.
async fn push(options: &Options, run: &Arc<Run>, site: &Site) -> u64 {
    let mut texts = Texts::new(1, options.texts.as_deref(), options.bytes);
    let begin = Instant::now();
    let batches = (options.minutes * 60.0 * options.rate as f64 / options.batch as f64) as u64;
    let pause = Duration::from_secs_f64(options.batch as f64 / options.rate as f64);
    let mut tasks = tokio::task::JoinSet::new();
    let (mut peak, mut number, mut marks, mut crossings) = (0, 0, 0, 0);
    for batch in 0..batches {
        let body: String = (0..options.batch)
            .map(|_| {
                number += 1;
                line("load", number, &texts.another())
            })
            .collect();
        tokio::time::sleep_until((begin + pause * batch as u32).into()).await;
        let elapsed = begin.elapsed().as_secs();
        let pusher = run.clone();
        tasks.spawn(async move { pusher.push(body).await });
        if elapsed >= marks {
            let (run, number) = (run.clone(), marks);
            tasks.spawn(async move { run.mark(number).await });
            marks += 1;
        }
        if elapsed / 2 > crossings && crossings < TOPICS {
            let (run, number) = (run.clone(), crossings);
            tasks.spawn(async move { run.cross(number).await });
            crossings += 1;
        }
        peak = peak.max(site.usage().rss_anon);
        while tasks.try_join_next().is_some() {}
        while tasks.len() > 64 {
            tasks.join_next().await;
        }
    }
    while tasks.join_next().await.is_some() {}
    peak
}

async fn total(run: &Run) -> u64 {
    let answer = run.client.get(format!("{}/api/search?limit=0", run.base)).bearer_auth(TOKEN).send().await;
    match answer {
        Ok(answer) => answer.json::<Value>().await.unwrap_or_default()["total"].as_u64().unwrap_or(0),
        Err(_) => 0,
    }
}

/// What everybody has used so far.
struct Costs {
    wanglou: Usage,
    broker: Option<Usage>,
    own: Usage,
}

impl Costs {
    fn of(site: &Site) -> Self {
        let own = usage(std::process::id()).unwrap_or_default();
        Self { wanglou: site.usage(), broker: site.broker_usage(), own }
    }
}

fn print(run: &Run, options: &Options, time: Duration, behind: Duration, found: u64) {
    let accepted = run.accepted.load(Ordering::Relaxed);
    let whole = time + behind;
    println!(
        "asked for                    {:>10} posts/s for {:.1} min, {} a request, on the log {:?}",
        options.rate, options.minutes, options.batch, options.site.log
    );
    println!(
        "accepted                     {:>10.0} posts/s ({accepted} posts, {} requests failed)",
        accepted as f64 / time.as_secs_f64(),
        run.refused.load(Ordering::Relaxed)
    );
    println!(
        "searchable                   {:>10.0} posts/s ({found} found; the last {:.2} s after the last push)",
        found as f64 / whole.as_secs_f64(),
        behind.as_secs_f64()
    );
    for (name, histogram) in [
        ("request answered (durable)", &run.answered),
        ("accepted → searchable", &run.searchable),
        ("crossing post → webhook", &run.paged),
    ] {
        let h = histogram.lock().unwrap();
        let ms = |q| h.value_at_quantile(q) as f64 / 1000.0;
        println!(
            "{name:<28} {:>10.0} ms p50, {:.0} ms p99, {:.0} ms most (of {})",
            ms(0.5),
            ms(0.99),
            h.max() as f64 / 1000.0,
            h.len()
        );
    }
    println!("pages that did not come      {:>10}", run.crossing.lock().unwrap().len());
}

fn print_costs(before: &Costs, after: &Costs, peak: u64, time: Duration, accepted: u64) {
    let spent = |before: Usage, after: Usage| after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let cpu = spent(before.wanglou, after.wanglou);
    println!("peak RssAnon                 {:>10.1} MiB", mib(peak));
    println!(
        "CPU                          {:>10.2} cores, {:.1} µs a post (the load itself: {:.2} cores)",
        cpu / time.as_secs_f64(),
        cpu * 1e6 / accepted.max(1) as f64,
        spent(before.own, after.own) / time.as_secs_f64()
    );
    if let (Some(before), Some(after)) = (before.broker, after.broker) {
        println!(
            "CPU of the broker            {:>10.2} cores, RssAnon {:.1} MiB",
            spent(before, after) / time.as_secs_f64(),
            mib(after.rss_anon)
        );
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The config, but for the log.
fn config(hook: &str) -> String {
    let mut config = format!(
        "[[http.token]]\nname = \"load\"\nrole = \"admin\"\nenv = \"LOAD_TOKEN\"\n\
         [[channel]]\nid = \"hook\"\nkind = \"webhook\"\nurl = {hook:?}\n\
         [[watch]]\nid = \"water\"\nname = \"停水\"\nquery = \"停水 OR 断水 OR (水压 AND 低)\"\n\
         [storm]\nincidents = 0\n" // a storm merges pages, and each is waited for
    );
    for topic in 0..TOPICS {
        config += &format!("[[watch]]\nid = \"probe{topic}\"\nname = \"probe {topic}\"\nquery = \"probe{topic}x\"\n");
    }
    config
}

/// A webhook that tells which topic was paged, and when.
async fn receiver() -> anyhow::Result<(String, tokio::sync::mpsc::UnboundedReceiver<(String, Instant)>)> {
    let (arrived, pages) = tokio::sync::mpsc::unbounded_channel();
    let hook = move |Json(page): Json<Value>| {
        let arrived = arrived.clone();
        async move {
            let topic = page["incident"]["topic"]["id"].as_str().unwrap_or_default().to_owned();
            let _ = arrived.send((topic, Instant::now()));
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(hook))).await });
    Ok((url, pages))
}
