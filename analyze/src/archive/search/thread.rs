//! A post with its comments, in the order in which they were published.

use super::{Archive, Hit, Search, SearchError, Sort};
use crate::{archive::schema::thread_of, query::Query};
use schemas::records::{AnalyzedPost, Kind, post_id};
use serde::Serialize;
use std::time::Instant;
use tantivy::TantivyError;

/// Which answers are looked for.
#[derive(Debug, Clone)]
pub struct Threaded {
    /// The source's id.
    pub source: String,
    /// The source's own id of the thread.
    pub thread: String,
    /// The post that opens it, if the archive holds it.
    pub opening: Option<Box<AnalyzedPost>>,
}

/// A post with its comments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thread {
    /// The post that opens it, if the archive holds it.
    pub post: Option<Hit>,
    /// Comments and reposts that the archive holds, on this page or not.
    pub total: u64,
    /// Comments and reposts, the oldest first.
    pub hits: Vec<Hit>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Months that do not know which thread a post is in. `wanglou reindex` builds them anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
}

impl Archive {
    /// The thread that a post is in, given the post's id, with what of it is one of a query's terms; `None` when the archive does not
    /// hold the post.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn thread(
        &self,
        id: &str,
        limit: usize,
        cursor: Option<String>,
        marked: &Query,
        deadline: Instant,
    ) -> Result<Option<Thread>, SearchError> {
        let Some(asked) = self.post(id)? else { return Ok(None) };
        let (source, thread) = (asked.source.clone(), thread_of(&asked).to_owned());
        let opening = match post_id(&source, &thread) {
            opening if opening == asked.id => Some(asked),
            opening => match self.post(&opening)? {
                None if asked.kind == Kind::Post => Some(asked),
                found => found,
            },
        };
        let threaded = Threaded { source, thread, opening: opening.clone().map(Box::new) };
        let search = Search { thread: Some(threaded), sort: Sort::Oldest, limit, cursor, ..Search::new(Query::All) };
        let page = self.search(&search, deadline)?;
        let terms = marked.terms();
        Ok(Some(Thread {
            post: opening.map(|post| Hit::of(post, &terms)),
            total: page.total,
            hits: page.hits.into_iter().map(|hit| hit.marked(&terms)).collect(),
            next: page.next,
            lacking: page.lacking,
        }))
    }

    /// A post by its id.
    pub(crate) fn post(&self, id: &str) -> Result<Option<AnalyzedPost>, SearchError> {
        for month in self.months().iter().rev() {
            let found = month.stored(id).map_err(|error| TantivyError::SystemError(format!("{error:#}")))?;
            if let Some((_, post)) = found {
                return Ok(Some(post));
            }
        }
        Ok(None)
    }
}
