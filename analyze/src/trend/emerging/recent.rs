//! The posts of the last weeks that a new one may belong together with, and which of them have a term.
//!
//! Bounded: the newest [`MOST`] posts, and of each its [`INDEXED`] most telling terms. Where posts come in so fast that [`MOST`] of them are
//! a short time, only those are remembered of which something comes more often than ever (see [`Recent::wanted`]).

use super::{super::samples::Candidate, evidence::LONGEST, sketch::SCALES};
use rustc_hash::FxHashMap;
use schemas::log::Position;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Posts that are remembered.
pub(super) const MOST: usize = 8_192;
/// Terms of a post that are remembered; and by how many of them it is found.
pub(super) const KEPT: usize = 24;
const INDEXED: usize = 24;
/// Posts that one term leads to, the newest of them.
const OF_TERM: usize = 48;

/// A post that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) raw: Position,
    /// The second at which it counts.
    pub(super) at: i64,
    /// Its terms, the most telling first, with what each weighs.
    pub(super) terms: Vec<(u64, f32)>,
    /// All that it says, ordinary words as well: its terms, hashed and in order.
    pub(super) says: Vec<u32>,
    /// Who speaks, as far as that can be told: a thread, or the post itself.
    pub(super) thread: u64,
    pub(super) source: u32,
    /// The SimHash of its words.
    pub(super) print: Option<u64>,
    /// What it could be headed by.
    pub(super) headline: String,
    /// Whether that is the title that its author gave it.
    pub(super) titled: bool,
    pub(super) sample: Candidate,
    pub(super) negative: bool,
    /// The watch topics that match, hashed.
    pub(super) watched: Vec<u64>,
    pub(super) place: Option<String>,
    /// In which area it lies, hashed: the place, or else the first term that has the form of an area's name.
    pub(super) lies: Option<u64>,
    /// The things that it names, hashed: see [`super::names`].
    pub(super) names: Vec<u64>,
    pub(super) unit: Option<String>,
    /// The emerging topic that it belongs to.
    pub(super) topic: Option<u32>,
}

impl Remembered {
    /// What all its terms weigh together, squared.
    fn square(&self) -> f32 {
        self.terms.iter().map(|(_, weight)| weight * weight).sum()
    }

    /// What another post has in common with it: the cosine of the angle between their weighted terms, and the number of common terms.
    pub(super) fn likeness(&self, other: &Self) -> (f32, usize) {
        let (mut dot, mut common) = (0.0, 0);
        for (term, weight) in &self.terms {
            if let Some((_, others)) = other.terms.iter().find(|(other, _)| other == term) {
                dot += weight * others;
                common += 1;
            }
        }
        let norm = (self.square() * other.square()).sqrt();
        (if norm > 0.0 { dot / norm } else { 0.0 }, common)
    }

    /// The share of their terms, ordinary ones as well, that both posts have (Jaccard).
    pub(super) fn overlap(&self, other: &Self) -> f32 {
        let both = self.says.iter().filter(|term| other.says.binary_search(term).is_ok()).count();
        let either = self.says.len() + other.says.len() - both;
        if either == 0 { 0.0 } else { both as f32 / either as f32 }
    }

    /// Whether both name a thing, and not the same.
    pub(super) fn is_of_others(&self, other: &Self) -> bool {
        !self.names.is_empty() && !other.names.is_empty() && !self.shares_name(other)
    }

    /// Whether both name the same thing.
    pub(super) fn shares_name(&self, other: &Self) -> bool {
        self.names.iter().any(|name| other.names.contains(name))
    }

    /// Whether two posts lie in different areas, and name no thing that both speak of.
    pub(super) fn is_elsewhere(&self, other: &Self) -> bool {
        matches!((self.lies, other.lies), (Some(one), Some(other)) if one != other) && !self.shares_name(other)
    }

    pub(super) fn has(&self, term: u64) -> bool {
        self.terms.iter().any(|&(other, _)| other == term)
    }
}

/// The posts that are remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    posts: VecDeque<Remembered>,
    /// The number of the first; the others follow.
    first: u64,
    /// The numbers of the posts that have a term: follows from `posts`.
    #[serde(skip)]
    by_term: FxHashMap<u64, Vec<u64>>,
}

impl PartialEq for Recent {
    fn eq(&self, other: &Self) -> bool {
        self.posts == other.posts && self.first == other.first
    }
}

impl Recent {
    /// Finds the posts by their terms again after they were read from a snapshot.
    pub(super) fn index(&mut self) {
        self.by_term.clear();
        for (number, post) in (self.first..).zip(&self.posts) {
            for (term, _) in post.terms.iter().take(INDEXED) {
                self.by_term.entry(*term).or_default().push(number);
            }
        }
        for numbers in self.by_term.values_mut() {
            let old = numbers.len().saturating_sub(OF_TERM);
            numbers.drain(..old);
        }
    }

    /// How unusual a post must be to be remembered, as a factor over what is expected: the shorter the time that the memory holds, the more.
    pub(super) fn wanted(&self, now: i64) -> f32 {
        let Some(oldest) = self.posts.front().filter(|_| self.posts.len() == MOST) else { return 0.0 };
        match now - oldest.at {
            span if span > SCALES[2] as i64 => 0.0,
            span if span > SCALES[1] as i64 => 2.0,
            span if span > SCALES[0] as i64 => 4.0,
            _ => 8.0,
        }
    }

    pub(super) fn push(&mut self, post: Remembered) -> u64 {
        if self.posts.len() == MOST {
            self.forget_first();
        }
        let number = self.first + self.posts.len() as u64;
        for (term, _) in post.terms.iter().take(INDEXED) {
            let numbers = self.by_term.entry(*term).or_default();
            if numbers.len() == OF_TERM {
                numbers.remove(0);
            }
            numbers.push(number);
        }
        self.posts.push_back(post);
        number
    }

    /// Forgets what is older than the longest window.
    pub(super) fn forget(&mut self, now: i64) {
        while self.posts.front().is_some_and(|post| post.at < now - LONGEST) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(post) = self.posts.pop_front() else { return };
        for (term, _) in post.terms.iter().take(INDEXED) {
            if let Some(numbers) = self.by_term.get_mut(term) {
                numbers.retain(|&number| number != self.first);
                if numbers.is_empty() {
                    self.by_term.remove(term);
                }
            }
        }
        self.first += 1;
    }

    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        let index = self.by_term.capacity() * size_of::<(u64, Vec<u64>)>();
        let lists: usize = self.by_term.values().map(|numbers| numbers.capacity() * size_of::<u64>()).sum();
        let posts: usize = self.posts.iter().map(Remembered::held).sum();
        posts + index + lists
    }

    pub(super) fn get(&self, number: u64) -> Option<&Remembered> {
        self.posts.get(number.checked_sub(self.first)? as usize)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Remembered> {
        self.posts.get_mut(number.checked_sub(self.first)? as usize)
    }

    /// The posts that have a term among their most telling ones, the oldest first.
    pub(super) fn with(&self, term: u64) -> &[u64] {
        self.by_term.get(&term).map_or(&[], Vec::as_slice)
    }

    /// The posts that have most in common with one, by the weight of what is common, at most `most` of them, in order of their numbers.
    pub(super) fn near(&self, post: &Remembered, most: usize) -> Vec<u64> {
        let mut weights: FxHashMap<u64, (f32, usize)> = FxHashMap::default();
        for (term, weight) in post.terms.iter().take(INDEXED) {
            for &number in self.with(*term) {
                let found = weights.entry(number).or_default();
                *found = (found.0 + weight, found.1 + 1);
            }
        }
        let mut near: Vec<(u64, f32)> = weights
            .into_iter()
            .filter(|(_, (_, common))| *common >= 2)
            .map(|(number, (weight, _))| (number, weight))
            .collect();
        near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        near.truncate(most);
        let mut near: Vec<u64> = near.into_iter().map(|(number, _)| number).collect();
        near.sort_unstable();
        near
    }
}
