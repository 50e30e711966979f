//! All matches of a search, looked at once: counted, ranked, collapsed, and counted again by facet and by time.

use super::{
    SearchError, Sort,
    best::{Best, Kept, Key, Ranks, between},
    copies::{Copies, copy_of},
    facets::FacetCounts,
    histogram::Minutes,
    relevance::Relevance,
};
use std::{cmp::Reverse, time::Instant};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocId, Searcher, SegmentReader, columnar::Column, query::Weight};

/// How matches are ranked, and how long that may take.
pub(super) struct Ranking<'a> {
    pub(super) sort: Sort,
    pub(super) relevance: Option<&'a Relevance>,
    /// Only matches that have this text are gathered; none have the text of a post that is not there.
    pub(super) only: Option<Option<u64>>,
    pub(super) deadline: Instant,
}

/// What is gathered of the matches.
pub(super) struct Gathered {
    pub(super) total: u64,
    pub(super) best: Best,
    pub(super) copies: Option<Copies>,
    pub(super) facets: Vec<FacetCounts>,
    pub(super) minutes: Option<Minutes>,
}

impl Gathered {
    /// Whether of matches that are not kept their number is all that is asked for.
    fn counts_only(&self) -> bool {
        self.copies.is_none() && self.facets.is_empty() && self.minutes.is_none()
    }
}

impl Ranking<'_> {
    /// Gathers what matches in one month.
    pub(super) fn gather(
        &self,
        place: usize,
        searcher: &Searcher,
        weight: &dyn Weight,
        gathered: &mut Gathered,
    ) -> Result<(), SearchError> {
        for (ordinal, segment) in self.in_order(searcher)? {
            self.check()?;
            let columns = segment.fast_fields();
            let (published_at, ids) = (columns.i64("published_at")?, columns.u64("id_hash")?);
            if gathered.counts_only() && self.only.is_none() && !self.could_keep(&gathered.best, &published_at) {
                // An index knows how many posts have a term without looking at one.
                gathered.total += u64::from(weight.count(segment)?);
                continue;
            }
            let mut matches = weight.scorer(segment, 1.0)?;
            let mut ranks = Ranks::open(self.sort, self.relevance, searcher, segment)?;
            let asks_copy = gathered.copies.is_some() || self.only.is_some();
            let copy = asks_copy.then(|| copy_of(segment)).transpose()?;
            let is_wanted = |doc: DocId| match (self.only, &copy) {
                (Some(only), Some(copy)) => only == Some(copy.of(doc)),
                _ => true,
            };
            let mut matching: Vec<DocId> = Vec::new();
            let mut block = [0; COLLECT_BLOCK_BUFFER_LEN];
            loop {
                let count = matches.fill_buffer(&mut block);
                for &doc in block[..count].iter().filter(|doc| !segment.is_deleted(**doc) && is_wanted(**doc)) {
                    gathered.total += 1;
                    let at = published_at.first(doc).unwrap_or(0);
                    if let Some(minutes) = &mut gathered.minutes {
                        minutes.count(at);
                    }
                    if !gathered.facets.is_empty() {
                        matching.push(doc);
                    }
                    let kept = |rank| {
                        let key = Key { rank, at, id: Reverse(ids.first(doc).unwrap_or(0)) };
                        Kept { key, place, address: DocAddress::new(ordinal, doc), copies: 1 }
                    };
                    match (&mut gathered.copies, &copy) {
                        (Some(copies), Some(copy)) => copies.offer(copy.of(doc), kept(ranks.of(doc, at)))?,
                        _ if gathered.best.keeps_none() => {}
                        _ => {
                            let rank = ranks.of(doc, at);
                            if gathered.best.could_keep(rank, at) {
                                gathered.best.offer(kept(rank));
                            }
                        }
                    }
                }
                if count < block.len() {
                    break;
                }
                self.check()?;
            }
            for facet in &mut gathered.facets {
                facet.count(segment, &matching, || self.check())?;
            }
        }
        Ok(())
    }

    /// The segments of a month, with their numbers: those first whose posts come first, so that the others can be passed over.
    fn in_order<'s>(&self, searcher: &'s Searcher) -> Result<Vec<(u32, &'s SegmentReader)>, SearchError> {
        let mut segments = Vec::new();
        for (ordinal, segment) in (0..).zip(searcher.segment_readers()) {
            let published_at = segment.fast_fields().i64("published_at")?;
            let first = between(self.sort, published_at.min_value(), published_at.max_value()).map(|[first, _]| first);
            segments.push((Reverse(first), ordinal, segment));
        }
        segments.sort_by_key(|(first, ordinal, _)| (*first, *ordinal));
        Ok(segments.into_iter().map(|(_, ordinal, segment)| (ordinal, segment)).collect())
    }

    /// Whether any post of a segment can be among the best.
    fn could_keep(&self, best: &Best, published_at: &Column<i64>) -> bool {
        let between = between(self.sort, published_at.min_value(), published_at.max_value());
        !best.keeps_none() && between.is_none_or(|[first, last]| best.could_keep_between(first, last))
    }

    fn check(&self) -> Result<(), SearchError> {
        if Instant::now() >= self.deadline { Err(SearchError::TooLong) } else { Ok(()) }
    }
}
