//! How well a post fits the words of a query: BM25 over the words of title and text.
//!
//! The statistics behind it (how many posts, how many of them hold a word) are those of the whole archive when the first
//! page was asked for, and travel on in the cursor: so a post has the same score in every month and on every page.

use crate::archive::schema::FIELDS;
use serde::{Deserialize, Serialize};
use tantivy::{
    Searcher, SegmentReader, Term,
    query::{Bm25StatisticsProvider, EnableScoring, Query, Scorer, TermQuery},
    schema::{Field, IndexRecordOption},
};

/// More words of a query rank no better.
pub(super) const MOST_WORDS: usize = 16;
/// A word in the title weighs twice.
const TITLE: f32 = 2.0;

/// The statistics of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    posts: u64,
    // Words of all titles and of all texts.
    words: [u64; 2],
    // Posts that hold the word in the title and in the text, word by word.
    holding: Vec<[u64; 2]>,
}

/// The words of a query and their weights.
pub(super) struct Relevance {
    words: Vec<String>,
    pub(super) statistics: Statistics,
}

impl Relevance {
    /// With the statistics of the page before, or with those of the archive as it is.
    pub(super) fn new(
        words: Vec<String>,
        statistics: Option<Statistics>,
        searchers: &[Searcher],
    ) -> tantivy::Result<Self> {
        // A cursor may have been tampered with, or the dictionary have changed since.
        let statistics = match statistics.filter(|statistics| statistics.holding.len() == words.len()) {
            Some(statistics) => statistics,
            None => Statistics::gather(&words, searchers)?,
        };
        Ok(Self { words, statistics })
    }

    /// A scorer for each word in the title and in the text of a segment's documents.
    pub(super) fn scorers(&self, searcher: &Searcher, segment: &SegmentReader) -> tantivy::Result<Vec<Box<dyn Scorer>>> {
        let scoring = EnableScoring::enabled_from_statistics_provider(self, searcher);
        let mut scorers = Vec::new();
        for word in &self.words {
            for (field, boost) in [(FIELDS.title_words, TITLE), (FIELDS.text_words, 1.0)] {
                let query = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs);
                scorers.push(query.weight(scoring)?.scorer(segment, boost)?);
            }
        }
        Ok(scorers)
    }
}

impl Statistics {
    fn gather(words: &[String], searchers: &[Searcher]) -> tantivy::Result<Self> {
        let fields = [FIELDS.title_words, FIELDS.text_words];
        let mut statistics = Self { posts: 0, words: [0; 2], holding: vec![[0; 2]; words.len()] };
        for searcher in searchers {
            statistics.posts += searcher.total_num_docs()?;
            for (at, field) in fields.into_iter().enumerate() {
                statistics.words[at] += searcher.total_num_tokens(field)?;
                for (word, holding) in words.iter().zip(&mut statistics.holding) {
                    holding[at] += searcher.doc_freq(&Term::from_field_text(field, word))?;
                }
            }
        }
        Ok(statistics)
    }
}

/// tantivy divides by these and asserts that no word is in more posts than there are: whatever a cursor says, they are sane.
impl Bm25StatisticsProvider for Relevance {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Ok(self.statistics.words[usize::from(field == FIELDS.text_words)].max(1))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.statistics.posts.max(1))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let at = usize::from(term.field() == FIELDS.text_words);
        let value = term.value();
        let word = value.as_str().and_then(|text| self.words.iter().position(|word| word == text));
        let holding = word.and_then(|word| self.statistics.holding.get(word)).map_or(0, |holding| holding[at]);
        Ok(holding.min(self.statistics.posts.max(1)))
    }
}
