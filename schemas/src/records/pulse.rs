//! `topics.pulse`: the state of a topic, now.

use super::{Label, UnitProposed};
use crate::log::Position;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a topic came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TopicKind {
    /// Everything that comes in: the arrival rate. Its id is `all`.
    All,
    /// A watch topic that somebody defined.
    Watch,
    /// A topic that was found.
    Emerging,
    /// All posts of one category, or of one category that concern one unit.
    Category,
}

/// A topic's id, kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TopicRef {
    /// The id: of the config for a watch topic, of the founding record for an emerging one.
    pub id: String,
    /// How it came to be.
    pub kind: TopicKind,
    /// The name that a person reads.
    pub name: String,
}

/// Where a topic stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Within its expectation.
    #[default]
    Quiet,
    /// Above its expectation and growing.
    Rising,
    /// Above its expectation and no longer growing.
    Peak,
    /// Falling back, not yet quiet.
    Decaying,
}

/// What was counted in one window that ends at the pulse's `at`, by event time, beside what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Length, in seconds.
    pub seconds: u32,
    /// First-seen posts.
    pub count: u64,
    /// How many of them are negative.
    pub negative: u64,
    /// How many of them are near-copies of posts that were there before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copies: u64,
    /// The expected count of what can have come in by now.
    pub expected: f64,
    /// The count above which a window of this length is unusual: the upper edge of the expected band.
    pub upper: f64,
    /// -log10 of the probability of so high a count or a higher one, were all as expected.
    pub surprise: f64,
    /// How many days pass, on the average, until chance alone brings so high a count; none for a count that is not above the expected one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once_in_days: Option<f64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the time after the pulse's `at` is expected to bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// How long a time, in seconds.
    pub seconds: u32,
    /// The expected count.
    pub expected: f64,
    /// The count lies above this in nineteen cases of twenty.
    pub lower: f64,
    /// And below this in as many.
    pub upper: f64,
}

/// A rise above the expectation, from its start until the topic is quiet again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spike {
    /// Derived from the topic and the founding record's position: a replay yields the same id.
    pub id: String,
    /// The event time of the record that crossed the line.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// First-seen posts of the topic since the rise began.
    pub count: u64,
    /// The highest count of the five-minute window so far.
    pub peak: u64,
    /// Why it was called a spike, in words.
    pub why: String,
    /// Whether it lay in the past already when it was seen, as after an outage.
    #[serde(default)]
    pub late: bool,
}

/// A post that shows what the topic is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// The post's id.
    pub id: String,
    /// The source's id.
    pub source: String,
    /// Where a person can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Title and text, cut to some 120 characters.
    pub excerpt: String,
    /// When it was published.
    #[schemars(with = "String")]
    pub published_at: Timestamp,
    /// Its sentiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Label>,
    /// Likes, replies and reposts together.
    #[serde(default)]
    pub reach: u64,
    /// The class of the matter: `一级/二级/三级`, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The unit that is proposed to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitProposed>,
}

/// A record of `topics.pulse`: an absolute state, never a delta, so that a repeated pulse does no harm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pulse {
    /// Version of the record.
    pub v: u16,
    /// The topic.
    pub topic: TopicRef,
    /// The moment for which the state holds.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where the topic stands.
    pub phase: Phase,
    /// The rise that is going on, or the one that has just ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spike: Option<Spike>,
    /// The windows, the shortest first.
    pub windows: Vec<Window>,
    /// First-seen posts of the topic ever counted.
    pub total: u64,
    /// Negative share of the five-minute window, 0 to 1.
    pub negative_share: f64,
    /// Likes, replies and reposts that were seen within the last hour.
    pub reach: u64,
    /// Median of publication to counting over the recent posts, in seconds.
    pub lag_seconds: f64,
    /// What the next hour is expected to bring; none while there is less than a day of history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Recent posts that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// The last raw position counted, per partition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Position>,
}

super::record!(Pulse, "pulse", 1);
