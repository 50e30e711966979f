//! Many watch topics at once. Every term of every topic stands in one Aho-Corasick automaton; a post is scanned once a
//! field, and only topics are judged of which something occurred that each of its matches must hold (`cover`): the rarest
//! term that will do, or the value of a filter. So ten thousand topics cost little more than one.

use super::{
    Facts, Filter, Query,
    cover::{Atom, cover},
    field::{KEYWORDS, Keyword},
    near::near,
};
use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

/// Queries, ready to be matched all at once.
#[derive(Debug)]
pub struct Matcher {
    /// `None` when there is no term at all.
    automaton: Option<AhoCorasick>,
    /// For each term, the queries that are judged once it occurs.
    by_term: Vec<Vec<u32>>,
    /// For each field, for each of its values, the queries that are judged where a post has it.
    by_value: Vec<FxHashMap<String, Vec<u32>>>,
    /// Queries that may match whatever a post holds.
    always: Vec<u32>,
    rules: Vec<Rule>,
}

/// A query with the numbers of its terms in their place.
#[derive(Debug)]
enum Rule {
    All,
    Term(u32),
    Near { left: u32, right: u32, words: Box<(String, String)>, within: u32 },
    Filter(Filter),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
}

/// A post that is matched.
struct Post<'p> {
    title: &'p str,
    text: &'p str,
    facts: &'p Facts<'p>,
    /// The terms that occur, sorted.
    seen: Vec<u32>,
}

impl Matcher {
    /// Makes a matcher of these queries, which are known by their place from then on.
    ///
    /// # Errors
    /// When the terms are too many for one automaton (billions of bytes).
    pub fn new<'a>(queries: impl IntoIterator<Item = &'a Query>) -> anyhow::Result<Self> {
        let mut terms = Terms::default();
        let mut by_value: Vec<FxHashMap<String, Vec<u32>>> = vec![FxHashMap::default(); KEYWORDS.len()];
        let (mut rules, mut always, mut covered) = (Vec::new(), Vec::new(), Vec::new());
        for (number, query) in (0u32..).zip(queries) {
            rules.push(terms.rule(query));
            let Some(cover) = cover(query) else {
                always.push(number);
                continue;
            };
            for atom in cover.atoms {
                match atom {
                    Atom::Term(term) => covered.push((terms.number(term), number)),
                    Atom::Value(field, value) => {
                        by_value[place(field)].entry(value.to_owned()).or_default().push(number);
                    }
                }
            }
        }
        let mut by_term = vec![Vec::new(); terms.texts.len()];
        for (term, number) in covered {
            by_term[term as usize].push(number);
        }
        let automaton = if terms.texts.is_empty() { None } else { Some(AhoCorasick::new(&terms.texts)?) };
        Ok(Self { automaton, by_term, by_value, always, rules })
    }

    /// The queries that a post matches, in their order, given its normalised title and text and what it is.
    #[must_use]
    pub fn matches(&self, title: &str, text: &str, facts: &Facts<'_>) -> Vec<usize> {
        let mut seen = Vec::new();
        if let Some(automaton) = &self.automaton {
            for field in [title, text] {
                seen.extend(automaton.find_overlapping_iter(field).map(|found| found.pattern().as_u32()));
                sort_once(&mut seen);
            }
        }
        let mut candidates = self.always.clone();
        candidates.extend(seen.iter().flat_map(|&term| &self.by_term[term as usize]));
        for (field, by_value) in KEYWORDS.iter().zip(&self.by_value).filter(|(_, by_value)| !by_value.is_empty()) {
            let values = field.levels.iter().flat_map(|level| (level.values)(facts));
            candidates.extend(values.filter_map(|value| by_value.get(&*field.normal(value))).flatten());
        }
        sort_once(&mut candidates);
        let post = Post { title, text, facts, seen };
        candidates.into_iter().map(|number| number as usize).filter(|&n| self.rules[n].matches(&post)).collect()
    }
}

/// Where a field stands among the fields.
fn place(field: &Keyword) -> usize {
    KEYWORDS.iter().position(|other| other == field).unwrap_or_default()
}

fn sort_once(numbers: &mut Vec<u32>) {
    numbers.sort_unstable();
    numbers.dedup();
}

impl Rule {
    fn matches(&self, post: &Post<'_>) -> bool {
        let occurs = |term: &u32| post.seen.binary_search(term).is_ok();
        match self {
            Self::All => true,
            Self::Term(term) => occurs(term),
            Self::Near { left, right, words, within } => {
                occurs(left)
                    && occurs(right)
                    && [post.title, post.text].iter().any(|text| near(text, &words.0, &words.1, *within))
            }
            Self::Filter(filter) => filter.passes(post.facts),
            Self::And(all) => all.iter().all(|rule| rule.matches(post)),
            Self::Or(any) => any.iter().any(|rule| rule.matches(post)),
            Self::Not(rule) => !rule.matches(post),
        }
    }
}

/// The terms met so far, each with a number.
#[derive(Default)]
struct Terms<'q> {
    numbers: FxHashMap<&'q str, u32>,
    texts: Vec<&'q str>,
}

impl<'q> Terms<'q> {
    fn rule(&mut self, query: &'q Query) -> Rule {
        match query {
            Query::All => Rule::All,
            Query::Term(term) => Rule::Term(self.number(term)),
            Query::Near { left, right, within } => Rule::Near {
                left: self.number(left),
                right: self.number(right),
                words: Box::new((left.clone(), right.clone())),
                within: *within,
            },
            Query::Filter(filter) => Rule::Filter(filter.clone()),
            Query::And(all) => Rule::And(all.iter().map(|query| self.rule(query)).collect()),
            Query::Or(any) => Rule::Or(any.iter().map(|query| self.rule(query)).collect()),
            Query::Not(query) => Rule::Not(Box::new(self.rule(query))),
        }
    }

    fn number(&mut self, term: &'q str) -> u32 {
        *self.numbers.entry(term).or_insert_with(|| {
            self.texts.push(term);
            self.texts.len() as u32 - 1
        })
    }
}
