//! The model file and its judgement.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `WLSENT` and the version of the file, little-endian like all that follows |
//! | 2 | version of the features ([`features::VERSION`](super::features::VERSION)) |
//! | 4 | number of rows |
//! | 4 × 9 | bias of each score: five emotions, four kinds of text |
//! | 4 × 9 | scale of each score |
//! | 4 + 4 × 4 + 4 × 4 × 5 | the calibration: power of the length; how sure each kind's emotions are, as a logarithm; what each kind adds to the bias of each emotion |
//! | 40 × rows | tags and weights (the module `table`): `w·|w|` times its score's scale is what a weight `w` counts, so that the many small ones keep their digits beside the few large |
//! | 8 | XXH3 of all that stands before |
//!
//! A score is its bias and the sum of its weights over the features found, divided by their number to the power of the
//! length; probabilities are the softmax of the scores. There are two of them, over the same features: which kind of text
//! it is like ([`KINDS`]), and which emotion it has. Kinds differ in how much their words prove and in how common each
//! emotion is: factor and bias of the emotions are the means of the kinds' own, each as much as the text is like it.
//! Anger, grief and worry together are negative, joy is positive.

use super::table::{self, Row};
use schemas::records::{Label, Sentiment};
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// The emotions, in the order of the file.
pub const CLASSES: usize = 5;
/// Anger.
pub const ANGER: usize = 0;
/// Grief.
pub const GRIEF: usize = 1;
/// Worry.
pub const WORRY: usize = 2;
/// No emotion.
pub const NEUTRAL: usize = 3;
/// Joy, thanks, praise.
pub const JOY: usize = 4;

/// The kinds of text, each like the sets that taught it: everyday posts, posts in a crisis, posts with an attitude, reviews.
pub const KINDS: usize = 4;
/// What a feature has weights for: the emotions, then the kinds.
pub(super) const SCORES: usize = CLASSES + KINDS;

/// How much a sum over many features is shrunk while training: errors that are independent of each other ask for half.
/// Calibration moves it.
pub(super) const LENGTH_POWER: f32 = 0.5;

const MAGIC: [u8; 8] = *b"WLSENT\x03\x00";
const BIAS: usize = 8 + 2 + 4;
const SCALE: usize = BIAS + 4 * SCORES;
const CALIBRATION: usize = SCALE + 4 * SCORES;
const HEAD: usize = CALIBRATION + 4 * (1 + KINDS + KINDS * CLASSES);
const SUM: usize = 8;

/// Why bytes are no model that this program can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It is something else, or of another version.
    #[error("not a sentiment model of this version: train one with `wanglou train sentiment`")]
    Foreign,
    /// It was trained on features that this program does not compute.
    #[error("made for features version {found}, this program computes {}: train again", super::features::VERSION)]
    Features {
        /// The version in the file.
        found: u16,
    },
    /// Cut short, or too long.
    #[error("{found} bytes long instead of {wanted}: copy the file again")]
    Length {
        /// What it should be.
        wanted: usize,
        /// What it is.
        found: usize,
    },
    /// Damaged.
    #[error("its checksum is wrong: copy the file again")]
    Damaged,
}

/// A trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    bias: [f32; SCORES],
    scale: [f32; SCORES],
    calibration: Calibration,
    rows: Vec<Row>,
}

/// The model that ships with the program.
static SHIPPED: LazyLock<Result<Model, ModelError>> = LazyLock::new(|| Model::decode(SHIPPED_BYTES));
static SHIPPED_BYTES: &[u8] = include_bytes!("../../../models/sentiment.bin");

impl Model {
    /// The model that ships with the program.
    ///
    /// # Errors
    /// When the program was built with a model of another version.
    pub fn shipped() -> Result<&'static Self, ModelError> {
        SHIPPED.as_ref().map_err(Clone::clone)
    }

    /// What tells the model that ships with this program from that of another: the checksum that ends its file.
    #[must_use]
    pub fn shipped_checksum() -> u64 {
        SHIPPED_BYTES.last_chunk().map_or(0, |sum| u64::from_le_bytes(*sum))
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() < HEAD || bytes[..8] != MAGIC {
            return Err(ModelError::Foreign);
        }
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let float = |at: usize| f32::from_le_bytes(word(at));
        let floats = |at: usize| std::array::from_fn(|score| float(at + 4 * score));
        let found = u16::from_le_bytes([bytes[8], bytes[9]]);
        if found != super::features::VERSION {
            return Err(ModelError::Features { found });
        }
        let rows = u32::from_le_bytes(word(10)) as usize;
        let body = rows.saturating_mul(table::ROW).saturating_add(HEAD);
        if rows == 0 || bytes.len() != body.saturating_add(SUM) {
            return Err(ModelError::Length { wanted: body.saturating_add(SUM), found: bytes.len() });
        }
        if bytes[body..] != xxh3_64(&bytes[..body]).to_le_bytes() {
            return Err(ModelError::Damaged);
        }
        let (rows, _) = bytes[HEAD..body].as_chunks();
        let (sure, bias) = (CALIBRATION + 4, CALIBRATION + 4 + 4 * KINDS);
        let calibration = Calibration {
            power: float(CALIBRATION),
            sure: std::array::from_fn(|kind| float(sure + 4 * kind)),
            bias: std::array::from_fn(|kind| std::array::from_fn(|class| float(bias + 4 * (kind * CLASSES + class)))),
        };
        Ok(Self { bias: floats(BIAS), scale: floats(SCALE), calibration, rows: rows.to_vec() })
    }

    /// The model as a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(super::features::VERSION.to_le_bytes());
        bytes.extend((self.rows.len() as u32).to_le_bytes());
        let Calibration { power, sure, bias } = &self.calibration;
        let calibration = [power].into_iter().chain(sure).chain(bias.as_flattened());
        bytes.extend(self.bias.iter().chain(&self.scale).chain(calibration).flat_map(|float| float.to_le_bytes()));
        bytes.extend(self.rows.as_flattened());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// Rounds trained weights, one for each slot of the rows, to bytes.
    pub(super) fn quantise(mut rows: Vec<Row>, bias: [f32; SCORES], weights: &[[f32; SCORES]]) -> Self {
        let scale: [f32; SCORES] = std::array::from_fn(|score| {
            let largest = weights.iter().map(|slot| slot[score].abs()).fold(f32::MIN_POSITIVE, f32::max);
            largest / (127.0 * 127.0)
        });
        let rounded = |weight: f32, scale: f32| ((weight.abs() / scale).sqrt().round() * weight.signum()) as i8;
        for (slot, weights) in weights.iter().enumerate() {
            table::set_weights(&mut rows, slot, std::array::from_fn(|score| rounded(weights[score], scale[score])));
        }
        Self { bias, scale, calibration: Calibration::default(), rows }
    }

    /// The same, as sure as it may be.
    pub(super) fn calibrated(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// What the features say, before the calibration comes in.
    #[must_use]
    pub(super) fn evidence(&self, features: &[u32]) -> Evidence {
        let mut sums = [0i64; SCORES];
        for slot in features.iter().filter_map(|&feature| table::slot(&self.rows, feature)) {
            for (sum, weight) in sums.iter_mut().zip(table::weights(&self.rows, slot)) {
                let weight = i64::from(weight);
                *sum += weight * weight.abs();
            }
        }
        let length = features.len().max(1) as f32;
        let shrunk = length.powf(-LENGTH_POWER);
        let sum = |score: usize| sums[score] as f32 * self.scale[score] * shrunk;
        Evidence {
            sums: std::array::from_fn(sum),
            bias: std::array::from_fn(|class| self.bias[class]),
            kinds: softmax(std::array::from_fn(|kind| sum(CLASSES + kind) + self.bias[CLASSES + kind])),
            length,
        }
    }

    /// The probability of each emotion in a text with these features, each of which is named once. Where there are none
    /// nothing was said: that is neutral, however common complaints are.
    #[must_use]
    pub fn emotions(&self, features: &[u32]) -> Emotions {
        if features.is_empty() {
            return NOTHING_SAID;
        }
        Emotions(softmax(self.calibration.scores(&self.evidence(features))))
    }

    /// What is judged of a text with these features, each of which is named once.
    #[must_use]
    pub fn judge(&self, features: &[u32]) -> Sentiment {
        self.emotions(features).sentiment()
    }
}

/// What speaks for each emotion in a text, and how likely it is to be of each kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    sums: [f32; CLASSES],
    bias: [f32; CLASSES],
    kinds: [f32; KINDS],
    length: f32,
}

/// How sure a model may be: a change of its scores that is learnt on texts which it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Calibration {
    /// What is added to the power of the length: above nought, long texts are judged less surely.
    pub(super) power: f32,
    /// The logarithm of what the features' part is multiplied by, in each kind of text.
    pub(super) sure: [f32; KINDS],
    /// What is added to the bias of each emotion, in each kind of text.
    pub(super) bias: [[f32; CLASSES]; KINDS],
}

impl Calibration {
    /// The scores of a text, calibrated.
    pub(super) fn scores(&self, evidence: &Evidence) -> [f32; CLASSES] {
        let mean =
            |of: &dyn Fn(usize) -> f32| evidence.kinds.iter().enumerate().map(|(kind, share)| share * of(kind)).sum();
        let sure: f32 = mean(&|kind| self.sure[kind]);
        let factor = sure.exp() * evidence.length.powf(-self.power);
        std::array::from_fn(|class| {
            let bias: f32 = mean(&|kind| self.bias[kind][class]);
            evidence.sums[class] * factor + evidence.bias[class] + bias
        })
    }
}

/// The probability of each emotion; they sum to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Emotions(pub [f32; CLASSES]);

/// No emotion.
const NOTHING_SAID: Emotions = Emotions([0.0, 0.0, 0.0, 1.0, 0.0]);

impl Emotions {
    /// Negative, neutral or positive.
    #[must_use]
    pub fn sentiment(&self) -> Sentiment {
        let negative = self.0[ANGER] + self.0[GRIEF] + self.0[WORRY];
        let (neutral, positive) = (self.0[NEUTRAL], self.0[JOY]);
        let label = if negative >= neutral && negative >= positive {
            Label::Negative
        } else if positive > neutral {
            Label::Positive
        } else {
            Label::Neutral
        };
        Sentiment { label, negative, neutral, positive }
    }
}

/// Scores made probabilities.
pub(super) fn softmax<const SCORES: usize>(scores: [f32; SCORES]) -> [f32; SCORES] {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let odds = scores.map(|score| (score - largest).exp());
    let sum: f32 = odds.iter().sum();
    odds.map(|odd| odd / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Model {
        let features = (0..16).map(|feature: u32| ((feature << 28) | (feature + 1), 1)).collect();
        let bias = [0.1, -0.2, 0.3, 0.0, 0.0, 0.1, 0.0, 0.0, -0.1];
        Model::quantise(table::lay_out(&features, 4), bias, &[[0.5, -1.0, 0.25, 0.0, 0.1, 0.3, 0.0, -0.2, 0.1]; 16])
    }

    #[test]
    fn a_model_survives_its_file() {
        let calibration =
            Calibration { power: 0.3, sure: [0.1, 0.2, 0.3, 0.4], bias: [[0.1, 0.0, -0.3, 0.0, 0.2]; KINDS] };
        let model = small().calibrated(calibration);
        assert_eq!(Model::decode(&model.encode()), Ok(model));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let good = small().encode();
        assert_eq!(Model::decode(b"GIF89a"), Err(ModelError::Foreign));
        assert_eq!(
            Model::decode(&good[..good.len() - 1]),
            Err(ModelError::Length { wanted: good.len(), found: good.len() - 1 })
        );
        let mut bad = good.clone();
        bad[HEAD] ^= 1;
        assert_eq!(Model::decode(&bad), Err(ModelError::Damaged));
        let mut other = good;
        other[8] = 99;
        assert_eq!(Model::decode(&other), Err(ModelError::Features { found: 99 }));
    }

    #[test]
    fn a_text_is_calibrated_as_the_kinds_that_it_is_like() {
        let mut calibration = Calibration::default();
        calibration.sure[1] = 1.0;
        calibration.bias[1][3] = 2.0;
        let evidence =
            |kinds| Evidence { sums: [1.0, 0.0, 0.0, 0.0, -1.0], bias: [0.5; CLASSES], kinds, length: 100.0 };
        let scores = |kinds| calibration.scores(&evidence(kinds));
        assert_eq!(scores([1.0, 0.0, 0.0, 0.0]), [1.5, 0.5, 0.5, 0.5, -0.5], "of a kind that is left as it is");
        let wanted = [1f32.exp() + 0.5, 0.5, 0.5, 2.5, 0.5 - 1f32.exp()];
        assert!(scores([0.0, 1.0, 0.0, 0.0]).iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-5));
        assert_eq!(scores([0.5, 0.5, 0.0, 0.0])[3], 1.5, "half like each");
    }

    #[test]
    fn probabilities_sum_to_one_and_the_label_is_the_likeliest() {
        for features in [vec![], vec![1, 2, 3], vec![u32::MAX; 10_000]] {
            let found = small().judge(&features);
            assert!((found.negative + found.neutral + found.positive - 1.0).abs() < 1e-5);
            let likeliest =
                [(found.negative, Label::Negative), (found.neutral, Label::Neutral), (found.positive, Label::Positive)];
            let likeliest = likeliest.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            assert_eq!(found.label, likeliest.1);
        }
    }

    #[test]
    fn where_nothing_is_said_no_emotion_is_heard() {
        assert_eq!(small().judge(&[]).label, Label::Neutral);
        assert_eq!(Model::shipped().unwrap().judge(&[]).label, Label::Neutral);
    }

    #[test]
    fn the_shipped_model_is_of_this_version_and_small() {
        assert!(Model::shipped().is_ok());
        assert!(include_bytes!("../../../models/sentiment.bin").len() <= 4 << 20);
    }
}
