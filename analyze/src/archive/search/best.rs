//! Counts all matches and keeps the best of them, by one total order.

use super::{SearchError, Sort, relevance::Relevance};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BinaryHeap, time::Instant};
use tantivy::{
    COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocId, Score, Searcher, SegmentReader,
    columnar::Column,
    query::{Scorer, Weight},
};

/// A hit's place in the order of a search; the greater comes first. No two posts share one (ids' hashes aside, which are
/// 64 bits wide).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// What is sorted by: nothing for time, the score's bits for relevance, the sum of the counts for heat.
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
}

/// The best hits behind a place in the order, and the number of all.
pub(super) struct Best {
    keep: usize,
    after: Option<Key>,
    total: u64,
    // The worst of those kept on top.
    heap: BinaryHeap<Reverse<Kept>>,
}

impl Best {
    pub(super) fn new(keep: usize, after: Option<Key>) -> Self {
        Self { keep, after, total: 0, heap: BinaryHeap::with_capacity(keep + 1) }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn into_sorted(self) -> Vec<Kept> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(kept)| kept).collect()
    }

    /// Whether a hit of this rank and time has a chance, whatever its id.
    fn could_keep(&self, rank: u64, at: i64) -> bool {
        let behind = self.after.is_none_or(|after| (rank, at) <= (after.rank, after.at));
        let full = self.heap.len() >= self.keep;
        let worst = self.heap.peek().filter(|_| full).map(|Reverse(worst)| worst.key);
        behind && self.keep > 0 && worst.is_none_or(|worst| (rank, at) >= (worst.rank, worst.at))
    }

    fn offer(&mut self, kept: Kept) {
        if self.after.is_some_and(|after| kept.key >= after) {
            return;
        }
        self.heap.push(Reverse(kept));
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }
}

/// How hits are ranked, and how long that may take.
pub(super) struct Ranking<'a> {
    pub(super) sort: Sort,
    pub(super) relevance: Option<&'a Relevance>,
    pub(super) deadline: Instant,
}

impl Ranking<'_> {
    /// Counts and ranks what matches in one month.
    pub(super) fn collect(
        &self,
        place: usize,
        searcher: &Searcher,
        weight: &dyn Weight,
        best: &mut Best,
    ) -> Result<(), SearchError> {
        for (ordinal, segment) in (0..).zip(searcher.segment_readers()) {
            if Instant::now() >= self.deadline {
                return Err(SearchError::TooLong);
            }
            if best.keep == 0 {
                best.total += u64::from(weight.count(segment)?);
                continue;
            }
            let mut matches = weight.scorer(segment, 1.0)?;
            let mut rank = self.ranks(searcher, segment)?;
            let columns = segment.fast_fields();
            let (published_at, ids) = (columns.i64("published_at")?, columns.u64("id_hash")?);
            let mut block = [0; COLLECT_BLOCK_BUFFER_LEN];
            loop {
                let count = matches.fill_buffer(&mut block);
                for &doc in &block[..count] {
                    if segment.is_deleted(doc) {
                        continue;
                    }
                    best.total += 1;
                    let (rank, at) = (rank.of(doc), published_at.first(doc).unwrap_or(0));
                    if best.could_keep(rank, at) {
                        let key = Key { rank, at, id: Reverse(ids.first(doc).unwrap_or(0)) };
                        best.offer(Kept { key, place, address: DocAddress::new(ordinal, doc) });
                    }
                }
                if count < block.len() {
                    break;
                }
                if Instant::now() >= self.deadline {
                    return Err(SearchError::TooLong);
                }
            }
        }
        Ok(())
    }

    fn ranks(&self, searcher: &Searcher, segment: &SegmentReader) -> tantivy::Result<Ranks> {
        let columns = segment.fast_fields();
        Ok(match (self.sort, self.relevance) {
            (Sort::Heat, _) => {
                Ranks::Heat(Box::new([columns.u64("likes")?, columns.u64("replies")?, columns.u64("reposts")?]))
            }
            (Sort::Relevance, Some(relevance)) => Ranks::Relevance(relevance.scorers(searcher, segment)?),
            (Sort::Time | Sort::Relevance, _) => Ranks::None,
        })
    }
}

/// What gives the documents of a segment their ranks. They are asked in rising order.
enum Ranks {
    None,
    Heat(Box<[Column<u64>; 3]>),
    Relevance(Vec<Box<dyn Scorer>>),
}

impl Ranks {
    fn of(&mut self, doc: DocId) -> u64 {
        match self {
            Self::None => 0,
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
