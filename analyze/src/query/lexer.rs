//! A query cut into tokens. It works on folded characters, of which there are exactly as many as were typed, so that a
//! token's place is a place in what the analyst sees.

use super::QueryError;
use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `AND`, `&`
    And,
    /// `OR`, `|`, `或`
    Or,
    /// `NOT`, `-`, `非`
    Not,
    /// A word or a quoted phrase.
    Term(String),
}

/// A token and where it stands, in characters from nought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

/// An error at a character counted from nought.
pub(super) fn error(at: usize, message: impl Into<String>) -> QueryError {
    QueryError { at: at + 1, message: message.into() }
}

/// Cuts folded characters into tokens.
///
/// # Errors
/// A quote that is not closed, or with nothing in it.
pub(super) fn tokens(chars: &[char]) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let (kind, end) = match c {
            ' ' => {
                at += 1;
                continue;
            }
            '(' => (Kind::Open, at + 1),
            ')' => (Kind::Close, at + 1),
            '&' => (Kind::And, doubled(chars, at)),
            '|' => (Kind::Or, doubled(chars, at)),
            // Directly before a term it forbids it; within a word (covid-19) it is part of the word.
            '-' if chars.get(at + 1).is_some_and(|next| !matches!(next, ' ' | ')' | '|' | '&')) => (Kind::Not, at + 1),
            '-' => {
                return Err(error(at, "a '-' stands directly before the word that must not occur, as in -演练"));
            }
            _ => match closing(c) {
                Some(close) => phrase(chars, at, close)?,
                None => word(chars, at),
            },
        };
        tokens.push(Token { kind, at: at..end });
        at = end;
    }
    Ok(tokens)
}

/// The end of an operator that may be written twice, as `&&` and `||`.
fn doubled(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&chars[at]) { at + 2 } else { at + 1 }
}

/// The quote that closes the one that `open` opens.
fn closing(open: char) -> Option<char> {
    Some(match open {
        '"' => '"',
        // A closing quote at the beginning is a slip of the input method; it opens all the same.
        '“' | '”' => '”',
        '「' => '」',
        '『' => '』',
        _ => return None,
    })
}

fn phrase(chars: &[char], open: usize, close: char) -> Result<(Kind, usize), QueryError> {
    let Some(length) = chars[open + 1..].iter().position(|&c| c == close) else {
        return Err(error(open, format!("this quote is never closed: put a {close} after the phrase")));
    };
    let phrase: String = chars[open + 1..][..length].iter().collect();
    if phrase.trim().is_empty() {
        return Err(error(open, "there is nothing between these quotes: write a phrase or leave them out"));
    }
    Ok((Kind::Term(phrase), open + length + 2))
}

fn word(chars: &[char], start: usize) -> (Kind, usize) {
    let length = chars[start..]
        .iter()
        .position(|&c| matches!(c, ' ' | '(' | ')' | '&' | '|') || closing(c).is_some())
        .unwrap_or(chars.len() - start);
    let word: String = chars[start..][..length].iter().collect();
    let kind = match word.as_str() {
        "and" => Kind::And,
        "or" | "或" => Kind::Or,
        "not" | "非" => Kind::Not,
        _ => Kind::Term(word),
    };
    (kind, start + length)
}
