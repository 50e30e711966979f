//! Where the next page of a search begins: opaque to callers, and checked when it comes back.

use super::{Search, best::Key, relevance::Statistics};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A longer text is no cursor of ours.
const LONGEST: usize = 8 << 10;

/// The place of the last hit of a page, and what its relevance was judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The next page holds what comes after.
    pub after: Key,
    /// Statistics that the pages of one search share.
    pub statistics: Option<Statistics>,
}

/// A text that is no cursor of this search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// It is no cursor.
    #[error("the cursor is none: pass on `next` of the page before as it is, or leave it out")]
    Malformed,
    /// It is one of another search.
    #[error("the cursor is of another search: query, filters and sort must stay the same from page to page")]
    OtherSearch,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    // Of which search.
    s: u64,
    k: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<Statistics>,
}

impl Cursor {
    /// As callers get it.
    #[must_use]
    pub fn encode(&self, search: &Search) -> String {
        let wire = Wire { s: fingerprint(search), k: self.after, t: self.statistics.clone() };
        // A struct of numbers: serde_json cannot fail on it.
        BASE64.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }

    /// Reads what a caller passes on.
    ///
    /// # Errors
    /// When it is no cursor of this search.
    pub fn decode(text: &str, search: &Search) -> Result<Self, BadCursor> {
        if text.len() > LONGEST {
            return Err(BadCursor::Malformed);
        }
        let bytes = BASE64.decode(text).map_err(|_| BadCursor::Malformed)?;
        let wire: Wire = serde_json::from_slice(&bytes).map_err(|_| BadCursor::Malformed)?;
        if wire.s != fingerprint(search) {
            return Err(BadCursor::OtherSearch);
        }
        Ok(Self { after: wire.k, statistics: wire.t })
    }
}

/// Tells searches apart; pages of one search differ in limit, cursor and what is counted beside only.
fn fingerprint(search: &Search) -> u64 {
    let Search { query, thread, sort, collapse, copies_of, facets: _, top: _, histogram: _, limit: _, cursor: _ } =
        search;
    let thread = thread.as_ref().map(|thread| (&thread.source, &thread.thread));
    xxh3_64(format!("{query:?} {thread:?} {sort:?} {collapse} {copies_of:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;
    use proptest::prelude::*;
    use std::cmp::Reverse;

    fn search(term: &str) -> Search {
        Search::new(Query::Term(term.into()))
    }

    #[test]
    fn it_comes_back_as_it_went_and_only_to_its_own_search() {
        let cursor = Cursor { after: Key { rank: 0, at: -5, id: Reverse(u64::MAX) }, statistics: None };
        let text = cursor.encode(&search("停水"));
        assert_eq!(Cursor::decode(&text, &search("停水")), Ok(cursor));
        assert_eq!(Cursor::decode(&text, &search("停电")), Err(BadCursor::OtherSearch));
        let collapsed = Search { collapse: true, ..search("停水") };
        assert_eq!(Cursor::decode(&text, &collapsed), Err(BadCursor::OtherSearch));
        let copies = Search { copies_of: Some("forum:1".into()), ..search("停水") };
        assert_eq!(Cursor::decode(&text, &copies), Err(BadCursor::OtherSearch));
        let counted = Search { facets: vec!["source"], limit: 5, ..search("停水") };
        assert!(Cursor::decode(&text, &counted).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            prop_assert!(Cursor::decode(&text, &search("停水")).is_err());
            prop_assert!(Cursor::decode(&BASE64.encode(bytes), &search("停水")).is_err());
        }
    }
}
