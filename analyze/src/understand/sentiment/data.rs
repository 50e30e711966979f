//! The labelled sets that the model is trained on and measured with, and how they are split.
//!
//! | `sentiment` or `emotion` of a row | the emotions that it may be |
//! |---|---|
//! | `angry`, `sad`, `fear`, `neutral`, `happy` | that one |
//! | `negative` without an emotion | anger, grief or worry |
//! | `neutral`, `positive` | neutral, joy |
//! | neither, or `surprise` | the row is passed over |
//!
//! A text belongs to one of [`FOLDS`] for ever, by its hash, so that the same text never stands on both sides of a split,
//! whatever sets it occurs in; it is taken once, from the first set that has it.

use super::model::{ANGER, GRIEF, JOY, NEUTRAL, WORRY};
use crate::understand::fold;
use anyhow::Context;
use rustc_hash::FxHashSet;
use schemas::records::Label;
use serde::Deserialize;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    ops::Range,
    path::Path,
};
use xxhash_rust::xxh3::xxh3_64;

/// Parts that the texts are split into.
pub const FOLDS: u64 = 5;

/// A labelled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Its label.
    pub label: Label,
    /// The emotions that it may be, by their number in the model.
    pub emotions: Range<usize>,
    /// The hash of its letters, which names its fold.
    pub hash: u64,
}

impl Example {
    /// Which of the [`FOLDS`] it belongs to.
    #[must_use]
    pub fn fold(&self) -> u64 {
        self.hash % FOLDS
    }
}

#[derive(Deserialize)]
struct Line {
    text: String,
    sentiment: Option<Label>,
    emotion: Option<Emotion>,
}

/// The emotions of SMP2020-EWECT.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Emotion {
    Angry,
    Sad,
    Fear,
    Neutral,
    Happy,
    Surprise,
}

impl Line {
    /// The emotions that it may be; none when it says nothing.
    fn emotions(&self) -> Option<(Label, Range<usize>)> {
        let label = self.sentiment?;
        let one = |emotion: usize| emotion..emotion + 1;
        let emotions = match (label, self.emotion) {
            (Label::Negative, Some(Emotion::Angry)) => one(ANGER),
            (Label::Negative, Some(Emotion::Sad)) => one(GRIEF),
            (Label::Negative, Some(Emotion::Fear)) => one(WORRY),
            (_, Some(Emotion::Surprise)) => return None,
            (Label::Negative, _) => ANGER..WORRY + 1,
            (Label::Neutral, _) => one(NEUTRAL),
            (Label::Positive, _) => one(JOY),
        };
        Some((label, emotions))
    }
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
        let line = row?;
        let Some((label, emotions)) = line.emotions() else { continue };
        let hash = same_text(&line.text);
        if seen.insert(hash) {
            examples.push(Example { text: line.text, label, emotions, hash });
        }
    }
    Ok(examples)
}

/// Reads what people corrected: as [`read`] does, but where a text occurs twice the last word counts.
///
/// # Errors
/// What cannot be read, with the line.
pub fn read_corrections(path: &Path, seen: &mut FxHashSet<u64>) -> anyhow::Result<Vec<Example>> {
    let mut examples: Vec<Example> = Vec::new();
    for row in rows(path)? {
        let line = row?;
        let Some((label, emotions)) = line.emotions() else { continue };
        let hash = same_text(&line.text);
        seen.insert(hash);
        examples.retain(|example| example.hash != hash);
        examples.push(Example { text: line.text, label, emotions, hash });
    }
    Ok(examples)
}
