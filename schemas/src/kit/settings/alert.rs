//! `[records]`, `[[duty]]`, `[[policy]]` and `[[clock]]`.

use super::{KeyFault, Person, Shift, Spanned, log::duration};
use crate::records::Level;
use serde::{Deserialize, Deserializer};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    time::Duration,
};

/// `[records]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// `sqlite:FILE`, relative to data_dir; or `postgres://USER@HOST:PORT/DATABASE?sslmode=…` for a PostgreSQL server, with the
    /// password in the environment as WANGLOU_RECORDS_PASSWORD or PGPASSWORD (or in the file that the same name with _FILE
    /// names). Of several processes over one PostgreSQL database one is active and the others stand by.
    pub url: String,
}

/// Without the url, which may bear a password.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

impl Default for Records {
    fn default() -> Self {
        Self { url: "sqlite:records.db".into() }
    }
}

/// `[[duty]]`: a roster, whom it pages, and who is next when nobody signs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The id.
    pub id: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// Channels that are always paged.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Shifts: who is on duty at which hours.
    #[serde(default)]
    pub shift: Vec<Spanned<Shift>>,
    /// At which time of day the roster's channels are told what is wrong with the next fortnight of it.
    #[serde(default = "report_at")]
    pub report_at: jiff::civil::Time,
    /// Whether every turn must be handed over in writing: then who did not write is told of too.
    #[serde(default)]
    pub handover: bool,
    /// Steps that are taken one after another while nobody signs.
    #[serde(default, deserialize_with = "one_or_several")]
    pub escalation: Vec<EscalationStep>,
    /// By when somebody must sign, by level. Where a level is missing, the wait of the first step; 15 minutes where there is none.
    #[serde(default, deserialize_with = "durations")]
    pub ack: BTreeMap<Level, Duration>,
    /// What follows the last step.
    #[serde(default)]
    pub repeat: Repeat,
    /// Whoever signs and then does nothing for this time is reminded, and the steps are taken again; `"0s"`: never.
    #[serde(default = "half_an_hour", with = "duration")]
    pub resume_after: Duration,
}

/// `[duty.repeat]`: after the last step everybody who was paged is paged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repeat {
    /// So often.
    pub times: u32,
    /// After this time each.
    #[serde(with = "duration")]
    pub every: Duration,
}

impl Default for Repeat {
    fn default() -> Self {
        Self { times: 3, every: half_an_hour() }
    }
}

fn half_an_hour() -> Duration {
    Duration::from_secs(30 * 60)
}

/// `[[duty.escalation]]`: a step. It pages all that it names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationStep {
    /// After this time without 签收, counted from the step before; of the first one, from the opening.
    #[serde(with = "duration")]
    pub after: Duration,
    /// Who is next in line: a `[[person]]` is paged where they alone are reached; any other name only says whose the channels are.
    #[serde(default)]
    pub person: String,
    /// Channels, such as a group's robot.
    #[serde(default)]
    pub channels: Vec<String>,
    /// A roster by its id: whoever is on duty there.
    pub roster: Option<String>,
    /// Whoever leads the unit that the incident was handed to.
    #[serde(default)]
    pub unit_leader: bool,
    /// Only incidents of these levels; all where this is empty.
    #[serde(default)]
    pub levels: Vec<Level>,
}

/// One table, `[duty.escalation]`, or several, `[[duty.escalation]]`.
fn one_or_several<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<EscalationStep>, D::Error> {
    struct Steps;
    impl<'de> serde::de::Visitor<'de> for Steps {
        type Value = Vec<EscalationStep>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one step, [duty.escalation], or several, [[duty.escalation]]")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            EscalationStep::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|step| vec![step])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))
        }
    }
    value.deserialize_any(Steps)
}

/// `{ I = "5m", II = "10m" }`
fn durations<'de, D: Deserializer<'de>>(value: D) -> Result<BTreeMap<Level, Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Written(#[serde(with = "duration")] Duration);
    let written = BTreeMap::<Level, Written>::deserialize(value)?;
    Ok(written.into_iter().map(|(level, Written(time))| (level, time)).collect())
}

fn report_at() -> jiff::civil::Time {
    jiff::civil::time(9, 0, 0, 0)
}

impl Duty {
    pub(super) fn check(
        &self,
        channels: &HashSet<&str>,
        people: &HashMap<&str, &Person>,
        duties: &HashSet<&str>,
    ) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        let mut named: Vec<&String> = self.channels.iter().collect();
        named.extend(self.shift.iter().flat_map(|shift| &shift.get_ref().channels));
        named.extend(self.escalation.iter().flat_map(|step| &step.channels));
        for channel in named {
            if !channels.contains(channel.as_str()) {
                faults.push(("channels", format!("there is no [[channel]] with the id {channel:?}")));
            }
        }
        let is_reached = |name: &str| people.get(name).is_some_and(|person| !person.channels.is_empty());
        let reaches = |shift: &Shift| !shift.channels.is_empty() || shift.members().any(is_reached);
        if self.channels.is_empty() && !self.shift.iter().any(|shift| reaches(shift.get_ref())) {
            faults.push(("channels", "this roster can reach nobody: name channels here or in its shifts".into()));
        }
        for step in &self.escalation {
            if let Some(roster) = step.roster.as_deref().filter(|roster| !duties.contains(roster)) {
                faults.push(("roster", format!("there is no [[duty]] with the id {roster:?}")));
            }
            if step.channels.is_empty() && step.roster.is_none() && !step.unit_leader && !is_reached(&step.person) {
                let message = "this step pages nobody: name channels, a roster, unit_leader = true, or a [[person]] with channels";
                faults.push(("escalation", message.into()));
            }
        }
        if self.repeat.times > 0 && self.repeat.every < Duration::from_secs(60) {
            faults.push(("repeat", "every must be at least 1m: nobody answers faster than that".into()));
        }
        faults
    }
}

/// `[[clock]]`: a deadline that runs. Where the config has none, those that the state set (国办发〔2016〕61号, 80号) and those of the unit; a
/// `[[clock]]` stands in place of the one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    /// The id.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Incidents of these levels; all where this is empty. A level that is reached later starts it then.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// What starts it.
    #[serde(default)]
    pub from: ClockStart,
    /// What stops it.
    pub until: ClockStop,
    /// How long it runs; `"0s"`: there is no such clock.
    #[serde(with = "duration")]
    pub within: Duration,
    /// Whether only working time counts.
    #[serde(default)]
    pub time: ClockTime,
    /// So long before its end people are warned; a fifth of its time where this is missing.
    #[serde(default, deserialize_with = "optional_duration")]
    pub warn: Option<Duration>,
}

fn optional_duration<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    duration::deserialize(value).map(Some)
}

/// What starts a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStart {
    /// The incident opens, or reaches the level.
    #[default]
    Opened,
    /// 签收
    Acked,
    /// 交办
    Assigned,
}

/// What stops a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStop {
    /// 官方回应, whatever its form.
    Responded,
    /// 新闻发布会
    PressConference,
    /// 交办
    Assigned,
    /// The unit signs.
    UnitAcked,
    /// The unit answers.
    Answered,
    /// 办结
    Closed,
}

/// Which time a clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockTime {
    /// All of it.
    #[default]
    All,
    /// The hours of working days, by `[calendar]`.
    Working,
}

impl ClockRule {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push(("name", "is empty: people read it in warnings".into()));
        }
        if self.within > Duration::from_secs(366 * 24 * 3600) {
            faults.push(("within", "is longer than a year".into()));
        }
        if self.warn.is_some_and(|warn| warn >= self.within && !self.within.is_zero()) {
            faults.push(("warn", "is not shorter than within: the warning would come before the clock starts".into()));
        }
        faults
    }
}

/// `[[policy]]`: the first one that names a topic (or `"*"`) judges it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Watch topics by id; `"*"` is all of them.
    #[serde(default = "all_topics")]
    pub topics: Vec<String>,
    /// The roster that is paged; all channels where there is none.
    pub duty: Option<String>,
    /// What makes an incident reach a level, beside the defaults.
    #[serde(default)]
    pub level: HashMap<Level, LevelRule>,
    /// What a matter of a class weighs: its posts and its reach count so many times. By class, `"一级"`, `"一级/二级"` or `"一级/二级/三级"`; the most
    /// exact one counts.
    #[serde(default)]
    pub weight: BTreeMap<String, f64>,
    /// What the tone does to the level.
    #[serde(default)]
    pub negative: Tone,
}

/// A level is reached when any of the figures given is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LevelRule {
    /// Posts since the rise began.
    pub count: Option<u64>,
    /// Likes, replies and reposts.
    pub reach: Option<u64>,
    /// The five-minute count as a multiple of what was expected.
    pub factor: Option<f64>,
    /// -log10 of the probability of so high a count.
    pub surprise: Option<f64>,
    /// The five-minute count as a multiple of the mean of the hour before it, from 30 posts on.
    pub growth: Option<f64>,
}

/// `[policy.negative]`: what the tone does to the level.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tone {
    /// From this negative share on the level is one higher, 0 to 1; above 1: never.
    pub share: f64,
    /// Of at least so many posts.
    pub count: u64,
    /// Up to this level.
    pub up_to: Level,
}

impl Default for Tone {
    fn default() -> Self {
        Self { share: 0.6, count: 30, up_to: Level::II }
    }
}

fn all_topics() -> Vec<String> {
    vec!["*".into()]
}

impl Policy {
    pub(super) fn check(&self, topics: &HashSet<&str>, duties: &HashSet<&str>) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        for topic in &self.topics {
            if topic != "*" && !topics.contains(topic.as_str()) {
                faults.push(("topics", format!("there is no [[watch]] with the id {topic:?}")));
            }
        }
        if let Some(duty) = &self.duty
            && !duties.contains(duty.as_str())
        {
            faults.push(("duty", format!("there is no [[duty]] with the id {duty:?}")));
        }
        for (class, weight) in &self.weight {
            if !(0.1..=100.0).contains(weight) {
                faults.push(("weight", format!("{class:?}: must lie between 0.1 and 100")));
            }
        }
        faults
    }
}
