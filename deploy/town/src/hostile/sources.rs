//! The forum's faces as sources in Wanglou's config.

/// One way to read the forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// The board, threads with their comments, the oldest first.
    Board,
    /// The newest-first list, threads with their comments, the newest first, times in words.
    Newest,
    /// The newest-first list, what stands in its rows alone.
    Flat,
    /// The feed, one page of it.
    Feed,
    /// The feed page by page.
    PagedFeed,
    /// The JSON API, by page.
    Api,
    /// The JSON API, by cursor.
    Timeline,
}

impl Face {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Board, Self::Newest, Self::Flat, Self::Feed, Self::PagedFeed, Self::Api, Self::Timeline];

    /// The id of its source.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Newest => "newest",
            Self::Flat => "flat",
            Self::Feed => "feed",
            Self::PagedFeed => "paged-feed",
            Self::Api => "api",
            Self::Timeline => "timeline",
        }
    }

    /// Whether threads are read there, with their comments.
    #[must_use]
    pub fn has_threads(self) -> bool {
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
        let (kind, path, more) = match self {
            Self::Board => ("html", "/board", BOARD.to_owned() + THREAD),
            Self::Newest => ("html", "/new", NEWEST.to_owned() + THREAD + "order = \"newest\"\n"),
            Self::Flat => ("html", "/new", FLAT.to_owned()),
            Self::Feed => ("rss", "/feed.xml", String::new()),
            Self::PagedFeed => ("rss", "/feed.xml", "[source.feed]\npage = \"paged\"\n".to_owned()),
            Self::Api => ("json", "/api/posts", API.to_owned() + ITEM),
            Self::Timeline => ("json", "/api/timeline", TIMELINE.to_owned() + ITEM),
        };
        let id = self.id();
        format!(
            "[[source]]\nid = \"{id}\"\nkind = \"{kind}\"\nurl = \"{base_url}{path}\"\nevery = \"1s\"\nallow_private = true\n{more}"
        )
    }
}

const BOARD: &str = r#"[source.list]
item = "li.row"
link = "a.subject@href"
changed = ".last"
next = "a.next@href"
pages = 5
"#;

const NEWEST: &str = r#"[source.list]
item = "li.row"
link = "a.subject@href"
next = "a.next@href"
pages = 5
"#;

const FLAT: &str = r#"[source.list]
item = "li.row"
next = "a.next@href"
pages = 5
[source.list.fields]
native_id = "@id"
title = "a.subject"
text = "p"
author = "cite"
published_at = "time@title"
"#;

const THREAD: &str = r#"[source.thread.comments]
item = "article.comment"
[source.thread.comments.fields]
native_id = "@id"
parent_id = { css = "a.answers@href", regex = "\\d+" }
text = "p"
author = "cite"
published_at = "time"
[source.thread.fields]
text = "p"
author = "cite"
published_at = "time"
[source.thread]
id = "/thread/(\\d+)"
post = "article.opening"
title = "h1"
next = "a.next@href"
pages = 5
"#;

const API: &str = r#"[source.json]
items = "$[*]"
next = { page = "page" }
pages = 5
"#;

const TIMELINE: &str = r#"[source.json]
items = "$.data.items[*]"
next = { cursor = "$.data.next", parameter = "max_id" }
pages = 5
"#;

const ITEM: &str = r#"[source.json.fields]
native_id = "$.id"
title = "$.title"
text = "$.text"
author = "$.user.name"
published_at = "$.created_at"
replies = "$.comments_count"
"#;
