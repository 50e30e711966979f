//! How good the model is: accuracy, macro-F1 and calibration error on labelled sets.

use super::{
    Model,
    data::{self, Example, Part},
    features_of,
};
use crate::understand::Segmenter;
use rustc_hash::FxHashSet;
use schemas::records::{Label, Sentiment};
use std::{fmt, path::Path};

/// The sets that are scored, and whether they know but two classes.
const SETS: [(&str, bool); 5] = [
    ("smp2020_usual_eval_labeled", false),
    ("smp2020_virus_eval_labeled", false),
    ("weibo2018_train", true),
    ("smp2020_virus_train", false),
    ("online_shopping", true),
];

/// The figures of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The set; of a training set only the part that was held out is scored.
    pub set: String,
    /// Texts scored.
    pub texts: usize,
    /// Share of right labels.
    pub accuracy: f64,
    /// Mean of the classes' F1.
    pub macro_f1: f64,
    /// Expected calibration error in ten bins: how far the stated probability is from the share that is right.
    pub ece: f64,
}

/// The figures of all sets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table(pub Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32} {:>6} {:>9} {:>9} {:>6}", "set", "texts", "accuracy", "macro-F1", "ECE")?;
        self.0.iter().try_for_each(|row| {
            writeln!(f, "{:<32} {:>6} {:>9.3} {:>9.3} {:>6.3}", row.set, row.texts, row.accuracy, row.macro_f1, row.ece)
        })
    }
}

/// Scores a model on the sets in a folder: the ones kept for scoring, and of the others what training held out.
///
/// # Errors
/// What cannot be read.
pub fn evaluate(model: &Model, folder: &Path) -> anyhow::Result<Table> {
    let segmenter = Segmenter::default();
    let mut seen = FxHashSet::default();
    let mut rows = Vec::new();
    for (set, two_classes) in SETS {
        let path = folder.join(format!("{set}.jsonl"));
        let (name, examples) = if set.ends_with("_eval_labeled") {
            (set.to_owned(), data::read_for_scoring(&path, &mut seen)?)
        } else {
            let mut examples = data::read(&path, &mut seen)?;
            examples.retain(|example| example.part == Part::Held);
            (format!("{set} (held out)"), examples)
        };
        rows.push(score(name, &examples, |text| {
            let found = model.judge(&features_of(&segmenter, text));
            if two_classes { of_two(found) } else { found }
        }));
    }
    Ok(Table(rows))
}

/// The larger of negative and positive decides; their probabilities are scaled to sum to one.
fn of_two(found: Sentiment) -> Sentiment {
    let sum = (found.negative + found.positive).max(f32::MIN_POSITIVE);
    let label = if found.negative >= found.positive { Label::Negative } else { Label::Positive };
    Sentiment { label, negative: found.negative / sum, neutral: 0.0, positive: found.positive / sum }
}

/// Figures of a judge on labelled texts.
pub(super) fn score(set: String, examples: &[Example], judge: impl Fn(&str) -> Sentiment) -> Row {
    let mut confusion = [[0u32; 3]; 3];
    let mut bins = [(0u32, 0u32, 0f64); 10];
    for example in examples {
        let found = judge(&example.text);
        confusion[example.label as usize][found.label as usize] += 1;
        let sure = found.negative.max(found.neutral).max(found.positive);
        let bin = &mut bins[((sure * 10.0) as usize).min(9)];
        bin.0 += 1;
        bin.1 += u32::from(found.label == example.label);
        bin.2 += f64::from(sure);
    }
    let texts = examples.len().max(1) as f64;
    let right: u32 = (0..3).map(|class| confusion[class][class]).sum();
    let f1s: Vec<f64> = (0..3).filter_map(|class| f1(&confusion, class)).collect();
    Row {
        set,
        texts: examples.len(),
        accuracy: f64::from(right) / texts,
        macro_f1: f1s.iter().sum::<f64>() / f1s.len().max(1) as f64,
        ece: bins.iter().map(|&(_, right, sure)| (f64::from(right) - sure).abs()).sum::<f64>() / texts,
    }
}

/// The F1 of a class; none when the set has no text of it.
fn f1(confusion: &[[u32; 3]; 3], class: usize) -> Option<f64> {
    let truly: u32 = confusion[class].iter().sum();
    let found: u32 = confusion.iter().map(|row| row[class]).sum();
    (truly > 0).then(|| 2.0 * f64::from(confusion[class][class]) / f64::from(truly + found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(label: Label, sure: f32) -> Sentiment {
        let rest = (1.0 - sure) / 2.0;
        let of = |other: Label| if other == label { sure } else { rest };
        Sentiment { label, negative: of(Label::Negative), neutral: of(Label::Neutral), positive: of(Label::Positive) }
    }

    #[test]
    fn figures_are_what_their_definitions_say() {
        let example = |text: &str, label| Example { text: text.into(), label, part: Part::Held };
        let examples = [
            example("right", Label::Negative),
            example("right", Label::Negative),
            example("wrong", Label::Positive),
            example("right", Label::Negative),
        ];
        let row = score("set".into(), &examples, |_| judged(Label::Negative, 0.9));
        assert_eq!((row.texts, row.accuracy), (4, 0.75));
        // Negative: 2·3 / (3 + 4); positive: nought; neutral does not occur and does not count.
        assert!((row.macro_f1 - 3.0 / 7.0).abs() < 1e-9, "{row:?}");
        assert!((row.ece - 0.15).abs() < 1e-6, "{row:?}");
    }

    #[test]
    fn of_two_classes_the_larger_decides() {
        let found = of_two(Sentiment { label: Label::Neutral, negative: 0.1, neutral: 0.7, positive: 0.2 });
        assert_eq!(found.label, Label::Positive);
        assert!((found.positive - 2.0 / 3.0).abs() < 1e-6 && found.neutral == 0.0);
    }
}
