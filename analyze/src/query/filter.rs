//! What a post must be beside what it says, read from what somebody typed behind a field's name.

use super::{
    Context, Query, QueryError,
    facts::Facts,
    field::{Count, Flag, Keyword, Named},
    lexer::error,
    time,
};
use crate::understand::fold;
use jiff::Timestamp;

/// A condition on what a post is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// It has this value.
    Keyword {
        /// The field.
        field: &'static Keyword,
        /// The value, as the field compares it.
        value: String,
    },
    /// It was published within.
    Time {
        /// At or after.
        from: Option<Timestamp>,
        /// Before.
        to: Option<Timestamp>,
    },
    /// The count lies within, both ends included.
    Count {
        /// The field.
        field: &'static Count,
        /// At least.
        least: u64,
        /// At most.
        most: u64,
    },
    /// It is so, or is not.
    Flag {
        /// The field.
        field: &'static Flag,
        /// Whether it must be.
        is: bool,
    },
}

impl Filter {
    /// A condition on a field of words; the value is normalised here.
    #[must_use]
    pub fn keyword(field: &'static Keyword, value: &str) -> Self {
        Self::Keyword { field, value: field.normal(value).into_owned() }
    }

    /// Whether a post passes.
    #[must_use]
    pub fn passes(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Keyword { field, value } => field.has(facts, value),
            Self::Time { from, to } => {
                let at = facts.published_at;
                from.is_none_or(|from| at.is_some_and(|at| at >= from))
                    && to.is_none_or(|to| at.is_some_and(|at| at < to))
            }
            Self::Count { field, least, most } => (*least..=*most).contains(&(field.of)(facts.counts)),
            Self::Flag { field, is } => (field.of)(facts) == *is,
        }
    }

    /// Why it cannot stand in a watch topic, if it cannot.
    #[must_use]
    pub fn not_in_watch(&self) -> Option<&'static str> {
        match self {
            Self::Keyword { field, .. } => field.not_in_watch,
            Self::Flag { field, .. } => field.not_in_watch,
            Self::Time { .. } => Some(
                "监测话题匹配的是新到的帖子, 不能限定时间 / a watch topic is matched when a post comes: leave the time out",
            ),
            Self::Count { .. } => Some(
                "监测话题匹配的是新到的帖子, 那时还没有点赞、评论和转发 / a watch topic is matched when a post comes, before \
                 anybody answers: leave the count out",
            ),
        }
    }
}

/// What stands behind a field's name: as it is compared, and as it was typed.
pub(super) struct Value<'t> {
    pub(super) folded: &'t str,
    pub(super) typed: &'t str,
    /// Its first character, from nought.
    pub(super) at: usize,
}

/// Reads a filter.
pub(super) fn read(field: Named, value: &Value<'_>, context: &Context) -> Result<Query, QueryError> {
    match field {
        Named::Keyword(field) => keyword(field, value, context),
        Named::Count(field) => {
            let (least, most) = count(value.folded).map_err(|message| error(value.at, message))?;
            Ok(Query::Filter(Filter::Count { field, least, most }))
        }
        Named::Flag(field) => match value.folded {
            "是" | "yes" | "true" => Ok(Query::Filter(Filter::Flag { field, is: true })),
            "否" | "no" | "false" => Ok(Query::Filter(Filter::Flag { field, is: false })),
            _ => Err(error(value.at, format!("{}: 只能是 是 或 否 / {} is yes or no", field.chinese[0], field.name))),
        },
        Named::Time => {
            let (from, to) = time::range(value.folded, context).map_err(|message| error(value.at, message))?;
            Ok(Query::Filter(Filter::Time { from, to }))
        }
    }
}

fn keyword(field: &'static Keyword, value: &Value<'_>, context: &Context) -> Result<Query, QueryError> {
    if field.choices.is_empty() {
        let mut filters: Vec<Query> = context
            .names
            .ids(field, value.typed)
            .into_iter()
            .map(|id| Query::Filter(Filter::keyword(field, id)))
            .collect();
        return Ok(if filters.len() == 1 { filters.remove(0) } else { Query::Or(filters) });
    }
    let folded = value.folded.trim();
    match field.choices.iter().find(|(wire, words)| folded == *wire || words.contains(&folded)) {
        Some((wire, _)) => Ok(Query::Filter(Filter::keyword(field, wire))),
        None => {
            let chinese: Vec<&str> = field.choices.iter().map(|(_, words)| words[0]).collect();
            let english: Vec<&str> = field.choices.iter().map(|(wire, _)| *wire).collect();
            let (name, chinese, english) = (field.chinese[0], chinese.join("、"), english.join(", "));
            Err(error(value.at, format!("{name}: 只能是 {chinese} / {} is one of {english}", field.name)))
        }
    }
}

/// A number or a range of numbers: `100`, `>100`, `>=100`, `<5`, `<=5`, `10..50`; 1万 is ten thousand.
fn count(text: &str) -> Result<(u64, u64), String> {
    let wrong = || "应为数字或范围, 如 >100、10..50 / a number or a range is needed, such as >100 or 10..50".to_owned();
    let empty = || "这个范围里没有数 / there is no number in this range".to_owned();
    let number = |text: &str| -> Result<u64, String> {
        let text = text.trim();
        let (digits, unit) = text.strip_suffix('万').map_or((text, 1), |digits| (digits, 10_000));
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.then(|| digits.parse::<u64>().ok()?.checked_mul(unit)).flatten();
        number.ok_or_else(wrong)
    };
    let text = text.trim();
    let bounds = if let Some((least, most)) = text.split_once("..") {
        (number(least)?, number(most)?)
    } else if let Some(least) = text.strip_prefix(">=").or_else(|| text.strip_prefix('≥')) {
        (number(least)?, u64::MAX)
    } else if let Some(most) = text.strip_prefix("<=").or_else(|| text.strip_prefix('≤')) {
        (0, number(most)?)
    } else if let Some(least) = text.strip_prefix('>') {
        (number(least)?.checked_add(1).ok_or_else(empty)?, u64::MAX)
    } else if let Some(most) = text.strip_prefix('<') {
        (0, number(most)?.checked_sub(1).ok_or_else(empty)?)
    } else {
        let number = number(text)?;
        (number, number)
    };
    if bounds.0 > bounds.1 { Err(empty()) } else { Ok(bounds) }
}

/// What people call the sources and watch topics, whose ids the archive holds.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<Name>);

#[derive(Debug, Clone)]
struct Name {
    field: &'static str,
    id: String,
    name: String,
    folded: String,
}

impl Names {
    /// Adds a thing's name.
    pub fn add(&mut self, field: &'static str, id: &str, name: &str) {
        let name = name.trim().to_owned();
        self.0.push(Name { field, id: id.to_owned(), folded: fold(&name), name });
    }

    /// What a thing is called.
    #[must_use]
    pub fn called(&self, field: &str, id: &str) -> Option<&str> {
        self.0.iter().find(|name| name.field == field && name.id == id).map(|name| name.name.as_str())
    }

    /// The ids that somebody may mean: the one that he wrote, or those of what is called so. Never none.
    fn ids<'v>(&'v self, field: &Keyword, value: &'v str) -> Vec<&'v str> {
        let of_field = || self.0.iter().filter(|name| name.field == field.name);
        let folded = fold(value.trim());
        let mut ids: Vec<&str> = of_field().filter(|name| name.folded == folded).map(|name| name.id.as_str()).collect();
        if ids.is_empty() || of_field().any(|name| name.id == value) {
            return vec![value];
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
