//! `incidents`: one matter (舆情事件), from first alert to close. The records database holds the truth; this topic is fed
//! from its outbox, and the API and the console show the same shapes.

use super::{Sample, TopicRef};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The four levels that the state set, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// 蓝 IV, 一般
    IV,
    /// 黄 III, 较大
    III,
    /// 橙 II, 重大
    II,
    /// 红 I, 特别重大
    I,
}

/// Where an incident stands on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// 新发
    New,
    /// 已签收
    Acked,
    /// 已交办
    Assigned,
    /// 处置中
    Handling,
    /// 已回应
    Responded,
    /// 观察
    Watching,
    /// 办结
    Closed,
}

/// One matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The id in addresses and API calls, such as `20261124-0007`: the day of its opening and a number.
    pub id: String,
    /// Rises with what people decide upon (state, unit, level), not with figures; a change that names another is refused.
    pub version: u64,
    /// What a person reads first.
    pub title: String,
    /// The level now.
    pub level: Level,
    /// Where it stands.
    pub state: State,
    /// The topic that founded it.
    pub topic: TopicRef,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When anything last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
    /// By when somebody must have signed it; none once it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ack_due_at: Option<Timestamp>,
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_by: Option<String>,
    /// When it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub acked_at: Option<Timestamp>,
    /// The unit that it was handed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its id, where the program proposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<String>,
    /// Units that assist it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assisting: Vec<String>,
    /// Who signed for the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_acked_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub unit_acked_at: Option<Timestamp>,
    /// The units that its posts point to, the likeliest first; a person confirms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposed: Vec<UnitProposal>,
    /// The class of the matter that most of its posts are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Deadlines, running and stopped, in the order in which they started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Clock>,
    /// Other topics that belong to the matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<TopicRef>,
    /// The incident that goes on with it, where it was merged into another one; it is closed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The incident that it was split from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_from: Option<String>,
    /// Whether somebody found that it is none (误报); it is closed then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub false_alarm: bool,
    /// Whether it is only practised (演练).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// The silence (静默) that keeps its pages back now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced_by: Option<String>,
    /// The spikes that belong to it, the first first.
    pub spikes: Vec<String>,
    /// First-seen posts since the rise began.
    pub count: u64,
    /// The highest five-minute count.
    pub peak: u64,
    /// Negative share at the last pulse, 0 to 1.
    pub negative_share: f64,
    /// Likes, replies and reposts at the last pulse.
    pub reach: u64,
    /// Highest surprise so far (-log10 of the tail probability).
    pub surprise: f64,
    /// Why it has this level, in words.
    pub why: String,
    /// Posts that show what it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// A unit that posts of the incident point to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnitProposal {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How sure the proposal is, 0 to 1.
    pub confidence: f64,
    /// Why, in words.
    pub why: String,
}

/// A deadline of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// The id of its rule, such as `information`.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// When it started.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When it runs out; moves by the pauses.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
    /// When people are warned, or were.
    #[schemars(with = "String")]
    pub warn_at: Timestamp,
    /// Whether they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warned: bool,
    /// Whether it ran out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// When it was stopped: what it waited for has happened, or it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stopped_at: Option<Timestamp>,
    /// The pause that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

/// A clock's pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Who paused it.
    pub by: String,
    /// Why.
    pub why: String,
    /// How many seconds of the clock's own time were left.
    pub left_seconds: i64,
}

/// One entry of an incident's history: who did what, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Number within the incident, from 1.
    pub seq: u64,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who: a user's name, a token's name, or `wanglou` for the program itself.
    pub who: String,
    /// What: `opened`, `joined`, `level`, `acked`, `assigned`, `responded`, `noted`, `returned`, `closed`, `false_alarm`, `reopened`,
    /// `unit_acked`, `answered`, `paused`, `resumed`, `merged`, `split`, `clock_warning`, `clock_expired`, `escalated`, `page_sent`, `page_failed`, `page_passed_on`,
    /// `page_silenced`, `silence_over`, `drill_result`, …
    pub action: String,
    /// What a person reads.
    pub text: String,
}

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Written down, to be sent or sent again.
    Pending,
    /// The channel's own body said success.
    Sent,
    /// Given up; the next channel (`then`) or the next step takes over.
    Failed,
}

/// A page on its way to a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The idempotency key: a repeat bears the same.
    pub key: String,
    /// The channel's id.
    pub channel: String,
    /// Why it is sent: `opened`, `level`, `escalation`, `closed`, …
    pub reason: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// What the channel answered last, if that was no success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The key of the digest that tells of it, where it is not sent alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The channel that took over, where this one could not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// When it was written down.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When the channel confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
}

/// A record of `incidents`: an event and the incident as it stands after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentRecord {
    /// Version of the record.
    pub v: u16,
    /// What happened.
    pub event: Event,
    /// The incident after it.
    pub incident: Incident,
}

super::record!(IncidentRecord, "incident", 1);
