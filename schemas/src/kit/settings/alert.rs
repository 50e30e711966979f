//! `[records]`, `[[duty]]` and `[[policy]]`.

use super::{KeyFault, Shift, Spanned, log::duration};
use crate::records::Level;
use serde::Deserialize;
use std::{collections::HashMap, collections::HashSet, fmt, time::Duration};

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
    /// Whom to page when nobody has signed in time.
    pub escalation: Option<EscalationStep>,
}

/// `[duty.escalation]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationStep {
    /// After this time without 签收.
    #[serde(with = "duration")]
    pub after: Duration,
    /// Who is next in line.
    #[serde(default)]
    pub person: String,
    /// Their channels.
    pub channels: Vec<String>,
}

fn report_at() -> jiff::civil::Time {
    jiff::civil::time(9, 0, 0, 0)
}

impl Duty {
    pub(super) fn check(&self, channels: &HashSet<&str>, reached: &HashSet<&str>) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        let mut named: Vec<&String> = self.channels.iter().collect();
        named.extend(self.shift.iter().flat_map(|shift| &shift.get_ref().channels));
        named.extend(self.escalation.iter().flat_map(|step| &step.channels));
        for channel in named {
            if !channels.contains(channel.as_str()) {
                faults.push(("channels", format!("there is no [[channel]] with the id {channel:?}")));
            }
        }
        let reaches = |shift: &Shift| !shift.channels.is_empty() || shift.members().any(|name| reached.contains(name));
        if self.channels.is_empty() && !self.shift.iter().any(|shift| reaches(shift.get_ref())) {
            faults.push(("channels", "this roster can reach nobody: name channels here or in its shifts".into()));
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
        faults
    }
}
