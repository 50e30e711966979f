//! What of a text the model looks at, as buckets of a hash table.
//!
//! | feature | of |
//! |---|---|
//! | 1 to 4 characters in a row | the text with links and mentions cut out; an emoticon such as `[泪]` counts as one character, a flood (哈哈哈哈哈) as three |
//! | 1 and 2 words in a row | the same cut that serves search |
//! | a word within reach of a negation | `不`, `没有` … and the two words after it |
//! | cues | how long it is, how it ends, how many `!` and `?` |
//!
//! Every change here makes another model: raise [`VERSION`] and train again.

use super::super::marks::{Mark, marks};
use rustc_hash::FxBuildHasher;
use std::hash::{BuildHasher, Hasher};

/// Version of what is looked at. A model of another version is refused.
pub const VERSION: u16 = 1;

/// A text to be judged: the author's own words, folded, and the tokens that they were cut into.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'t> {
    /// The text.
    pub text: &'t str,
    /// Its tokens; put together they are the text.
    pub tokens: &'t [&'t str],
}

/// Words that turn the meaning of what follows.
const NEGATIONS: [&str; 19] = [
    "不", "没", "没有", "别", "无", "未", "不是", "不会", "不能", "不要", "不想", "不用", "从不", "毫无", "并非",
    "难以", "不再", "莫", "勿",
];

/// How many words a negation reaches.
const REACH: usize = 2;

/// How often a character may follow itself before the rest is passed over.
const FLOOD: usize = 3;

/// The kinds of features, so that the word 好 and the character 好 have weights of their own.
#[derive(Clone, Copy)]
enum Kind {
    Chars = 1,
    Words,
    Negated,
    Cue,
}

/// Adds the hashes of a text's features to `found`.
pub fn extract(piece: Piece<'_>, found: &mut Vec<u32>) {
    let marks = marks(piece.text);
    characters(piece.text, &marks, found);
    words(piece, &marks, found);
    cues(piece.text, found);
}

/// A hash that grows by a value at a time.
#[derive(Clone, Copy)]
struct Grown(u64);

impl Grown {
    fn new(kind: Kind) -> Self {
        Self(0).with(kind as u64)
    }

    #[inline]
    fn with(self, value: u64) -> Self {
        Self((self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The upper bits are the well mixed ones.
    #[inline]
    fn bucket(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// No character: what stands on either side of it is not in a row.
const BREAK: u64 = 0;

fn characters(text: &str, marks: &[Mark], found: &mut Vec<u32>) {
    let mut units: Vec<u64> = Vec::with_capacity(text.len() / 2);
    let mut push = |unit: u64| {
        let flood = units.len() >= FLOOD && units[units.len() - FLOOD..].iter().all(|&last| last == unit);
        let again = unit == BREAK && units.last() == Some(&BREAK);
        if !flood && !again {
            units.push(unit);
        }
    };
    let mut at = 0;
    for mark in marks {
        text[at..mark.at.start].chars().for_each(|c| push(if c == ' ' { BREAK } else { u64::from(c) }));
        push(if mark.is_emoticon() { hash(&text[mark.at.clone()]) } else { BREAK });
        at = mark.at.end;
    }
    text[at..].chars().for_each(|c| push(if c == ' ' { BREAK } else { u64::from(c) }));
    for start in 0..units.len() {
        let mut grown = Grown::new(Kind::Chars);
        for &unit in units[start..].iter().take(4).take_while(|&&unit| unit != BREAK) {
            grown = grown.with(unit);
            found.push(grown.bucket());
        }
    }
}

fn words(piece: Piece<'_>, marks: &[Mark], found: &mut Vec<u32>) {
    let mut marks = marks.iter().peekable();
    let (mut at, mut last, mut reach) = (0, 0, 0);
    for token in piece.tokens {
        let start = at;
        at += token.len();
        while marks.next_if(|mark| mark.at.end <= start).is_some() {}
        if marks.peek().is_some_and(|mark| mark.at.start < at) || *token == " " {
            continue;
        }
        let word = hash(token);
        let grown = Grown::new(Kind::Words).with(word);
        found.push(grown.bucket());
        found.push(grown.with(last).bucket());
        last = word;
        if reach > 0 {
            reach -= 1;
            found.push(Grown::new(Kind::Negated).with(word).bucket());
        }
        if NEGATIONS.contains(token) {
            reach = REACH;
        }
    }
}

fn cues(text: &str, found: &mut Vec<u32>) {
    let mut cue =
        |name: &str, value: usize| found.push(Grown::new(Kind::Cue).with(hash(name)).with(value as u64).bucket());
    let count = |c: char| text.chars().filter(|&other| other == c).count().min(4);
    cue("length", text.chars().count().max(1).ilog2() as usize);
    cue("!", count('!'));
    cue("?", count('?'));
    cue("end", text.trim_end().chars().next_back().map_or(0, |c| c as usize));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn features(text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let tokens = crate::understand::Segmenter::default().cut(text);
        extract(Piece { text, tokens: &tokens }, &mut found);
        found
    }

    #[test]
    fn links_and_mentions_do_not_count_and_floods_count_thrice() {
        let mut with = Vec::new();
        characters("好 http://t.cn/a6 @某人 的", &marks("好 http://t.cn/a6 @某人 的"), &mut with);
        let mut without = Vec::new();
        characters("好 的", &marks("好 的"), &mut without);
        assert_eq!(with, without);
        let (mut flood, mut thrice) = (Vec::new(), Vec::new());
        characters(&"哈".repeat(50), &[], &mut flood);
        characters("哈哈哈", &[], &mut thrice);
        assert_eq!(flood, thrice);
    }

    #[test]
    fn a_negation_is_told_apart() {
        let (plain, negated) = (features("满意"), features("不 满意"));
        let word = Grown::new(Kind::Negated).with(hash("满意")).bucket();
        assert!(!plain.contains(&word) && negated.contains(&word));
    }

    #[test]
    fn an_emoticon_is_one_character() {
        let text = "[泪]";
        let mut found = Vec::new();
        characters(text, &marks(text), &mut found);
        assert_eq!(found.len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_has_features(text in any::<String>()) {
            features(&crate::understand::fold(&text));
        }
    }
}
