//! Training: multinomial logistic regression, the same model from the same data, bit for bit.
//!
//! Sets of two classes teach what sets negative apart from positive and say nothing of neutral: there the softmax runs
//! over the two. Features that tell negative apart from positive by themselves are let move further (the log-count ratio of
//! Wang and Manning's NB-SVM, 2012), which is worth two points where texts are few. Each set has a bias of its own while training, so that how many of its texts are angry is not mistaken
//! for what anger looks like; the biases of the sets that know three classes are averaged in the end.

use super::{
    Model,
    data::{self, Part},
    features_of,
    model::{CLASSES, shrinkage, softmax},
    table::{self, ROWS, Row},
};
use crate::understand::Segmenter;
use anyhow::Context;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;

/// A training set, and how it is used.
struct Set {
    name: &'static str,
    two_classes: bool,
    /// How much one text of it counts.
    weight: f32,
    /// Share in the bias that the model is given.
    bias: f32,
}

const SETS: [Set; 4] = [
    Set { name: "smp2020_virus_train", two_classes: false, weight: 1.5, bias: 1.0 },
    Set { name: "weibo2018_train", two_classes: true, weight: 1.0, bias: 0.0 },
    Set { name: "online_shopping", two_classes: true, weight: 0.1, bias: 0.0 },
    Set { name: "bdci_car", two_classes: false, weight: 0.1, bias: 0.0 },
];

/// Passes over the data.
const PASSES: usize = 5;
/// First step of AdaGrad; the last is near nought.
const STEP: f32 = 0.3;
/// Step of the biases, beside that of the weights.
const BIAS_STEP: f32 = 0.02;
/// A feature has a weight when it occurs in so many texts.
const LEAST_TEXTS: u32 = 2;
/// How far a feature may move that tells nothing apart.
const LEAST_REACH: f32 = 0.2;

/// A text in features: where each has its weights.
struct Sample {
    slots: Vec<u32>,
    shrinkage: f32,
    label: usize,
    set: usize,
    part: Part,
}

/// Trains on the sets in a folder and writes the model.
///
/// # Errors
/// What cannot be read or written.
pub fn train(folder: &Path, out: &Path) -> anyhow::Result<Model> {
    let model = fit(folder)?;
    std::fs::write(out, model.encode()).with_context(|| format!("{} cannot be written", out.display()))?;
    Ok(model)
}

/// Trains on the sets in a folder: once without the calibration texts, to learn from them how sure the model may be,
/// and then with them.
///
/// # Errors
/// What cannot be read.
pub fn fit(folder: &Path) -> anyhow::Result<Model> {
    let (rows, samples) = samples(folder)?;
    let sharpness = calibrate(&descend(&rows, &samples, &[Part::Train]), &samples);
    let weights = descend(&rows, &samples, &[Part::Train, Part::Calibrate]);
    Ok(weights.model(rows).sharpened(sharpness))
}

fn samples(folder: &Path) -> anyhow::Result<(Vec<Row>, Vec<Sample>)> {
    let mut seen = FxHashSet::default();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_eval_labeled.jsonl") {
            data::read_for_scoring(&path, &mut seen)?;
        }
    }
    let segmenter = Segmenter::default();
    let (mut found, mut texts) = (Vec::new(), FxHashMap::<u32, u32>::default());
    for (set, Set { name, .. }) in SETS.iter().enumerate() {
        for example in data::read(&folder.join(format!("{name}.jsonl")), &mut seen)? {
            let features = features_of(&segmenter, &example.text);
            if example.part != Part::Held {
                for feature in FxHashSet::from_iter(&features) {
                    *texts.entry(*feature).or_default() += 1;
                }
            }
            found.push((features, example.label as usize, set, example.part));
        }
    }
    texts.retain(|_, texts| *texts >= LEAST_TEXTS);
    let rows = table::lay_out(&texts, ROWS);
    let samples = found.into_iter().map(|(features, label, set, part)| {
        let slots =
            features.iter().filter_map(|&feature| table::slot(&rows, feature)).map(|slot| slot as u32).collect();
        Sample { slots, shrinkage: shrinkage(features.len()), label, set, part }
    });
    let samples = samples.collect();
    Ok((rows, samples))
}

/// Weights in training, with the sum of squared gradients that AdaGrad divides by.
struct Weights {
    weights: Vec<[f32; CLASSES]>,
    squares: Vec<[f32; CLASSES]>,
    /// How far a feature may move, beside others.
    reach: Vec<f32>,
    bias: Vec<[f32; CLASSES]>,
}

impl Weights {
    fn scores(&self, sample: &Sample) -> [f32; CLASSES] {
        let mut sums = [0f32; CLASSES];
        for &slot in &sample.slots {
            let (weights, reach) = (&self.weights[slot as usize], self.reach[slot as usize]);
            sums = std::array::from_fn(|class| sums[class] + weights[class] * reach);
        }
        std::array::from_fn(|class| sums[class] * sample.shrinkage + self.bias[sample.set][class])
    }

    fn model(mut self, rows: Vec<Row>) -> Model {
        let bias = std::array::from_fn(|class| {
            let (sum, shares) = SETS
                .iter()
                .zip(&self.bias)
                .fold((0.0, 0.0), |(sum, shares), (set, bias)| (sum + set.bias * bias[class], shares + set.bias));
            sum / shares
        });
        for (weights, reach) in self.weights.iter_mut().zip(&self.reach) {
            *weights = weights.map(|weight| weight * reach);
        }
        Model::quantise(rows, bias, &self.weights)
    }
}

/// The absolute log-count ratio of each slot's features between positive and negative texts.
fn reach(rows: &[Row], samples: &[Sample], parts: &[Part]) -> Vec<f32> {
    let mut counts = vec![[1f32; 2]; table::slots(rows)];
    let mut totals = [1f32; 2];
    for sample in samples.iter().filter(|sample| parts.contains(&sample.part) && sample.label != 1) {
        let (side, weight) = (sample.label / 2, SETS[sample.set].weight);
        totals[side] += weight;
        for slot in FxHashSet::from_iter(&sample.slots) {
            counts[*slot as usize][side] += weight;
        }
    }
    let ratio = |[negative, positive]: [f32; 2]| (positive * totals[0] / (negative * totals[1])).ln().abs();
    counts.into_iter().map(|counts| ratio(counts) + LEAST_REACH).collect()
}

/// The probabilities that a set's labels are compared with.
fn probabilities(mut scores: [f32; CLASSES], set: usize) -> [f32; CLASSES] {
    if SETS[set].two_classes {
        scores[1] = f32::NEG_INFINITY;
    }
    softmax(scores)
}

fn descend(rows: &[Row], samples: &[Sample], parts: &[Part]) -> Weights {
    let mut found = Weights {
        weights: vec![[0.0; CLASSES]; table::slots(rows)],
        squares: vec![[1e-8; CLASSES]; table::slots(rows)],
        reach: reach(rows, samples, parts),
        bias: vec![[0.0; CLASSES]; SETS.len()],
    };
    let mut order: Vec<&Sample> = samples.iter().filter(|sample| parts.contains(&sample.part)).collect();
    let mut random = Random(0x5eed);
    for pass in 0..PASSES {
        random.shuffle(&mut order);
        let step = STEP * (1.0 - pass as f32 / PASSES as f32);
        order.iter().for_each(|sample| found.learn(sample, step));
    }
    found
}

impl Weights {
    fn learn(&mut self, sample: &Sample, step: f32) {
        let found = probabilities(self.scores(sample), sample.set);
        let weight = SETS[sample.set].weight;
        let errors: [f32; CLASSES] =
            std::array::from_fn(|class| weight * (found[class] - f32::from(u8::from(class == sample.label))));
        for &slot in &sample.slots {
            let slot = slot as usize;
            let (weights, squares) = (&mut self.weights[slot], &mut self.squares[slot]);
            let share = self.reach[slot] * sample.shrinkage;
            for class in 0..CLASSES {
                let gradient = errors[class] * share;
                squares[class] += gradient * gradient;
                weights[class] -= step * gradient / squares[class].sqrt();
            }
        }
        for (bias, error) in self.bias[sample.set].iter_mut().zip(errors) {
            *bias -= BIAS_STEP * step * error;
        }
    }
}

/// The factor for all scores that makes the calibration texts likeliest.
fn calibrate(weights: &Weights, samples: &[Sample]) -> f32 {
    let scores: Vec<(&Sample, [f32; CLASSES])> = samples
        .iter()
        .filter(|sample| sample.part == Part::Calibrate)
        .map(|sample| (sample, weights.scores(sample)))
        .collect();
    let loss = |factor: f32| -> f64 {
        scores
            .iter()
            .map(|(sample, scores)| {
                let found = probabilities(scores.map(|score| score * factor), sample.set)[sample.label];
                f64::from(SETS[sample.set].weight) * -f64::from(found.max(1e-9)).ln()
            })
            .sum()
    };
    (4..=60).map(|twentieths| twentieths as f32 / 20.0).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0)
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
