//! How well a text is known when it comes again: `cargo run --release -p benches --bin copies -- --data DATA`.
//!
//! Texts of at least 20 characters from the sets of messages and Weibo posts in DATA; half of them are seen, as founders. Of a
//! thousand of those each kind of edit makes a copy, and a thousand of the other half, which were not seen, should be taken for
//! nothing. Recall is the share of copies whose founder is named; precision the share of right ones among all that were named, when
//! as many strangers come as copies.
//!
//! Measured, 2,141 texts seen, of 1,000 strangers 23 were taken for copies, and those that were looked at are copies that the sets
//! themselves hold, so that the precisions are lower bounds:
//!
//! | edit | recall | precision |
//! |---|---|---|
//! | the same; marks, emoji, link, mention; full width; foreword; reordered; cut off after 70 % | 1.000 | .978 |
//! | one character in 20 left out, changed | .999, .993 | .977 |
//! | one character in 10 changed | .947 | .976 |
//! | the last 60 % | .997 | .977 |
//! | cut off after 40 % (the short ones fall below the shortest text) | .844 | .973 |

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::{
    pipeline::clusters::{Clusters, Coming, LEAST},
    understand::{Fingerprint, fold, own_words},
};
use anyhow::Context;
use clap::Parser;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::path::PathBuf;

#[derive(Debug, Parser)]
struct Options {
    /// The folder with `messages/` and `sentiment/`; without it the texts of a small grammar are taken.
    #[arg(long)]
    data: Option<PathBuf>,
}

const SAMPLE: usize = 1_000;
const FILES: [&str; 2] = ["messages/messages_with_replies.jsonl", "sentiment/smp2020_usual_eval_labeled.jsonl"];

type Edit = (&'static str, fn(&[char], &mut StdRng) -> String);

/// The kinds of edit.
const EDITS: [Edit; 11] = [
    ("the same", |text, _| text.iter().collect()),
    ("emoji, marks, link and mention", |text, random| {
        let mut edited: String = text.iter().map(|&c| if "，。！？,".contains(c) { ' ' } else { c }).collect();
        for extra in ["😭😭", "[怒]", " http://t.cn/A6PqoMKY ", "@某某 "] {
            let at = edited.char_indices().nth(random.random_range(0..text.len())).map_or(0, |(at, _)| at);
            // Marks within a link or a mention would make it another one.
            if extra.contains(['@', 'h']) { edited.push_str(extra) } else { edited.insert_str(at, extra) }
        }
        edited
    }),
    ("one character in 20 changed", |text, random| changed(text, random, 20)),
    ("one character in 10 changed", |text, random| changed(text, random, 10)),
    ("one character in 20 left out", |text, random| text.iter().filter(|_| random.random_range(0..20) != 0).collect()),
    ("cut off after 70 %", |text, _| text[..text.len() * 7 / 10].iter().collect()),
    ("cut off after 40 %", |text, _| text[..text.len() * 4 / 10].iter().collect()),
    ("the last 60 %", |text, _| text[text.len() * 4 / 10..].iter().collect()),
    ("a foreword of 15 characters", |text, _| {
        format!("转发给大家看看这件事情有没有人管：{}", text.iter().collect::<String>())
    }),
    ("sentences reordered", |text, random| {
        let text: String = text.iter().collect();
        let mut parts: Vec<&str> = text.split(['，', '。', '！', '？', ',']).collect();
        parts.shuffle(random);
        parts.join("，")
    }),
    ("digits in full width", |text, _| {
        text.iter()
            .map(|&c| if c.is_ascii_digit() { char::from_u32(c as u32 + 0xfee0).unwrap_or(c) } else { c })
            .collect()
    }),
];

fn changed(text: &[char], random: &mut StdRng, one_in: u32) -> String {
    let other = ['的', '了', '是', '我', '不', '在', '有', '他'];
    text.iter()
        .map(|&c| if random.random_range(0..one_in) == 0 { other[random.random_range(0..8)] } else { c })
        .collect()
}

fn fingerprint(text: &str) -> Fingerprint {
    let folded = fold(text);
    Fingerprint::of("", own_words(&folded))
}

fn texts(options: &Options, random: &mut impl Rng) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    match &options.data {
        Some(folder) => {
            for file in FILES {
                let path = folder.join(file);
                let lines = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                for line in lines.lines() {
                    let line: serde_json::Value = serde_json::from_str(line)?;
                    texts.extend(line["text"].as_str().map(str::to_owned));
                }
            }
        }
        None => {
            let mut made = benches::texts::Texts::new(7, None, 160);
            texts.extend((0..4_000).map(|_| (0..3).map(|_| made.another()).collect::<String>()));
        }
    }
    texts.retain(|text| fingerprint(text).length() >= 20);
    texts.shuffle(random);
    Ok(texts)
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut random = StdRng::seed_from_u64(20_161_107);
    let texts = texts(&options, &mut random)?;
    let (seen, strangers) = texts.split_at(texts.len() / 2);
    let mut clusters = Clusters::default();
    let mut founders = Vec::new();
    for (number, text) in seen.iter().enumerate() {
        let fingerprint = fingerprint(text);
        // What the set itself holds twice is no founder.
        if clusters
            .place(Coming { id: &number.to_string(), at: 0, fingerprint: &fingerprint, passes_on: None })
            .is_none()
        {
            founders.push(number);
        }
    }
    founders.shuffle(&mut random);
    founders.truncate(SAMPLE);
    let asked = strangers.iter().take(founders.len());
    let taken: Vec<(&String, String)> =
        asked.clone().filter_map(|text| Some((text, clusters.copied(&fingerprint(text), 0)?.to_owned()))).collect();
    println!("{} texts seen, {} asked of each kind, copies from {LEAST} characters on", seen.len(), founders.len());
    println!("strangers taken for copies: {} of {}", taken.len(), asked.len());
    for (text, founder) in taken.iter().take(if std::env::var_os("SHOW").is_some() { 20 } else { 0 }) {
        println!("  {text}\n  {}", founder.parse::<usize>().map_or("", |founder| seen[founder].as_str()));
    }
    println!("\n| edit | recall | precision | SimHash bits that differ, median |\n|---|---|---|---|");
    for (name, edit) in EDITS {
        let (mut right, mut wrong, mut bits) = (0, 0, Vec::new());
        for &founder in &founders {
            let original = fingerprint(&seen[founder]);
            let copy = fingerprint(&edit(&seen[founder].chars().collect::<Vec<_>>(), &mut random));
            bits.push(original.distance(&copy));
            match clusters.copied(&copy, 0) {
                Some(id) if id == founder.to_string() => right += 1,
                Some(_) => wrong += 1,
                None => {}
            }
        }
        bits.sort_unstable();
        let named = (right + wrong + taken.len()).max(1);
        println!(
            "| {name} | {:.3} | {:.3} | {} |",
            f64::from(u32::try_from(right)?) / founders.len().max(1) as f64,
            f64::from(u32::try_from(right)?) / named as f64,
            bits.get(bits.len() / 2).copied().unwrap_or_default()
        );
    }
    Ok(())
}
