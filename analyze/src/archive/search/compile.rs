//! A query as tantivy asks it of one month.
//!
//! A term is a substring of the title or of the text: the phrase of its characters, one beside the other. So a hit holds the
//! term exactly, and every post that holds it is a hit. Two letters side by side are asked for as the pair that they are, and a longer term
//! by its pairs first ([`SubstringQuery`]); a month that knows no pairs yet is asked by characters alone. A month that was made before a field was is asked without it: no post of it has
//! any value there, and whoever searches is told ([`Compiled::lacks`]).

use super::{Threaded, excluded::Excluded, near::NearQuery, substring::SubstringQuery};
use crate::{
    archive::{
        dates::nanos,
        schema::{FIELDS, native_id},
        tokens,
        verdict::GONE,
    },
    query::{Filter, Query},
};
use std::ops::Bound;
use tantivy::{
    Term,
    query::{AllQuery, BooleanQuery, EmptyQuery, Occur, PhraseQuery, Query as Tantivy, RangeQuery, TermQuery},
    schema::{Field, IndexRecordOption, Schema},
};

type Clause = (Occur, Box<dyn Tantivy>);

/// A query for months of one schema.
pub(super) struct Compiled {
    pub(super) query: Box<dyn Tantivy>,
    /// Whether it asks for a field that the schema does not have.
    pub(super) lacks: bool,
}

/// What matches the query, in a month of this schema, within a thread if one is given.
pub(super) fn compile(query: &Query, thread: Option<&Threaded>, schema: &Schema) -> Compiled {
    let mut compiler = Compiler { schema, lacks: false };
    let mut clauses: Vec<Clause> = thread.map(|thread| compiler.thread(thread)).unwrap_or_default();
    if *query != Query::All {
        clauses.push(compiler.clause(query));
    }
    let query = all_of(clauses);
    Compiled { query, lacks: compiler.lacks }
}

struct Compiler<'s> {
    schema: &'s Schema,
    lacks: bool,
}

impl Compiler<'_> {
    fn expression(&mut self, query: &Query) -> Box<dyn Tantivy> {
        match query {
            Query::All => Box::new(AllQuery),
            Query::Term(term) => self.term(term),
            Query::Near { left, right, within } => any_of([FIELDS.title_chars, FIELDS.text_chars].map(|field| {
                Box::new(NearQuery::new(characters(field, left), characters(field, right), *within)) as _
            })),
            Query::Filter(filter) => self.filter(filter),
            Query::And(all) => all_of(all.iter().map(|query| self.clause(query)).collect()),
            Query::Or(any) => any_of(any.iter().map(|query| self.expression(query)).collect::<Vec<_>>()),
            Query::Not(_) => all_of(vec![self.clause(query)]),
        }
    }

    fn clause(&mut self, query: &Query) -> Clause {
        match query {
            Query::Not(not) => must_not(self.expression(not)),
            query => (Occur::Must, self.expression(query)),
        }
    }

    fn term(&self, term: &str) -> Box<dyn Tantivy> {
        let mut pairs: Vec<Term> = tokens::pairs(term).map(|pair| Term::from_field_text(FIELDS.pairs, pair)).collect();
        if pairs.is_empty() || !self.has(FIELDS.pairs) {
            return any_of([substring(FIELDS.title_chars, term), substring(FIELDS.text_chars, term)]);
        }
        if term.chars().nth(2).is_none() {
            return Box::new(TermQuery::new(pairs.swap_remove(0), IndexRecordOption::Basic));
        }
        pairs.sort_unstable();
        pairs.dedup();
        let characters = [FIELDS.title_chars, FIELDS.text_chars].map(|field| characters(field, term));
        Box::new(SubstringQuery { pairs, characters })
    }

    fn filter(&mut self, filter: &Filter) -> Box<dyn Tantivy> {
        match filter {
            Filter::Keyword { field, value } => {
                let levels = field.levels.iter().filter_map(|level| FIELDS.keyword(level.name));
                any_of(levels.map(|field| self.exactly(field, value)).collect::<Vec<_>>())
            }
            Filter::Time { from, to } => {
                let bound = |at| Term::from_field_i64(FIELDS.published_at, nanos(at));
                let from = from.map_or(Bound::Unbounded, |from| Bound::Included(bound(from)));
                let to = to.map_or(Bound::Unbounded, |to| Bound::Excluded(bound(to)));
                Box::new(RangeQuery::new(from, to))
            }
            Filter::Count { field, least, most } => {
                let Ok(field) = self.schema.get_field(field.name) else { return Box::new(EmptyQuery) };
                range(field, *least, *most)
            }
            Filter::Flag { field, is } => {
                let so = match self.has(FIELDS.flag) {
                    // What is gone has been known by its content longer than by its flag.
                    false if field.name == "gone" => range(FIELDS.content, GONE, GONE),
                    _ => self.exactly(FIELDS.flag, field.name),
                };
                if *is { so } else { all_of(vec![must_not(so)]) }
            }
        }
    }

    /// The answers of a thread; its opening post is not one.
    fn thread(&mut self, thread: &Threaded) -> Vec<Clause> {
        let Threaded { source, thread, opening } = thread;
        let source = FIELDS.keyword("source").map(|field| (Occur::Must, self.exactly(field, source)));
        let mut within = vec![self.exactly(FIELDS.thread, thread)];
        if let Some(opening) = opening {
            within.push(self.exactly(FIELDS.parent, native_id(opening)));
        }
        let mut clauses: Vec<Clause> = source.into_iter().collect();
        clauses.push((Occur::Must, any_of(within)));
        clauses.extend(opening.as_ref().map(|opening| must_not(self.exactly(FIELDS.id, &opening.id))));
        clauses
    }

    /// The value as one term; nothing where the month does not have the field.
    fn exactly(&mut self, field: Field, value: &str) -> Box<dyn Tantivy> {
        if !self.has(field) {
            self.lacks = true;
            return Box::new(EmptyQuery);
        }
        Box::new(TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic))
    }

    fn has(&self, field: Field) -> bool {
        super::has(self.schema, field)
    }
}

fn must_not(query: Box<dyn Tantivy>) -> Clause {
    (Occur::MustNot, Box::new(Excluded(query)))
}

fn range(field: Field, least: u64, most: u64) -> Box<dyn Tantivy> {
    let bound = |number| Bound::Included(Term::from_field_u64(field, number));
    Box::new(RangeQuery::new(bound(least), bound(most)))
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

/// The characters of a text, as terms.
fn characters(field: Field, text: &str) -> Vec<Term> {
    let mut buffer = [0; 4];
    text.chars().map(|character| Term::from_field_text(field, character.encode_utf8(&mut buffer))).collect()
}

fn substring(field: Field, text: &str) -> Box<dyn Tantivy> {
    match <[Term; 1]>::try_from(characters(field, text)) {
        Ok([only]) => Box::new(TermQuery::new(only, IndexRecordOption::Basic)),
        Err(none) if none.is_empty() => Box::new(AllQuery),
        Err(characters) => Box::new(PhraseQuery::new(characters)),
    }
}
