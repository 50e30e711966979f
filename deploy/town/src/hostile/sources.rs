//! The forum's faces as sources in Wanglou's config.

/// One way to read the forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// The board, threads with their comments, the oldest first.
    Board,
    /// The newest-first list, threads with their comments, the newest first, times in words.
    Newest,
    /// The feed, one page of it.
    Feed,
    /// The feed page by page.
    PagedFeed,
}

impl Face {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Board, Self::Newest, Self::Feed, Self::PagedFeed];

    /// The id of its source.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Newest => "newest",
            Self::Feed => "feed",
            Self::PagedFeed => "paged-feed",
        }
    }

    /// Whether comments can be read there.
    #[must_use]
    pub fn has_comments(self) -> bool {
        matches!(self, Self::Board | Self::Newest)
    }

    /// Whether everything that was not deleted can be read there, however late somebody comes.
    #[must_use]
    pub fn holds_all(self) -> bool {
        self != Self::Feed
    }

    /// Its `[[source]]` table for a forum that is served at `base_url`, such as `http://127.0.0.1:9099`.
    #[must_use]
    pub fn source(self, base_url: &str) -> String {
        let (kind, path) = match self {
            Self::Board => ("html", "/board"),
            Self::Newest => ("html", "/new"),
            Self::Feed => ("rss", "/feed.xml"),
            Self::PagedFeed => ("rss", "/feed.xml?paged=1"),
        };
        let head = format!(
            "[[source]]\nid = \"{}\"\nkind = \"{kind}\"\nurl = \"{base_url}{path}\"\nevery = \"1s\"\nallow_private = true\n",
            self.id()
        );
        match self {
            Self::Board => head + &html("changed = \".last\"", "a.subject@href"),
            Self::Newest => head + &html("", "a.subject@href"),
            Self::Feed | Self::PagedFeed => head,
        }
    }
}

fn html(changed: &str, link: &str) -> String {
    format!(
        r#"[source.list]
item = "li.row"
link = "{link}"
{changed}
next = "a.next@href"
pages = 5
[source.thread]
id = "/thread/(\\d+)"
post = "article.opening"
title = "h1"
next = "a.next@href"
pages = 5
[source.thread.fields]
text = "p"
author = "cite"
published_at = "time"
[source.thread.comments]
item = "article.comment"
[source.thread.comments.fields]
native_id = "@id"
parent_id = {{ css = "a.answers@href", regex = "\\d+" }}
text = "p"
author = "cite"
published_at = "time"
"#
    )
}
