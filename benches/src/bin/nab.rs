//! The tweet counts of the Numenta Anomaly Benchmark: writes result files that any scorer of it reads, and prints the scores.
//!
//! `nab --data DIR --out DIR`, where DIR is a folder with the counts, `combined_windows.json` and `profiles.json`, or the benchmark's own
//! tree. A detector's figure is that at the one threshold that is best for all files together: so the benchmark reckons, and so
//! published ones are. That of each file at its own best threshold flatters, and is printed to see where the scores of files do not
//! compare.

use analyze::trend::gauge::Reading;
use anyhow::Result;
use benches::nab::{
    files::{self, File},
    run,
    scorer::{Rows, Score, Weights},
};
use clap::Parser;
use std::{path::PathBuf, time::Instant};

#[derive(Debug, Parser)]
struct Options {
    /// The folder of the counts, the windows and the profiles, or the benchmark's own tree.
    #[arg(long)]
    data: PathBuf,
    /// Where the result files go.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let (read, profiles) = files::read(&options.data)?;
    let mut scored: Vec<(&File, Vec<f64>)> = Vec::new();
    println!("| file | rows | windows | µs a row |\n|---|---:|---:|---:|");
    for file in &read {
        let start = Instant::now();
        let scores = run(file);
        let micros = start.elapsed().as_secs_f64() * 1e6 / scores.len().max(1) as f64;
        println!("| {} | {} | {} | {micros:.1} |", file.name, file.rows.len(), file.windows.len());
        files::write(&options.out, file, &scores)?;
        scored.push((file, scores));
    }
    for (name, weights) in &profiles {
        println!(
            "\n{name}:\n\n| files | threshold | score | windows found | false detections |\n|---|---:|---:|---:|---:|"
        );
        let all = rows(&scored);
        print("all, at the one best", all.best(*weights));
        print("all, at our own", all.at(Reading::ALARM, *weights));
        each(&scored, *weights);
    }
    Ok(())
}

/// Each file at its own best threshold, and their mean by windows.
fn each(scored: &[(&File, Vec<f64>)], weights: Weights) {
    let best: Vec<Score> = scored.iter().map(|one| rows(std::slice::from_ref(one)).best(weights)).collect();
    for ((file, _), score) in scored.iter().zip(&best) {
        print(&format!("{}, at its best", file.name), *score);
    }
    let windows: usize = best.iter().map(|score| score.windows).sum();
    let sum: f64 = best.iter().map(|score| score.normalised * score.windows as f64).sum();
    println!("| each at its own best, by windows | | {:.1} | | |", sum / windows.max(1) as f64);
}

fn rows(scored: &[(&File, Vec<f64>)]) -> Rows {
    let mut rows = Rows::default();
    scored.iter().for_each(|(file, scores)| rows.add(scores, &file.windows));
    rows
}

fn print(files: &str, score: Score) {
    let Score { threshold, normalised, found, windows, false_positives } = score;
    println!("| {files} | {threshold:.3} | {normalised:.1} | {found} of {windows} | {false_positives} |");
}
