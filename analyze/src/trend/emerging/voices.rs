//! How many speak: posts that are one text again, or stand in one thread, are one voice.

use super::recent::Remembered;

/// Up to so many different bits of their SimHashes two texts are one. Texts that have nothing in common differ in 32 of 64, on the average,
/// with a deviation of four; those that fill in one form differ in fewer.
const ONE_TEXT: u32 = 18;
/// From this likeness of their terms on they are one, too.
const ONE_VOICE: f32 = 0.7;

/// Whether two posts are one voice.
pub(super) fn one_voice(a: &Remembered, b: &Remembered) -> bool {
    a.thread == b.thread
        || matches!((a.print, b.print), (Some(a), Some(b)) if (a ^ b).count_ones() <= ONE_TEXT)
        || a.likeness(b).0 >= ONE_VOICE
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
