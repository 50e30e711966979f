//! The language of watch topics and of search: substrings with AND (or a space), OR, NOT and brackets.

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

/// Parses a query.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    // placeholder: a single term
    Ok(if text.trim().is_empty() { Query::All } else { Query::Term(text.trim().to_lowercase()) })
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
}
