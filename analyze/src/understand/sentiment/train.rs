//! Training: multinomial logistic regression, the same model from the same data, bit for bit.
//!
//! The model learns five emotions where the labels tell them; where a label says no more than negative, any of anger,
//! grief and worry is right, and their sum is compared with it. Sets of two classes teach what sets negative apart from
//! positive and say nothing of neutral: there the softmax leaves neutral out. Features that tell negative apart from
//! positive by themselves are let move further, and begin with a tenth of their log-count ratio (after Wang and Manning's
//! NB-SVM, 2012). What distinguishes the kinds of text ([`super::model::KINDS`]) is learnt beside the emotions, from
//! which set a text stands in.
//!
//! Everything labelled is trained on. What the figures tell is measured on the folds: five further models, each trained
//! on four parts and scored on the fifth; how sure the model may be is learnt from these scores as well.

use super::{
    Model,
    calibrate::{Scored, calibrate},
    data::{self, Example, FOLDS},
    evaluate::{self, Judged, Table},
    features_of,
    model::{CLASSES, JOY, KINDS, LENGTH_POWER, NEUTRAL, SCORES, softmax},
    table::{self, ROWS, Row},
};
use crate::understand::Segmenter;
use anyhow::Context;
use rustc_hash::{FxHashMap, FxHashSet};
use schemas::records::Label;
use std::{fs, ops::Range, path::Path};

/// A training set, and how it is used.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) two_classes: bool,
    /// How much one text of it counts.
    weight: f32,
    /// Which kind of text it teaches, and how much one text of it counts there.
    kind: Option<(usize, f32)>,
    /// How much the set counts for the calibration; such sets are also scored.
    pub(super) calibrates: f32,
    /// How much a text counts when features compete for room.
    rank: u32,
}

/// What people corrected, then the sets by name. Of a text that occurs twice the first counts.
pub(super) const SETS: [Set; 7] = [
    Set { name: "corrections", two_classes: false, weight: 4.0, kind: None, calibrates: 0.0, rank: 8 },
    Set {
        name: "smp2020_usual_eval_labeled",
        two_classes: false,
        weight: 1.0,
        kind: Some((0, 3.0)),
        calibrates: 1.0,
        rank: 4,
    },
    Set {
        name: "smp2020_virus_eval_labeled",
        two_classes: false,
        weight: 0.4,
        kind: Some((1, 1.0)),
        calibrates: 0.5,
        rank: 3,
    },
    Set {
        name: "smp2020_virus_train",
        two_classes: false,
        weight: 0.4,
        kind: Some((1, 1.0)),
        calibrates: 0.5,
        rank: 3,
    },
    Set { name: "weibo2018_train", two_classes: true, weight: 1.0, kind: Some((2, 1.0)), calibrates: 0.5, rank: 3 },
    Set { name: "online_shopping", two_classes: true, weight: 0.2, kind: Some((3, 0.3)), calibrates: 0.25, rank: 1 },
    Set { name: "bdci_car", two_classes: false, weight: 0.02, kind: None, calibrates: 0.0, rank: 1 },
];
const CORRECTIONS: usize = 0;

/// Of the reviews, by far the largest set, one in so many is taken: training stays short.
pub const THIN: u64 = 2;
/// Passes over the data.
const PASSES: usize = 5;
/// First step of AdaGrad; the last is near nought.
const STEP: f32 = 0.15;
/// Step of the biases, beside that of the weights.
const BIAS_STEP: f32 = 0.02;
/// A feature has a weight when it occurs in so many texts, or in a correction.
const LEAST_TEXTS: u32 = 2;
/// How far a feature may move that tells nothing apart.
const LEAST_REACH: f32 = 0.2;
/// How much of its log-count ratio a feature begins with.
const BEGINNING: f32 = 0.1;

/// A text in features.
struct Sample {
    features: Vec<u32>,
    label: Label,
    emotions: Range<usize>,
    set: usize,
    fold: u64,
}

/// The texts of all sets, in features.
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Reads the sets in a folder, and what people corrected. Of `online_shopping`, by far the largest, one in `thin` texts is taken.
    ///
    /// # Errors
    /// What cannot be read, with the line.
    pub fn read(folder: &Path, corrections: Option<&Path>, thin: u64) -> anyhow::Result<Self> {
        let segmenter = Segmenter::default();
        let (mut samples, mut seen) = (Vec::new(), FxHashSet::default());
        for (set, Set { name, .. }) in SETS.iter().enumerate() {
            let examples = match (set, corrections) {
                (CORRECTIONS, None) => Vec::new(),
                (CORRECTIONS, Some(corrections)) => data::read_corrections(corrections, &mut seen)?,
                _ => data::read(&folder.join(format!("{name}.jsonl")), &mut seen)?,
            };
            let kept =
                |example: &Example| *name != "online_shopping" || (example.hash / FOLDS).is_multiple_of(thin.max(1));
            samples.extend(examples.into_iter().filter(kept).map(|example| Sample {
                features: features_of(&segmenter, &example.text),
                fold: example.fold(),
                label: example.label,
                emotions: example.emotions,
                set,
            }));
        }
        Ok(Self(samples))
    }

    /// Trains on everything, and measures on the folds. Returns the model and the figures of what it was made like.
    #[must_use]
    pub fn train(&self) -> (Model, Table) {
        let held = self.held_out(0..FOLDS);
        let calibration = calibrate(&self.scored(&held), kinds_of_two_classes());
        let all: Vec<&Sample> = self.0.iter().collect();
        (fit(&all).calibrated(calibration), self.table(&held, &calibration))
    }

    /// The figures alone, of so many folds: each is scored by a model that was trained on all the others.
    #[must_use]
    pub fn cross_validate(&self, folds: Range<u64>) -> Table {
        let held = self.held_out(folds);
        let calibration = calibrate(&self.scored(&held), kinds_of_two_classes());
        self.table(&held, &calibration)
    }

    /// What a model that was not trained on them says of the texts in these folds. Corrections are always trained on.
    fn held_out(&self, folds: Range<u64>) -> Vec<(&Sample, super::model::Evidence)> {
        let mut held = Vec::new();
        for fold in folds {
            let is_held = |sample: &&Sample| sample.fold == fold && sample.set != CORRECTIONS;
            let (test, train): (Vec<&Sample>, Vec<&Sample>) = self.0.iter().partition(is_held);
            let model = fit(&train);
            let scored = test.into_iter().filter(|sample| SETS[sample.set].calibrates > 0.0);
            held.extend(scored.map(|sample| (sample, model.evidence(&sample.features))));
        }
        held
    }

    fn scored(&self, held: &[(&Sample, super::model::Evidence)]) -> Vec<Scored> {
        let mut texts = [0u32; SETS.len()];
        held.iter().for_each(|(sample, _)| texts[sample.set] += 1);
        let scored = held.iter().map(|(sample, evidence)| Scored {
            evidence: *evidence,
            emotions: sample.emotions.clone(),
            known: known(sample.set),
            weight: SETS[sample.set].calibrates / texts[sample.set] as f32,
        });
        scored.collect()
    }

    fn table(&self, held: &[(&Sample, super::model::Evidence)], calibration: &super::model::Calibration) -> Table {
        let judged = held.iter().map(|(sample, evidence)| Judged {
            set: sample.set,
            label: sample.label,
            emotions: sample.emotions.clone(),
            found: super::model::Emotions(softmax(calibration.scores(evidence))),
        });
        evaluate::table(&judged.collect::<Vec<_>>())
    }
}

/// Trains on the sets in a folder and on corrections, and writes the model. Returns its figures on the folds.
///
/// # Errors
/// What cannot be read or written.
pub fn train(folder: &Path, corrections: Option<&Path>, out: &Path) -> anyhow::Result<Table> {
    let (model, table) = Samples::read(folder, corrections, THIN)?.train();
    fs::write(out, model.encode()).with_context(|| format!("{} cannot be written", out.display()))?;
    Ok(table)
}

/// The emotions that a set knows.
fn known(set: usize) -> [bool; CLASSES] {
    std::array::from_fn(|class| class != NEUTRAL || !SETS[set].two_classes)
}

/// Which kinds of text are taught by sets of two classes.
fn kinds_of_two_classes() -> [bool; KINDS] {
    std::array::from_fn(|kind| {
        SETS.iter().any(|set| set.two_classes && set.kind.is_some_and(|(taught, _)| taught == kind))
    })
}

/// A text in training: where each of its features has its weights.
struct Placed<'s> {
    slots: Vec<u32>,
    shrinkage: f32,
    sample: &'s Sample,
}

fn fit(samples: &[&Sample]) -> Model {
    let rows = table::lay_out(&ranks(samples), ROWS);
    let mut placed: Vec<Placed<'_>> = samples
        .iter()
        .map(|sample| {
            let slots = sample.features.iter().filter_map(|&feature| table::slot(&rows, feature));
            Placed {
                slots: slots.map(|slot| slot as u32).collect(),
                shrinkage: (sample.features.len().max(1) as f32).powf(-LENGTH_POWER),
                sample,
            }
        })
        .collect();
    let mut weights = Weights::new(&ratios(&rows, &placed));
    let mut random = Random(0x5eed);
    for pass in 0..PASSES {
        random.shuffle(&mut placed);
        let step = STEP * (1.0 - pass as f32 / PASSES as f32);
        placed.iter().for_each(|text| weights.learn(text, step));
    }
    weights.model(rows)
}

/// How the features compete for room: by their number of texts, those of posts before those of reviews.
fn ranks(samples: &[&Sample]) -> FxHashMap<u32, u32> {
    let mut counts = FxHashMap::<u32, (u32, u32)>::default();
    for sample in samples {
        for &feature in &sample.features {
            let (texts, rank) = counts.entry(feature).or_default();
            *texts += if sample.set == CORRECTIONS { LEAST_TEXTS } else { 1 };
            *rank += SETS[sample.set].rank;
        }
    }
    counts
        .into_iter()
        .filter(|(_, (texts, _))| *texts >= LEAST_TEXTS)
        .map(|(feature, (_, rank))| (feature, rank))
        .collect()
}

/// The log-count ratio of each slot's features between positive and negative texts.
fn ratios(rows: &[Row], texts: &[Placed<'_>]) -> Vec<f32> {
    let mut counts = vec![[1f32; 2]; table::slots(rows)];
    let mut totals = [1f32; 2];
    for text in texts.iter().filter(|text| text.sample.label != Label::Neutral) {
        let (side, weight) = (usize::from(text.sample.label == Label::Positive), SETS[text.sample.set].weight);
        totals[side] += weight;
        for &slot in &text.slots {
            counts[slot as usize][side] += weight;
        }
    }
    let ratio = |[negative, positive]: [f32; 2]| (positive * totals[0] / (negative * totals[1])).ln();
    counts.into_iter().map(ratio).collect()
}

/// Weights in training, with the sum of squared gradients that AdaGrad divides by.
struct Weights {
    weights: Vec<[f32; SCORES]>,
    squares: Vec<[f32; SCORES]>,
    /// How far a feature may move the emotions, beside others.
    reach: Vec<f32>,
    bias: [f32; SCORES],
}

impl Weights {
    fn new(ratios: &[f32]) -> Self {
        let reach: Vec<f32> = ratios.iter().map(|ratio| ratio.abs() + LEAST_REACH).collect();
        let beginning = |(ratio, reach): (&f32, &f32)| {
            let polarity = BEGINNING * ratio / reach;
            let mut weights = [0.0; SCORES];
            weights[..NEUTRAL].fill(-polarity);
            weights[JOY] = polarity;
            weights
        };
        Self {
            weights: ratios.iter().zip(&reach).map(beginning).collect(),
            squares: vec![[1e-8; SCORES]; ratios.len()],
            reach,
            bias: [0.0; SCORES],
        }
    }

    fn scores(&self, text: &Placed<'_>) -> [f32; SCORES] {
        let mut sums = [0f32; SCORES];
        for &slot in &text.slots {
            let (weights, reaches) = (&self.weights[slot as usize], reaches(self.reach[slot as usize]));
            for score in 0..SCORES {
                sums[score] += weights[score] * reaches[score];
            }
        }
        std::array::from_fn(|score| sums[score] * text.shrinkage + self.bias[score])
    }

    fn learn(&mut self, text: &Placed<'_>, step: f32) {
        let errors = errors(text.sample, self.scores(text));
        for &slot in &text.slots {
            let slot = slot as usize;
            let (weights, squares) = (&mut self.weights[slot], &mut self.squares[slot]);
            let reaches = reaches(self.reach[slot]);
            for score in 0..SCORES {
                let gradient = errors[score] * reaches[score] * text.shrinkage;
                squares[score] += gradient * gradient;
                weights[score] -= step * gradient / squares[score].sqrt();
            }
        }
        for (bias, error) in self.bias.iter_mut().zip(errors) {
            *bias -= BIAS_STEP * step * error;
        }
    }

    fn model(mut self, rows: Vec<Row>) -> Model {
        for (weights, &reach) in self.weights.iter_mut().zip(&self.reach) {
            let reaches = reaches(reach);
            *weights = std::array::from_fn(|score| weights[score] * reaches[score]);
        }
        Model::quantise(rows, self.bias, &self.weights)
    }
}

/// How far a feature may move each score: what tells positive from negative is not what tells the kinds apart.
fn reaches(of_emotions: f32) -> [f32; SCORES] {
    std::array::from_fn(|score| if score < CLASSES { of_emotions } else { 1.0 })
}

/// How far the scores of a text are from what is right.
fn errors(sample: &Sample, scores: [f32; SCORES]) -> [f32; SCORES] {
    let set = &SETS[sample.set];
    let known = known(sample.set);
    let emotions: [f32; CLASSES] =
        softmax(std::array::from_fn(|class| if known[class] { scores[class] } else { f32::NEG_INFINITY }));
    let kinds: [f32; KINDS] = softmax(std::array::from_fn(|kind| scores[CLASSES + kind]));
    // Among the emotions that are right, none is to be preferred to what is found.
    let right = &sample.emotions;
    let sum: f32 = emotions[right.clone()].iter().sum::<f32>().max(f32::MIN_POSITIVE);
    std::array::from_fn(|score| {
        if score < CLASSES {
            let wanted = if right.contains(&score) { emotions[score] / sum } else { 0.0 };
            set.weight * (emotions[score] - wanted)
        } else {
            let kind = score - CLASSES;
            set.kind.map_or(0.0, |(taught, weight)| weight * (kinds[kind] - if kind == taught { 1.0 } else { 0.0 }))
        }
    })
}

/// A small fixed generator (xorshift64*): the same order on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn shuffle<T>(&mut self, order: &mut [T]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_teaches_what_it_knows() {
        let errors_of = |name: &str, label, emotions| {
            let set = SETS.iter().position(|set| set.name == name).unwrap();
            let sample = Sample { features: Vec::new(), label, emotions, set, fold: 0 };
            errors(&sample, [0.0; SCORES])
        };
        let posts = errors_of("smp2020_usual_eval_labeled", Label::Negative, 0..1);
        assert!(posts[0] < 0.0 && posts[1..CLASSES].iter().all(|error| *error > 0.0), "anger it is: {posts:?}");
        assert!(posts[CLASSES] < 0.0 && posts[CLASSES + 1..].iter().all(|error| *error > 0.0), "an everyday post");
        let attitudes = errors_of("weibo2018_train", Label::Negative, 0..NEUTRAL);
        assert!(attitudes[..NEUTRAL].iter().all(|error| *error < 0.0) && attitudes[JOY] > 0.0, "{attitudes:?}");
        assert!(attitudes[NEUTRAL].abs() < f32::EPSILON, "of neutral it says nothing");
        let cars = errors_of("bdci_car", Label::Positive, JOY..CLASSES);
        assert!(cars[JOY] < 0.0 && cars[CLASSES..].iter().all(|error| error.abs() < f32::EPSILON), "nor this of kinds");
    }
}
