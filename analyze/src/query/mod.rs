//! The language of watch topics and of search: what an analyst types without a manual.
//!
//! | written | means |
//! |---|---|
//! | `停水` | the title or the text contains 停水 |
//! | `"水压 低"`, `“水压 低”`, `「水压 低」` | contains exactly this, the space included |
//! | `停水 小区`, `停水 AND 小区`, `停水 & 小区` | both |
//! | `停水 OR 断水`, `停水 \| 断水`, `停水 或 断水` | one of them, or both |
//! | `NOT 演练`, `-演练`, `非 演练` | not this |
//! | `停水 ~5 抚琴` | both, with at most five characters between them, in either order |
//! | `(…)`, `（…）` | together |
//! | `来源:` `类型:` `情感:` `话题:` `类别:` `街道:` `单位:` | that the post has this value: `情感:负面`, `来源:"锦水论坛"` |
//! | `时间:` | when it was published: `时间:近7天`, `时间:2026-11-01..2026-11-24`; see [`time`] |
//! | `点赞:` `评论:` `转发:` | how often: `点赞:>100`, `评论:10..50` |
//! | `官方:` `已删:` | `是` or `否` |
//!
//! Fields have English names too: source, kind, sentiment, topic, category, place, unit, time, likes, replies, reposts, official, gone. A
//! word before a colon that is no field's name is text, like everything in quotes.
//!
//! NOT binds more tightly than AND, AND more tightly than OR. Operators written as words stand between spaces or brackets,
//! in any case of letters; in quotes they are text. Half and full width mean the same, and so do traditional and
//! simplified characters: a query is folded like the posts it is matched against
//! ([`fold`](crate::understand::fold)). A term is looked for in the title and in the text, each for itself,
//! never across both.
//!
//! * `lexer`, `parser`, [`field`], [`filter`], [`time`]: from what was typed to a [`Query`]; `print`: back.
//! * [`facts`]: what filters ask of a post; `near`: two words beside each other.
//! * `cover`, [`Matcher`]: ten thousand watch topics at once.

mod cover;
pub mod facts;
pub mod field;
pub mod filter;
mod lexer;
mod matcher;
mod near;
mod parser;
mod print;
pub mod time;

pub use facts::Facts;
pub use filter::{Filter, Names};
pub use matcher::Matcher;
pub(crate) use near::any_near;
pub use parser::{MAX_CHARS, MAX_DEPTH, parse, parse_watch};

use jiff::{Timestamp, tz::TimeZone};

/// What a query's words are read against.
#[derive(Debug, Clone)]
pub struct Context {
    /// What 今天 is.
    pub now: Timestamp,
    /// Where days begin.
    pub tz: TimeZone,
    /// What sources and watch topics are called.
    pub names: Names,
}

impl Default for Context {
    fn default() -> Self {
        Self { now: Timestamp::UNIX_EPOCH, tz: TimeZone::UTC, names: Names::default() }
    }
}

/// A query, parsed. Its terms are normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Everything: an empty search.
    All,
    /// A substring of the title or of the text, each for itself.
    Term(String),
    /// Two substrings of the title or of the text, not overlapping, in either order.
    Near {
        /// One.
        left: String,
        /// The other.
        right: String,
        /// Characters between them, at most.
        within: u32,
    },
    /// What the post is.
    Filter(Filter),
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
    /// Whether a post matches, given its normalised title and text, and what it is.
    #[must_use]
    pub fn matches(&self, title: &str, text: &str, facts: &Facts<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Term(term) => title.contains(term) || text.contains(term),
            Self::Near { left, right, within } => {
                near::near(title, left, right, *within) || near::near(text, left, right, *within)
            }
            Self::Filter(filter) => filter.passes(facts),
            Self::And(all) => all.iter().all(|query| query.matches(title, text, facts)),
            Self::Or(any) => any.iter().any(|query| query.matches(title, text, facts)),
            Self::Not(query) => !query.matches(title, text, facts),
        }
    }

    /// The terms that a match contains (not those under NOT): what is highlighted.
    #[must_use]
    pub fn terms(&self) -> Vec<&str> {
        match self {
            Self::All | Self::Filter(_) | Self::Not(_) => Vec::new(),
            Self::Term(term) => vec![term],
            Self::Near { left, right, .. } => vec![left, right],
            Self::And(queries) | Self::Or(queries) => queries.iter().flat_map(Self::terms).collect(),
        }
    }

    /// Both: what is given in brackets, and beside it what a form asks for.
    #[must_use]
    pub fn and(self, filters: impl IntoIterator<Item = Filter>) -> Self {
        let mut all: Vec<Self> = Some(self).into_iter().filter(|query| *query != Self::All).collect();
        all.extend(filters.into_iter().map(Self::Filter));
        match all.len() {
            0 => Self::All,
            1 => all.remove(0),
            _ => Self::And(all),
        }
    }

    /// Without the posts of a source, unless the query asks for that source by name.
    #[must_use]
    pub fn hiding(self, source: &str) -> Self {
        let Some(field) = field::Keyword::find("source") else { return self };
        let hidden = Filter::keyword(field, source);
        if self.asks_for(&hidden) {
            return self;
        }
        let but = Self::Not(Box::new(Self::Filter(hidden)));
        match self {
            Self::And(mut all) => {
                all.push(but);
                Self::And(all)
            }
            Self::All => but,
            other => Self::And(vec![other, but]),
        }
    }

    /// Whether a filter stands in it and is not excluded.
    fn asks_for(&self, wanted: &Filter) -> bool {
        match self {
            Self::Filter(filter) => filter == wanted,
            Self::And(queries) | Self::Or(queries) => queries.iter().any(|query| query.asks_for(wanted)),
            Self::All | Self::Term(_) | Self::Near { .. } | Self::Not(_) => false,
        }
    }

    /// From when and before when every match was published, as far as the query says.
    #[must_use]
    pub fn published(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        match self {
            Self::Filter(Filter::Time { from, to }) => (*from, *to),
            Self::And(all) => all.iter().map(Self::published).fold((None, None), |(from, to), other| {
                // None is less than every time; of the ends the other way round.
                (from.max(other.0), [to, other.1].into_iter().flatten().min())
            }),
            Self::Or(any) => {
                let all: Vec<_> = any.iter().map(Self::published).collect();
                let from = all.iter().map(|(from, _)| *from).min().flatten();
                let to = all.iter().map(|(_, to)| *to).collect::<Option<Vec<_>>>().and_then(|to| to.into_iter().max());
                (from, to)
            }
            Self::All | Self::Term(_) | Self::Near { .. } | Self::Filter(_) | Self::Not(_) => (None, None),
        }
    }

    /// Whether every match holds at least one of a few words or values. What this cannot be said of (`-演练`, `情感:负面`) matches
    /// a large part of all posts: fine to narrow a search with, useless as a watch topic.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        cover::cover(self).is_some_and(|cover| !cover.is_common())
    }

    /// Why it cannot stand in a watch topic, if it cannot.
    fn not_in_watch(&self) -> Option<&'static str> {
        match self {
            Self::Filter(filter) => filter.not_in_watch(),
            Self::And(queries) | Self::Or(queries) => queries.iter().find_map(Self::not_in_watch),
            Self::Not(query) => query.not_in_watch(),
            Self::All | Self::Term(_) | Self::Near { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
