//! A query as an analyst would type it: what [`parse`](super::parse) reads as the same query.

use super::{Filter, Query, field::named, lexer::is_operator};
use crate::understand::fold;
use std::fmt::{self, Display, Formatter};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Term(term) => f.write_str(&quoted(term)),
            Self::Near { left, right, within } => write!(f, "{} ~{within} {}", quoted(left), quoted(right)),
            Self::Filter(filter) => filter.fmt(f),
            Self::And(all) => joined(f, all, " ", |query| matches!(query, Self::And(_) | Self::Or(_))),
            Self::Or(any) => joined(f, any, " 或 ", |query| matches!(query, Self::Or(_))),
            Self::Not(query) if matches!(**query, Self::And(_) | Self::Or(_)) => write!(f, "-({query})"),
            Self::Not(query) => write!(f, "-{query}"),
        }
    }
}

fn joined(f: &mut Formatter<'_>, queries: &[Query], by: &str, in_brackets: fn(&Query) -> bool) -> fmt::Result {
    for (number, query) in queries.iter().enumerate() {
        if number > 0 {
            f.write_str(by)?;
        }
        if in_brackets(query) { write!(f, "({query})")? } else { write!(f, "{query}")? }
    }
    Ok(())
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword { field, value } => {
                let choice = field.choices.iter().find(|(wire, _)| wire == value);
                let value = choice.and_then(|(_, words)| words.first()).map_or(value.as_str(), |word| word);
                write!(f, "{}:{}", field.chinese[0], quoted(value))
            }
            Self::Time { from, to } => {
                f.write_str("时间:")?;
                from.map_or(Ok(()), |from| from.fmt(f))?;
                f.write_str("..")?;
                to.map_or(Ok(()), |to| to.fmt(f))
            }
            Self::Count { field, least, most } => match (least, most) {
                (least, &u64::MAX) => write!(f, "{}:>={least}", field.chinese[0]),
                (0, most) => write!(f, "{}:<={most}", field.chinese[0]),
                (least, most) => write!(f, "{}:{least}..{most}", field.chinese[0]),
            },
            Self::Flag { field, is } => write!(f, "{}:{}", field.chinese[0], if *is { "是" } else { "否" }),
        }
    }
}

/// A term or value, in quotes where it would be read as something else without.
fn quoted(text: &str) -> String {
    let folded = fold(text);
    let is_field = folded.split_once(':').is_some_and(|(name, _)| named(name).is_some());
    let special = |c: char| matches!(c, ' ' | '(' | ')' | '&' | '|' | '"' | '“' | '”' | '「' | '『');
    let plain = !folded.is_empty()
        && !folded.starts_with('-')
        && !folded.contains(special)
        && !is_operator(&folded)
        && !is_field;
    if plain {
        return text.to_owned();
    }
    // What was read once lacks one of the closing quotes: the one that closed it, or those that end a word.
    let pairs = [('"', '"'), ('“', '”'), ('「', '」'), ('『', '』')];
    let (open, close) = pairs.into_iter().find(|(_, close)| !folded.contains(*close)).unwrap_or(pairs[0]);
    format!("{open}{text}{close}")
}
