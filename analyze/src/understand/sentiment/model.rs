//! The model file and its judgement.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `WLSENT` and the version of the file, little-endian like all that follows |
//! | 2 | version of the features ([`features::VERSION`](super::features::VERSION)) |
//! | 4 | number of rows |
//! | 12 | bias of each class |
//! | 12 | scale of each class |
//! | 16 × rows | tags and weights (the module `table`): `w·|w|` times its class's scale is what a weight `w` counts, so that the many small ones keep their digits beside the few large |
//! | 8 | XXH3 of all that stands before |
//!
//! The score of a class is its bias and the sum of its weights over the features found, divided by their number to the
//! power of [`LENGTH_POWER`]; probabilities are the softmax of the scores (the calibration is part of scales and biases).

use super::table::{self, Row};
use schemas::records::{Label, Sentiment};
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// The classes, in the order of the file.
pub const CLASSES: usize = 3;
/// How much a sum over many features is shrunk: half would treat their errors as independent of each other; that they
/// overlap, and so err together, asks for more.
pub(super) const LENGTH_POWER: f32 = 0.7;

const MAGIC: [u8; 8] = *b"WLSENT\x01\x00";
const HEAD: usize = 8 + 2 + 4 + 4 * CLASSES + 4 * CLASSES;
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
    bias: [f32; CLASSES],
    scale: [f32; CLASSES],
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
        let floats = |at: usize| std::array::from_fn(|class| f32::from_le_bytes(word(at + 4 * class)));
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
        Ok(Self { bias: floats(14), scale: floats(14 + 4 * CLASSES), rows: rows.to_vec() })
    }

    /// The model as a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(super::features::VERSION.to_le_bytes());
        bytes.extend((self.rows.len() as u32).to_le_bytes());
        bytes.extend(self.bias.iter().chain(&self.scale).flat_map(|float| float.to_le_bytes()));
        bytes.extend(self.rows.as_flattened());
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// Rounds trained weights, one for each slot of the rows, to bytes.
    pub(super) fn quantise(mut rows: Vec<Row>, bias: [f32; CLASSES], weights: &[[f32; CLASSES]]) -> Self {
        let scale: [f32; CLASSES] = std::array::from_fn(|class| {
            let largest = weights.iter().map(|slot| slot[class].abs()).fold(f32::MIN_POSITIVE, f32::max);
            largest / (127.0 * 127.0)
        });
        let rounded = |weight: f32, scale: f32| ((weight.abs() / scale).sqrt().round() * weight.signum()) as i8;
        for (slot, weights) in weights.iter().enumerate() {
            table::set_weights(&mut rows, slot, std::array::from_fn(|class| rounded(weights[class], scale[class])));
        }
        Self { bias, scale, rows }
    }

    /// The same with all scores multiplied: softer below one, harder above.
    pub(super) fn sharpened(mut self, by: f32) -> Self {
        self.bias = self.bias.map(|bias| bias * by);
        self.scale = self.scale.map(|scale| scale * by);
        self
    }

    /// The scores of a text with these features, before they are made probabilities.
    #[must_use]
    pub fn scores(&self, features: &[u32]) -> [f32; CLASSES] {
        let mut sums = [0i64; CLASSES];
        for slot in features.iter().filter_map(|&feature| table::slot(&self.rows, feature)) {
            for (sum, weight) in sums.iter_mut().zip(table::weights(&self.rows, slot)) {
                let weight = i64::from(weight);
                *sum += weight * weight.abs();
            }
        }
        let shrunk = shrinkage(features.len());
        std::array::from_fn(|class| self.bias[class] + sums[class] as f32 * self.scale[class] * shrunk)
    }

    /// What is judged of a text with these features.
    #[must_use]
    pub fn judge(&self, features: &[u32]) -> Sentiment {
        let [negative, neutral, positive] = softmax(self.scores(features));
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

/// What a sum over so many features is multiplied by.
pub(super) fn shrinkage(features: usize) -> f32 {
    (features.max(1) as f32).powf(-LENGTH_POWER)
}

/// Scores made probabilities.
pub(super) fn softmax(scores: [f32; CLASSES]) -> [f32; CLASSES] {
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
        Model::quantise(table::lay_out(&features, 4), [0.1, -0.2, 0.3], &[[0.5, -1.0, 0.25]; 16])
    }

    #[test]
    fn a_model_survives_its_file() {
        let model = small();
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
    fn the_shipped_model_is_of_this_version_and_small() {
        assert!(Model::shipped().is_ok());
        assert!(include_bytes!("../../../models/sentiment.bin").len() <= 4 << 20);
    }
}
