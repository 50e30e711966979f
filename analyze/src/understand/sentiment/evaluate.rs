//! How good the model is: accuracy, macro-F1 and calibration error on labelled texts that it was not trained on.

use super::{
    model::{ANGER, CLASSES, Emotions, GRIEF, WORRY},
    train::SETS,
};
use schemas::records::{Label, Sentiment};
use std::{fmt, ops::Range};

/// A labelled text, and what a model said of it that had not seen it.
pub(super) struct Judged {
    /// Its set, by number.
    pub(super) set: usize,
    pub(super) label: Label,
    /// The emotions that it may be.
    pub(super) emotions: Range<usize>,
    pub(super) found: Emotions,
}

/// The figures of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The set, or the tone in all sets that tell emotions apart.
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

/// The figures of each set, and of each emotion that is told as a tone, where there are texts.
pub(super) fn table(judged: &[Judged]) -> Table {
    let mut rows = Vec::new();
    for (set, of) in SETS.iter().enumerate() {
        let texts = judged.iter().filter(|text| text.set == set);
        let sentiments = texts.map(|text| {
            let found = text.found.sentiment();
            (text.label, if of.two_classes { of_two(found) } else { found })
        });
        rows.extend(score(of.name.to_owned(), &sentiments.collect::<Vec<_>>()));
    }
    for (tone, class) in [("anger", ANGER), ("grief", GRIEF), ("worry", WORRY)] {
        // Whether the tone is heard, as if it were a set of two classes.
        let told = judged.iter().filter(|text| text.emotions.len() == 1 && !SETS[text.set].two_classes);
        let heard = told.map(|text| {
            let truth = if text.emotions.start == class { Label::Positive } else { Label::Negative };
            (truth, tone_heard(&text.found, class))
        });
        rows.extend(score(format!("tone {tone}"), &heard.collect::<Vec<_>>()));
    }
    Table(rows)
}

/// That a tone is heard, as positive, or not.
fn tone_heard(found: &Emotions, class: usize) -> Sentiment {
    debug_assert!(class < CLASSES);
    let positive = found.0[class];
    let label = if positive >= 0.5 { Label::Positive } else { Label::Negative };
    Sentiment { label, negative: 1.0 - positive, neutral: 0.0, positive }
}

/// The larger of negative and positive decides; their probabilities are scaled to sum to one.
fn of_two(found: Sentiment) -> Sentiment {
    let sum = (found.negative + found.positive).max(f32::MIN_POSITIVE);
    let label = if found.negative >= found.positive { Label::Negative } else { Label::Positive };
    Sentiment { label, negative: found.negative / sum, neutral: 0.0, positive: found.positive / sum }
}

/// Figures of what was found (the second) beside what is true (the first); none without texts.
fn score(set: String, examples: &[(Label, Sentiment)]) -> Option<Row> {
    let mut confusion = [[0u32; 3]; 3];
    let mut bins = [(0u32, 0f64); 10];
    for (label, found) in examples {
        confusion[*label as usize][found.label as usize] += 1;
        let sure = found.negative.max(found.neutral).max(found.positive);
        let bin = &mut bins[((sure * 10.0) as usize).min(9)];
        bin.0 += u32::from(found.label == *label);
        bin.1 += f64::from(sure);
    }
    let texts = examples.len().max(1) as f64;
    let right: u32 = (0..3).map(|class| confusion[class][class]).sum();
    let f1s: Vec<f64> = (0..3).filter_map(|class| f1(&confusion, class)).collect();
    (!examples.is_empty()).then(|| Row {
        set,
        texts: examples.len(),
        accuracy: f64::from(right) / texts,
        macro_f1: f1s.iter().sum::<f64>() / f1s.len().max(1) as f64,
        ece: bins.iter().map(|&(right, sure)| (f64::from(right) - sure).abs()).sum::<f64>() / texts,
    })
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
        let labels = [Label::Negative, Label::Negative, Label::Positive, Label::Negative];
        let row = score("set".into(), &labels.map(|label| (label, judged(Label::Negative, 0.9)))).unwrap();
        assert_eq!(score("empty".into(), &[]), None);
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
