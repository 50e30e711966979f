//! Copies of one text stand for one hit.
//!
//! | a post | is a copy of |
//! |---|---|
//! | of a cluster of near-copies | whatever is of that cluster |
//! | of none | whatever has the same title, text and official reply |
//! | of none, and gone | nothing: its text is not compared any more |
//!
//! The post that was published first stands for its copies. So the order of a search does not change when another copy arrives,
//! and its pages stay what they were.

use super::{
    SearchError,
    best::{Best, Kept},
    has,
};
use crate::archive::{schema::FIELDS, verdict::GONE};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term, columnar::Column, schema::IndexRecordOption};

/// Different texts that are told apart in one search: some 100 MB.
const MOST: usize = 1_000_000;

/// The texts met so far, each with the first post and their number.
#[derive(Default)]
pub(super) struct Copies(FxHashMap<u64, Kept>);

impl Copies {
    /// Takes a match, which is a copy of whatever has the same `text`.
    pub(super) fn offer(&mut self, text: u64, kept: Kept) -> Result<(), SearchError> {
        let room = self.0.len() < MOST;
        match self.0.entry(text) {
            Entry::Vacant(place) if room => {
                place.insert(kept);
            }
            Entry::Vacant(_) => return Err(SearchError::TooManyTexts(MOST)),
            Entry::Occupied(mut place) => {
                let first = place.get_mut();
                let copies = first.copies + 1;
                // The earlier; of two at the same time the one whose id comes first, as everywhere.
                if (kept.key.at, kept.key.id.0) < (first.key.at, first.key.id.0) {
                    *first = kept;
                }
                first.copies = copies;
            }
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Offers those that stand for others.
    pub(super) fn into_best(self, best: &mut Best) {
        for kept in self.0.into_values() {
            if best.could_keep(kept.key.rank, kept.key.at) {
                best.offer(kept);
            }
        }
    }
}

/// What says which text a document of a segment has.
pub(super) struct CopyOf {
    cluster: Option<Column<u64>>,
    content: Column<u64>,
    ids: Column<u64>,
}

/// Opens the columns of a segment.
pub(super) fn copy_of(segment: &SegmentReader) -> tantivy::Result<CopyOf> {
    let columns = segment.fast_fields();
    let cluster = if has(segment.schema(), FIELDS.cluster) { Some(columns.u64("cluster")?) } else { None };
    Ok(CopyOf { cluster, content: columns.u64("content")?, ids: columns.u64("id_hash")? })
}

/// Which text the post of an id has, if it is there.
pub(super) fn text_of(searchers: &[Searcher], id: &str) -> tantivy::Result<Option<u64>> {
    let term = Term::from_field_text(FIELDS.id, id);
    for segment in searchers.iter().rev().flat_map(Searcher::segment_readers) {
        let postings = segment.inverted_index(FIELDS.id)?.read_postings(&term, IndexRecordOption::Basic)?;
        let Some(mut postings) = postings else { continue };
        while postings.doc() != TERMINATED {
            if !segment.is_deleted(postings.doc()) {
                return Ok(Some(copy_of(segment)?.of(postings.doc())));
            }
            postings.advance();
        }
    }
    Ok(None)
}

impl CopyOf {
    pub(super) fn of(&self, doc: DocId) -> u64 {
        if let Some(cluster) = self.cluster.as_ref().and_then(|cluster| cluster.first(doc)) {
            return cluster;
        }
        match self.content.first(doc) {
            Some(content) if content != GONE => content,
            _ => self.ids.first(doc).unwrap_or(0),
        }
    }
}
