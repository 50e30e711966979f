//! From tokens to a [`Query`]: recursive descent with a bound on depth, since a query comes from outside.
//!
//! ```text
//! any  = all { OR all }
//! all  = one { [AND] one }
//! one  = NOT one | '(' any ')' | term
//! ```

use super::{
    Query, QueryError,
    lexer::{Kind, Token, error, tokens},
};
use crate::understand::fold;
use std::iter::Peekable;

/// The longest query, in characters.
pub const MAX_CHARS: usize = 10_000;

/// How deep brackets and NOTs may be nested.
pub const MAX_DEPTH: usize = 50;

/// Parses a query. An empty one is [`Query::All`].
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let chars: Vec<char> = fold(text).chars().take(MAX_CHARS + 1).collect();
    if chars.len() > MAX_CHARS {
        return Err(error(MAX_CHARS, format!("a query has at most {MAX_CHARS} characters: split it")));
    }
    let tokens = tokens(&chars)?;
    if tokens.is_empty() {
        return Ok(Query::All);
    }
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), end: chars.len(), depth: 0 };
    let query = parser.any()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(error(token.at.start, "this bracket closes nothing: take it away or open one before")),
    }
}

/// Parses the query of a watch topic: at least one term must be required, or nearly every post would match.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_watch(text: &str) -> Result<Query, QueryError> {
    let query = parse(text)?;
    if query.needs_a_term() {
        Ok(query)
    } else if query == Query::All {
        Err(error(0, "the query is empty: name at least one word that a post must contain"))
    } else {
        let message = "posts without any of these words would match: name at least one word that a post must contain";
        Err(error(0, message))
    }
}

struct Parser<I: Iterator<Item = Token>> {
    tokens: Peekable<I>,
    /// Characters of the query: where something is missing at its end.
    end: usize,
    depth: usize,
}

impl<I: Iterator<Item = Token>> Parser<I> {
    fn any(&mut self) -> Result<Query, QueryError> {
        let mut queries = vec![self.all()?];
        while self.tokens.next_if(|token| token.kind == Kind::Or).is_some() {
            queries.push(self.all()?);
        }
        Ok(single_or(queries, Query::Or))
    }

    fn all(&mut self) -> Result<Query, QueryError> {
        let mut queries = vec![self.one()?];
        loop {
            let and = self.tokens.next_if(|token| token.kind == Kind::And).is_some();
            let more = self.tokens.peek().is_some_and(|token| !matches!(token.kind, Kind::Or | Kind::Close));
            if !and && !more {
                return Ok(single_or(queries, Query::And));
            }
            queries.push(self.one()?);
        }
    }

    fn one(&mut self) -> Result<Query, QueryError> {
        let Some(Token { kind, at }) = self.tokens.next() else {
            return Err(error(self.end, "something is missing at the end: a word, a \"phrase\" or a bracket"));
        };
        match kind {
            Kind::Term(term) => Ok(Query::Term(term)),
            Kind::Not => {
                let query = self.deeper(at.start, Self::one)?;
                Ok(if let Query::Not(inner) = query { *inner } else { Query::Not(Box::new(query)) })
            }
            Kind::Open => {
                if self.tokens.peek().is_some_and(|token| token.kind == Kind::Close) {
                    return Err(error(
                        at.start,
                        "there is nothing between these brackets: write words or leave them out",
                    ));
                }
                let query = self.deeper(at.start, Self::any)?;
                match self.tokens.next() {
                    Some(_) => Ok(query), // only a closing bracket ends `any` before the end
                    None => Err(error(at.start, "this bracket is never closed: put a ) after what belongs together")),
                }
            }
            Kind::Close => Err(error(at.start, "a word, a \"phrase\" or a bracket is missing before this bracket")),
            Kind::And => {
                Err(error(at.start, "AND stands between two words; to search for the word, write \"and\" in quotes"))
            }
            Kind::Or => {
                Err(error(at.start, "OR stands between two words; to search for the word, write \"or\" in quotes"))
            }
        }
    }

    fn deeper(
        &mut self,
        at: usize,
        rule: impl FnOnce(&mut Self) -> Result<Query, QueryError>,
    ) -> Result<Query, QueryError> {
        if self.depth == MAX_DEPTH {
            return Err(error(at, format!("brackets and NOTs are nested deeper than {MAX_DEPTH}: simplify the query")));
        }
        self.depth += 1;
        let query = rule(self);
        self.depth -= 1;
        query
    }
}

/// The only query, or all of them joined.
fn single_or(mut queries: Vec<Query>, join: impl FnOnce(Vec<Query>) -> Query) -> Query {
    if queries.len() == 1 { queries.remove(0) } else { join(queries) }
}
