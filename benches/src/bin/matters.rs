//! The list of matters that emerged in a file of posts: `cargo run -p benches --bin matters -- --messages FILE`.
//!
//! The posts run through the very code of `wanglou replay`, in the order of their times. For each topic that was found: when, its headline,
//! its posts and voices in the end, how long after its first post it was found, why, whether it was worth a page, and three excerpts; first
//! those whose voices share the name of a thing, then the others, the least likely by chance first.
//! Whether it is a matter that a desk would want, a person judges.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::{
    replay::Replay,
    trend::{Config, Emerged, emerging::What},
    understand::Understanding,
};
use anyhow::Context;
use clap::Parser;
use jiff::{ToSpan, tz::TimeZone};
use schemas::records::DoorPost;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
};

#[derive(Parser)]
struct Options {
    /// Posts, one a line, as at the door.
    #[arg(long)]
    messages: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let file = std::fs::File::open(&options.messages)
        .with_context(|| format!("{} cannot be read", options.messages.display()))?;
    let mut posts = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}:{}", options.messages.display(), index + 1);
        posts.push(serde_json::from_str::<DoorPost>(&line.with_context(place)?).with_context(place)?);
    }
    posts.sort_by_key(|post| post.published_at);
    let understanding = Understanding::new([])?;
    let tz = TimeZone::get("Asia/Shanghai").context("the time zone of Shanghai")?;
    let mut replay = Replay::new(&understanding, &Config::of(Vec::new(), tz.clone()));
    let mut events = Vec::new();
    for post in &posts {
        replay.post(post);
        events.extend(replay.emerged());
    }
    if let Some(last) = posts.last() {
        replay.until(last.published_at.saturating_add(100.hours()).unwrap_or(last.published_at));
        events.extend(replay.emerged());
    }
    let mut lives: BTreeMap<(jiff::Timestamp, String), Vec<&Emerged>> = BTreeMap::new();
    let mut born: BTreeMap<&str, jiff::Timestamp> = BTreeMap::new();
    for event in &events {
        let at = *born.entry(&event.topic).or_insert(event.at);
        lives.entry((at, event.topic.clone())).or_default().push(event);
    }
    // Those who share the name of a thing speak of one matter; beyond that, the less likely by chance the better.
    let mut ranked: Vec<_> = lives.iter().collect();
    let worth = |life: &[&Emerged]| life.iter().map(|event| event.surprise).fold(0.0, f64::max);
    let named = |life: &[&Emerged]| life.iter().any(|event| event.thing.is_some());
    ranked.sort_by(|(_, a), (_, b)| named(b).cmp(&named(a)).then(worth(b).total_cmp(&worth(a))));
    for ((at, id), life) in ranked {
        let (Some(first), Some(last)) = (life.first(), life.last()) else { continue };
        let day = |time: jiff::Timestamp| time.to_zoned_datetime(tz.clone()).strftime("%F").to_string();
        let days = (at.as_second() - first.first.as_second()) / 86_400;
        let thing = last.thing.as_ref().map(|thing| format!("  同指 {thing}")).unwrap_or_default();
        println!("{}  {}  [{id}]{thing}", day(*at), last.headline);
        println!(
            "    {}; 首帖后 {days} 天发现; 共 {} 条, 最多 {} 个来帖, 末帖 {}",
            first.why,
            last.posts,
            last.voices,
            day(last.last)
        );
        for event in &life[1..] {
            let other = event.other.as_deref().unwrap_or_default();
            match event.what {
                What::Paged => println!("    {} 值得告警: {}", day(event.at), event.why),
                What::Merged | What::Split | What::Explained => {
                    println!("    {} {:?} {other}", day(event.at), event.what);
                }
                What::Born | What::Renamed | What::Ended => {}
            }
        }
        let step = (last.excerpts.len() / 3).max(1);
        for excerpt in last.excerpts.iter().step_by(step).take(3) {
            println!("      · {}", excerpt.chars().take(60).collect::<String>());
        }
    }
    println!("{} posts, {} emerging topics", posts.len(), lives.len());
    Ok(())
}
