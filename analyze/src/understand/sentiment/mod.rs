//! Sentiment: negative, neutral or positive, with probabilities that mean what they say.
//!
//! Linear on hashed features ([`features`]), trained by us ([`mod@train`]), shipped in the program ([`model`]); its
//! figures and limits stand in `models/sentiment.md` and are measured by [`mod@evaluate`]. The model tells five emotions apart;
//! the three labels are their sums.

mod calibrate;
pub mod data;
pub mod evaluate;
pub mod features;
pub mod model;
mod table;
pub mod train;

pub use evaluate::{Row, Table};
pub use features::Piece;
pub use model::{Emotions, Model};
pub use train::{Samples, train};

use super::{Cut, Segmenter, fold};

/// The features of a text on its own, for training and measuring; in the stream the cut is shared.
fn features_of(segmenter: &Segmenter, text: &str) -> Vec<u32> {
    let folded = fold(text);
    features::features([Cut::new(segmenter, text, &folded).own()])
}

#[cfg(test)]
mod tests;
