//! How many speak.
//!
//! | two posts | voices |
//! |---|---|
//! | of one thread | one |
//! | of one text, or that fill in one form, within [`AGAIN`] | one |
//! | the same, further apart | two: a petition that is sent again is a matter that goes on |
//! | with the same telling words, and else different ones | two |

use super::recent::Remembered;

/// Up to so many different bits of their SimHashes two texts are one. Texts that have nothing in common differ in 32 of 64, on the average,
/// with a deviation of four; those that fill in one form differ in fewer.
const ONE_TEXT: u32 = 14;
/// From this share of their terms on, of all that both have, they are one, too.
const ONE_FORM: f32 = 0.6;
/// A text that comes again after so many seconds, on another day, is a voice of its own.
const AGAIN: i64 = 20 * 3_600;

/// Whether two posts are one voice.
pub(super) fn one_voice(a: &Remembered, b: &Remembered) -> bool {
    a.thread == b.thread
        || (a.at - b.at).abs() < AGAIN
            && (matches!((a.print, b.print), (Some(a), Some(b)) if (a ^ b).count_ones() <= ONE_TEXT)
                || a.overlap(b) >= ONE_FORM)
}

/// The posts that are voices of their own, in order: of those that are one, the first.
pub(super) fn voices<'p>(posts: impl IntoIterator<Item = &'p Remembered>) -> Vec<&'p Remembered> {
    let mut voices: Vec<&Remembered> = Vec::new();
    for post in posts {
        if !voices.iter().any(|voice| one_voice(voice, post)) {
            voices.push(post);
        }
    }
    voices
}
