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
        behind && self.keep > 0 && self.worst().is_none_or(|worst| (rank, at) >= (worst.rank, worst.at))
    }

    /// Whether any hit has a chance whose rank and time lie between these two, the one that comes first in the order given first.
    pub(super) fn could_keep_between(&self, first: (u64, i64), last: (u64, i64)) -> bool {
        let behind = self.after.is_none_or(|after| last <= (after.rank, after.at));
        behind && self.worst().is_none_or(|worst| first >= (worst.rank, worst.at)) && self.keep > 0
    }

    /// The worst of those kept, once there are as many as asked for.
    fn worst(&self) -> Option<Key> {
        let full = self.heap.len() >= self.keep;
        self.heap.peek().filter(|_| full).map(|Reverse(worst)| worst.key)
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

/// Ranks and times between which all documents lie that were published from one time to another, the foremost first; none where the
/// time does not tell.
pub(super) fn between(sort: Sort, from: i64, to: i64) -> Option<[(u64, i64); 2]> {
    match sort {
        Sort::Time => Some([(0, to), (0, from)]),
        Sort::Oldest => Some([from, to].map(|at| (rank_of_oldest(at), at))),
        Sort::Relevance | Sort::Heat => None,
    }
}

/// The sign turned and then all bits: the earlier, the greater.
fn rank_of_oldest(at: i64) -> u64 {
    !(at.cast_unsigned() ^ (1 << 63))
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
            Self::Oldest => rank_of_oldest(at),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(rank: u64, at: i64) -> Kept {
        let key = Key { rank, at, id: Reverse(rank ^ at.cast_unsigned()) };
        Kept { key, place: 0, address: DocAddress::new(0, 0), copies: 1 }
    }

    proptest! {
        /// Whatever is passed over as a whole holds nothing that would have been kept.
        #[test]
        fn nothing_is_passed_over_that_would_be_kept(
            oldest in any::<bool>(),
            keep in 0usize..4,
            after in proptest::option::of(-9i64..9),
            before in proptest::collection::vec(-9i64..9, 0..8),
            segment in proptest::collection::vec(-9i64..9, 1..5),
        ) {
            let sort = if oldest { Sort::Oldest } else { Sort::Time };
            let rank = |at| if oldest { rank_of_oldest(at) } else { 0 };
            let mut best = Best::new(keep, after.map(|at| kept(rank(at), at).key));
            for at in before {
                best.offer(kept(rank(at), at));
            }
            let (from, to) = (*segment.iter().min().unwrap(), *segment.iter().max().unwrap());
            let [first, last] = between(sort, from, to).unwrap();
            prop_assert!(first >= last);
            let any = segment.iter().any(|&at| best.could_keep(rank(at), at));
            prop_assert!(!any || best.could_keep_between(first, last));
        }
    }

    #[test]
    fn a_segment_that_is_older_than_all_that_is_kept_is_passed_over() {
        let mut best = Best::new(2, None);
        best.offer(kept(0, 7));
        assert!(best.could_keep_between((0, 1), (0, 0)), "one more is asked for");
        best.offer(kept(0, 5));
        assert!(!best.could_keep_between((0, 4), (0, 0)));
        assert!(best.could_keep_between((0, 6), (0, 0)));
        assert!(between(Sort::Heat, 0, 1).is_none(), "an old post may be the hottest");
    }
}
