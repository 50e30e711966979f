//! How sure the model may be, learnt on texts that it was not trained on.
//!
//! Seven numbers ([`Calibration`]) are moved, one at a time and by ever smaller steps, while the labels of the texts
//! become likelier. Each set counts as a whole by its share, however many texts it has, so that the small set of
//! everyday posts is heard beside the many reviews.

use super::model::{CLASSES, Calibration, Evidence, softmax};
use std::ops::Range;

/// A text that was scored by a model which had not seen it.
pub(super) struct Scored {
    pub(super) evidence: Evidence,
    /// The emotions that it may be.
    pub(super) emotions: Range<usize>,
    /// The emotions that its set knows.
    pub(super) known: [bool; CLASSES],
    /// How much it counts.
    pub(super) weight: f32,
}

/// How often the step is halved.
const HALVINGS: usize = 6;

/// The calibration under which the labels are likeliest.
pub(super) fn calibrate(texts: &[Scored]) -> Calibration {
    let mut best = Calibration::default();
    let mut least = loss(texts, &best);
    let mut step = 0.2;
    for _ in 0..HALVINGS {
        for _ in 0..8 {
            let before = least;
            for number in 0..2 + CLASSES {
                for by in [step, -step] {
                    let moved = moved(best, number, by);
                    let found = loss(texts, &moved);
                    if found < least {
                        (best, least) = (moved, found);
                    }
                }
            }
            if least >= before {
                break;
            }
        }
        step /= 2.0;
    }
    best
}

fn moved(mut calibration: Calibration, number: usize, by: f32) -> Calibration {
    match number {
        // The power moves around a length that is common, or else it would move the factor too.
        0 => {
            calibration.power += by;
            calibration.factor *= COMMON_LENGTH.powf(by);
        }
        1 => calibration.factor *= 1.0 + by,
        class => calibration.bias[class - 2] += by,
    }
    calibration
}

/// Features of a text of some forty characters.
const COMMON_LENGTH: f32 = 150.0;

fn loss(texts: &[Scored], calibration: &Calibration) -> f64 {
    let of = |text: &Scored| {
        let mut scores = calibration.scores(&text.evidence);
        for (score, known) in scores.iter_mut().zip(text.known) {
            if !known {
                *score = f32::NEG_INFINITY;
            }
        }
        let likely: f32 = softmax(scores)[text.emotions.clone()].iter().sum();
        f64::from(text.weight) * -f64::from(likely.max(1e-9)).ln()
    };
    texts.iter().map(of).sum()
}
