//! The language of watch topics and of search: substrings with AND (or a space), OR, NOT and brackets.
//!
//! | written | means |
//! |---|---|
//! | `停水` | the title or the text contains 停水 |
//! | `"水压 低"`, `“水压 低”`, `「水压 低」` | contains exactly this, the space included |
//! | `停水 小区`, `停水 AND 小区`, `停水 & 小区` | both |
//! | `停水 OR 断水`, `停水 \| 断水`, `停水 或 断水` | one of them, or both |
//! | `NOT 演练`, `-演练`, `非 演练` | not this |
//! | `(…)`, `（…）` | together |
//!
//! NOT binds more tightly than AND, AND more tightly than OR. Operators written as words stand between spaces or brackets,
//! in any case of letters; in quotes they are text. Half and full width mean the same, and so do traditional and
//! simplified characters: a query is folded like the posts it is matched against
//! ([`fold`](crate::understand::fold)). A term is looked for in the title and in the text, each for itself,
//! never across both.

mod lexer;
mod matcher;
mod parser;

pub use matcher::Matcher;
pub use parser::{MAX_CHARS, MAX_DEPTH, parse, parse_watch};

/// A query, parsed. Its terms are normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Everything: an empty search.
    All,
    /// A substring of the title or of the text, each for itself.
    Term(String),
    /// All of them.
    And(Vec<Query>),
    /// Any of them.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct QueryError {
    /// The character, from 1.
    pub at: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Query {
    /// Whether a post matches, given its normalised title and text.
    #[must_use]
    pub fn matches(&self, title: &str, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Term(term) => title.contains(term) || text.contains(term),
            Self::And(all) => all.iter().all(|query| query.matches(title, text)),
            Self::Or(any) => any.iter().any(|query| query.matches(title, text)),
            Self::Not(query) => !query.matches(title, text),
        }
    }

    /// The terms that a match contains (not those under NOT): what is highlighted.
    #[must_use]
    pub fn terms(&self) -> Vec<&str> {
        match self {
            Self::All | Self::Not(_) => Vec::new(),
            Self::Term(term) => vec![term],
            Self::And(queries) | Self::Or(queries) => queries.iter().flat_map(Self::terms).collect(),
        }
    }

    /// Whether every match contains at least one term of the query. What this cannot be said of (`-演练`) matches nearly
    /// every post: fine to narrow a search with, useless as a watch topic.
    #[must_use]
    pub fn needs_a_term(&self) -> bool {
        match self {
            Self::All => false,
            Self::Term(_) => true,
            Self::And(all) => all.iter().any(Self::needs_a_term),
            Self::Or(any) => !any.is_empty() && any.iter().all(Self::needs_a_term),
            Self::Not(query) => query.refusal_needs_a_term(),
        }
    }

    /// Whether everything that does *not* match contains at least one term of the query.
    fn refusal_needs_a_term(&self) -> bool {
        match self {
            Self::All | Self::Term(_) => false,
            Self::And(all) => !all.is_empty() && all.iter().all(Self::refusal_needs_a_term),
            Self::Or(any) => any.iter().any(Self::refusal_needs_a_term),
            Self::Not(query) => query.needs_a_term(),
        }
    }
}

#[cfg(test)]
mod tests;
