//! The positions of characters in a field: where postings meet, and where a phrase begins.

use tantivy::{
    DocId, DocSet, SegmentReader, TERMINATED, Term,
    postings::{Postings, SegmentPostings},
    schema::IndexRecordOption,
};

/// Phrases of one field, by the postings of their characters, each character once.
pub(super) struct Characters {
    pub(super) postings: Vec<SegmentPostings>,
    places: Vec<Vec<u32>>,
}

impl Characters {
    /// Opens the characters of some phrases, and tells each phrase by their numbers. None where no post of the segment holds one of them.
    pub(super) fn open<const N: usize>(
        segment: &SegmentReader,
        phrases: [&[Term]; N],
    ) -> tantivy::Result<Option<(Self, [Vec<usize>; N])>> {
        let mut known: Vec<&Term> = Vec::new();
        let mut postings = Vec::new();
        let mut numbers = [const { Vec::new() }; N];
        for (phrase, numbers) in phrases.into_iter().zip(&mut numbers) {
            for term in phrase {
                let number = match known.iter().position(|known| *known == term) {
                    Some(number) => number,
                    None => {
                        let index = segment.inverted_index(term.field())?;
                        let Some(found) = index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? else {
                            return Ok(None);
                        };
                        known.push(term);
                        postings.push(found);
                        postings.len() - 1
                    }
                };
                numbers.push(number);
            }
        }
        let places = vec![Vec::new(); postings.len()];
        Ok(Some((Self { postings, places }, numbers)))
    }

    /// Whether all of them are in a document that none of them has passed.
    pub(super) fn meet_in(&mut self, doc: DocId) -> bool {
        self.postings.iter_mut().all(|postings| reach(postings, doc) == doc)
    }

    /// Reads their places in the document where they have met.
    pub(super) fn read(&mut self) {
        for (postings, places) in self.postings.iter_mut().zip(&mut self.places) {
            postings.positions(places);
        }
    }

    /// Where a phrase begins, in what was read.
    pub(super) fn begins(&self, phrase: &[usize]) -> impl Iterator<Item = u32> {
        let (first, rest) =
            phrase.split_first().map_or((&[][..], phrase), |(first, rest)| (&self.places[*first][..], rest));
        first.iter().copied().filter(move |&begin| {
            (begin + 1..).zip(rest).all(|(place, &character)| self.places[character].binary_search(&place).is_ok())
        })
    }
}

/// The first document at or after that all of them hold.
pub(super) fn together(all: &mut [SegmentPostings], mut target: DocId) -> DocId {
    'again: loop {
        for postings in &mut *all {
            let doc = reach(postings, target);
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

fn reach(postings: &mut SegmentPostings, target: DocId) -> DocId {
    if postings.doc() < target { postings.seek(target) } else { postings.doc() }
}
