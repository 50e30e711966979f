//! `[source.json]`: how the answers of an HTTP API are read, by JSONPath (RFC 9535).
//!
//! ```toml
//! [source.json]
//! items = "$.data[*]"
//! next = { cursor = "$.meta.next", parameter = "cursor" }
//! headers = { Authorization = "Bearer $TOWN_TOKEN" }
//! [source.json.fields]
//! native_id = "$.id"
//! text = ["$.text", "$.summary"]         # the first that is there
//! published_at = "$.created_at"
//! url = "https://town.example/posts/{id}" # {…} is a key of the item, or a path: {user.name}
//! kind = [{ path = "$.in_reply_to", as = "comment" }, "post"]
//! [source.json.comments]
//! url = "/api/comments?post={id}"
//! items = "$[*]"
//! fields = { native_id = "c{id}", text = "$.text", published_at = "$.date" }
//! ```

use super::source::Order;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[source.json]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// The path to the posts of an answer: `"$[*]"`, `"$.data.list[*]"`.
    #[serde(default)]
    pub items: String,
    /// Within the item, values by name: `native_id`, `text` and `published_at` are required; `title`, `author`, `url`, `likes`,
    /// `replies`, `reposts`, `place`, `thread_id`, `parent_id`, `media`, `kind` (post, comment, repost or report) and `changed`
    /// (what changes when the post is edited or answered) can be given.
    #[serde(default)]
    pub fields: BTreeMap<String, JsonField>,
    /// How the answer writes times, as in strftime; the common forms are understood without it.
    pub time_format: Option<String>,
    /// Where the next, older page is. Without it an answer is all there is.
    pub next: Option<Next>,
    /// How many pages a visit goes back at most. What lies beyond is fetched by later visits, and is a gap until then.
    #[serde(default = "super::source::list_pages")]
    pub pages: u32,
    /// In which order the items of an answer stand: `newest` first, or `oldest` first, as with APIs that answer with the last so
    /// many. The pages are newest-first all the same.
    #[serde(default = "newest")]
    pub order: Order,
    /// Whether texts may hold HTML, which is then turned into plain text.
    #[serde(default = "yes")]
    pub html: bool,
    /// The comments under an item, an address of their own for each.
    pub comments: Option<JsonComments>,
    /// Headers that go with each request to the source's own host. `$NAME` and `${NAME}` are taken from the environment, or from
    /// the file that `NAME_FILE` names.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// `[source.json.comments]`: the comments under one item.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonComments {
    /// The address of the comments, a template over the item: `"/api/comments?post={id}"`, or `"{comments_url}&n=100"` where the item
    /// names it. An item that lacks one of its values has no comments.
    #[serde(default)]
    pub url: String,
    /// A regular expression over that address whose first group (or else the whole match) is the id of the thread, for answers
    /// in which a comment does not name it.
    pub thread: Option<String>,
    /// The path to the comments of an answer.
    #[serde(default)]
    pub items: String,
    /// Within a comment, values by name, as for the items themselves.
    #[serde(default)]
    pub fields: BTreeMap<String, JsonField>,
    /// Where the next page is.
    pub next: Option<Next>,
    /// How many pages of one thread a visit reads at most.
    #[serde(default = "super::source::pages")]
    pub pages: u32,
}

/// How one value is taken from an item.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum JsonField {
    /// With `$` at the begin a path; else a template in which `{name}` is a key of the item, or a path without its `$.`. A
    /// template whose values are not all there yields nothing.
    Path(String),
    /// The first of several that yields something.
    FirstOf(Vec<JsonField>),
    /// The same with more beside it.
    Detailed(JsonDetailed),
}

/// A [`JsonField`] with more than a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonDetailed {
    /// The path or template.
    pub path: String,
    /// A regular expression; its first group, or else the whole match, is the value.
    pub regex: Option<String>,
    /// What stands for it: the value, where the path finds one.
    #[serde(rename = "as")]
    pub stands_for: Option<String>,
}

/// Where the next page is. One of `link`, `url`, `cursor`, `page`, `offset`, `last` and `grow` is
/// wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// In the header `Link: <…>; rel="next"`.
    #[serde(default)]
    pub link: bool,
    /// The path to its address in the answer.
    pub url: Option<String>,
    /// The path to a cursor in the answer, which goes into `parameter`.
    pub cursor: Option<String>,
    /// The query parameter that takes the cursor.
    pub parameter: Option<String>,
    /// The query parameter that takes the number of the page.
    pub page: Option<String>,
    /// The number of the first page.
    pub first: Option<u32>,
    /// The query parameter that takes how many items came before.
    pub offset: Option<String>,
    /// The query parameter that takes the id of the last item, such as `max_id`.
    pub last: Option<String>,
    /// That id within the item, where it is not `$.id`.
    pub id: Option<String>,
    /// The query parameter that says how many are wanted, where there are no pages: more and more are asked for.
    pub grow: Option<String>,
    /// A page with fewer items than this is the last one.
    pub full: Option<u32>,
    /// The path to what says whether there is more: nothing, `false`, `0`, `""` and `null` end it.
    pub more: Option<String>,
}

impl Next {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let ways = [
            self.link,
            self.url.is_some(),
            self.cursor.is_some(),
            self.page.is_some(),
            self.offset.is_some(),
            self.last.is_some(),
            self.grow.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Some("exactly one of link, url, cursor, page, offset, last and grow is wanted");
        }
        if self.cursor.is_some() != self.parameter.is_some() {
            return Some("cursor (a path in the answer) and parameter (where it goes) belong together");
        }
        if self.first.is_some() && self.page.is_none() {
            return Some("first (the number of the first page) has a meaning with page alone");
        }
        if self.id.is_some() && self.last.is_none() {
            return Some("id (which id of the last item) has a meaning with last alone");
        }
        None
    }
}

fn newest() -> Order {
    Order::Newest
}

fn yes() -> bool {
    true
}
