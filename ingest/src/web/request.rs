//! What is asked for, and what comes back.

use jiff::SignedDuration;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) url: &'a Url,
    /// The source's own address, as the config states it: what a source is trusted with, it is trusted with at this scheme,
    /// host and port alone.
    pub(crate) home: &'a Url,
    /// Whether `home` may lie in a private range.
    pub(crate) allow_private: bool,
    /// What was known of the page, so that it need not be sent again.
    pub(crate) validators: &'a Validators,
    /// Headers of the source's config, such as tokens. They are sent to `home` alone, never to another site that a link or
    /// a redirect leads to, and never logged.
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    /// What kind of answer is wanted, as in `Accept`.
    pub(crate) accept: Option<&'static str>,
}

/// Without the headers: they hold secrets.
impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request").field("url", &self.url.as_str()).field("headers", &names).finish_non_exhaustive()
    }
}

impl Request<'_> {
    /// Whether an address is one that the source is trusted with.
    pub(crate) fn is_home(&self, url: &Url) -> bool {
        self.home.origin() == url.origin()
    }
}

/// What tells whether a page has changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_modified: Option<String>,
}

/// A page.
#[derive(Debug)]
#[allow(dead_code, reason = "the crawl does not look at all of it yet")]
pub(crate) struct Page {
    /// Where it was found in the end.
    pub(crate) url: Url,
    /// Whether that is another address than the one asked for.
    pub(crate) redirected: bool,
    /// 200 to 299.
    pub(crate) status: u16,
    /// `Content-Type`, as the server states it.
    pub(crate) content_type: Option<String>,
    /// The encoding that `Content-Type` states.
    pub(crate) charset: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) validators: Validators,
    /// The next page of a list, as the header `Link: <…>; rel="next"` says (RFC 8288).
    pub(crate) next: Option<Url>,
    /// The server's clock less ours, by its `Date` and the middle of the request. `Date` has whole seconds, so it is right to
    /// half a second and half the time of the request; a single server may be wrong by any amount.
    pub(crate) clock_offset: Option<SignedDuration>,
}

/// What an address yields.
#[derive(Debug)]
pub(crate) enum Fetched {
    Page(Box<Page>),
    NotModified,
}
