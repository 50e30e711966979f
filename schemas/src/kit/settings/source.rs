//! `[[source]]`: a site to crawl.

use super::{KeyFault, log::duration};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// `[[source]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The id: part of every post's id, so it must never change.
    pub id: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// What kind of site it is.
    pub kind: SourceKind,
    /// Where a visit begins: the newest-first list, or the feed.
    pub url: String,
    /// The time between visits.
    #[serde(default = "every", with = "duration")]
    pub every: Duration,
    /// The encoding, where the site states a wrong one.
    pub encoding: Option<String>,
    /// Allows this source's own host and port to lie in a private or loopback range. Links to others there are not followed.
    #[serde(default)]
    pub allow_private: bool,
    /// html: how a list page is read.
    pub list: Option<HtmlList>,
    /// html: how a thread page is read.
    pub thread: Option<HtmlThread>,
}

/// What kind of site it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Pages, read by CSS selectors.
    Html,
    /// RSS, Atom or JSON Feed.
    Rss,
}

/// How one value is taken from a page: a CSS selector, or a selector with more beside it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// The text of the first match; with `@name` at the end, an attribute of it: `"a.title@href"`.
    Selector(String),
    /// The same, with a regular expression whose first group is the value.
    Detailed(Detailed),
}

/// A [`Field`] with more than a selector.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detailed {
    /// The selector, with `@name` for an attribute. Empty: the item itself.
    pub css: String,
    /// A regular expression; its first group, or else the whole match, is the value.
    pub regex: Option<String>,
}

/// `[source.list]`: the newest-first list of threads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HtmlList {
    /// Matches one thread's row.
    pub item: String,
    /// Within the row: the link to the thread.
    pub link: Field,
    /// Within the row: what changes when somebody answers (such as the number of replies or the time of the last one), so
    /// that only threads with news are fetched.
    pub changed: Option<Field>,
    /// The link to the next, older page.
    pub next: Option<Field>,
    /// How many pages a visit goes back at most.
    #[serde(default = "pages")]
    pub pages: u32,
}

/// `[source.thread]`: a thread page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HtmlThread {
    /// The thread's id: a regular expression over its address, whose first group (or else the whole match) is the id. Without
    /// it the id is the post's `native_id`, or else the address itself.
    pub id: Option<String>,
    /// Matches the opening post, on the first page of a thread.
    pub post: String,
    /// Within the page: the title.
    pub title: Option<Field>,
    /// Within the post, values by name: `text` and `published_at` are required; `title`, `author`, `native_id`, `likes`,
    /// `replies`, `reposts`, `place` can be given.
    pub fields: HashMap<String, Field>,
    /// The comments.
    pub comments: Option<Comments>,
    /// The link to the thread's next page.
    pub next: Option<Field>,
    /// How many pages of one thread a visit reads at most.
    #[serde(default = "pages")]
    pub pages: u32,
    /// How the page writes times, as in strftime; RFC 3339 and the common forms are understood without it.
    pub time_format: Option<String>,
}

/// `[source.thread.comments]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comments {
    /// Matches one comment.
    pub item: String,
    /// Within the comment, values by name, as in a thread's `fields`, and `parent_id`; `native_id` is required. It need only be
    /// unique within the thread: the comment's own id is the thread's and this one.
    pub fields: HashMap<String, Field>,
}

fn every() -> Duration {
    Duration::from_secs(60)
}

fn pages() -> u32 {
    5
}

impl Source {
    /// The name that people read, the id where there is none.
    #[must_use]
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if !url::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            faults.push(("url", format!("{:?} is no http or https address", self.url)));
        }
        if self.every < Duration::from_secs(1) {
            faults.push(("every", "must be at least a second".into()));
        }
        match self.kind {
            SourceKind::Html if self.list.is_none() || self.thread.is_none() => {
                faults.push(("kind", "an html source needs [source.list] and [source.thread]".into()));
            }
            SourceKind::Rss if self.list.is_some() || self.thread.is_some() => {
                faults.push(("kind", "[source.list] and [source.thread] have no meaning with kind = \"rss\"".into()));
            }
            _ => {}
        }
        faults
    }
}
