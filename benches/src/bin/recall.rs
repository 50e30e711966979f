//! Does the archive find everything? `cargo run --release -p benches --bin recall -- --texts FILE`.
//!
//! Posts go through the whole pipeline, in commits and months as they fall. Then substrings of 2 to 8 characters are drawn from them and
//! asked for as quoted phrases; each answer must be exactly the posts whose normalised title or text holds the normalised substring, as
//! a scan of them all says. Every miss and every false hit is printed; with one of either the program fails.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::{
    archive::{
        self, Archive,
        corrections::Corrections,
        search::{Search, SearchError},
    },
    query::{Context as Words, parse},
    understand::{Understanding, fold},
};
use anyhow::{Context, ensure};
use benches::texts::Texts;
use clap::Parser;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{
    kit::{settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{AnalyzedPost, Counts, Kind, Precision, RawPost, Record, Via, post_id},
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Records of one append.
const BATCH: usize = 1_000;
/// Months that the posts fall into.
const MONTHS: usize = 4;

#[derive(Debug, Parser)]
struct Options {
    /// Posts.
    #[arg(long, default_value_t = 200_000)]
    posts: usize,
    /// Substrings to ask for.
    #[arg(long, default_value_t = 10_000)]
    substrings: usize,
    /// JSON Lines with a `text` each, of which the posts are made; else they are made up.
    #[arg(long)]
    texts: Option<PathBuf>,
    /// What is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut texts = Texts::new(options.seed, options.texts.as_deref(), 240);
    let texts: Vec<String> = (0..options.posts).map(|_| texts.another()).collect();
    let folder = tempfile::tempdir()?;
    let understanding = Arc::new(Understanding::new([])?);
    fill(folder.path(), &texts, &understanding).await?;
    let archive = Archive::open_read_only(folder.path(), understanding)?;
    ensure!(archive.documents() == texts.len() as u64, "{} of {} posts are stored", archive.documents(), texts.len());

    let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    let mut random = StdRng::seed_from_u64(options.seed);
    let (mut asked, mut hits, mut missed, mut wrong) = (0, 0, 0, 0);
    let (mut searching, mut slowest) = (Duration::ZERO, Duration::ZERO);
    while asked < options.substrings {
        let Some(phrase) = draw(&texts[random.random_range(0..texts.len())], &mut random) else { continue };
        asked += 1;
        let query = parse(&format!("\"{phrase}\""), &Words::default())?;
        let (began, mut found) = (Instant::now(), Vec::new());
        let take = |post: AnalyzedPost, _| -> Result<(), SearchError> {
            found.extend(post.id.strip_prefix("forum:").and_then(|number| number.parse::<usize>().ok()));
            Ok(())
        };
        archive.take_from(&Search::new(query), texts.len(), Instant::now() + Duration::from_secs(600), take)?;
        let took = began.elapsed();
        (searching, slowest) = (searching + took, slowest.max(took));
        found.sort_unstable();
        let wanted = fold(&phrase);
        let expected: Vec<usize> = (0..folded.len()).filter(|&n| folded[n].contains(&wanted)).collect();
        hits += expected.len();
        for n in expected.iter().filter(|n| found.binary_search(n).is_err()) {
            missed += 1;
            println!("missed: {phrase:?} in post {n}");
        }
        for n in found.iter().filter(|n| expected.binary_search(n).is_err()) {
            wrong += 1;
            println!("wrong: {phrase:?} is not in post {n}");
        }
    }
    println!(
        "{} posts, {asked} substrings, {hits} hits by scanning: {missed} missed, {wrong} wrong; {:.2} ms a search with all its hits, {:.0} ms the slowest",
        texts.len(),
        searching.as_secs_f64() * 1e3 / asked.max(1) as f64,
        slowest.as_secs_f64() * 1e3
    );
    ensure!(missed == 0 && wrong == 0, "the archive does not find what it holds");
    Ok(())
}

/// Two to eight characters of a text that can be asked for in straight quotes.
fn draw(text: &str, random: &mut StdRng) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let length = random.random_range(2..=8).min(characters.len());
    let from = random.random_range(0..=characters.len() - length);
    let phrase: String = characters[from..from + length].iter().collect();
    let folded = fold(&phrase);
    (!folded.contains('"') && !folded.trim().is_empty()).then_some(phrase)
}

/// Sends the texts through the pipeline and waits until all are committed.
async fn fill(folder: &std::path::Path, texts: &[String], understanding: &Arc<Understanding>) -> anyhow::Result<()> {
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.join("log")))?);
    let partitions = log.describe(Topic::PostsRaw).await?.partitions as usize;
    let settings = Settings { data_dir: folder.to_owned(), ..Settings::default() };
    let shutdown = Shutdown::new();
    let opened = archive::open(&settings, understanding.clone(), Corrections::default()).await?;
    let service = archive::start(&settings, log.clone(), opened, shutdown.clone()).await?;
    let began = Instant::now();
    for (batch, texts) in texts.chunks(BATCH).enumerate() {
        let records = texts.iter().enumerate().map(|(at, text)| {
            let number = batch * BATCH + at;
            NewRecord { partition: (number % partitions) as u32, key: None, value: post(number, text).encode() }
        });
        log.append(Topic::PostsRaw, records.collect()).await?;
    }
    let info = log.describe(Topic::PostsAnalyzed).await?;
    let mut reader = log.reader(Topic::PostsAnalyzed, info.resume(None)?).await?;
    let mut analyzed = 0;
    while analyzed < texts.len() {
        let batch = reader.next(BATCH, Duration::from_secs(60)).await?.context("no post was analyzed for a minute")?;
        analyzed += batch.entries.len();
    }
    shutdown.cancel();
    service.task.await??;
    println!("{analyzed} posts stored in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn post(number: usize, text: &str) -> RawPost {
    let native_id = number.to_string();
    let at = format!("2026-{:02}-{:02}T08:00:00Z", 8 + number % MONTHS, 1 + number % 28);
    let published_at = at.parse().unwrap_or_default();
    RawPost {
        v: RawPost::VERSION,
        id: post_id("forum", &native_id),
        source: "forum".into(),
        native_id,
        kind: Kind::Post,
        url: None,
        title: None,
        text: text.to_owned(),
        author: None,
        published_at,
        published_precision: Precision::Second,
        fetched_at: published_at,
        thread_id: None,
        parent_id: None,
        counts: Counts::default(),
        place: None,
        media: Vec::new(),
        media_alt: Vec::new(),
        reply: None,
        official: None,
        addressed_to: None,
        via: Via::Push,
    }
}
