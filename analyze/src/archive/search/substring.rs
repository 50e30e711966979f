//! A substring of three characters or more, of the title or of the text: posts that hold all its pairs are looked at, and of these those are hits
//! in which its characters stand side by side. So what is common is not read but where it matters.

use super::positions::{Characters, together};
use tantivy::{
    DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term,
    postings::SegmentPostings,
    query::{EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight},
    schema::IndexRecordOption,
};

/// See the module. Its pairs, at least one, and its characters in each of the fields.
#[derive(Debug, Clone)]
pub(super) struct SubstringQuery {
    pub(super) pairs: Vec<Term>,
    pub(super) characters: [Vec<Term>; 2],
}

impl Query for SubstringQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for SubstringQuery {
    fn scorer(&self, segment: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut pairs = Vec::new();
        for pair in &self.pairs {
            match segment.inverted_index(pair.field())?.read_postings(pair, IndexRecordOption::Basic)? {
                Some(postings) => pairs.push(postings),
                // A pair that no post of the segment holds.
                None => return Ok(Box::new(EmptyScorer)),
            }
        }
        // The rarest leads.
        pairs.sort_by_key(DocSet::size_hint);
        let mut phrases = Vec::new();
        for characters in &self.characters {
            phrases.extend(Characters::open(segment, [characters])?);
        }
        let mut scorer = SubstringScorer { pairs, phrases, doc: 0 };
        scorer.settle(0);
        Ok(Box::new(scorer))
    }

    fn explain(&self, _: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument(format!("the match of document {doc} is not explained")))
    }
}

struct SubstringScorer {
    pairs: Vec<SegmentPostings>,
    phrases: Vec<(Characters, [Vec<usize>; 1])>,
    doc: DocId,
}

impl SubstringScorer {
    /// Goes to the first match at or after a document.
    fn settle(&mut self, mut target: DocId) -> DocId {
        loop {
            target = together(&mut self.pairs, target);
            if target == TERMINATED || self.is_match(target) {
                self.doc = target;
                return target;
            }
            target += 1;
        }
    }

    fn is_match(&mut self, doc: DocId) -> bool {
        self.phrases.iter_mut().any(|(characters, [phrase])| {
            characters.meet_in(doc) && {
                characters.read();
                characters.begins(phrase).next().is_some()
            }
        })
    }
}

impl DocSet for SubstringScorer {
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
        self.pairs.first().map_or(0, DocSet::size_hint)
    }
}

impl Scorer for SubstringScorer {
    fn score(&mut self) -> Score {
        0.0
    }
}
