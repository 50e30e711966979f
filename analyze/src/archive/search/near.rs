//! Two substrings of one field near each other. Both phrases are looked for by the places of their characters, and the
//! distance is measured between them: exactly what [`any_near`] says of the text itself.

use super::positions::{Characters, together};
use crate::query::any_near;
use tantivy::{
    DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term,
    query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight},
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
        let Some((characters, [left, right])) = Characters::open(segment, [&self.left, &self.right])? else {
            return Ok(Box::new(EmptyScorer));
        };
        let mut scorer = NearScorer { characters, left, right, within: self.within, doc: 0 };
        scorer.settle(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, _: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!("the match of document {doc} is not explained")))
    }
}

struct NearScorer {
    characters: Characters,
    left: Vec<usize>,
    right: Vec<usize>,
    within: u32,
    doc: DocId,
}

impl NearScorer {
    /// Goes to the first match at or after a document.
    fn settle(&mut self, mut target: DocId) -> DocId {
        loop {
            target = together(&mut self.characters.postings, target);
            if target == TERMINATED || self.is_match() {
                self.doc = target;
                return target;
            }
            target += 1;
        }
    }

    fn is_match(&mut self) -> bool {
        self.characters.read();
        let lefts: Vec<u32> = self.characters.begins(&self.left).collect();
        if lefts.is_empty() {
            return false;
        }
        let rights: Vec<u32> = self.characters.begins(&self.right).collect();
        any_near(&lefts, self.left.len() as u32, &rights, self.right.len() as u32, self.within)
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
        self.characters.postings.iter().map(DocSet::size_hint).min().unwrap_or(0)
    }
}

impl Scorer for NearScorer {
    fn score(&mut self) -> Score {
        0.0
    }
}
