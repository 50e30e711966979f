//! How sure the model may be, learnt on texts that it was not trained on.
//!
//! The numbers of a [`Calibration`] are moved, one at a time and by ever smaller steps, while the labels of the texts
//! become likelier. Each set counts as a whole by its share, however many texts it has, so that the small set of
//! everyday posts is heard beside the many reviews.
//!
//! | what is moved | of |
//! |---|---|
//! | the power of the length | all kinds |
//! | how sure | all kinds; each kind |
//! | the bias of an emotion | all kinds |
//! | negative against the rest, positive against the rest | each kind that was taught with three classes |
//! | negative against positive | each kind that was taught with two: of neutral its texts say nothing |

use super::model::{CLASSES, Calibration, Evidence, JOY, KINDS, NEUTRAL, softmax};
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
pub(super) fn calibrate(texts: &[Scored], two_classes: [bool; KINDS]) -> Calibration {
    let moves = moves(two_classes);
    let mut best = Calibration::default();
    let mut least = loss(texts, &best);
    let mut step = 0.2;
    for _ in 0..HALVINGS {
        for _ in 0..8 {
            let before = least;
            for &what in &moves {
                for by in [step, -step] {
                    let moved = moved(best, what, by);
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

/// What is moved.
#[derive(Clone, Copy)]
enum Move {
    Power,
    AllSure,
    Sure(usize),
    Emotion(usize),
    Negative(usize),
    Positive(usize),
    Polarity(usize),
}

fn moves(two_classes: [bool; KINDS]) -> Vec<Move> {
    let mut moves = vec![Move::Power, Move::AllSure];
    moves.extend((0..CLASSES).map(Move::Emotion));
    for (kind, two_classes) in two_classes.into_iter().enumerate() {
        moves.push(Move::Sure(kind));
        if two_classes {
            moves.push(Move::Polarity(kind));
        } else {
            moves.extend([Move::Negative(kind), Move::Positive(kind)]);
        }
    }
    moves
}

fn moved(mut calibration: Calibration, what: Move, by: f32) -> Calibration {
    let Calibration { power, sure, bias } = &mut calibration;
    match what {
        // The power moves around a length that is common, or else it would move how sure all is too.
        Move::Power => {
            *power += by;
            sure.iter_mut().for_each(|sure| *sure += by * COMMON_LENGTH.ln());
        }
        Move::AllSure => sure.iter_mut().for_each(|sure| *sure += by),
        Move::Sure(kind) => sure[kind] += by,
        Move::Emotion(class) => bias.iter_mut().for_each(|bias| bias[class] += by),
        Move::Negative(kind) => bias[kind][..NEUTRAL].iter_mut().for_each(|bias| *bias += by),
        Move::Positive(kind) => bias[kind][JOY] += by,
        Move::Polarity(kind) => {
            bias[kind][..NEUTRAL].iter_mut().for_each(|bias| *bias -= by);
            bias[kind][JOY] += by;
        }
    }
    calibration
}

/// Features of a text of some forty characters.
const COMMON_LENGTH: f32 = 100.0;

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
