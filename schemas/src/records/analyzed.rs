//! `posts.analyzed`: a post with what was understood of it.

use super::{Category, Corrected, Counts, Kind, PlaceFound, Precision, Reply, UnitProposed};
use crate::log::Position;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What analyze, and analyze alone, decides of a raw record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// This id was never stored before. Trend counts these.
    First,
    /// The id is known and its text or its counts have changed.
    Revision,
    /// The id is known and nothing has changed.
    Duplicate,
    /// The id is known, and the post was seen to be gone. Without its text.
    Gone,
}

/// The three labels of sentiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// 负面
    Negative,
    /// 中性
    Neutral,
    /// 正面
    Positive,
}

/// A label and the probabilities behind it, which sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sentiment {
    /// The most probable label.
    pub label: Label,
    /// Probability of negative, 0 to 1.
    pub negative: f32,
    /// Probability of neutral, 0 to 1.
    pub neutral: f32,
    /// Probability of positive, 0 to 1.
    pub positive: f32,
}

/// What a post sounds like, or asks for, beside its sentiment; several may hold for one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// 愤怒
    Anger,
    /// 担忧
    Worry,
    /// 悲伤
    Grief,
    /// 求助
    Help,
    /// 投诉
    Complaint,
    /// 感谢
    Thanks,
}

/// A tone that holds for a post, and how probable that is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToneProbability {
    /// The tone.
    pub tone: Tone,
    /// Its probability, 0.5 to 1.
    pub probability: f32,
}

/// A record of `posts.analyzed`: one for each readable record of `posts.raw`, in the same partition and order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnalyzedPost {
    /// Version of the record.
    pub v: u16,
    /// Where in `posts.raw` it came from. A consumer drops what does not lie beyond the last one that it saw of the
    /// partition: a replay after a crash then counts nothing twice.
    pub raw: Position,
    /// First seen, revision or duplicate.
    pub verdict: Verdict,
    /// The post's id.
    pub id: String,
    /// The source's id.
    pub source: String,
    /// Post, comment, repost or report.
    pub kind: Kind,
    /// Where a person can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Title, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text. Empty in a duplicate.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// When it was published; when the source's word is absurd (`date_clamped`), when it was fetched.
    #[schemars(with = "String")]
    pub published_at: Timestamp,
    /// How exactly the source states that time.
    #[serde(default)]
    pub published_precision: Precision,
    /// Whether the source's time was absurd and `fetched_at` stands in its place.
    #[serde(default)]
    pub date_clamped: bool,
    /// When it was fetched or handed in.
    #[schemars(with = "String")]
    pub fetched_at: Timestamp,
    /// The thread that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The post that it answers or passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Likes, replies and reposts as last seen.
    #[serde(flatten)]
    pub counts: Counts,
    /// In a revision, what they were before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Counts>,
    /// Sentiment of the author's own words. Missing in a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// Tones of the author's own words, the more probable first; those less probable than not are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tones: Vec<ToneProbability>,
    /// Keyphrases, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keyphrases: Vec<String>,
    /// The words that carry its meaning, folded, each once, in the order of the text, its title first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<String>,
    /// Ids of the watch topics that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// The place that the source itself states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The class of the matter; missing where it is no matter of government.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The places of ours that it names, the most exact first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceFound>,
    /// The province, city or district that it is about, when that is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// The unit that is proposed to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitProposed>,
    /// What a person has corrected of sentiment, category, places and unit, and what was judged of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Corrected>,
    /// The fingerprint of the author's own words, in hexadecimal: near-copies have near fingerprints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The id of the post that this one is a near-copy of, the first of them that was seen; its own text spreads, and is no further
    /// voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The unit whose official voice published it, by the config of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<String>,
    /// The unit that it speaks to: it is a comment on an account that is the voice of that unit alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressed_to: Option<String>,
    /// Since when it is seen to be gone; a later sighting takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub gone_at: Option<Timestamp>,
    /// An official response that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
}

super::record!(AnalyzedPost, "analyzed_post", 1);
