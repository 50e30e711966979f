//! What many series cost: `cargo run --release -p benches --bin series -- --series 1000000`.
//!
//! So many watch topics are counted for two weeks, their load long-tailed: the share of a topic falls with its rank, so a few have most
//! posts and most have a few. The clock moves by the hour, with pulses, and in the last three hours by the minute, so that topics are learned. Then
//! the state is written, and a process of its own reads it again, as after a restart. Printed: posts a second of counting on one core,
//! the bytes of the snapshot, and what a series costs in the memory of the process that was restarted, and how long it took.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::trend::{Config, Trend, WatchTopic};
use anyhow::{Context, ensure};
use benches::{
    machine::usage,
    town::{
        random::Random,
        watch::{START, blank},
    },
};
use clap::Parser;
use jiff::{Timestamp, tz::TimeZone};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// So many days are counted; in the last hours the clock moves by the minute.
const DAYS: i64 = 14;
const FINE: i64 = 3 * HOUR;
const SOURCES: u32 = 50;

#[derive(Debug, Parser)]
struct Options {
    /// Watch topics.
    #[arg(long, default_value_t = 10_000)]
    series: u32,
    /// Posts of a topic, in the mean.
    #[arg(long, default_value_t = 20)]
    posts: u32,
    /// What all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only reads this snapshot: what the program runs as its own restart.
    #[arg(long)]
    restart: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let config = config(options.series)?;
    if let Some(snapshot) = &options.restart {
        return restart(&config, snapshot, options.series);
    }
    let (trend, posts, took) = count(&config, &options);
    println!(
        "{} series, {posts} posts over {DAYS} days: {:.0} posts/s on one core",
        options.series,
        posts as f64 / took.as_secs_f64()
    );
    let folder = tempfile::tempdir()?;
    let snapshot = folder.path().join("snapshot");
    let began = Instant::now();
    let bytes = trend.encode()?;
    std::fs::write(&snapshot, &bytes).context("the snapshot cannot be written")?;
    println!(
        "snapshot: {} MiB, {} bytes a series, written in {:.2} s",
        bytes.len() >> 20,
        bytes.len() / options.series.max(1) as usize,
        began.elapsed().as_secs_f64()
    );
    drop((bytes, trend));
    let again = std::process::Command::new(std::env::current_exe()?)
        .arg("--restart")
        .arg(&snapshot)
        .args(["--series", &options.series.to_string()])
        .status()
        .context("the restart cannot be run")?;
    ensure!(again.success(), "the restart failed: {again}");
    Ok(())
}

fn config(series: u32) -> anyhow::Result<Config> {
    let topic = |number: u32| {
        let id = format!("topic-{number}");
        WatchTopic { name: id.clone(), query: id.clone(), id }
    };
    Ok(Config::of((0..series).map(topic).collect(), TimeZone::get("Asia/Shanghai")?))
}

/// Counts the posts; how many, and how long counting alone took.
fn count(config: &Config, options: &Options) -> (Trend, u64, Duration) {
    let mut trend = Trend::new(config);
    let mut random = Random::new(options.seed);
    let (mut post, mut took) = (blank(), Duration::ZERO);
    let posts = u64::from(options.series) * u64::from(options.posts);
    let sources: Vec<String> = (0..SOURCES).map(|source| format!("source-{source}")).collect();
    let mut sent = 0;
    let mut at = START;
    while at < START + DAYS * DAY {
        let step = if at < START + DAYS * DAY - FINE { HOUR } else { MINUTE };
        let due = (posts as f64 * (at + step - START) as f64 / (DAYS * DAY) as f64) as u64;
        let (first, many) = (sent, due - sent);
        let began = Instant::now();
        while sent < due {
            let now = time(at + ((sent - first) * step as u64 / many) as i64);
            // The rank's logarithm is uniform: a topic's share falls with its rank.
            let rank = f64::from(options.series).powf(random.unit()) as usize;
            post.topics[0].clone_from(&config.watch[rank.clamp(1, config.watch.len()) - 1].id);
            post.source.clone_from(&sources[random.below(SOURCES) as usize]);
            post.raw.offset = sent;
            post.id.clear();
            post.text.clear();
            // Writing to a string cannot fail.
            let _ = write!(post.id, "town:{sent}");
            let _ = write!(post.text, "第 {sent} 号来话, 说的是 {rank} 号事情, 请问什么时候有人来看一看");
            (post.published_at, post.fetched_at) = (now, now);
            trend.observe(&post, now);
            sent += 1;
        }
        took += began.elapsed();
        at += step;
        if step == HOUR {
            trend.tick(time(at));
        } else {
            trend.advance(time(at));
        }
    }
    (trend, sent, took)
}

fn restart(config: &Config, snapshot: &Path, series: u32) -> anyhow::Result<()> {
    let memory = || usage(std::process::id()).map_or(0, |usage| usage.rss_anon);
    let before = memory();
    let began = Instant::now();
    let bytes = std::fs::read(snapshot).context("the snapshot cannot be read")?;
    let trend = Trend::decode(config, &bytes, time(START + DAYS * DAY))?;
    let took = began.elapsed();
    drop(bytes);
    let after = memory();
    println!(
        "restart: {:.2} s, {} MiB, {} bytes a series",
        took.as_secs_f64(),
        after >> 20,
        after.saturating_sub(before) / u64::from(series.max(1))
    );
    drop(trend);
    Ok(())
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}
