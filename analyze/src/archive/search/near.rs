//! Two substrings of one field near each other. Both phrases are looked for by the places of their characters, and the
//! distance is measured between them: exactly what [`any_near`] says of the text itself.

use crate::query::any_near;
use std::collections::BTreeMap;
use tantivy::{
    DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term,
    postings::{Postings, SegmentPostings},
    query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight},
    schema::IndexRecordOption,
};

/// See the module. The terms are those of the characters of the two.
#[derive(Debug, Clone)]
pub(super) struct NearQuery {
    left: Vec<Term>,
    right: Vec<Term>,
    within: u32,
}

impl NearQuery {
    pub(super) fn new(left: Vec<Term>, right: Vec<Term>, within: u32) -> Self {
        Self { left, right, within }
    }
}

impl Query for NearQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for NearQuery {
    fn scorer(&self, segment: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut numbers: BTreeMap<&Term, usize> = BTreeMap::new();
        let mut postings = Vec::new();
        for term in self.left.iter().chain(&self.right) {
            if numbers.contains_key(term) {
                continue;
            }
            let index = segment.inverted_index(term.field())?;
            match index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? {
                Some(found) => {
                    numbers.insert(term, postings.len());
                    postings.push(found);
                }
                // A character that no post of the segment holds.
                None => return Ok(Box::new(EmptyScorer)),
            }
        }
        let of = |terms: &[Term]| terms.iter().filter_map(|term| numbers.get(term).copied()).collect();
        let (left, right) = (of(&self.left), of(&self.right));
        let places = vec![Vec::new(); postings.len()];
        let mut scorer = NearScorer { postings, left, right, within: self.within, places, doc: 0 };
        scorer.settle(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, _: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!("the match of document {doc} is not explained")))
    }
}

struct NearScorer {
    // Of each character once; the two phrases are numbers of them.
    postings: Vec<SegmentPostings>,
    left: Vec<usize>,
    right: Vec<usize>,
    within: u32,
    places: Vec<Vec<u32>>,
    doc: DocId,
}

impl NearScorer {
    /// Goes to the first match at or after a document.
    fn settle(&mut self, mut target: DocId) -> DocId {
        loop {
            target = self.together(target);
            if target == TERMINATED || self.is_match() {
                self.doc = target;
                return target;
            }
            target += 1;
        }
    }

    /// The first document at or after that holds all characters.
    fn together(&mut self, mut target: DocId) -> DocId {
        'again: loop {
            for postings in &mut self.postings {
                let doc = if postings.doc() < target { postings.seek(target) } else { postings.doc() };
                if doc > target {
                    target = doc;
                    if target == TERMINATED {
                        return TERMINATED;
                    }
                    continue 'again;
                }
            }
            return target;
        }
    }

    fn is_match(&mut self) -> bool {
        for (postings, places) in self.postings.iter_mut().zip(&mut self.places) {
            postings.positions(places);
        }
        let lefts = self.begins(&self.left);
        if lefts.is_empty() {
            return false;
        }
        let rights = self.begins(&self.right);
        any_near(&lefts, self.left.len() as u32, &rights, self.right.len() as u32, self.within)
    }

    /// Where a phrase begins.
    fn begins(&self, phrase: &[usize]) -> Vec<u32> {
        let Some((&first, rest)) = phrase.split_first() else { return Vec::new() };
        let follows = |begin: u32| {
            (begin + 1..).zip(rest).all(|(place, &character)| self.places[character].binary_search(&place).is_ok())
        };
        self.places[first].iter().copied().filter(|&begin| follows(begin)).collect()
    }
}

impl DocSet for NearScorer {
    fn advance(&mut self) -> DocId {
        if self.doc == TERMINATED { TERMINATED } else { self.settle(self.doc + 1) }
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc >= target { self.doc } else { self.settle(target) }
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.postings.iter().map(DocSet::size_hint).min().unwrap_or(0)
    }
}

impl Scorer for NearScorer {
    fn score(&mut self) -> Score {
        0.0
    }
}
