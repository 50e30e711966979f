//! Many watch topics at once. Every term of every topic stands in one Aho-Corasick automaton; a post is scanned once a
//! field, and only topics of which a required term occurred are judged. So ten thousand topics cost little more than one.

use super::Query;
use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

/// Queries, ready to be matched all at once.
#[derive(Debug)]
pub struct Matcher {
    /// `None` when there is no term at all.
    automaton: Option<AhoCorasick>,
    /// For each term, the queries that may match once it occurs.
    by_term: Vec<Vec<u32>>,
    /// Queries that may match without any term.
    always: Vec<u32>,
    rules: Vec<Rule>,
}

/// A query with the numbers of its terms in their place.
#[derive(Debug)]
enum Rule {
    All,
    Term(u32),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
}

impl Matcher {
    /// Makes a matcher of these queries, which are known by their place from then on.
    ///
    /// # Errors
    /// When the terms are too many for one automaton (billions of bytes).
    pub fn new<'a>(queries: impl IntoIterator<Item = &'a Query>) -> anyhow::Result<Self> {
        let mut terms = Terms::default();
        let (mut rules, mut always) = (Vec::new(), Vec::new());
        for (number, query) in (0u32..).zip(queries) {
            if query.needs_a_term() {
                terms.query = Some(number);
            } else {
                terms.query = None;
                always.push(number);
            }
            rules.push(terms.rule(query));
        }
        let automaton = if terms.texts.is_empty() { None } else { Some(AhoCorasick::new(&terms.texts)?) };
        Ok(Self { automaton, by_term: terms.queries, always, rules })
    }

    /// The queries that a post matches, in their order, given its normalised title and text.
    #[must_use]
    pub fn matches(&self, title: &str, text: &str) -> Vec<usize> {
        let mut seen = Vec::new();
        if let Some(automaton) = &self.automaton {
            for field in [title, text] {
                seen.extend(automaton.find_overlapping_iter(field).map(|found| found.pattern().as_u32()));
                sort_once(&mut seen);
            }
        }
        let mut candidates = self.always.clone();
        candidates.extend(seen.iter().flat_map(|&term| &self.by_term[term as usize]));
        sort_once(&mut candidates);
        candidates.into_iter().map(|number| number as usize).filter(|&n| self.rules[n].matches(&seen)).collect()
    }
}

fn sort_once(numbers: &mut Vec<u32>) {
    numbers.sort_unstable();
    numbers.dedup();
}

impl Rule {
    /// Whether it matches a post in which these terms occur (sorted).
    fn matches(&self, seen: &[u32]) -> bool {
        match self {
            Self::All => true,
            Self::Term(term) => seen.binary_search(term).is_ok(),
            Self::And(all) => all.iter().all(|rule| rule.matches(seen)),
            Self::Or(any) => any.iter().any(|rule| rule.matches(seen)),
            Self::Not(rule) => !rule.matches(seen),
        }
    }
}

/// The terms met so far, each with a number.
#[derive(Default)]
struct Terms<'q> {
    numbers: FxHashMap<&'q str, u32>,
    texts: Vec<&'q str>,
    queries: Vec<Vec<u32>>,
    /// The query whose terms are entered; none when it is judged for every post anyway.
    query: Option<u32>,
}

impl<'q> Terms<'q> {
    fn rule(&mut self, query: &'q Query) -> Rule {
        match query {
            Query::All => Rule::All,
            Query::Term(term) => Rule::Term(self.number(term)),
            Query::And(all) => Rule::And(all.iter().map(|query| self.rule(query)).collect()),
            Query::Or(any) => Rule::Or(any.iter().map(|query| self.rule(query)).collect()),
            Query::Not(query) => Rule::Not(Box::new(self.rule(query))),
        }
    }

    fn number(&mut self, term: &'q str) -> u32 {
        let number = *self.numbers.entry(term).or_insert_with(|| {
            self.texts.push(term);
            self.queries.push(Vec::new());
            self.texts.len() as u32 - 1
        });
        if let Some(query) = self.query
            && self.queries[number as usize].last() != Some(&query)
        {
            self.queries[number as usize].push(query);
        }
        number
    }
}
