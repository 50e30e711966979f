//! What of a text the model looks at, as hashes.
//!
//! | feature | of |
//! |---|---|
//! | 1 and 2 characters in a row | the text with links and mentions cut out; an emoticon such as `[泪]` counts as one character, a flood (哈哈哈哈哈) as three |
//! | 1 and 2 words in a row | the same cut that serves search |
//! | a word within reach of a negation | `不`, `没有` … and the two words after it |
//! | cues | how long it is, how it begins and ends, how many `!`, `?`, digits, emoticons, and 我 or 你 |
//! | 1 and 2 characters in a row | the words passed on, told apart from the author's own, and never more of them than of those |
//!
//! Each counts once, however often it occurs. Hashes are the same on every machine and for ever. Every change here makes another model: raise [`VERSION`] and train
//! again.

use super::super::marks::{Mark, marks};
use xxhash_rust::xxh3::xxh3_64;

/// Version of what is looked at. A model of another version is refused.
pub const VERSION: u16 = 2;

/// A text to be judged, folded: the author's own words, the tokens that they were cut into, and the words passed on.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'t> {
    /// The author's own words.
    pub own: &'t str,
    /// Their tokens; put together they are the own words.
    pub tokens: &'t [&'t str],
    /// What the author passes on.
    pub passed_on: &'t str,
}

/// Words that turn the meaning of what follows.
const NEGATIONS: [&str; 19] = [
    "不", "没", "没有", "别", "无", "未", "不是", "不会", "不能", "不要", "不想", "不用", "从不", "毫无", "并非",
    "难以", "不再", "莫", "勿",
];

/// How many words a negation reaches.
const REACH: usize = 2;

/// How many characters in a row are looked at together.
///
/// Three say no more of posts than two (the words say it), of reviews a little, and cost twice the room.
const ROW: usize = 2;

/// How often a character may follow itself before the rest is passed over.
const FLOOD: usize = 3;

/// The kinds of features, so that the word 好 and the character 好 have weights of their own.
#[derive(Clone, Copy)]
enum Kind {
    Characters = 1,
    Words,
    Negated,
    Cue,
    PassedOn,
}

/// The hashes of the features of a post's pieces, each once, in ascending order.
#[must_use]
pub fn features<'t>(pieces: impl IntoIterator<Item = Piece<'t>>) -> Vec<u32> {
    let mut found = Vec::new();
    pieces.into_iter().filter(|piece| !piece.own.is_empty()).for_each(|piece| extract(piece, &mut found));
    found.sort_unstable();
    found.dedup();
    found
}

/// Adds the hashes of a text's features to `found`.
fn extract(piece: Piece<'_>, found: &mut Vec<u32>) {
    found.reserve(piece.own.len() + piece.own.len() / 2);
    let before = found.len();
    let marks_of_own = marks(piece.own);
    characters(Kind::Characters, piece.own, &marks_of_own, found);
    words(piece, &marks_of_own, found);
    cues(piece.own, &marks_of_own, found);
    if !piece.passed_on.is_empty() {
        let own = found.len() - before;
        characters(Kind::PassedOn, piece.passed_on, &marks(piece.passed_on), found);
        found.truncate(before + 2 * own);
    }
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
    fn hash(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// No character: what stands on either side of it is not in a row.
const BREAK: u64 = 0;

fn characters(kind: Kind, text: &str, marks: &[Mark], found: &mut Vec<u32>) {
    let units = units(text, marks);
    for start in 0..units.len() {
        let mut grown = Grown::new(kind);
        for &unit in units[start..].iter().take(ROW).take_while(|&&unit| unit != BREAK) {
            grown = grown.with(unit);
            found.push(grown.hash());
        }
    }
}

/// The characters of a text, an emoticon being one of them.
fn units(text: &str, marks: &[Mark]) -> Vec<u64> {
    let mut units: Vec<u64> = Vec::with_capacity(text.len() / 2);
    let mut push = |unit: u64| {
        let flood = units.len() >= FLOOD && units[units.len() - FLOOD..].iter().all(|&last| last == unit);
        let again = unit == BREAK && units.last() == Some(&BREAK);
        if !flood && !again {
            units.push(unit);
        }
    };
    let plain = |c: char| if c == ' ' { BREAK } else { u64::from(c) };
    let mut at = 0;
    for mark in marks {
        text[at..mark.at.start].chars().for_each(|c| push(plain(c)));
        push(if mark.is_emoticon() { hash(&text[mark.at.clone()]) } else { BREAK });
        at = mark.at.end;
    }
    text[at..].chars().for_each(|c| push(plain(c)));
    units
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
        found.push(grown.hash());
        found.push(grown.with(last).hash());
        last = word;
        if reach > 0 {
            reach -= 1;
            found.push(Grown::new(Kind::Negated).with(word).hash());
        }
        if NEGATIONS.contains(token) {
            reach = REACH;
        }
    }
}

fn cues(text: &str, marks: &[Mark], found: &mut Vec<u32>) {
    let (mut length, mut shouts, mut asks, mut digits, mut persons) = (0u64, 0u64, 0u64, 0u64, 0u64);
    for c in text.chars() {
        length += 1;
        shouts += u64::from(c == '!');
        asks += u64::from(c == '?');
        digits += u64::from(c.is_ascii_digit());
        persons += u64::from(matches!(c, '我' | '你'));
    }
    let magnitude = |count: u64| u64::from((count + 1).ilog2());
    let emoticons = marks.iter().filter(|mark| mark.is_emoticon()).count() as u64;
    let (begin, end) = (text.trim_start().chars().next(), text.trim_end().chars().next_back());
    let cues = [
        u64::from(length.max(1).ilog2()),
        shouts.min(4),
        asks.min(4),
        magnitude(digits),
        emoticons.min(4),
        persons.min(3),
        begin.map_or(0, u64::from),
        end.map_or(0, u64::from),
    ];
    found.extend((0..).zip(cues).map(|(cue, value)| Grown::new(Kind::Cue).with(cue).with(value).hash()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn characters_of(text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        characters(Kind::Characters, text, &marks(text), &mut found);
        found
    }

    fn extracted(own: &str, passed_on: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let tokens = crate::understand::Segmenter::default().cut(own);
        extract(Piece { own, tokens: &tokens, passed_on }, &mut found);
        found
    }

    #[test]
    fn links_and_mentions_do_not_count_and_floods_count_thrice() {
        assert_eq!(characters_of("好 http://t.cn/a6 @某人 的"), characters_of("好 的"));
        assert_eq!(characters_of(&"哈".repeat(50)), characters_of("哈哈哈"));
    }

    #[test]
    fn a_negation_is_told_apart() {
        let word = Grown::new(Kind::Negated).with(hash("满意")).hash();
        assert!(!extracted("满意", "").contains(&word) && extracted("不 满意", "").contains(&word));
    }

    #[test]
    fn an_emoticon_is_one_character() {
        assert_eq!(characters_of("[泪]").len(), 1);
    }

    #[test]
    fn words_passed_on_never_outnumber_the_own() {
        let own = extracted("好", "").len();
        let with = extracted("好", &"气死人了垃圾".repeat(20));
        assert_eq!(with.len(), 2 * own);
        assert_eq!(with[..own], extracted("好", ""), "and have weights of their own");
    }

    #[test]
    fn hashes_are_for_ever() {
        // The shipped model was trained on these: when they change, it is worth nothing.
        assert_eq!(characters_of("停水")[..], [296_627_295, 147_748_321, 3_698_655_983]);
    }

    #[test]
    fn a_feature_counts_once() {
        let tokens = crate::understand::Segmenter::default().cut("停水停水停水");
        let piece = Piece { own: "停水停水停水", tokens: &tokens, passed_on: "" };
        let found = features([piece, piece]);
        assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        assert_eq!(found, features([piece]), "in the title and in the text alike");
    }

    proptest! {
        #[test]
        fn any_text_has_features(text in any::<String>()) {
            extracted(&crate::understand::fold(&text), &text);
        }
    }
}
