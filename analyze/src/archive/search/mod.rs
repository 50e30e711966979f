//! Finding posts: a query and filters in, a page of hits out. Any number of threads, and any process.
//!
//! * `compile`: a query and filters as tantivy asks them. A term is a phrase of single characters: any substring.
//! * `best`: all matches are counted, and the best of them kept, by one total order for each way of sorting.
//! * `relevance`: how well the words of a post fit those of the query, by statistics that pages of one search share.
//! * [`cursor`]: where the next page begins.
//! * [`highlight`]: which characters of a hit match.
//!
//! Paging is stable while posts arrive: the order is total (what is sorted by, then time, then id), a cursor holds the last
//! hit's place in it, and what arrives meanwhile neither repeats nor hides a post that the search would have shown.

mod best;
mod compile;
pub mod cursor;
pub mod highlight;
mod hit;
mod relevance;

pub use hit::{Highlights, Hit};

use super::Archive;
use crate::query::Query;
use best::{Best, Ranking};
use cursor::{BadCursor, Cursor};
use jiff::Timestamp;
use relevance::Relevance;
use schemas::records::{Kind, Label};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use tantivy::{Searcher, query::EnableScoring};

/// The largest page.
pub const MOST_HITS: usize = 200;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What the post says.
    pub query: Query,
    /// What it is.
    pub filter: Filter,
    /// Which hits come first.
    pub sort: Sort,
    /// Hits of a page, at most [`MOST_HITS`].
    pub limit: usize,
    /// Where the page begins: what the page before gave as `next`.
    pub cursor: Option<String>,
}

/// What a post must be beside what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Published at or after.
    pub from: Option<Timestamp>,
    /// Published before.
    pub to: Option<Timestamp>,
    /// Of this source.
    pub source: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this sentiment.
    pub sentiment: Option<Label>,
    /// Of this unit. No post names one yet: nothing is found.
    pub unit: Option<String>,
    /// Of this watch topic.
    pub topic: Option<String>,
}

/// Which hits come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The newest.
    #[default]
    Time,
    /// Those whose words fit best.
    Relevance,
    /// Those with the most likes, replies and reposts.
    Heat,
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// All that match, on this page or not.
    pub total: u64,
    /// The hits.
    pub hits: Vec<Hit>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The cursor is of no page of this search.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    /// It took too long.
    #[error("the search took too long: narrow the time or use a longer term")]
    TooLong,
    /// The index cannot be read.
    #[error("the archive cannot be read: {0}")]
    Archive(#[from] tantivy::TantivyError),
}

impl Archive {
    /// Searches, until `deadline` at the longest.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn search(&self, search: &Search, deadline: Instant) -> Result<Page, SearchError> {
        let cursor = search.cursor.as_deref().map(|text| Cursor::decode(text, search)).transpose()?;
        let months = self.months();
        let searchers: Vec<Searcher> = months.iter().map(|month| month.searcher()).collect();
        let relevance = match search.sort {
            Sort::Relevance => {
                let words = self.words_of(&search.query);
                let statistics = cursor.as_ref().and_then(|cursor| cursor.statistics.clone());
                Some(Relevance::new(words, statistics, &searchers)?)
            }
            Sort::Time | Sort::Heat => None,
        };
        let ranking = Ranking { sort: search.sort, relevance: relevance.as_ref(), deadline };
        // One more than the page holds tells whether there is a next page.
        let keep = if search.limit == 0 { 0 } else { search.limit.min(MOST_HITS) + 1 };
        let mut best = Best::new(keep, cursor.map(|cursor| cursor.after));
        let query = compile::compile(&search.query, &search.filter);
        // The newest month first: what is sorted by time then seldom displaces what is kept.
        for (place, (month, searcher)) in months.iter().zip(&searchers).enumerate().rev() {
            if !month.month.may_hold(search.filter.from, search.filter.to) {
                continue;
            }
            let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
            ranking.collect(place, searcher, weight.as_ref(), &mut best)?;
        }
        let total = best.total();
        let mut kept = best.into_sorted();
        let next = (kept.len() == keep && keep > 0).then(|| {
            kept.pop();
            kept.last().map(|last| {
                let statistics = relevance.map(|relevance| relevance.statistics);
                Cursor { after: last.key, statistics }.encode(search)
            })
        });
        let terms = search.query.terms();
        let hits = kept
            .iter()
            .map(|kept| hit::load(&searchers[kept.place], kept.address, &terms, &self.understanding))
            .collect::<Result<_, _>>()?;
        Ok(Page { total, hits, next: next.flatten() })
    }

    /// The words that a hit should hold, as the segmenter cuts the query's terms.
    fn words_of(&self, query: &Query) -> Vec<String> {
        let terms = query.terms();
        let normals = terms.iter().map(|term| highlight::normal(&self.understanding, term));
        let mut words: Vec<String> = Vec::new();
        for normal in normals {
            for word in super::tokens::words(&normal.words) {
                if words.len() < relevance::MOST_WORDS && !words.iter().any(|known| known == word) {
                    words.push(word.to_owned());
                }
            }
        }
        words
    }
}
