//! The hot search of Weibo, judged: `cargo run -p benches --bin hotsearch -- --heat FILE`.
//!
//! The snapshots of the file pass in order; an entry that rises is told while it rises, by what is known then (`benches/src/hotsearch/`).
//! Printed are all flags with the time, the heat then and the later peak, and beside the chosen line what other lines would have told:
//! a line of 0 tells every rise, a higher one those that went on more often.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use anyhow::Context;
use benches::hotsearch::{
    file::{self, Snapshot},
    judge::{Outcome, Summary, outcome},
    watch::Watch,
};
use clap::Parser;
use jiff::{Timestamp, tz::TimeZone};
use std::path::PathBuf;

/// The lines that are compared.
const LINES: [f64; 6] = [0.0, 0.15, 0.2, 0.25, 0.3, 0.4];

#[derive(Debug, Parser)]
struct Options {
    /// Snapshots of the list, one a line.
    #[arg(long)]
    heat: PathBuf,
    /// Tells a rise when those like it went on so often, from 0 to 1.
    #[arg(long, default_value_t = 0.2)]
    odds: f64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let snapshots = file::read(&options.heat)?;
    let zone = TimeZone::get("Asia/Shanghai").context("the time zone of Shanghai")?;
    let watch = watched(&snapshots, options.odds);
    let mut flags: Vec<Outcome<'_>> = watch.lives().filter_map(outcome).collect();
    flags.sort_by_key(|flag| flag.at);
    println!(
        "| told | entry | odds | first heat | heat then | later peak | share of it | |\n|---|---|---:|---:|---:|---:|---:|---|"
    );
    for flag in &flags {
        let at =
            Timestamp::from_second(flag.at).unwrap_or_default().to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M");
        let Outcome { title, odds, first, then, peak, .. } = flag;
        let became = match (flag.fell(), flag.rose()) {
            (true, _) => "fell",
            (false, true) => "rose",
            (false, false) => "went on",
        };
        println!(
            "| {at} | {title} | {odds:.2} | {first} | {then} | {peak} | {:.0} % | {became} |",
            100.0 * flag.share()
        );
    }
    println!(
        "\n{} snapshots, {} stays on the list.\n\n| told from odds of | flags | of them fell | share of the peak at the flag, median | \
         rose threefold | of them never told | share of the peak at their flag, median |\n|---:|---:|---:|---:|---:|---:|---:|",
        snapshots.len(),
        watch.lives().count()
    );
    for line in LINES.into_iter().filter(|line| *line != options.odds) {
        print(line, &Summary::of(watched(&snapshots, line).lives()), "");
    }
    print(options.odds, &Summary::of(watch.lives()), "**");
    Ok(())
}

fn watched(snapshots: &[Snapshot], line: f64) -> Watch {
    let mut watch = Watch::new(line);
    snapshots.iter().for_each(|snapshot| watch.take(snapshot));
    watch
}

fn print(line: f64, summary: &Summary, marked: &str) {
    let Summary { flags, fell, share, rose, missed, share_of_risers, .. } = summary;
    println!(
        "| {marked}{line}{marked} | {flags} | {fell} | {:.0} % | {rose} | {missed} | {:.0} % |",
        100.0 * share,
        100.0 * share_of_risers
    );
}
