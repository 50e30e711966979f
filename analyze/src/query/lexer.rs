//! A query cut into tokens. It works on folded characters, of which there are exactly as many as were typed, so that a
//! token's place is a place in what the analyst sees.

use super::{
    QueryError,
    field::{Named, named},
};
use std::ops::Range;

/// What a token is.
#[derive(Clone)]
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
    /// `~5`
    Near(u32),
    /// A word or a quoted phrase.
    Term(String),
    /// `来源:`, with the characters of the value that belongs to it.
    Field(Named, Range<usize>),
}

/// A token and where it stands, in characters from nought.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

/// The farthest that two words may be asked to be from each other, in characters.
pub(super) const FARTHEST: u32 = 500;

/// An error at a character counted from nought.
pub(super) fn error(at: usize, message: impl Into<String>) -> QueryError {
    QueryError { at: at + 1, message: message.into() }
}

/// Cuts folded characters into tokens.
///
/// # Errors
/// A quote that is not closed, or with nothing in it; a field without a value; a distance that is too far.
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
                return Err(error(
                    at,
                    "减号要紧贴在不要的词前面, 如 -演练 / a '-' stands directly before the word that must not occur, as in -演练",
                ));
            }
            _ => match closing(c) {
                Some(close) => {
                    let (phrase, end) = phrase(chars, at, close)?;
                    (Kind::Term(chars[phrase].iter().collect()), end)
                }
                None => word(chars, at)?,
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

/// The characters between quotes, and where the token ends.
fn phrase(chars: &[char], open: usize, close: char) -> Result<(Range<usize>, usize), QueryError> {
    let Some(length) = chars[open + 1..].iter().position(|&c| c == close) else {
        return Err(error(
            open,
            format!("引号没有关上, 请在词组后加 {close} / this quote is never closed: put a {close} after the phrase"),
        ));
    };
    let phrase = open + 1..open + 1 + length;
    if chars[phrase.clone()].iter().all(|c| c.is_whitespace()) {
        return Err(error(
            open,
            "引号里是空的 / there is nothing between these quotes: write a phrase or leave them out",
        ));
    }
    Ok((phrase, open + length + 2))
}

/// Where a word that begins here ends.
fn word_end(chars: &[char], start: usize) -> usize {
    let ends = |c: char| matches!(c, ' ' | '(' | ')' | '&' | '|') || closing(c).is_some();
    chars[start..].iter().position(|&c| ends(c)).map_or(chars.len(), |length| start + length)
}

fn word(chars: &[char], start: usize) -> Result<(Kind, usize), QueryError> {
    let end = word_end(chars, start);
    let word: String = chars[start..end].iter().collect();
    if let Some((name, _)) = word.split_once(':')
        && let Some(field) = named(name)
    {
        let (value, end) = value(chars, name, start + name.chars().count() + 1)?;
        return Ok((Kind::Field(field, value), end));
    }
    let kind = match word.as_str() {
        "and" => Kind::And,
        "or" | "或" => Kind::Or,
        "not" | "非" => Kind::Not,
        word if is_distance(word) => {
            let within = word[1..].parse().ok().filter(|within| *within <= FARTHEST).ok_or_else(|| {
                error(start, format!("相距最多 {FARTHEST} 个字 / two words may be at most {FARTHEST} characters apart"))
            })?;
            Kind::Near(within)
        }
        _ => Kind::Term(word),
    };
    Ok((kind, end))
}

/// The value of a field that ends before `at`; it may stand behind spaces, and in quotes.
fn value(chars: &[char], name: &str, at: usize) -> Result<(Range<usize>, usize), QueryError> {
    let spaces = chars[at..].iter().take_while(|c| **c == ' ').count();
    let begin = at + spaces;
    match chars.get(begin).map(|&c| closing(c)) {
        Some(Some(close)) => phrase(chars, begin, close),
        Some(None) if word_end(chars, begin) > begin => {
            let end = word_end(chars, begin);
            Ok((begin..end, end))
        }
        _ => Err(error(
            at,
            format!(
                "{name}: 后面缺少内容 / a value is missing after {name}: (to search for the word, put it in quotes)"
            ),
        )),
    }
}

/// `~5`.
fn is_distance(word: &str) -> bool {
    word.strip_prefix('~').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a folded word is an operator, and must be quoted to be a term.
pub(super) fn is_operator(word: &str) -> bool {
    matches!(word, "and" | "or" | "或" | "not" | "非") || is_distance(word)
}
