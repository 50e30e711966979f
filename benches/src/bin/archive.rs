//! Is the archive still quick when it is large? `cargo run --release -p benches --bin archive -- --posts 5000000 --texts FILE`.
//!
//! Posts of half a year, the oldest first, go through the whole pipeline; then, while further ones arrive at a steady rate, the API is asked over
//! HTTP, one search after the other, for words, phrases, combinations with filters, and a histogram by the hour, all drawn from the
//! posts themselves. It prints how long each kind took, how large the index is beside the texts, and what memory the process held.
//!
//! Each text is made of the halves of two, so that a small file does not make an archive of copies.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::{
    archive::{self, corrections::Corrections},
    understand::Understanding,
};
use anyhow::{Context, ensure};
use axum::Extension;
use benches::{machine::usage, texts::Texts};
use clap::Parser;
use hdrhistogram::Histogram;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{
    kit::{
        auth::{Caller, Role},
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{Counts, Kind, Precision, RawPost, Record, Via, post_id},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Records of one append.
const BATCH: u64 = 1_000;
/// Days that the posts fall into.
const DAYS: i64 = 180;
/// Where they come from.
const SOURCES: [&str; 8] = ["forum", "weibo", "tieba", "hotline", "shequ", "bbs", "wenzheng", "toutiao"];

#[derive(Debug, Parser)]
struct Options {
    /// Posts that are stored before anything is asked.
    #[arg(long, default_value_t = 5_000_000)]
    posts: u64,
    /// Posts a second that arrive while it is asked.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// How long is asked.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// JSON Lines with a `text` each, of which the posts are made; else they are made up.
    #[arg(long)]
    texts: Option<PathBuf>,
    /// Where the archive is made, and found again by a later run; else in a folder that is removed in the end.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// What is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Makes posts, the one after the other.
struct Posts {
    texts: Texts,
    random: StdRng,
    /// Number and time of the next one.
    number: u64,
    at: Timestamp,
    step: SignedDuration,
    bytes: u64,
}

impl Posts {
    fn batch(&mut self, posts: u64, partitions: u32) -> Vec<NewRecord> {
        (0..posts).map(|_| self.another(partitions)).collect()
    }

    fn text(&mut self) -> String {
        let (mut first, second) = (self.texts.another(), self.texts.another());
        first.truncate(first.floor_char_boundary(first.len() / 2));
        first + &second[second.floor_char_boundary(second.len() / 2)..]
    }

    fn another(&mut self, partitions: u32) -> NewRecord {
        let text = self.text();
        self.bytes += text.len() as u64;
        let native_id = self.number.to_string();
        let source = SOURCES[self.random.random_range(0..SOURCES.len())];
        let count = |random: &mut StdRng| (random.random_range(0.0f64..1.0).powi(8) * 500.0) as u64;
        let post = RawPost {
            v: RawPost::VERSION,
            id: post_id(source, &native_id),
            source: source.into(),
            native_id,
            kind: Kind::Post,
            url: None,
            title: None,
            text,
            author: None,
            published_at: self.at,
            published_precision: Precision::Second,
            fetched_at: self.at,
            thread_id: None,
            parent_id: None,
            counts: Counts { likes: count(&mut self.random), replies: count(&mut self.random), ..Counts::default() },
            place: None,
            media: Vec::new(),
            media_alt: Vec::new(),
            reply: None,
            official: None,
            addressed_to: None,
            via: Via::Push,
        };
        let partition = (self.number % u64::from(partitions)) as u32;
        self.number += 1;
        self.at += self.step;
        NewRecord { partition, key: None, value: post.encode() }
    }
}

/// A kind of search, and how its address is made.
struct Question {
    name: &'static str,
    ask: fn(&mut Asker) -> Vec<(&'static str, String)>,
}

const QUESTIONS: [Question; 5] = [
    Question { name: "word", ask: |asker| vec![("q", asker.word())] },
    Question { name: "phrase", ask: |asker| vec![("q", asker.phrase())] },
    Question {
        name: "combination with filters",
        ask: |asker| {
            let q = format!(
                "{} ({} 或 {}) -{} 情感:负面 来源:{} 时间:近90天",
                asker.word(),
                asker.word(),
                asker.word(),
                asker.word(),
                SOURCES[asker.random.random_range(0..SOURCES.len())]
            );
            vec![("q", q)]
        },
    },
    Question {
        name: "histogram by the hour",
        ask: |asker| vec![("q", format!("{} 时间:近30天", asker.word())), ("histogram", "hour".into())],
    },
    Question {
        name: "page of an analyst: facets, histogram, copies",
        ask: |asker| {
            vec![
                ("q", asker.word()),
                ("histogram", "auto".into()),
                ("facets", "source,sentiment,category".into()),
                ("collapse", "true".into()),
            ]
        },
    },
];

/// Draws words and phrases of the posts.
struct Asker {
    posts: Posts,
    understanding: Arc<Understanding>,
    random: StdRng,
}

impl Asker {
    /// A word as often as posts hold it.
    fn word(&mut self) -> String {
        loop {
            let words = self.understanding.normalise(&self.posts.text()).words;
            let words: Vec<&str> = words.split(' ').filter(|word| word.chars().nth(1).is_some()).collect();
            if !words.is_empty() {
                return words[self.random.random_range(0..words.len())].to_owned();
            }
        }
    }

    /// Four to eight characters in a row.
    fn phrase(&mut self) -> String {
        loop {
            let text: Vec<char> = self.posts.text().chars().collect();
            let length = self.random.random_range(4..=8).min(text.len());
            let from = self.random.random_range(0..=text.len() - length);
            let phrase: String = text[from..from + length].iter().collect();
            if phrase.chars().all(char::is_alphanumeric) {
                return format!("\"{phrase}\"");
            }
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let kept;
    let folder = match &options.folder {
        Some(folder) => folder.as_path(),
        None => {
            kept = tempfile::tempdir()?;
            kept.path()
        }
    };
    let posts = |seed: u64, number: u64| -> anyhow::Result<Posts> {
        let span = SignedDuration::from_hours(24 * DAYS);
        let step = span / i32::try_from(options.posts.max(1)).context("so many posts are too many")?;
        let (texts, random) = (Texts::new(seed, options.texts.as_deref(), 240), StdRng::seed_from_u64(seed));
        Ok(Posts { texts, random, number, at: Timestamp::now() - span, step, bytes: 0 })
    };
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.join("log")))?);
    let partitions = log.describe(Topic::PostsRaw).await?.partitions;
    let settings = Settings { data_dir: folder.to_owned(), ..Settings::default() };
    let understanding = Arc::new(Understanding::new([])?);
    let shutdown = Shutdown::new();
    let opened = archive::open(&settings, understanding.clone(), Corrections::default()).await?;
    let service = archive::start(&settings, log.clone(), opened, shutdown.clone()).await?;

    // What an earlier run has made of the same posts is there already.
    let note = folder.join("made");
    let noted = std::fs::read_to_string(&note).ok().and_then(|note| {
        let (number, bytes) = note.trim().split_once(' ')?;
        Some((number.parse::<u64>().ok()?, bytes.parse::<u64>().ok()?))
    });
    let mut made = posts(options.seed, 0)?;
    match noted {
        Some((number, bytes)) => (made.number, made.bytes) = (number, bytes),
        None => {
            fill(&log, &mut made, options.posts, partitions).await?;
            std::fs::write(&note, format!("{} {}", made.number, made.bytes))?;
        }
    }
    let size = size_of(&folder.join("archive"))?;
    println!(
        "index {:.2} GB, texts {:.2} GB: {:.2} times",
        size as f64 / 1e9,
        made.bytes as f64 / 1e9,
        size as f64 / made.bytes.max(1) as f64
    );

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let search = format!("http://{}/api/search", listener.local_addr()?);
    let analyst = Caller { name: "bench".into(), role: Role::Analyst };
    let served = tokio::spawn(axum::serve(listener, service.router.layer(Extension(analyst))).into_future());
    let arrived = Arc::new(AtomicU64::new(0));
    // Ids that no earlier run has used.
    let arrivals = Timestamp::now().as_second().unsigned_abs() << 20;
    let arriving = tokio::spawn(arrive(
        log.clone(),
        posts(options.seed + 1, made.number + arrivals)?,
        options.rate,
        partitions,
        arrived.clone(),
    ));
    let asker =
        Asker { posts: posts(options.seed + 2, 0)?, understanding, random: StdRng::seed_from_u64(options.seed) };
    let memory = ask(&search, asker, Duration::from_secs(options.seconds)).await?;
    println!(
        "meanwhile {:.0} posts/s arrived; RssAnon at most {} MiB",
        arrived.load(Ordering::Relaxed) as f64 / options.seconds as f64,
        memory >> 20
    );
    arriving.abort();
    served.abort();
    shutdown.cancel();
    service.task.await?
}

/// Sends posts through the pipeline until there are so many, and waits until all are analyzed.
async fn fill(log: &SharedLog, made: &mut Posts, posts: u64, partitions: u32) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut reader = {
        let info = log.describe(Topic::PostsAnalyzed).await?;
        log.reader(Topic::PostsAnalyzed, info.resume(None)?).await?
    };
    let (mut analyzed, mut most) = (0, 0);
    while analyzed < posts {
        // Not more than a few batches ahead: what waits is not what is measured.
        while made.number < posts && made.number < analyzed + 20 * BATCH {
            log.append(Topic::PostsRaw, made.batch(BATCH.min(posts - made.number), partitions)).await?;
        }
        let batch = reader.next(10_000, Duration::from_secs(60)).await?.context("no post was analyzed for a minute")?;
        analyzed += batch.entries.len() as u64;
        most = most.max(usage(std::process::id()).map_or(0, |usage| usage.rss_anon));
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} posts stored in {took:.0} s, {:.0} a second; RssAnon at most {} MiB",
        posts,
        posts as f64 / took,
        most >> 20
    );
    Ok(())
}

/// Appends posts at a rate, for ever.
async fn arrive(
    log: SharedLog,
    mut posts: Posts,
    rate: u64,
    partitions: u32,
    arrived: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    posts.step = SignedDuration::from_secs(1) / i32::try_from(rate.max(1))?;
    posts.at = Timestamp::now();
    let mut tenth = tokio::time::interval(Duration::from_millis(100));
    loop {
        tenth.tick().await;
        log.append(Topic::PostsRaw, posts.batch(rate / 10, partitions)).await?;
        arrived.fetch_add(rate / 10, Ordering::Relaxed);
    }
}

/// Asks, one search after the other, and prints how long they took. Returns the most memory that was held.
async fn ask(search: &str, mut asker: Asker, time: Duration) -> anyhow::Result<u64> {
    let client = schemas::kit::http::client().build()?;
    let began = Instant::now();
    let mut took: Vec<(Histogram<u64>, u64)> = Vec::new();
    for _ in &QUESTIONS {
        took.push((Histogram::new_with_bounds(1, 60_000_000, 3)?, 0));
    }
    let mut most = 0;
    while began.elapsed() < time {
        for (question, (took, found)) in QUESTIONS.iter().zip(&mut took) {
            let asked = (question.ask)(&mut asker);
            let began = Instant::now();
            let answer = client.get(reqwest::Url::parse_with_params(search, &asked)?).send().await?;
            let ok = answer.status().is_success();
            let answer: serde_json::Value = answer.json().await?;
            ensure!(ok, "{asked:?} was answered with {answer}");
            took.saturating_record(began.elapsed().as_micros() as u64);
            *found += answer["total"].as_u64().unwrap_or(0);
        }
        most = most.max(usage(std::process::id()).map_or(0, |usage| usage.rss_anon));
    }
    for (question, (took, found)) in QUESTIONS.iter().zip(&took) {
        let ms = |quantile| took.value_at_quantile(quantile) as f64 / 1e3;
        println!(
            "{:<48} {:>6} asked, {:>9.0} hits each, p50 {:>7.2} ms, p99 {:>7.2} ms, most {:>7.2} ms",
            question.name,
            took.len(),
            *found as f64 / took.len().max(1) as f64,
            ms(0.5),
            ms(0.99),
            ms(1.0)
        );
    }
    Ok(most)
}

fn size_of(folder: &Path) -> std::io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        size += if meta.is_dir() { size_of(&entry.path())? } else { meta.len() };
    }
    Ok(size)
}
