//! How many of the matches have each value of a field: counted over the whole result, by the field's postings, so that months of any
//! age and fields of any kind are counted alike.

use super::{SearchError, has};
use rustc_hash::FxHashMap;
use serde::Serialize;
use tantivy::{
    DocId, DocSet, SegmentReader, TERMINATED, TantivyError,
    schema::{Field, IndexRecordOption},
};

/// Values after which the time is looked at.
const BETWEEN_CHECKS: usize = 64;

/// A value and how many matches have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// Matches that have it.
    pub count: u64,
}

/// The counts of one field.
pub(super) struct FacetCounts {
    pub(super) name: &'static str,
    field: Field,
    counts: FxHashMap<Vec<u8>, u64>,
}

impl FacetCounts {
    pub(super) fn new(name: &'static str, field: Field) -> Self {
        Self { name, field, counts: FxHashMap::default() }
    }

    pub(super) fn field(&self) -> Field {
        self.field
    }

    /// Counts the matching documents of a segment, which rise. `check` says when it takes too long.
    pub(super) fn count(
        &mut self,
        segment: &SegmentReader,
        matching: &[DocId],
        check: impl Fn() -> Result<(), SearchError>,
    ) -> Result<(), SearchError> {
        if matching.is_empty() || !has(segment.schema(), self.field) {
            return Ok(());
        }
        let index = segment.inverted_index(self.field)?;
        let mut values = index.terms().stream().map_err(TantivyError::from)?;
        let mut since = 0;
        while values.advance() {
            let postings = index.read_postings_from_terminfo(values.value(), IndexRecordOption::Basic);
            let mut postings = postings.map_err(TantivyError::from)?;
            let count = common(&mut postings, matching);
            if count > 0 {
                match self.counts.get_mut(values.key()) {
                    Some(known) => *known += count,
                    None => {
                        self.counts.insert(values.key().to_vec(), count);
                    }
                }
            }
            since += 1;
            if since % BETWEEN_CHECKS == 0 {
                check()?;
            }
        }
        Ok(())
    }

    /// The values that most matches have.
    pub(super) fn top(self, most: usize) -> Vec<FacetValue> {
        let mut values: Vec<FacetValue> = self
            .counts
            .into_iter()
            .map(|(value, count)| FacetValue { value: String::from_utf8_lossy(&value).into_owned(), count })
            .collect();
        values.sort_unstable_by(|one, other| other.count.cmp(&one.count).then_with(|| one.value.cmp(&other.value)));
        values.truncate(most);
        values
    }
}

/// How many documents are in both; each goes ahead to where the other is.
fn common(postings: &mut impl DocSet, mut matching: &[DocId]) -> u64 {
    let mut count = 0;
    let mut doc = postings.doc();
    while doc != TERMINATED {
        // Near by mostly: look at the next few before halving what is left.
        let ahead = matching.iter().take(8).position(|&matching| matching >= doc);
        let at = ahead.unwrap_or_else(|| matching.partition_point(|&matching| matching < doc));
        matching = &matching[at..];
        match matching.first() {
            None => break,
            Some(&next) if next == doc => {
                count += 1;
                matching = &matching[1..];
                doc = postings.advance();
            }
            Some(&next) => doc = postings.seek(next),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    struct Docs(Vec<DocId>);

    impl DocSet for Docs {
        fn advance(&mut self) -> DocId {
            if !self.0.is_empty() {
                self.0.remove(0);
            }
            self.doc()
        }
        fn doc(&self) -> DocId {
            self.0.first().copied().unwrap_or(TERMINATED)
        }
        fn size_hint(&self) -> u32 {
            self.0.len() as u32
        }
    }

    proptest! {
        #[test]
        fn what_is_in_both_is_counted(one in prop::collection::btree_set(0_u32..60, 0..40), other in prop::collection::btree_set(0_u32..60, 0..40)) {
            let wanted = one.intersection(&other).count() as u64;
            let list = |set: &BTreeSet<u32>| set.iter().copied().collect::<Vec<_>>();
            prop_assert_eq!(common(&mut Docs(list(&one)), &list(&other)), wanted);
        }
    }
}
