//! How many speak.
//!
//! | two posts | voices |
//! |---|---|
//! | of one thread | one |
//! | of one text, or that fill in one form, within [`AGAIN`] | one |
//! | the same, further apart | two: a petition that is sent again is a matter that goes on |
//! | the same within that time, under titles that differ | two, but of one text no more than [`RETITLED`]: somebody took the trouble |
//! | with the same telling words, and else different ones | two |

use super::recent::Remembered;
use std::collections::BTreeSet;

/// Up to so many different bits of their SimHashes two texts are one. Texts that have nothing in common differ in 32 of 64, on the average,
/// with a deviation of four; those that fill in one form differ in fewer.
const ONE_TEXT: u32 = 14;
/// From this share of their terms on, of all that both have, they are one, too.
const ONE_FORM: f32 = 0.6;
/// A text that comes again after so many seconds, on another day, is a voice of its own.
pub(super) const AGAIN: i64 = 20 * 3_600;
/// Of one text within that time, so many under titles of their own are voices: enough for a topic, too few for a page.
pub(super) const RETITLED: usize = 3;
/// Titles with so much in common, of the pairs of characters that either has, are one.
const ONE_TITLE: f32 = 0.6;

/// What two posts are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    One,
    /// One text under two titles.
    Retitled,
    Two,
}

fn relation(a: &Remembered, b: &Remembered) -> Relation {
    let again = (a.at - b.at).abs() >= AGAIN;
    let same = || {
        matches!((a.print, b.print), (Some(a), Some(b)) if (a ^ b).count_ones() <= ONE_TEXT) || a.overlap(b) >= ONE_FORM
    };
    match () {
        () if a.thread == b.thread => Relation::One,
        () if again || !same() => Relation::Two,
        () if a.titled && b.titled && !is_one_title(&a.headline, &b.headline) => Relation::Retitled,
        () => Relation::One,
    }
}

/// Whether two titles are one, slightly changed.
fn is_one_title(a: &str, b: &str) -> bool {
    let pairs = |title: &str| {
        let characters: Vec<char> = title.chars().filter(|c| c.is_alphanumeric()).collect();
        characters.windows(2).map(|pair| (pair[0], pair[1])).collect::<BTreeSet<(char, char)>>()
    };
    let (a, b) = (pairs(a), pairs(b));
    let both = a.intersection(&b).count();
    let either = a.len() + b.len() - both;
    either == 0 || both as f32 >= ONE_TITLE * either as f32
}

/// Whether a post is a voice beside others.
pub(super) fn is_voice<'p>(others: impl IntoIterator<Item = &'p Remembered>, post: &Remembered) -> bool {
    let mut retitled = 0;
    for other in others {
        match relation(other, post) {
            Relation::One => return false,
            Relation::Retitled => retitled += 1,
            Relation::Two => {}
        }
    }
    retitled < RETITLED
}

/// The posts that are voices of their own, in order: of those that are one, the first.
pub(super) fn voices<'p>(posts: impl IntoIterator<Item = &'p Remembered>) -> Vec<&'p Remembered> {
    let mut voices: Vec<&Remembered> = Vec::new();
    for post in posts {
        if is_voice(voices.iter().copied(), post) {
            voices.push(post);
        }
    }
    voices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_with_another_number_is_the_same() {
        assert!(is_one_title("东城花园停水没人管 (3)", "东城花园停水没人管 (4)"));
        assert!(!is_one_title("举报仁安医院乱收费", "仁安医院无法无天, 谁来管管"));
        assert!(is_one_title("", ""));
    }
}
