//! Words. The one place that knows jieba.
//!
//! A text is cut once; search ranking, sentiment and keyphrases all read the same cut. What a dictionary calls a word
//! matters to them as a hint only: finding and matching go by characters.

use super::fold;
use jieba_rs::Jieba;
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

/// The dictionary that ships with the program: loaded once, shared by all.
static SHIPPED: LazyLock<Arc<Jieba>> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    for word in FOLDED {
        jieba.add_word(word, None, None);
    }
    Arc::new(jieba)
});

/// Words whose folded form the dictionary does not have.
const FOLDED: [&str; 4] = ["干隆", "干坤", "扭转干坤", "干隆皇帝"];

/// Longest piece that is cut at once, in bytes. Posts are shorter; the bound keeps what jieba builds for a piece small
/// when somebody sends a megabyte without a break.
const PIECE: usize = 16 << 10;

/// The longest word of the user dictionary, in characters.
const LONGEST_USER_WORD: usize = 16;

/// Longest word, in characters: what is longer (an address, a key, a flood of one letter) is cut.
const MAX_WORD: usize = 32;

/// Cuts texts into words.
#[derive(Clone)]
pub struct Segmenter {
    jieba: Arc<Jieba>,
    /// What stands in it beside the dictionary that ships.
    added: Arc<BTreeSet<String>>,
}

impl Default for Segmenter {
    fn default() -> Self {
        Self { jieba: SHIPPED.clone(), added: Arc::default() }
    }
}

impl Segmenter {
    /// With further words (folded), such as the terms of watch topics. Words that no dictionary should hold, single
    /// characters, sentences, or anything but Chinese characters, are passed over.
    #[must_use]
    pub fn with_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self::default().renewed(words, [])
    }

    /// The same with these words and those of the user dictionary beside the dictionary that ships. Where they are the words that it
    /// has already, nothing is copied.
    #[must_use]
    pub(super) fn renewed<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
        of_user: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let words = words.into_iter().filter(|word| is_dictionary_word(word)).map(str::to_owned);
        let of_user = of_user.into_iter().filter_map(|word| user_word(word).ok());
        let added: BTreeSet<String> = words.chain(of_user).filter(|word| !SHIPPED.has_word(word)).collect();
        if added == *self.added {
            return self.clone();
        }
        let mut jieba = SHIPPED.clone();
        if !added.is_empty() {
            let own = Arc::make_mut(&mut jieba);
            for word in &added {
                own.add_word(word, None, None);
            }
        }
        Self { jieba, added: Arc::new(added) }
    }

    /// The tokens of a folded text, in order, punctuation and white space among them.
    #[must_use]
    pub fn cut<'t>(&self, folded: &'t str) -> Vec<&'t str> {
        let mut tokens = Vec::with_capacity(folded.len() / 4);
        for piece in pieces(folded, PIECE) {
            for token in self.jieba.cut(piece, true) {
                tokens.extend(chunks(token.word, MAX_WORD));
            }
        }
        tokens
    }

    /// Whether both share one dictionary.
    #[cfg(test)]
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.jieba, &other.jieba)
    }

    /// Whether the dictionary has a word.
    #[must_use]
    pub(super) fn knows(&self, word: &str) -> bool {
        self.jieba.has_word(word)
    }

    /// How often the dictionary's source texts had a word, at least once; for a word that it does not know, what its
    /// parts make likely.
    #[must_use]
    pub(super) fn frequency(&self, word: &str) -> usize {
        self.jieba.suggest_freq(word).max(1)
    }
}

/// Whether a token is a word: something of it can be read aloud.
#[must_use]
pub(super) fn is_word(token: &str) -> bool {
    token.chars().any(char::is_alphanumeric)
}

/// The words among tokens, joined by single spaces.
#[must_use]
pub(super) fn join_words(tokens: &[&str]) -> String {
    let mut words = String::with_capacity(tokens.iter().map(|token| token.len() + 1).sum());
    for token in tokens.iter().filter(|token| is_word(token)) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(token);
    }
    words
}

fn is_dictionary_word(word: &str) -> bool {
    (2..=8).contains(&word.chars().count()) && word.chars().all(is_han)
}

/// A word of the user dictionary, folded.
///
/// # Errors
/// Why it can be none.
pub fn user_word(word: &str) -> Result<String, &'static str> {
    let word = fold(word.trim());
    let fits = (2..=LONGEST_USER_WORD).contains(&word.chars().count());
    let is_sign = |c: char| is_han(c) || c.is_ascii_alphanumeric();
    if fits && word.chars().all(is_sign) && word.chars().any(is_han) {
        Ok(word)
    } else {
        Err(
            "应为 2 到 16 个汉字、字母或数字, 至少一个汉字 / a word is 2 to 16 Chinese characters, letters and digits, at least one of them \
             Chinese",
        )
    }
}

/// Whether a character is a Chinese one.
#[must_use]
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3134f}')
}

/// Pieces of at most `most` bytes, broken after a space or a mark where there is one near the end.
fn pieces(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = if rest.len() <= most { rest.len() } else { break_before(rest, most) };
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn break_before(text: &str, most: usize) -> usize {
    let most = text.floor_char_boundary(most);
    let near = text.ceil_char_boundary(most - most / 4);
    let mark = text[near..most].rfind(|c: char| !c.is_alphanumeric()).map(|at| near + at);
    mark.and_then(|at| Some(at + text[at..].chars().next()?.len_utf8())).unwrap_or(most)
}

/// Parts of at most `most` characters.
fn chunks(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(most).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_joined_without_marks() {
        let tokens = Segmenter::default().cut("今天 停水了,打12345热线!😭 4s店c++");
        assert_eq!(join_words(&tokens), "今天 停水 了 打 12345 热线 4s店 c++");
    }

    #[test]
    fn further_words_are_known() {
        let text = "去了驷马桥路口";
        assert!(Segmenter::with_words(["驷马桥路口", "桥", "a b"]).cut(text).contains(&"驷马桥路口"));
        assert!(!Segmenter::default().cut(text).contains(&"驷马桥路口"), "the shipped dictionary is not touched");
    }

    #[test]
    fn a_flood_is_cut_into_bounded_words() {
        for flood in ["a", "水", "9.", "啊,", "\u{20000}", "é"] {
            let text = flood.repeat(100_000);
            let tokens = Segmenter::default().cut(&text);
            assert_eq!(tokens.concat(), text);
            assert!(tokens.iter().all(|token| token.chars().count() <= MAX_WORD), "{flood}");
        }
    }

    proptest! {
        #[test]
        fn tokens_are_the_text(text in any::<String>()) {
            let folded = crate::understand::fold(&text);
            prop_assert_eq!(Segmenter::default().cut(&folded).concat(), folded);
        }

        #[test]
        fn pieces_are_the_text(text in "[a, 水]{0,60}", most in 8usize..20) {
            let found: Vec<&str> = pieces(&text, most).collect();
            prop_assert!(found.iter().all(|piece| !piece.is_empty() && piece.len() <= most));
            prop_assert_eq!(found.concat(), text);
        }
    }
}
