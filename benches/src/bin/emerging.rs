//! What seeking emerging topics costs: `cargo run --release -p benches --bin emerging -- --posts 1000000 --texts FILE`.
//!
//! So many posts pass, at a given rate; the words of each are those of a real text, or of a small grammar, and some that nobody has said
//! before, so that the vocabulary grows without end. Now and then a matter comes up that some voices speak of. Understanding is not timed.
//! Printed are microseconds a post on one core, the topics that were found, and the bytes that were held at most, beside their bound and
//! beside what the process took.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::{
    query::Facts,
    trend::emerging::{Change, Emerging, Lines},
    understand::Understanding,
};
use anyhow::Context;
use benches::{
    machine::{on_core, usage},
    texts::Texts,
    town::{
        random::Random,
        watch::{START, blank},
    },
};
use clap::Parser;
use jiff::{Timestamp, tz::TimeZone};
use schemas::{log::Position, records::AnalyzedPost};
use std::{path::PathBuf, time::Duration};

/// Texts that are understood; posts take turns with them.
const UNDERSTOOD: usize = 4_000;
const BYTES: usize = 160;
/// A matter comes up with every so many posts, and has so many voices, each after so many other posts.
const MATTER: u64 = 20_000;
const VOICES: u64 = 12;
const BETWEEN: u64 = 40;
/// Posts that are timed together; between two of these the memory is looked at.
const BATCH: u64 = 5_000;

#[derive(Debug, Parser)]
struct Options {
    /// Posts.
    #[arg(long, default_value_t = 1_000_000)]
    posts: u64,
    /// Posts a second, by the posts' own time.
    #[arg(long, default_value_t = 2)]
    rate: u64,
    /// Words of a post that were never said before.
    #[arg(long, default_value_t = 8)]
    fresh: usize,
    /// JSON lines whose `text` is taken.
    #[arg(long)]
    texts: Option<PathBuf>,
    /// What all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let lines = Lines {
        topic: 3.5,
        voices: 5,
        false_pages: 2.0 / 3.0,
        tz: TimeZone::get("Asia/Shanghai").context("the time zone of Shanghai")?,
    };
    let said = understood(&options)?;
    let mut random = Random::new(options.seed);
    let mut emerging = Emerging::default();
    let memory = || usage(std::process::id()).map_or(0, |usage| usage.rss_anon);
    let before = memory();
    let (mut took, mut held, mut resident, mut found, mut terms) = (Duration::ZERO, 0, 0_u64, 0_usize, 0);
    let mut number = 0;
    while number < options.posts {
        let posts: Vec<AnalyzedPost> = (number..options.posts.min(number + BATCH))
            .map(|number| make(number, &options, &said[random.below(said.len() as u32) as usize], &mut random))
            .collect();
        number += posts.len() as u64;
        terms += posts.iter().map(|post| post.terms.len()).sum::<usize>();
        let began = on_core().context("this thread's /proc/thread-self/schedstat cannot be read")?;
        for post in &posts {
            let now = post.published_at.as_second();
            emerging.observe(post, now, now, &lines);
            found += emerging.tick(now).iter().filter(|change| matches!(change, Change::Born { .. })).count();
        }
        took += on_core().unwrap_or(began).saturating_sub(began);
        (held, resident) = (held.max(emerging.held()), resident.max(memory().saturating_sub(before)));
    }
    let matters = options.posts.div_ceil(MATTER);
    println!(
        "{} posts of {:.1} terms, {} of them never said before: {:.1} µs a post, {:.0} posts/s on one core",
        options.posts,
        terms as f64 / options.posts.max(1) as f64,
        options.fresh,
        took.as_secs_f64() * 1e6 / options.posts.max(1) as f64,
        options.posts as f64 / took.as_secs_f64()
    );
    println!("{matters} matters of {VOICES} voices each, {found} topics found");
    println!(
        "held at most {} MiB, the bound is {} MiB; resident {} MiB",
        held >> 20,
        Emerging::BOUND >> 20,
        resident >> 20
    );
    Ok(())
}

/// The next post: the words of a text, some that nobody has said, or those of a matter.
fn make(number: u64, options: &Options, (text, words): &(String, Vec<String>), random: &mut Random) -> AnalyzedPost {
    let mut terms = words.clone();
    let (matter, since) = (number / MATTER, number % MATTER);
    if since % BETWEEN == 0 && since / BETWEEN < VOICES {
        terms.truncate(6);
        terms.extend((0..4).map(|word| format!("{}{}", named(matter), named(word + 70))));
    }
    terms.extend((0..options.fresh).map(|word| format!("{}{}", named(number), named(word as u64 + 90))));
    let at = Timestamp::from_second(START + (number / options.rate.max(1)) as i64).unwrap_or_default();
    AnalyzedPost {
        raw: Position { partition: 0, offset: number },
        id: format!("bench:{number}"),
        text: text.clone(),
        terms,
        topics: Vec::new(),
        fingerprint: Some(format!("{:08x}{:08x}", random.below(u32::MAX), random.below(u32::MAX))),
        published_at: at,
        fetched_at: at,
        ..blank()
    }
}

/// A number in characters, as names are written: digits would say that it is a code.
fn named(number: u64) -> String {
    const DIGITS: [char; 10] = ['甲', '乙', '丙', '丁', '戊', '己', '庚', '辛', '壬', '癸'];
    number.to_string().chars().filter_map(|digit| DIGITS.get(digit.to_digit(10)? as usize)).collect()
}

/// Texts with their terms.
fn understood(options: &Options) -> anyhow::Result<Vec<(String, Vec<String>)>> {
    let understanding = Understanding::new([])?;
    let mut texts = Texts::new(options.seed, options.texts.as_deref(), BYTES);
    let of = |_| {
        let text = texts.another();
        let terms = understanding.understand_with("", &text, Facts::default()).terms;
        (text, terms)
    };
    Ok((0..UNDERSTOOD).map(of).collect())
}
