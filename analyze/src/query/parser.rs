//! From tokens to a [`Query`]: recursive descent with a bound on depth, since a query comes from outside.
//!
//! ```text
//! any  = all { OR all }
//! all  = one { [AND] one }
//! one  = NOT one | '(' any ')' | field value | term { ~N term }
//! ```

use super::{
    Context, Names, Query, QueryError,
    filter::{self, Value},
    lexer::{FARTHEST, Kind, Token, error, tokens},
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
pub fn parse(text: &str, context: &Context) -> Result<Query, QueryError> {
    read(text, context, false)
}

fn read(text: &str, context: &Context, in_watch: bool) -> Result<Query, QueryError> {
    let typed: Vec<char> = text.chars().take(MAX_CHARS + 1).collect();
    if typed.len() > MAX_CHARS {
        let message = format!("检索式最多 {MAX_CHARS} 个字 / a query has at most {MAX_CHARS} characters: split it");
        return Err(error(MAX_CHARS, message));
    }
    let chars: Vec<char> = fold(text).chars().collect();
    let tokens = tokens(&chars)?;
    if tokens.is_empty() {
        return Ok(Query::All);
    }
    let (end, tokens) = (chars.len(), tokens.into_iter().peekable());
    let mut parser = Parser { tokens, typed: &typed, chars: &chars, context, in_watch, end, depth: 0 };
    let query = parser.any()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(error(
            token.at.start,
            "这个括号没有对应的左括号 / this bracket closes nothing: take it away or open one before",
        )),
    }
}

/// Parses the query of a watch topic: at least a word, a place, a class, a unit or a source must be required, or nearly every post
/// would match; and it asks for nothing that is not known of a post when it comes.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_watch(text: &str, names: &Names) -> Result<Query, QueryError> {
    let context = Context { names: names.clone(), ..Context::default() };
    let query = read(text, &context, true)?;
    if query.is_narrow() {
        Ok(query)
    } else if query == Query::All {
        Err(error(
            0,
            "检索式是空的, 请写出帖子必须含有的词 / the query is empty: name at least one word that a post must contain",
        ))
    } else {
        Err(error(
            0,
            "几乎所有帖子都会匹配, 请写出必须含有的词、街道、类别、单位或来源 / posts without any of these words would match: name at \
             least one word, place, category, unit or source that a post must have",
        ))
    }
}

struct Parser<'t, I: Iterator<Item = Token>> {
    tokens: Peekable<I>,
    /// The characters as they were typed, and folded.
    typed: &'t [char],
    chars: &'t [char],
    context: &'t Context,
    in_watch: bool,
    /// Characters of the query: where something is missing at its end.
    end: usize,
    depth: usize,
}

impl<I: Iterator<Item = Token>> Parser<'_, I> {
    fn any(&mut self) -> Result<Query, QueryError> {
        let mut queries = vec![self.all()?];
        while self.tokens.next_if(|token| matches!(token.kind, Kind::Or)).is_some() {
            queries.push(self.all()?);
        }
        Ok(single_or(queries, Query::Or))
    }

    fn all(&mut self) -> Result<Query, QueryError> {
        let mut queries = vec![self.one()?];
        loop {
            let and = self.tokens.next_if(|token| matches!(token.kind, Kind::And)).is_some();
            let more = self.tokens.peek().is_some_and(|token| !matches!(token.kind, Kind::Or | Kind::Close));
            if !and && !more {
                return Ok(single_or(queries, Query::And));
            }
            queries.push(self.one()?);
        }
    }

    fn one(&mut self) -> Result<Query, QueryError> {
        let Some(Token { kind, at }) = self.tokens.next() else {
            return Err(error(
                self.end,
                "末尾缺少词、词组或括号 / something is missing at the end: a word, a \"phrase\" or a bracket",
            ));
        };
        match kind {
            Kind::Term(term) => self.near(term),
            Kind::Field(field, value) => {
                let (folded, typed): (String, String) =
                    (self.chars[value.clone()].iter().collect(), self.typed[value.clone()].iter().collect());
                let query =
                    filter::read(field, &Value { folded: &folded, typed: &typed, at: value.start }, self.context)?;
                match query.not_in_watch().filter(|_| self.in_watch) {
                    Some(reason) => Err(error(at.start, reason)),
                    None => Ok(query),
                }
            }
            Kind::Near(within) => Err(error(
                at.start,
                format!(
                    "~{within} 要写在两个词之间 / ~{within} stands between two words; to search for it, put it in quotes"
                ),
            )),
            Kind::Not => {
                let query = self.deeper(at.start, Self::one)?;
                Ok(if let Query::Not(inner) = query { *inner } else { Query::Not(Box::new(query)) })
            }
            Kind::Open => {
                if self.tokens.peek().is_some_and(|token| matches!(token.kind, Kind::Close)) {
                    return Err(error(
                        at.start,
                        "括号里是空的 / there is nothing between these brackets: write words or leave them out",
                    ));
                }
                let query = self.deeper(at.start, Self::any)?;
                match self.tokens.next() {
                    Some(_) => Ok(query), // only a closing bracket ends `any` before the end
                    None => Err(error(
                        at.start,
                        "括号没有关上 / this bracket is never closed: put a ) after what belongs together",
                    )),
                }
            }
            Kind::Close => Err(error(
                at.start,
                "这个括号前缺少词 / a word, a \"phrase\" or a bracket is missing before this bracket",
            )),
            Kind::And => Err(error(
                at.start,
                "AND 要写在两个词之间 / AND stands between two words; to search for the word, write \"and\" in quotes",
            )),
            Kind::Or => Err(error(
                at.start,
                "“或”要写在两个词之间 / OR stands between two words; to search for the word, write \"or\" in quotes",
            )),
        }
    }

    /// A term, and those that must be near it: each near the one before.
    fn near(&mut self, term: String) -> Result<Query, QueryError> {
        let mut pairs = Vec::new();
        let mut last = term;
        while let Some(Token { kind: Kind::Near(within), at }) =
            self.tokens.next_if(|token| matches!(token.kind, Kind::Near(_)))
        {
            let Some(Token { kind: Kind::Term(right), .. }) =
                self.tokens.next_if(|token| matches!(token.kind, Kind::Term(_)))
            else {
                return Err(error(
                    at.end,
                    format!("~{within} 后面缺少词 / a word or a \"phrase\" is missing after ~{within}"),
                ));
            };
            pairs.push(Query::Near { left: last, right: right.clone(), within: within.min(FARTHEST) });
            last = right;
        }
        Ok(if pairs.is_empty() { Query::Term(last) } else { single_or(pairs, Query::And) })
    }

    fn deeper(
        &mut self,
        at: usize,
        rule: impl FnOnce(&mut Self) -> Result<Query, QueryError>,
    ) -> Result<Query, QueryError> {
        if self.depth == MAX_DEPTH {
            return Err(error(
                at,
                format!(
                    "嵌套超过 {MAX_DEPTH} 层 / brackets and NOTs are nested deeper than {MAX_DEPTH}: simplify the query"
                ),
            ));
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
