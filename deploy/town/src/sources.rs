//! The town's two sites as sources in Wanglou's config.

/// The id of the forum as a source.
pub(crate) const FORUM: &str = "forum";
/// The id of the feed as a source.
pub(crate) const NEWS: &str = "news";

/// The two `[[source]]` tables for a town that is served at `base_url`, such as `http://127.0.0.1:9099`.
#[must_use]
pub fn sources(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    format!(
        r#"[[source]]
id = "{FORUM}"
name = "锦水论坛"
kind = "html"
url = "{base}/forum/board-1-1.html"
every = "3s"
allow_private = true

[source.list]
item = "tr.thread"
link = "a.title@href"
changed = "td.lastpost em"
next = "a.next@href"
pages = 3

[source.thread]
post = "table.opening"
title = "h1.subject"
next = "a.next@href"
pages = 4
time_format = "%Y-%m-%d %H:%M:%S"

[source.thread.fields]
native_id = "a.anchor@name"
text = "td.message"
author = "cite.author"
published_at = "em.time"
likes = "b.likes"
replies = "b.replies"

[source.thread.comments]
item = "table.reply"

[source.thread.comments.fields]
native_id = "a.anchor@name"
text = "td.message"
author = "cite.author"
published_at = "em.time"
likes = "b.likes"

[[source]]
id = "{NEWS}"
name = "城事速递"
kind = "rss"
url = "{base}/feed.xml"
every = "10s"
allow_private = true
"#
    )
}
