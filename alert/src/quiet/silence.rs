//! 静默: for a while, and for a reason, pages are not written. Incidents open, count, escalate and expire as always.
//!
//! | silence | incident | its pages |
//! |---|---|---|
//! | not begun, over, or ended | any | are written |
//! | of a topic | of another topic | are written |
//! | of a topic | of that topic, as grave as when it was silenced or milder | are kept back |
//! | of a topic | of that topic, graver than when it was silenced | are written: it breaks through |
//! | below a level | below it | are kept back |
//! | below a level | of it, or graver | are written |
//! | of a source | any | are written: it is the source's alerts that are kept back |
//! | any | red, and the silence does not say `red` | are written |
//! | any | a drill | are written: it is the pages that are practised |
//!
//! How grave an incident was when it was silenced: at the first page that was kept back; of one that was open already when
//! the silence was set, its level then.
//!
//! | silence that is wanted | outcome |
//! |---|---|
//! | of none of topic, source and level, or of several | refused |
//! | below the lowest level | refused: there is nothing below |
//! | without a reason, or with one of more than 500 characters | refused |
//! | that ends now or before | refused |
//! | that lasts more than 8 hours; of a supervisor or administrator more than 7 days | refused |
//! | else | set |

use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::auth::{Caller, Role},
    records::{Incident, Level},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long an operator's silence may last: a shift.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);
/// How long a supervisor's may.
pub const LONGEST_OF_SUPERVISOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// What is silenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Incidents of a topic.
    Topic {
        /// The topic's id.
        id: String,
        /// The level of its open incident when the silence was set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        up_to: Option<Level>,
    },
    /// Alerts about a source: its maintenance.
    Source(String),
    /// Incidents below a level.
    Below(Level),
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number, from 1.
    pub n: i64,
    /// What is silenced.
    pub scope: Scope,
    /// Since when.
    pub from: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who set it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Whether red ones are kept back too.
    #[serde(default)]
    pub red: bool,
    /// When somebody ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Messages about its source that were kept back: the groups of their alerts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
}

/// What a silence keeps back of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The silence's number.
    pub silence: i64,
    /// Since when.
    pub since: Timestamp,
    /// How grave it was then.
    pub level: Level,
    /// When the silence ends.
    pub until: Timestamp,
    /// How many messages were kept back, by their reason.
    pub kept: BTreeMap<String, u32>,
}

/// A silence as it is wanted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Incidents of this topic.
    #[serde(default)]
    pub topic: Option<String>,
    /// Alerts about this source.
    #[serde(default)]
    pub source: Option<String>,
    /// Incidents below this level.
    #[serde(default)]
    pub below: Option<Level>,
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Whether red ones are kept back too.
    #[serde(default)]
    pub red: bool,
}

/// Why a silence is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It names nothing, or several things.
    #[error("请在 topic、source、below 中指定且只指定一项 / name one of topic, source and below")]
    Scope,
    /// There is nothing below the lowest level.
    #[error("蓝色 IV 级以下没有等级 / below: there is nothing below IV")]
    Nothing,
    /// No reason, or too long a one.
    #[error("请填写理由, 至多 500 字 / reason: say why, in at most 500 characters")]
    Reason,
    /// It ends before it begins.
    #[error("结束时间已过, 请填写将来的时间 / until lies in the past")]
    Past,
    /// It is too long for whoever asks.
    #[error("静默过长: 值班员至多 8 小时, 督查至多 7 天 / until: at most 8 hours, of a supervisor 7 days")]
    Long,
}

impl Wanted {
    /// The silence, by the module's second table. `up_to` is the level of the topic's open incident.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn silence(&self, n: i64, by: &Caller, up_to: Option<Level>, now: Timestamp) -> Result<Silence, Refusal> {
        let named =
            |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let scope = match (named(&self.topic), named(&self.source), self.below) {
            (Some(id), None, None) => Scope::Topic { id, up_to },
            (None, Some(source), None) => Scope::Source(source),
            (None, None, Some(Level::IV)) => return Err(Refusal::Nothing),
            (None, None, Some(level)) => Scope::Below(level),
            _ => return Err(Refusal::Scope),
        };
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(Refusal::Reason);
        }
        if self.until <= now {
            return Err(Refusal::Past);
        }
        let longest = match by.role {
            Role::Supervisor | Role::Admin => LONGEST_OF_SUPERVISOR,
            _ => LONGEST,
        };
        if self.until.duration_since(now) > longest {
            return Err(Refusal::Long);
        }
        Ok(Silence {
            n,
            scope,
            from: now,
            until: self.until,
            by: by.name.clone(),
            reason: reason.to_owned(),
            red: self.red,
            ended_at: None,
            ended_by: None,
            kept: Vec::new(),
        })
    }
}

impl Silence {
    /// When it ends, or has.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.ended_at.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.end()
    }

    /// Whether it keeps an incident's pages back, by the module's first table. `quiet` is what was kept back of it before.
    #[must_use]
    pub fn keeps(&self, incident: &Incident, quiet: Option<&Quiet>, now: Timestamp) -> bool {
        if !self.holds(now) || incident.drill || (incident.level == Level::I && !self.red) {
            return false;
        }
        match &self.scope {
            Scope::Source(_) => false,
            Scope::Below(level) => incident.level < *level,
            Scope::Topic { id, .. } if *id != incident.topic.id => false,
            Scope::Topic { up_to, .. } => {
                let was_open = incident.opened_at <= self.from;
                let level = quiet.map(|quiet| quiet.level).or_else(|| up_to.filter(|_| was_open));
                level.is_none_or(|level| incident.level <= level)
            }
        }
    }

    /// Whether it keeps back what is told of a source.
    #[must_use]
    pub fn keeps_source(&self, source: &str, now: Timestamp) -> bool {
        self.holds(now) && matches!(&self.scope, Scope::Source(id) if id == source)
    }
}

/// The silence that keeps an incident's pages back; of several the one that ends last.
#[must_use]
pub fn keeper<'a>(
    silences: &'a [Silence],
    incident: &Incident,
    quiet: Option<&Quiet>,
    now: Timestamp,
) -> Option<&'a Silence> {
    silences.iter().filter(|silence| silence.keeps(incident, quiet, now)).max_by_key(|silence| silence.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn silence(scope: Scope, red: bool) -> Silence {
        Silence {
            n: 1,
            scope,
            from: at(0),
            until: at(3600),
            by: "王敏".into(),
            reason: "管网检修".into(),
            red,
            ended_at: None,
            ended_by: None,
            kept: Vec::new(),
        }
    }

    fn topic(up_to: Option<Level>) -> Scope {
        Scope::Topic { id: "water".into(), up_to }
    }

    fn incident(topic: &str, level: Level, opened: i64) -> Incident {
        let mut incident = file(topic).incident;
        (incident.level, incident.opened_at) = (level, at(opened));
        incident
    }

    fn quiet(level: Level) -> Quiet {
        Quiet { silence: 1, since: at(1), level, until: at(3600), kept: BTreeMap::new() }
    }

    /// The module's first table, a row each.
    #[test]
    fn whose_pages_are_kept_back() {
        use Level::{I, II, III, IV};
        let of_topic = silence(topic(None), false);
        let water = |level| incident("water", level, 10);
        assert!(!of_topic.keeps(&water(IV), None, at(-1)) && !of_topic.keeps(&water(IV), None, at(3600)));
        let ended = Silence { ended_at: Some(at(60)), ..of_topic.clone() };
        assert!(ended.keeps(&water(IV), None, at(59)) && !ended.keeps(&water(IV), None, at(60)));
        assert!(!of_topic.keeps(&incident("gas", IV, 10), None, at(20)));
        for level in [IV, III, II] {
            assert!(of_topic.keeps(&water(level), None, at(20)), "it opens as grave as that");
        }
        assert!(of_topic.keeps(&water(III), Some(&quiet(III)), at(20)));
        assert!(!of_topic.keeps(&water(II), Some(&quiet(III)), at(20)), "it breaks through");
        let open_already = silence(topic(Some(III)), false);
        assert!(open_already.keeps(&incident("water", III, -10), None, at(20)));
        assert!(!open_already.keeps(&incident("water", II, -10), None, at(20)));
        let below = silence(Scope::Below(II), false);
        assert!(below.keeps(&incident("gas", III, 10), Some(&quiet(IV)), at(20)));
        assert!(!below.keeps(&incident("gas", II, 10), None, at(20)));
        assert!(!silence(Scope::Source("water".into()), true).keeps(&water(IV), None, at(20)));
        assert!(!of_topic.keeps(&water(I), None, at(20)) && silence(topic(None), true).keeps(&water(I), None, at(20)));
        let drill = Incident { drill: true, ..water(IV) };
        assert!(!of_topic.keeps(&drill, None, at(20)));
    }

    /// The module's second table, a row each.
    #[test]
    fn what_is_wanted_and_refused() {
        let wanted = |json: &str| -> Wanted { serde_json::from_str(json).unwrap() };
        let by = |role| Caller { name: "王敏".into(), role };
        let ask = |what: &str, hours: i64, reason: &str, role| {
            let until = at(hours * 3600);
            let json = format!("{{\"until\":\"{until}\",\"reason\":\"{reason}\"{what}}}");
            wanted(&json).silence(1, &by(role), None, at(0))
        };
        let water = ",\"topic\":\"water\"";
        let why = "检修";
        let long = "长".repeat(501);
        for (what, hours, reason, role, refused) in [
            ("", 1, why, Role::Operator, Some(Refusal::Scope)),
            (",\"topic\":\" \"", 1, why, Role::Operator, Some(Refusal::Scope)),
            (",\"topic\":\"water\",\"below\":\"II\"", 1, why, Role::Operator, Some(Refusal::Scope)),
            (",\"below\":\"IV\"", 1, why, Role::Operator, Some(Refusal::Nothing)),
            (water, 1, " ", Role::Operator, Some(Refusal::Reason)),
            (water, 1, &long, Role::Operator, Some(Refusal::Reason)),
            (water, 0, why, Role::Operator, Some(Refusal::Past)),
            (water, 9, why, Role::Operator, Some(Refusal::Long)),
            (water, 169, why, Role::Supervisor, Some(Refusal::Long)),
            (water, 8, why, Role::Operator, None),
            (water, 168, why, Role::Supervisor, None),
            (",\"below\":\"III\"", 1, why, Role::Operator, None),
            (",\"source\":\"forum\"", 1, why, Role::Operator, None),
        ] {
            assert_eq!(ask(what, hours, reason, role).err(), refused, "{what} {hours} {role:?}");
        }
        assert!(serde_json::from_str::<Wanted>("{\"topic\":\"x\",\"reason\":\"y\"}").is_err(), "an end is required");
    }

    #[test]
    fn of_several_the_one_that_ends_last_keeps_it() {
        let longer = Silence { n: 2, until: at(7200), ..silence(Scope::Below(Level::II), false) };
        let all = [silence(topic(None), false), longer];
        let kept = |now| keeper(&all, &incident("water", Level::IV, 10), None, at(now)).map(|silence| silence.n);
        assert_eq!((kept(20), kept(3600), kept(7200)), (Some(2), Some(2), None));
    }

    proptest! {
        /// Whatever is silenced and whenever: a red one that is not meant is never kept back, nor is anything outside of its time.
        #[test]
        fn nothing_is_kept_back_that_is_not_meant(now in -100..8000_i64, level in 0..4_usize, below in 0..4_usize, of_topic: bool, red: bool) {
            let levels = [Level::IV, Level::III, Level::II, Level::I];
            let scope = if of_topic { topic(None) } else { Scope::Below(levels[below]) };
            let silence = silence(scope, red);
            if silence.keeps(&incident("water", levels[level], 10), None, at(now)) {
                prop_assert!((0..3600).contains(&now));
                prop_assert!(levels[level] != Level::I || red);
                prop_assert!(of_topic || levels[level] < levels[below]);
            }
        }
    }
}
