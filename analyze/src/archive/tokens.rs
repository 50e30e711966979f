//! The three ways in which a text is cut for the index.
//!
//! * [`Characters`]: each character is a token, white space and punctuation included. A phrase of such tokens is a
//!   substring, so whatever is in a post can be found, whatever the dictionary says.
//! * [`Pairs`]: each two letters or digits side by side. A pair answers for itself, and for a longer substring it says which posts are
//!   worth a look at the places of their characters.
//! * [`Words`]: what the segmenter cut, joined by spaces. They rank; finding does not depend on them.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// A longer word ranks nothing; it is still found by its characters. (tantivy drops tokens above 65,530 bytes and logs each.)
const LONGEST_WORD: usize = 128;

/// One token per character.
#[derive(Clone, Default)]
pub(super) struct Characters {
    token: Token,
}

pub(super) struct CharacterStream<'a> {
    rest: std::str::CharIndices<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Characters {
    type TokenStream<'a> = CharacterStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> CharacterStream<'a> {
        self.token.reset();
        CharacterStream { rest: text.char_indices(), token: &mut self.token }
    }
}

impl TokenStream for CharacterStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((at, character)) = self.rest.next() else { return false };
        self.token.text.clear();
        self.token.text.push(character);
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = at;
        self.token.offset_to = at + character.len_utf8();
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// One token for each two letters or digits side by side.
#[derive(Clone, Default)]
pub(super) struct Pairs {
    token: Token,
}

pub(super) struct PairStream<'a> {
    pairs: PairsOf<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Pairs {
    type TokenStream<'a> = PairStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> PairStream<'a> {
        self.token.reset();
        PairStream { pairs: pairs(text), token: &mut self.token }
    }
}

impl TokenStream for PairStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(pair) = self.pairs.next() else { return false };
        self.token.text.clear();
        self.token.text.push_str(pair);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The pairs of a text that [`Pairs`] indexes.
pub(super) fn pairs(text: &str) -> PairsOf<'_> {
    PairsOf { text, rest: text.char_indices(), before: None }
}

/// See [`pairs`].
pub(super) struct PairsOf<'a> {
    text: &'a str,
    rest: std::str::CharIndices<'a>,
    /// Where the letter before begins, if it is one.
    before: Option<usize>,
}

impl<'a> Iterator for PairsOf<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        for (at, character) in self.rest.by_ref() {
            let is_letter = character.is_alphanumeric();
            let before = std::mem::replace(&mut self.before, is_letter.then_some(at));
            if let (Some(before), true) = (before, is_letter) {
                return Some(&self.text[before..at + character.len_utf8()]);
            }
        }
        None
    }
}

/// Words that are joined by spaces.
#[derive(Clone, Default)]
pub(super) struct Words {
    token: Token,
}

pub(super) struct WordStream<'a> {
    rest: std::str::Split<'a, char>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { rest: text.split(' '), token: &mut self.token }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let fits = |word: &&str| !word.is_empty() && word.len() <= LONGEST_WORD;
        let Some(word) = self.rest.find(fits) else { return false };
        self.token.text.clear();
        self.token.text.push_str(word);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The words of a text that [`Words`] would index.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty() && word.len() <= LONGEST_WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(mut tokenizer: impl Tokenizer, text: &str) -> Vec<(usize, String)> {
        let mut stream = tokenizer.token_stream(text);
        let mut tokens = Vec::new();
        stream.process(&mut |token| tokens.push((token.position, token.text.clone())));
        tokens
    }

    #[test]
    fn every_character_is_a_token_with_its_position() {
        let expected = ["停", "a", " ", ",", "🚰", "\0"].map(str::to_owned);
        let expected: Vec<_> = expected.into_iter().enumerate().collect();
        assert_eq!(tokens(Characters::default(), "停a ,🚰\0"), expected);
        assert_eq!(tokens(Characters::default(), ""), []);
    }

    #[test]
    fn pairs_are_what_stands_side_by_side() {
        let expected = ["停水", "水3", "3d", "éß"];
        assert_eq!(pairs("停水3d, 了\néß🚰x").collect::<Vec<_>>(), expected);
        let tokens: Vec<_> = tokens(Pairs::default(), "停水3d, 了\néß🚰x").into_iter().map(|(_, text)| text).collect();
        assert_eq!(tokens, expected);
        assert_eq!(pairs("停").chain(pairs("")).count(), 0);
    }

    #[test]
    fn words_are_cut_at_spaces_and_monsters_are_left_out() {
        let text = format!("停水  三天 {} 了", "长".repeat(100_000));
        let expected = [(0, "停水".to_owned()), (1, "三天".to_owned()), (2, "了".to_owned())];
        assert_eq!(tokens(Words::default(), &text), expected);
        assert_eq!(words(&text).collect::<Vec<_>>(), ["停水", "三天", "了"]);
    }
}
