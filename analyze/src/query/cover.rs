//! What a match of a query must hold at least one of: the few things by which ten thousand watch topics are passed over.
//!
//! | query | a match holds one of |
//! |---|---|
//! | a term; two near each other | it; the rarer of them |
//! | a filter of words | its value |
//! | any other filter, everything | (nothing can be said) |
//! | all of several | what the best of them holds |
//! | any of several | what each of them holds, if of each it can be said |
//! | NOT | by De Morgan's laws |

use super::{Filter, Query, field::Keyword};

/// Something that a post holds or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Atom<'q> {
    Term(&'q str),
    Value(&'static Keyword, &'q str),
}

/// Atoms of which every match holds one.
#[derive(Debug, Clone)]
pub(super) struct Cover<'q> {
    pub(super) atoms: Vec<Atom<'q>>,
    /// How many posts hold one of them, roughly and compared with others only.
    cost: u64,
}

/// What is held by so many posts that it narrows nothing.
const COMMON: u64 = 1 << 32;

impl Cover<'_> {
    /// Whether nearly every post holds one of the atoms.
    pub(super) fn is_common(&self) -> bool {
        self.cost >= COMMON
    }
}

/// The best cover of a query, if there is any.
pub(super) fn cover(query: &Query) -> Option<Cover<'_>> {
    matches(query)
}

fn matches(query: &Query) -> Option<Cover<'_>> {
    match query {
        Query::All => None,
        Query::Term(term) => Some(of_term(term)),
        Query::Near { left, right, .. } => best([Some(of_term(left)), Some(of_term(right))]),
        Query::Filter(Filter::Keyword { field, value }) => {
            let cost = field.commonness.unwrap_or(COMMON);
            Some(Cover { atoms: vec![Atom::Value(field, value)], cost })
        }
        Query::Filter(_) => None,
        Query::And(all) => best(all.iter().map(matches)),
        Query::Or(any) => joined(any.iter().map(matches)),
        Query::Not(query) => refusals(query),
    }
}

/// Of what does not match.
fn refusals(query: &Query) -> Option<Cover<'_>> {
    match query {
        Query::All | Query::Term(_) | Query::Near { .. } | Query::Filter(_) => None,
        Query::And(all) => joined(all.iter().map(refusals)),
        Query::Or(any) => best(any.iter().map(refusals)),
        Query::Not(query) => matches(query),
    }
}

fn of_term(term: &str) -> Cover<'_> {
    // A character is in many posts, two in some, more in few.
    let cost = match term.chars().count() {
        0 => COMMON,
        1 => 100_000,
        2 => 100,
        _ => 1,
    };
    Cover { atoms: vec![Atom::Term(term)], cost }
}

fn best<'q>(covers: impl IntoIterator<Item = Option<Cover<'q>>>) -> Option<Cover<'q>> {
    covers.into_iter().flatten().min_by_key(|cover| cover.cost)
}

fn joined<'q>(covers: impl IntoIterator<Item = Option<Cover<'q>>>) -> Option<Cover<'q>> {
    let mut joined = Cover { atoms: Vec::new(), cost: 0 };
    for cover in covers {
        let Cover { atoms, cost } = cover?;
        joined.atoms.extend(atoms);
        joined.cost = joined.cost.saturating_add(cost);
    }
    (!joined.atoms.is_empty()).then_some(joined)
}
