//! A query and filters as tantivy asks them.
//!
//! A term is a substring of the title or of the text: the phrase of its characters, one beside the other. So a hit holds the
//! term exactly, and every post that holds it is a hit.

use super::Filter;
use crate::{
    archive::{
        dates::nanos,
        schema::{self, FIELDS},
    },
    query::Query,
};
use std::ops::Bound;
use tantivy::{
    Term,
    query::{AllQuery, BooleanQuery, EmptyQuery, Occur, PhraseQuery, Query as Tantivy, RangeQuery, TermQuery},
    schema::{Field, IndexRecordOption},
};

type Clause = (Occur, Box<dyn Tantivy>);

/// What matches the query and passes the filter.
pub(super) fn compile(query: &Query, filter: &Filter) -> Box<dyn Tantivy> {
    if filter.unit.is_some() {
        return Box::new(EmptyQuery);
    }
    let mut clauses = filters(filter);
    if *query != Query::All {
        clauses.push((Occur::Must, expression(query)));
    }
    all_of(clauses)
}

fn filters(filter: &Filter) -> Vec<Clause> {
    let term = |field, value: &str| -> Clause { (Occur::Must, exactly(field, value)) };
    let mut clauses = Vec::new();
    clauses.extend(filter.source.as_deref().map(|source| term(FIELDS.source, source)));
    clauses.extend(filter.kind.map(|kind| term(FIELDS.kind, schema::kind(kind))));
    clauses.extend(filter.sentiment.map(|label| term(FIELDS.sentiment, schema::label(label))));
    clauses.extend(filter.topic.as_deref().map(|topic| term(FIELDS.topic, topic)));
    if filter.from.is_some() || filter.to.is_some() {
        let bound = |at| Term::from_field_i64(FIELDS.published_at, nanos(at));
        let from = filter.from.map_or(Bound::Unbounded, |from| Bound::Included(bound(from)));
        let to = filter.to.map_or(Bound::Unbounded, |to| Bound::Excluded(bound(to)));
        clauses.push((Occur::Must, Box::new(RangeQuery::new(from, to))));
    }
    clauses
}

fn expression(query: &Query) -> Box<dyn Tantivy> {
    match query {
        Query::All => Box::new(AllQuery),
        Query::Term(term) => any_of([substring(FIELDS.title_chars, term), substring(FIELDS.text_chars, term)]),
        Query::And(all) => all_of(all.iter().map(clause).collect()),
        Query::Or(any) => any_of(any.iter().map(expression)),
        Query::Not(_) => all_of(vec![clause(query)]),
    }
}

fn clause(query: &Query) -> Clause {
    match query {
        Query::Not(not) => (Occur::MustNot, expression(not)),
        query => (Occur::Must, expression(query)),
    }
}

fn all_of(mut clauses: Vec<Clause>) -> Box<dyn Tantivy> {
    // tantivy finds nothing where there is nothing but exclusions.
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    match <[Clause; 1]>::try_from(clauses) {
        Ok([(_, only)]) => only,
        Err(clauses) => Box::new(BooleanQuery::new(clauses)),
    }
}

fn any_of(queries: impl IntoIterator<Item = Box<dyn Tantivy>>) -> Box<dyn Tantivy> {
    Box::new(BooleanQuery::new(queries.into_iter().map(|query| (Occur::Should, query)).collect()))
}

fn substring(field: Field, text: &str) -> Box<dyn Tantivy> {
    let mut buffer = [0; 4];
    let characters: Vec<Term> =
        text.chars().map(|character| Term::from_field_text(field, character.encode_utf8(&mut buffer))).collect();
    match <[Term; 1]>::try_from(characters) {
        Ok([only]) => Box::new(TermQuery::new(only, IndexRecordOption::Basic)),
        Err(none) if none.is_empty() => Box::new(AllQuery),
        Err(characters) => Box::new(PhraseQuery::new(characters)),
    }
}

/// The value as one term.
pub(super) fn exactly(field: Field, value: &str) -> Box<dyn Tantivy> {
    Box::new(TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic))
}
