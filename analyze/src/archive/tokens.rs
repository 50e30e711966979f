//! The two ways in which a text is cut for the index.
//!
//! * [`Characters`]: each character is a token, white space and punctuation included. A phrase of such tokens is a
//!   substring, so whatever is in a post can be found, whatever the dictionary says.
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
    fn words_are_cut_at_spaces_and_monsters_are_left_out() {
        let text = format!("停水  三天 {} 了", "长".repeat(100_000));
        let expected = [(0, "停水".to_owned()), (1, "三天".to_owned()), (2, "了".to_owned())];
        assert_eq!(tokens(Words::default(), &text), expected);
        assert_eq!(words(&text).collect::<Vec<_>>(), ["停水", "三天", "了"]);
    }
}
