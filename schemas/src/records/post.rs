//! `posts.raw`: a post, comment, repost or report as ingest hands it on.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a record is: a post of its own, a comment under one, a repost, or a report that a unit's informant hands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A post that opens a thread.
    Post,
    /// A comment or reply within a thread.
    Comment,
    /// A post that passes another one on.
    Repost,
    /// A report that a unit's informant hands in (信息报送).
    Report,
}

/// How exactly a source states the time of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// To the second; the default.
    #[default]
    Second,
    /// To the minute.
    Minute,
    /// To the hour.
    Hour,
    /// To the day.
    Day,
}

/// The door by which a record came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// `POST /api/posts`.
    Push,
    /// `wanglou import`, or a source of kind `file`.
    Import,
    /// A crawler worker.
    Crawl,
}

/// How much a post was answered: absolute numbers, as last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Likes.
    #[serde(default)]
    pub likes: u64,
    /// Replies or comments.
    #[serde(default)]
    pub replies: u64,
    /// Reposts.
    #[serde(default)]
    pub reposts: u64,
}

impl Counts {
    /// Likes, replies and reposts together, without overflow.
    #[must_use]
    pub fn sum(self) -> u64 {
        self.likes.saturating_add(self.replies).saturating_add(self.reposts)
    }
}

/// An official response (官方回应) that came with the post, as on a message board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// What was answered.
    pub text: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub published_at: Option<Timestamp>,
    /// The body that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A record of `posts.raw`.
///
/// Personal data is gone before it is written: `author` is a keyed hash, and phone and identity-card numbers in title and
/// text are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RawPost {
    /// Version of the record.
    pub v: u16,
    /// `source` and `native_id`, joined by [`post_id`]: the same post always has the same id.
    pub id: String,
    /// The source's id in the config.
    pub source: String,
    /// The source's own id of the post.
    pub native_id: String,
    /// Post, comment, repost or report.
    pub kind: Kind,
    /// Where a person can read it; http or https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Title, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text as it was published, less what is masked.
    pub text: String,
    /// Keyed hash of the author's name or id, 16 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When it was published, by the source's word.
    #[schemars(with = "String")]
    pub published_at: Timestamp,
    /// How exactly the source states that time.
    #[serde(default)]
    pub published_precision: Precision,
    /// When it was fetched or handed in.
    #[schemars(with = "String")]
    pub fetched_at: Timestamp,
    /// The thread that it belongs to (the source's own id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The post that it answers or passes on (the source's own id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Likes, replies and reposts as last seen.
    #[serde(flatten)]
    pub counts: Counts,
    /// The place that the source itself states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Pictures and videos, as links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<String>,
    /// The words that stand for each of `media`, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_alt: Vec<String>,
    /// An official response that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// The unit whose official voice published it, by the config of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<String>,
    /// The unit that it speaks to: it is a comment on an account that is the voice of that unit alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressed_to: Option<String>,
    /// The door by which it came in.
    pub via: Via,
}

super::record!(RawPost, "raw_post", 1);

/// The source of the posts by which Wanglou proves to itself that a post gets through (`[canary]`): they are stored, and counted nowhere.
pub const CANARY_SOURCE: &str = "wanglou-canary";

/// The id of a post: its source and the source's own id, joined by a colon. A source id holds no colon, so two
/// different posts never share an id.
#[must_use]
pub fn post_id(source: &str, native_id: &str) -> String {
    let mut id = String::with_capacity(source.len() + 1 + native_id.len());
    id.push_str(source);
    id.push(':');
    id.push_str(native_id);
    id
}
