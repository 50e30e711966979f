//! The best of the matches, by one total order.

use super::{Sort, relevance::Relevance};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BinaryHeap};
use tantivy::{DocAddress, DocId, Score, Searcher, SegmentReader, columnar::Column, query::Scorer};

/// A hit's place in the order of a search; the greater comes first. No two posts share one (ids' hashes aside, which are
/// 64 bits wide).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What is sorted by: nothing for time, the score's bits for relevance, the sum of the counts for heat, the time turned round for the oldest.
    pub rank: u64,
    /// When it was published, in nanoseconds.
    pub at: i64,
    /// Hash of the id; the smaller comes first.
    pub id: Reverse<u64>,
}

/// A hit that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    pub(super) key: Key,
    /// Which of the searchers found it, and where.
    pub(super) place: usize,
    pub(super) address: DocAddress,
    /// Matches that it stands for, itself included.
    pub(super) copies: u64,
}

/// The best hits behind a place in the order.
pub(super) struct Best {
    keep: usize,
    after: Option<Key>,
    // The worst of those kept on top.
    heap: BinaryHeap<Reverse<Kept>>,
}

impl Best {
    pub(super) fn new(keep: usize, after: Option<Key>) -> Self {
        Self { keep, after, heap: BinaryHeap::new() }
    }

    /// Whether none is asked for.
    pub(super) fn keeps_none(&self) -> bool {
        self.keep == 0
    }

    pub(super) fn into_sorted(self) -> Vec<Kept> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(kept)| kept).collect()
    }

    /// Whether a hit of this rank and time has a chance, whatever its id.
    pub(super) fn could_keep(&self, rank: u64, at: i64) -> bool {
        let behind = self.after.is_none_or(|after| (rank, at) <= (after.rank, after.at));
        let full = self.heap.len() >= self.keep;
        let worst = self.heap.peek().filter(|_| full).map(|Reverse(worst)| worst.key);
        behind && self.keep > 0 && worst.is_none_or(|worst| (rank, at) >= (worst.rank, worst.at))
    }

    pub(super) fn offer(&mut self, kept: Kept) {
        if self.keep == 0 || self.after.is_some_and(|after| kept.key >= after) {
            return;
        }
        self.heap.push(Reverse(kept));
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }
}

/// What gives the documents of a segment their ranks. They are asked in rising order.
pub(super) enum Ranks {
    None,
    Oldest,
    Heat(Box<[Column<u64>; 3]>),
    Relevance(Vec<Box<dyn Scorer>>),
}

impl Ranks {
    pub(super) fn open(
        sort: Sort,
        relevance: Option<&Relevance>,
        searcher: &Searcher,
        segment: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match (sort, relevance) {
            (Sort::Heat, _) => {
                Self::Heat(Box::new([columns.u64("likes")?, columns.u64("replies")?, columns.u64("reposts")?]))
            }
            (Sort::Relevance, Some(relevance)) => Self::Relevance(relevance.scorers(searcher, segment)?),
            (Sort::Oldest, _) => Self::Oldest,
            (Sort::Time | Sort::Relevance, _) => Self::None,
        })
    }

    /// The rank of a document that was published then.
    pub(super) fn of(&mut self, doc: DocId, at: i64) -> u64 {
        match self {
            Self::None => 0,
            // The sign turned and then all bits: the earlier, the greater.
            Self::Oldest => !(at.cast_unsigned() ^ (1 << 63)),
            Self::Heat(columns) => {
                columns.iter().fold(0, |sum: u64, column| sum.saturating_add(column.first(doc).unwrap_or(0)))
            }
            // Summed in the same order everywhere, so that a post has the same score whatever segment it lies in. Scores
            // are never negative, so their bits sort as they do.
            Self::Relevance(scorers) => {
                let score = |scorer: &mut Box<dyn Scorer>| -> Score {
                    let at = if scorer.doc() < doc { scorer.seek(doc) } else { scorer.doc() };
                    if at == doc { scorer.score() } else { 0.0 }
                };
                scorers.iter_mut().map(score).sum::<Score>().max(0.0).to_bits().into()
            }
        }
    }
}
