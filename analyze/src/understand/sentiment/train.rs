//! Training: multinomial logistic regression, the same model from the same data, bit for bit.
//!
//! Sets of two classes teach what sets negative apart from positive and say nothing of neutral: there the softmax runs
//! over the two. Each set has a bias of its own while training, so that how many of its texts are angry is not mistaken
//! for what anger looks like; the biases of the sets that know three classes are averaged in the end.

use super::{
    Model,
    data::{self, Part},
    features_of,
    model::{CLASSES, MAX_BITS, bucket, softmax},
};
use crate::understand::Segmenter;
use anyhow::Context;
use rustc_hash::FxHashSet;
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
    Set { name: "smp2020_virus_train", two_classes: false, weight: 1.0, bias: 1.0 },
    Set { name: "weibo2018_train", two_classes: true, weight: 1.0, bias: 0.0 },
    Set { name: "online_shopping", two_classes: true, weight: 0.3, bias: 0.0 },
    Set { name: "bdci_car", two_classes: false, weight: 0.2, bias: 0.0 },
];

/// How training goes; the shipped model is made with the default.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Passes over the data.
    pub passes: usize,
    /// First step of AdaGrad.
    pub step: f32,
    /// Pull of every weight towards nought, a text.
    pub decay: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self { passes: 8, step: 0.3, decay: 1e-5 }
    }
}

/// A text in features.
struct Sample {
    features: Vec<u32>,
    label: usize,
    set: usize,
    part: Part,
}

/// Trains on the sets in a folder and writes the model.
///
/// # Errors
/// What cannot be read or written.
pub fn train(folder: &Path, out: &Path) -> anyhow::Result<Model> {
    let model = fit(folder, Options::default())?;
    std::fs::write(out, model.encode()).with_context(|| format!("{} cannot be written", out.display()))?;
    Ok(model)
}

/// Trains on the sets in a folder.
///
/// # Errors
/// What cannot be read.
pub fn fit(folder: &Path, options: Options) -> anyhow::Result<Model> {
    let samples = samples(folder)?;
    let weights = descend(&samples, options);
    let sharpness = calibrate(&weights, &samples);
    Ok(weights.model().sharpened(sharpness))
}

fn samples(folder: &Path) -> anyhow::Result<Vec<Sample>> {
    let mut seen = FxHashSet::default();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_eval_labeled.jsonl") {
            data::read(&path, &mut seen)?;
        }
    }
    let segmenter = Segmenter::default();
    let mut samples = Vec::new();
    for (set, Set { name, .. }) in SETS.iter().enumerate() {
        for example in data::read(&folder.join(format!("{name}.jsonl")), &mut seen)? {
            let features = features_of(&segmenter, &example.text);
            samples.push(Sample { features, label: example.label as usize, set, part: example.part });
        }
    }
    Ok(samples)
}

/// Weights in training, with the sum of squared gradients that AdaGrad divides by.
struct Weights {
    weights: Vec<[f32; CLASSES]>,
    squares: Vec<[f32; CLASSES]>,
    bias: Vec<[f32; CLASSES]>,
}

impl Weights {
    fn scores(&self, sample: &Sample) -> [f32; CLASSES] {
        let mut sums = [0f32; CLASSES];
        for &feature in &sample.features {
            let weights = &self.weights[bucket(feature, MAX_BITS)];
            sums = std::array::from_fn(|class| sums[class] + weights[class]);
        }
        let norm = (sample.features.len() as f32).sqrt();
        std::array::from_fn(|class| sums[class] / norm + self.bias[sample.set][class])
    }

    fn model(&self) -> Model {
        let bias = std::array::from_fn(|class| {
            let (sum, shares) = SETS
                .iter()
                .zip(&self.bias)
                .fold((0.0, 0.0), |(sum, shares), (set, bias)| (sum + set.bias * bias[class], shares + set.bias));
            sum / shares
        });
        Model::quantise(MAX_BITS, bias, &self.weights)
    }
}

/// The probabilities that a set's labels are compared with.
fn probabilities(mut scores: [f32; CLASSES], set: usize) -> [f32; CLASSES] {
    if SETS[set].two_classes {
        scores[1] = f32::NEG_INFINITY;
    }
    softmax(scores)
}

fn descend(samples: &[Sample], options: Options) -> Weights {
    let mut found = Weights {
        weights: vec![[0.0; CLASSES]; 1 << MAX_BITS],
        squares: vec![[1e-8; CLASSES]; 1 << MAX_BITS],
        bias: vec![[0.0; CLASSES]; SETS.len()],
    };
    let mut order: Vec<usize> = (0..samples.len()).filter(|&number| samples[number].part == Part::Train).collect();
    let mut random = Random(0x5eed);
    for pass in 0..options.passes {
        random.shuffle(&mut order);
        let step = options.step * (1.0 - pass as f32 / options.passes as f32);
        for &number in &order {
            found.learn(&samples[number], step, options.decay);
        }
    }
    found
}

impl Weights {
    fn learn(&mut self, sample: &Sample, step: f32, decay: f32) {
        let found = probabilities(self.scores(sample), sample.set);
        let weight = SETS[sample.set].weight;
        let errors: [f32; CLASSES] =
            std::array::from_fn(|class| weight * (found[class] - f32::from(u8::from(class == sample.label))));
        let norm = (sample.features.len() as f32).sqrt();
        for &feature in &sample.features {
            let at = bucket(feature, MAX_BITS);
            let (weights, squares) = (&mut self.weights[at], &mut self.squares[at]);
            for class in 0..CLASSES {
                let gradient = errors[class] / norm + decay * weights[class];
                squares[class] += gradient * gradient;
                weights[class] -= step * gradient / squares[class].sqrt();
            }
        }
        for (bias, error) in self.bias[sample.set].iter_mut().zip(errors) {
            *bias -= 0.02 * step * error;
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
    (1..=60).map(|tenths| tenths as f32 / 20.0).min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0)
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

    fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
