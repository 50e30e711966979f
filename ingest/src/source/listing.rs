//! What the pages of a source yield, whatever kind it is: a newest-first list of rows, and the pages behind its rows.
//!
//! | kind | a row is | its posts | the page behind it |
//! |---|---|---|---|
//! | forum (`html`) | a thread | on the page behind it | the thread with its comments |
//! | flat list (`html` with fields in its list) | a post | in the row | none |
//! | `rss` | an entry | in the row | none |
//! | `json` | an item | in the row | its comments, where it has an address for them |

use crate::door::Rejectable;
use jiff::{Timestamp, tz::TimeZone};
use schemas::records::{DoorPost, Precision};
use url::Url;

/// What reading a page needs to know beside its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The source's id.
    pub(crate) source: &'a str,
    /// When the page was fetched: times such as 5分钟前 count from here.
    pub(crate) now: Timestamp,
    pub(crate) tz: &'a TimeZone,
    /// The next page, as the header `Link: <…>; rel="next"` says.
    pub(crate) link: Option<&'a Url>,
}

/// A post, or what could not become one, with the reason.
pub(crate) type Found = Result<DoorPost, Rejectable>;

/// One row of a newest-first list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Names the row within its source for ever: the thread's address, or the post's native id.
    pub(crate) key: String,
    /// What changes when somebody answers, or it is edited.
    pub(crate) changed: Option<String>,
    /// When it was published, where that is known to the minute or better.
    pub(crate) published_at: Option<Timestamp>,
    /// The page behind it.
    pub(crate) thread: Option<Url>,
    /// What the row itself carries.
    pub(crate) posts: Vec<Found>,
}

/// What a page of a list holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ListPage {
    pub(crate) rows: Vec<Row>,
    /// The next page, with older rows.
    pub(crate) next: Option<Url>,
    /// The page where the list begins, when this one says that it is another.
    pub(crate) begin: Option<Url>,
    /// It has no rows and asks for a password.
    pub(crate) login: bool,
}

/// What a page of a thread holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ThreadPage {
    /// The thread's id, where the page tells it.
    pub(crate) thread_id: Option<String>,
    /// The opening post, on the first page, and comments, in the order in which they stand.
    pub(crate) posts: Vec<Found>,
    pub(crate) next: Option<Url>,
    /// It has no posts and asks for a password.
    pub(crate) login: bool,
}

/// Which page of a thread it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thread<'a> {
    /// The first one, found at this address of the list.
    First(&'a Url),
    /// A later one, of the thread with this id.
    Later(&'a str),
}

/// The time of a post, where it is known well enough to say how far back a list goes.
pub(crate) fn exact(post: &DoorPost) -> Option<Timestamp> {
    matches!(post.published_precision, None | Some(Precision::Second | Precision::Minute)).then_some(post.published_at)
}

/// The latest such time of some posts.
pub(crate) fn latest(posts: &[Found]) -> Option<Timestamp> {
    posts.iter().flatten().filter_map(exact).max()
}
