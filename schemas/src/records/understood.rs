//! What a post is about, where, and whose it is: the parts of `posts.analyzed` that understanding finds beside the words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The government's class of a matter, in three levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Category {
    /// The first level.
    pub level1: String,
    /// The second, where the post says enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level2: Option<String>,
    /// The third, where the post says enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level3: Option<String>,
    /// How probable the first level is, 0 to 1.
    pub confidence: f32,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    /// 区
    District,
    /// 街道, 镇
    Street,
    /// 社区, 村
    Community,
    /// 路, 街, 巷, 桥
    Road,
    /// 小区
    Estate,
    /// 学校
    School,
    /// A station, hospital, park, market.
    Landmark,
}

/// A place that a post names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceFound {
    /// Its official name.
    pub name: String,
    /// What kind of place it is.
    pub kind: PlaceKind,
    /// The id of the unit that answers for it; none while several places bear the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The ids of the units of all places that bear the name, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

/// The unit that is proposed to answer; a person confirms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitProposed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How sure the proposal is, 0 to 1.
    pub confidence: f32,
    /// The ids of other units that may be meant, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}
