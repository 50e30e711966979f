//! The labelled sets that the model is trained on and measured with, and how they are split.
//!
//! A text belongs to one part for ever, by its hash: 8 of 10 are trained on, 1 calibrates, 1 is held out. Texts that
//! occur in a set kept for scoring (`*_eval_labeled`) are never trained on, whatever set they stand in.

use crate::understand::fold;
use anyhow::Context;
use rustc_hash::FxHashSet;
use schemas::records::Label;
use serde::Deserialize;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// A labelled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Its label.
    pub label: Label,
    /// Which part of its set it belongs to.
    pub part: Part,
}

/// A part of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Trained on.
    Train,
    /// Sets how sure the model may be.
    Calibrate,
    /// Held out, for the figures.
    Held,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    sentiment: Option<Label>,
}

/// What makes two texts the same: their letters and characters, folded; where there are none, the marks.
pub(super) fn same_text(text: &str) -> u64 {
    let folded = fold(text);
    let letters = folded.replace(|c: char| !c.is_alphanumeric(), "");
    xxh3_64(if letters.is_empty() { folded.trim() } else { &letters }.as_bytes())
}

/// The rows of a file, in order.
fn rows(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Line>>> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(BufReader::new(file).lines().enumerate().map(move |(number, line)| {
        let place = || format!("{} line {}", path.display(), number + 1);
        serde_json::from_str(&line.with_context(place)?).with_context(place)
    }))
}

/// Reads a set. Rows without a label, and texts that were met before (`seen`), are left out.
///
/// # Errors
/// What cannot be read, with the line.
pub fn read(path: &Path, seen: &mut FxHashSet<u64>) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for row in rows(path)? {
        let Line { text, sentiment: Some(label) } = row? else { continue };
        let hash = same_text(&text);
        if seen.insert(hash) {
            let part = match hash % 10 {
                0 => Part::Held,
                1 => Part::Calibrate,
                _ => Part::Train,
            };
            examples.push(Example { text, label, part });
        }
    }
    Ok(examples)
}

/// Reads a set kept for scoring: every labelled row, even when it occurs twice. All its texts, the unlabelled too, have
/// been met (`seen`) from then on.
///
/// # Errors
/// What cannot be read, with the line.
pub fn read_for_scoring(path: &Path, seen: &mut FxHashSet<u64>) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for row in rows(path)? {
        let Line { text, sentiment } = row?;
        seen.insert(same_text(&text));
        examples.extend(sentiment.map(|label| Example { text, label, part: Part::Held }));
    }
    Ok(examples)
}
