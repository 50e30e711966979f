//! The parameters of a search as they come in an address, and what they ask for.

use super::super::search::{MOST_HITS, MOST_VALUES, Search, Sort, histogram::Scale};
use crate::query::{
    self, Context, Filter,
    field::{Flag, KEYWORDS, Keyword},
};
use jiff::Timestamp;
use schemas::{kit::http::Problem, records::CANARY_SOURCE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// The longest query, in characters.
const LONGEST_QUERY: usize = 1_000;
/// Hits of a page, unless the caller says otherwise.
const HITS: usize = 20;
/// Values of a facet, unless the caller says otherwise.
const VALUES: usize = 10;

/// The parameters as they come; an empty one counts as left out.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Parameters {
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    source: Option<String>,
    kind: Option<String>,
    sentiment: Option<String>,
    unit: Option<String>,
    topic: Option<String>,
    category: Option<String>,
    place: Option<String>,
    official: Option<String>,
    gone: Option<String>,
    collapse: Option<String>,
    copies_of: Option<String>,
    facets: Option<String>,
    top: Option<String>,
    histogram: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    format: Option<String>,
}

/// What is given of them, as the audit record shows it.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut given = serde_json::to_value(self).unwrap_or_default();
        if let Some(given) = given.as_object_mut() {
            given.retain(|_, value| value.as_str().is_some_and(|value| !value.is_empty()));
        }
        given.fmt(f)
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

impl Parameters {
    /// The format of a file.
    pub(super) fn format<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let format = word("format", given(self.format.clone()), "csv, xlsx or jsonl")?;
        format.ok_or_else(|| Problem::bad_request("bad_parameter", "format: must be csv, xlsx or jsonl"))
    }

    /// What they ask for.
    pub(super) fn search(mut self, context: &Context) -> Result<Search, Problem> {
        let query = query(self.q.take(), context)?;
        let filters = self.filters()?;
        let sort = word("sort", given(self.sort), "time, oldest, relevance or heat")?.unwrap_or(Sort::Time);
        let scale = word("histogram", given(self.histogram), "minute, hour, day, week, month or auto")?;
        Ok(Search {
            sort,
            collapse: yes_or_no("collapse", given(self.collapse))?.unwrap_or(false),
            copies_of: given(self.copies_of),
            facets: facets(self.facets.as_deref().unwrap_or(""))?,
            top: number("top", given(self.top), MOST_VALUES)?.unwrap_or(VALUES),
            histogram: scale.map(|scale: Scale| (scale, context.tz.clone())),
            limit: number("limit", given(self.limit), MOST_HITS)?.unwrap_or(HITS),
            cursor: given(self.cursor),
            ..Search::new(query.and(filters).hiding(CANARY_SOURCE))
        })
    }

    /// The filters that have a parameter of their own.
    fn filters(&mut self) -> Result<Vec<Filter>, Problem> {
        let mut filters = Vec::new();
        for (name, value) in [
            ("source", self.source.take()),
            ("kind", self.kind.take()),
            ("sentiment", self.sentiment.take()),
            ("topic", self.topic.take()),
            ("category", self.category.take()),
            ("place", self.place.take()),
            ("unit", self.unit.take()),
        ] {
            let (Some(field), Some(value)) = (Keyword::find(name), given(value)) else { continue };
            if !field.choices.is_empty() && !field.choices.iter().any(|(wire, _)| *wire == value) {
                let choices: Vec<&str> = field.choices.iter().map(|(wire, _)| *wire).collect();
                let message = format!("{name}: must be one of {}", choices.join(", "));
                return Err(Problem::bad_request("bad_parameter", message));
            }
            filters.push(Filter::keyword(field, &value));
        }
        for (name, value) in [("official", self.official.take()), ("gone", self.gone.take())] {
            if let (Some(field), Some(is)) = (Flag::find(name), yes_or_no(name, given(value))?) {
                filters.push(Filter::Flag { field, is });
            }
        }
        let (from, to) = (time("from", given(self.from.take()))?, time("to", given(self.to.take()))?);
        if from.is_some() || to.is_some() {
            filters.push(Filter::Time { from, to });
        }
        Ok(filters)
    }
}

/// A query; an empty one is all posts.
pub(super) fn query(q: Option<String>, context: &Context) -> Result<query::Query, Problem> {
    let q = given(q).unwrap_or_default();
    if q.chars().count() > LONGEST_QUERY {
        let message = format!("q: 检索式过长 / at most {LONGEST_QUERY} characters");
        return Err(Problem::bad_request("bad_query", message));
    }
    query::parse(&q, context).map_err(|error| Problem::bad_request("bad_query", format!("q: {error}")))
}

fn time(key: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        let message = format!("{key}: must be a time such as 2026-11-24T08:00:00+08:00 (in an address, + is %2B)");
        Problem::bad_request("bad_time", message)
    })
}

/// A number from nought to `most`.
pub(super) fn number(key: &str, text: Option<String>, most: usize) -> Result<Option<usize>, Problem> {
    let Some(text) = given(text) else { return Ok(None) };
    text.trim()
        .parse()
        .ok()
        .filter(|number| *number <= most)
        .map(Some)
        .ok_or_else(|| Problem::bad_request("bad_limit", format!("{key}: must be a number from 0 to {most}")))
}

fn yes_or_no(key: &str, text: Option<String>) -> Result<Option<bool>, Problem> {
    word(key, text.map(|text| text.trim().parse::<bool>().map_or(serde_json::Value::Null, Into::into)), "true or false")
}

/// Names of fields, with commas between.
fn facets(text: &str) -> Result<Vec<&'static str>, Problem> {
    let levels = || KEYWORDS.iter().flat_map(|field| field.levels).map(|level| level.name);
    let mut facets = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(level) = levels().find(|level| *level == name) else {
            let levels: Vec<&str> = levels().collect();
            let message = format!("facets: there is no {name:?}; there are {}", levels.join(", "));
            return Err(Problem::bad_request("bad_parameter", message));
        };
        if !facets.contains(&level) {
            facets.push(level);
        }
    }
    Ok(facets)
}

/// One of the words of an enumeration.
fn word<T: DeserializeOwned>(
    key: &str,
    value: Option<impl Into<serde_json::Value>>,
    words: &str,
) -> Result<Option<T>, Problem> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_value(value.into())
        .map(Some)
        .map_err(|_| Problem::bad_request("bad_parameter", format!("{key}: must be {words}")))
}
