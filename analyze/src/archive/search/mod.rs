//! Finding posts: a query in, a page of hits out, and what can be counted of the whole result. Any number of threads, and any process.
//!
//! * `compile`, `substring`, `near`, `positions`, `excluded`: a query as tantivy asks it. A term is a phrase of single characters: any substring.
//! * `gather`: all matches, looked at once. `best` keeps the first of them, by one total order for each way of sorting; `copies`
//!   lets one post stand for all with its text; [`facets`] and [`histogram`] count.
//! * `relevance`: how well the words of a post fit those of the query, by statistics that pages of one search share.
//! * [`cursor`]: where the next page begins.
//! * [`thread`]: a post with its comments.
//! * [`highlight`]: which characters of a hit match.
//!
//! Paging is stable while posts arrive: the order is total (what is sorted by, then time, then id), a cursor holds the last
//! hit's place in it, and what arrives meanwhile neither repeats nor hides a post that the search would have shown. Where copies are
//! collapsed, that holds unless an earlier copy arrives late.

mod best;
mod compile;
mod copies;
pub mod cursor;
mod excluded;
pub mod facets;
mod gather;
pub mod highlight;
pub mod histogram;
mod hit;
mod near;
mod positions;
mod relevance;
mod substring;
pub mod thread;

pub use hit::{Highlights, Hit};
pub use thread::{Thread, Threaded};

use super::{Archive, schema::FIELDS};
use crate::query::Query;
use best::{Best, Kept};
use copies::Copies;
use cursor::{BadCursor, Cursor};
use facets::{FacetCounts, FacetValue};
use gather::{Gathered, Ranking};
use histogram::{Histogram, Minutes, Scale, TooFine};
use jiff::tz::TimeZone;
use relevance::Relevance;
use schemas::records::AnalyzedPost;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Instant};
use tantivy::{
    Searcher,
    query::EnableScoring,
    schema::{Field, Schema},
};

/// The largest page.
pub const MOST_HITS: usize = 200;
/// The most values of a facet.
pub const MOST_VALUES: usize = 100;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What the post says and is.
    pub query: Query,
    /// Only the answers in this thread.
    pub thread: Option<Threaded>,
    /// Which hits come first.
    pub sort: Sort,
    /// Whether one post stands for all its copies.
    pub collapse: bool,
    /// Only the copies of this post's text, itself included: what `collapse` would put together.
    pub copies_of: Option<String>,
    /// Levels of [`KEYWORDS`](crate::query::field::KEYWORDS) to count the values of.
    pub facets: Vec<&'static str>,
    /// Values of each facet, at most [`MOST_VALUES`].
    pub top: usize,
    /// Whether and how to count over time.
    pub histogram: Option<(Scale, TimeZone)>,
    /// Hits of a page, at most [`MOST_HITS`].
    pub limit: usize,
    /// Where the page begins: what the page before gave as `next`.
    pub cursor: Option<String>,
}

impl Search {
    /// The newest posts that match, and nothing counted but how many there are.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            thread: None,
            sort: Sort::Time,
            collapse: false,
            copies_of: None,
            facets: Vec::new(),
            top: 10,
            histogram: None,
            limit: 20,
            cursor: None,
        }
    }
}

/// Which hits come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The newest.
    #[default]
    Time,
    /// The oldest.
    Oldest,
    /// Those whose words fit best.
    Relevance,
    /// Those with the most likes, replies and reposts.
    Heat,
}

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// All posts that match, on this page or not.
    pub total: u64,
    /// Where copies are collapsed: how many different texts they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<u64>,
    /// The hits.
    pub hits: Vec<Hit>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Of each facet that was asked for, the values that most matches have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facets: BTreeMap<&'static str, Vec<FacetValue>>,
    /// Matches over time, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// Months that do not know of a field that was asked for, and so found less than they may hold. `wanglou reindex` builds them anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The cursor is of no page of this search.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    /// It took too long.
    #[error("检索超时: 请缩小时间范围或用更长的词 / the search took too long: narrow the time or use a longer term")]
    TooLong,
    /// Copies of so many texts cannot be collapsed.
    #[error(
        "不同的内容超过 {0} 条, 无法合并: 请缩小范围 / more than {0} different texts cannot be collapsed: narrow the search, or do not collapse"
    )]
    TooManyTexts(usize),
    /// The histogram would have too many bars.
    #[error(transparent)]
    TooFine(#[from] TooFine),
    /// The index cannot be read.
    #[error("the archive cannot be read: {0}")]
    Archive(#[from] tantivy::TantivyError),
}

/// The places of hits, and what was counted.
struct Found {
    searchers: Vec<Searcher>,
    kept: Vec<Kept>,
    page: Page,
}

impl Archive {
    /// Searches, until `deadline` at the longest.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn search(&self, search: &Search, deadline: Instant) -> Result<Page, SearchError> {
        let Found { searchers, kept, mut page } = self.find(search, search.limit.min(MOST_HITS), deadline)?;
        let terms = search.query.terms();
        for kept in kept {
            let post = hit::load(&searchers[kept.place], kept.address)?;
            page.hits.push(Hit { copies: search.collapse.then_some(kept.copies), ..Hit::of(post, &terms) });
        }
        Ok(page)
    }

    /// Gives `take` one post after the other, at most `limit` of them, with the number of copies that it stands for, and returns the
    /// cursor of the rest. Only one post is in memory at a time. `deadline` is for finding them, not for taking them.
    ///
    /// # Errors
    /// See [`SearchError`]; and what `take` fails with.
    pub fn take_from<E: From<SearchError>>(
        &self,
        search: &Search,
        limit: usize,
        deadline: Instant,
        mut take: impl FnMut(AnalyzedPost, u64) -> Result<(), E>,
    ) -> Result<Option<String>, E> {
        let Found { searchers, kept, page } = self.find(search, limit, deadline)?;
        for kept in kept {
            let post = hit::load(&searchers[kept.place], kept.address).map_err(SearchError::from)?;
            take(post, kept.copies)?;
        }
        Ok(page.next)
    }

    fn find(&self, search: &Search, limit: usize, deadline: Instant) -> Result<Found, SearchError> {
        let cursor = search.cursor.as_deref().map(|text| Cursor::decode(text, search)).transpose()?;
        let months = self.months();
        let searchers: Vec<Searcher> = months.iter().map(|month| month.searcher()).collect();
        let relevance = match search.sort {
            Sort::Relevance => {
                let words = self.words_of(&search.query);
                let statistics = cursor.as_ref().and_then(|cursor| cursor.statistics.clone());
                Some(Relevance::new(words, statistics, &searchers)?)
            }
            Sort::Time | Sort::Oldest | Sort::Heat => None,
        };
        let only = search.copies_of.as_deref().map(|id| copies::text_of(&searchers, id)).transpose()?;
        let ranking = Ranking { sort: search.sort, relevance: relevance.as_ref(), only, deadline };
        // One more than the page holds tells whether there is a next page.
        let keep = if limit == 0 { 0 } else { limit + 1 };
        let facet = |name: &&'static str| FIELDS.keyword(name).map(|field| FacetCounts::new(name, field));
        let mut gathered = Gathered {
            total: 0,
            best: Best::new(keep, cursor.map(|cursor| cursor.after)),
            copies: search.collapse.then(Copies::default),
            facets: search.facets.iter().filter_map(facet).collect(),
            minutes: search.histogram.as_ref().map(|_| Minutes::default()),
        };
        let (from, to) = search.query.published();
        let mut lacking = Vec::new();
        // The newest month first: what is sorted by time then seldom displaces what is kept.
        for (place, (month, searcher)) in months.iter().zip(&searchers).enumerate().rev() {
            if !month.month.may_hold(from, to) {
                continue;
            }
            let compiled = compile::compile(&search.query, search.thread.as_ref(), searcher.schema());
            let lacks_facet = gathered.facets.iter().any(|facet| !has(searcher.schema(), facet.field()));
            if (compiled.lacks || lacks_facet) && searcher.num_docs() > 0 {
                lacking.push(month.month.to_string());
            }
            let weight = compiled.query.weight(EnableScoring::disabled_from_searcher(searcher))?;
            ranking.gather(place, searcher, weight.as_ref(), &mut gathered)?;
        }
        let Gathered { total, mut best, copies, facets, minutes } = gathered;
        let texts = copies.as_ref().map(Copies::len);
        if let Some(copies) = copies {
            copies.into_best(&mut best);
        }
        let mut kept = best.into_sorted();
        let next = (kept.len() == keep && keep > 0).then(|| {
            kept.pop();
            kept.last().map(|last| {
                let statistics = relevance.map(|relevance| relevance.statistics);
                Cursor { after: last.key, statistics }.encode(search)
            })
        });
        let top = search.top.min(MOST_VALUES);
        let facets = facets.into_iter().map(|facet| (facet.name, facet.top(top))).collect();
        let histogram = match (minutes, &search.histogram) {
            (Some(minutes), Some((scale, tz))) => Some(minutes.histogram(*scale, tz)?),
            _ => None,
        };
        lacking.reverse();
        let page = Page { total, texts, hits: Vec::new(), next: next.flatten(), facets, histogram, lacking };
        Ok(Found { searchers, kept, page })
    }

    /// The words that a hit should hold, as the segmenter cuts the query's terms.
    fn words_of(&self, query: &Query) -> Vec<String> {
        let terms = query.terms();
        let understanding = self.understanding.get();
        let normals = terms.iter().map(|term| understanding.normalise(term));
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

/// Whether an index of this schema has the field: one of an earlier program may lack the last ones.
fn has(schema: &Schema, field: Field) -> bool {
    (field.field_id() as usize) < schema.num_fields()
}
