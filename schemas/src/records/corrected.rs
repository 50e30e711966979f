//! What a person has corrected of a post, beside what the program had judged: part of a stored post.

use super::{Category, PlaceFound, Sentiment, UnitProposed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A post bears this when a person has corrected what was understood of it; the corrected values stand in their usual places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Corrected {
    /// Who corrected it last.
    pub by: String,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, where they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was corrected.
    pub fields: Vec<CorrectedField>,
    /// What the program had judged.
    pub judged: Judged,
}

/// What can be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CorrectedField {
    /// 情感
    Sentiment,
    /// 类别
    Category,
    /// 地点
    Places,
    /// 单位
    Unit,
}

/// What the program had judged of a post.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The sentiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// The class of the matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The places of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceFound>,
    /// Where it is about when that is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// The unit that was proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitProposed>,
}
