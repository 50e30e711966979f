//! One incident per matter, not one per pulse: what a pulse means, given the youngest incident of its topic.
//!
//! | youngest incident of the topic | pulse | outcome |
//! |---|---|---|
//! | any | of `all`, the arrival rate | nothing |
//! | none | no rise, or one that is falling already | nothing |
//! | none | rising or at its peak | a new incident opens |
//! | open | as old as the last one that counted, or older | nothing: it was said before |
//! | open | its own rise | figures are updated, the level may rise |
//! | open, 已回应 | the topic is quiet | 观察 |
//! | open | another rise within six hours of the last | joins |
//! | open, 已回应 or 观察 | another rise within six hours of the last | joins as a rebound (反弹): 处置中 again, and people are paged |
//! | open | another rise after six hours | a new incident opens: a forgotten one must not swallow it |
//! | open | another rise that is falling already | nothing |
//! | closed | a rise that belongs to it | nothing |
//! | closed | a rise that belongs to it and reaches a higher level than it was closed with | a new incident opens |
//! | closed as 误报 | another rise within six hours of the last, at no higher level | noted, and nothing else: a person has said that this is none |
//! | closed | another rise | a new incident opens |
//!
//! Other topics join where they are about the same matter ([`is_related`]), or where a person merged two incidents ([`join`]); their pulses are
//! judged as if they were of its own topic, but that another topic's calm calms nothing.
//!
//! Pulses are absolute states: each rise keeps its highest count, and a repeated pulse changes nothing.

use crate::{
    escalation::Chain,
    incident::{File, PROGRAM},
    message::{clean, clean_link},
    outbox::Reason,
    policy::{Figures, Thresholds},
    proposal,
    quiet::silence::Quiet,
};
use jiff::{SignedDuration, Timestamp};
use schemas::records::{
    Incident, Level, Phase, Pulse, Record, Sample, Spike, State, TopicKind, TopicRef, UnitProposed,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// A new rise within this time of the last one belongs to the same matter.
pub const SAME_MATTER: SignedDuration = SignedDuration::from_hours(6);

const SAMPLES: usize = 5;
const EXCERPT_CHARS: usize = 160;
const NAME_CHARS: usize = 60;

/// What the next pulse is judged by, stored beside the incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Matter {
    /// The moment of the last pulse of its own topic that counted.
    pub last_pulse_at: Timestamp,
    /// The same, of each topic that joined.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub joined: BTreeMap<String, Timestamp>,
    /// The moment of the last pulse with a rise going on.
    pub risen_at: Timestamp,
    /// The rises that belong to it.
    pub rises: Vec<Rise>,
    /// Who is next in line, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// So many steps were taken: whoever was called upon hears what follows.
    #[serde(default)]
    pub called: u32,
    /// When the figures were last shown on the `incidents` topic.
    pub shown_at: Timestamp,
    /// What a silence keeps back of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
}

/// The highest figures of one rise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rise {
    /// The spike's id.
    pub id: String,
    /// First-seen posts since it began.
    pub count: u64,
    /// The highest five-minute count.
    pub peak: u64,
    /// Its topic, where that is one that joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// What a pulse means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing new.
    Nothing,
    /// A new matter.
    Opens,
    /// The known rise goes on.
    Updates,
    /// The topic has calmed after an official response.
    Calms,
    /// Another rise of the same matter.
    Joins,
    /// Another rise, after an official response.
    Rebounds,
    /// Another rise of what a person has found to be a false alarm.
    FalseAgain,
}

/// Judges a pulse; `level` is the one that it reaches by itself.
#[must_use]
pub fn meaning(youngest: Option<&File>, pulse: &Pulse, level: Level) -> Meaning {
    let rise = pulse.spike.as_ref();
    let rising = rise.is_some() && matches!(pulse.phase, Phase::Rising | Phase::Peak);
    let opens = if rising { Meaning::Opens } else { Meaning::Nothing };
    if pulse.topic.kind == TopicKind::All {
        return Meaning::Nothing;
    }
    let Some(file) = youngest else { return opens };
    let own = rise.is_some_and(|rise| file.incident.spikes.contains(&rise.id));
    if file.incident.state == State::Closed {
        let no_higher = level <= file.incident.level;
        let soon = pulse.at.duration_since(file.matter.risen_at) <= SAME_MATTER;
        return match opens {
            _ if own && no_higher => Meaning::Nothing,
            Meaning::Opens if file.incident.false_alarm && no_higher && soon => Meaning::FalseAgain,
            opens => opens,
        };
    }
    if pulse.at <= file.last_pulse_of(&pulse.topic.id) {
        return Meaning::Nothing;
    }
    let answered = matches!(file.incident.state, State::Responded | State::Watching);
    if !own && rising {
        return if pulse.at.duration_since(file.matter.risen_at) > SAME_MATTER {
            Meaning::Opens
        } else if answered {
            Meaning::Rebounds
        } else {
            Meaning::Joins
        };
    }
    let calms = pulse.phase == Phase::Quiet && pulse.topic.id == file.incident.topic.id;
    if calms && file.incident.state == State::Responded {
        Meaning::Calms
    } else if own {
        Meaning::Updates
    } else {
        Meaning::Nothing
    }
}

/// Whether a rise of another topic is about the matter of an incident: they show the same posts, at least two of them and half of what either shows.
#[must_use]
pub fn is_related(incident: &Incident, pulse: &Pulse) -> bool {
    let shown: HashSet<&str> = incident.samples.iter().map(|sample| sample.id.as_str()).collect();
    let common =
        pulse.samples.iter().filter(|sample| shown.contains(clean(&sample.id, EXCERPT_CHARS).as_str())).count();
    common >= 2 && 2 * common >= shown.len().min(pulse.samples.len())
}

/// Opens a file for a matter. The pulse has a rise.
#[must_use]
pub fn open(id: String, pulse: &Pulse, rise: &Spike, thresholds: &Thresholds, at: Timestamp) -> File {
    let samples = samples(pulse);
    let category = proposal::category(&samples);
    let (level, why) = thresholds.judge(&Figures::of(pulse), category.as_deref());
    let why = if rise.late { format!("{why}; 发现较晚") } else { why };
    let name = clean(&pulse.topic.name, NAME_CHARS);
    let title = match samples.first() {
        Some(sample) => format!("{name}: {}", clean(&sample.excerpt, 40)),
        None => name.clone(),
    };
    let incident = Incident {
        id,
        version: 0,
        title,
        level,
        state: State::New,
        topic: TopicRef { name, ..pulse.topic.clone() },
        opened_at: at,
        updated_at: at,
        ack_due_at: None,
        acked_by: None,
        acked_at: None,
        unit: None,
        unit_id: None,
        assisting: Vec::new(),
        unit_acked_by: None,
        unit_acked_at: None,
        proposed: proposal::units(&samples),
        category,
        clocks: Vec::new(),
        related: Vec::new(),
        merged_into: None,
        split_from: None,
        false_alarm: false,
        drill: false,
        silenced_by: None,
        spikes: Vec::new(),
        count: 0,
        peak: 0,
        negative_share: 0.0,
        reach: 0,
        surprise: 0.0,
        why: why.clone(),
        samples,
    };
    let mut file =
        File { incident, matter: Matter { shown_at: at, ..Matter::default() }, seq: 0, revision: 0, fresh: Vec::new() };
    file.take(pulse);
    file.change(at, PROGRAM, "opened", why);
    file
}

/// Opens a file for what is only practised.
#[must_use]
pub fn drill(id: String, level: Level, text: &str, by: &str, at: Timestamp) -> File {
    let topic = TopicRef { id: format!("drill-{id}"), kind: TopicKind::Watch, name: "演练".into() };
    let pulse = Pulse {
        v: Pulse::VERSION,
        topic,
        at,
        phase: Phase::Quiet,
        spike: None,
        windows: Vec::new(),
        total: 0,
        negative_share: 0.0,
        reach: 0,
        lag_seconds: 0.0,
        forecast: None,
        samples: Vec::new(),
        through: Vec::new(),
    };
    let rise = Spike { id: String::new(), since: at, count: 0, peak: 0, why: String::new(), late: false };
    let mut file = open(id, &pulse, &rise, &Thresholds::default(), at);
    let text = clean(text, EXCERPT_CHARS);
    let incident = &mut file.incident;
    (incident.level, incident.drill) = (level, true);
    incident.title =
        if text.is_empty() { "演练: 请按真实事件签收".to_owned() } else { format!("演练: {text}") };
    incident.why = format!("演练, 由 {} 发起, 并非真实舆情", clean(by, NAME_CHARS));
    if let Some(event) = file.fresh.last_mut() {
        event.text.clone_from(&file.incident.why);
    }
    file
}

impl File {
    /// Lets a pulse of an open incident take effect. Returns why people are to be paged, if they are.
    pub fn follow(
        &mut self,
        meaning: Meaning,
        pulse: &Pulse,
        thresholds: &Thresholds,
        at: Timestamp,
    ) -> Option<Reason> {
        let mut paged = None;
        match meaning {
            Meaning::Nothing | Meaning::Opens => return None,
            Meaning::Updates => {}
            Meaning::Calms => {
                self.incident.state = State::Watching;
                self.change(at, PROGRAM, "watching", "热度已回落, 转入观察");
            }
            Meaning::Joins => self.change(at, PROGRAM, "joined", rise_again(pulse)),
            Meaning::FalseAgain => {
                // Only which rise it is: the figures are those that a person has judged.
                let rise = |spike: &Spike| Rise { id: spike.id.clone(), count: 0, peak: 0, topic: None };
                self.matter.rises.extend(pulse.spike.as_ref().map(rise));
                self.sum_up();
                self.record(at, PROGRAM, "false_again", format!("已认定误报, 不再告警: {}", rise_again(pulse)));
                return None;
            }
            Meaning::Rebounds => {
                self.incident.state = State::Handling;
                self.change(at, PROGRAM, "rebound", format!("回应后反弹: {}", rise_again(pulse)));
                paged = Some(Reason::Rebound);
            }
        }
        self.take(pulse);
        let category = self.incident.category.as_deref();
        let (level, why) = thresholds.judge(&Figures::of(pulse).with(&self.incident), category);
        if level > self.incident.level && meaning != Meaning::Calms {
            self.raise(level, &why, at);
            paged.get_or_insert(Reason::Level);
        }
        paged
    }

    /// Lets a rise of another topic join. Returns why people are to be paged, if they are.
    pub fn relate(&mut self, pulse: &Pulse, thresholds: &Thresholds, at: Timestamp) -> Option<Reason> {
        let topic = TopicRef { name: clean(&pulse.topic.name, NAME_CHARS), ..pulse.topic.clone() };
        self.record(at, PROGRAM, "related", format!("相关话题并入: {}", topic.name));
        self.matter.joined.insert(topic.id.clone(), Timestamp::MIN);
        self.incident.related.push(topic);
        let answered = matches!(self.incident.state, State::Responded | State::Watching);
        self.follow(if answered { Meaning::Rebounds } else { Meaning::Updates }, pulse, thresholds, at)
    }

    /// The moment of the last pulse of a topic that counted.
    fn last_pulse_of(&self, topic: &str) -> Timestamp {
        self.matter.joined.get(topic).copied().unwrap_or(self.matter.last_pulse_at)
    }

    /// Counts and peaks over all rises.
    pub(crate) fn sum_up(&mut self) {
        let (incident, rises) = (&mut self.incident, &self.matter.rises);
        incident.count = rises.iter().map(|rise| rise.count).fold(0, u64::saturating_add);
        incident.peak = rises.iter().map(|rise| rise.peak).max().unwrap_or(0);
        incident.spikes = rises.iter().map(|rise| rise.id.clone()).collect();
    }

    /// Takes over a pulse's figures.
    fn take(&mut self, pulse: &Pulse) {
        let is_own = pulse.topic.id == self.incident.topic.id;
        match self.matter.joined.get_mut(&pulse.topic.id) {
            Some(last) if !is_own => *last = pulse.at,
            _ => self.matter.last_pulse_at = pulse.at,
        }
        let Some(spike) = &pulse.spike else { return };
        let figures = Figures::of(pulse);
        match self.matter.rises.iter_mut().find(|rise| rise.id == spike.id) {
            Some(rise) => {
                rise.count = rise.count.max(spike.count);
                rise.peak = rise.peak.max(spike.peak);
            }
            None => self.matter.rises.push(Rise {
                id: spike.id.clone(),
                count: spike.count,
                peak: spike.peak,
                topic: (!is_own).then(|| pulse.topic.id.clone()),
            }),
        }
        if matches!(pulse.phase, Phase::Rising | Phase::Peak) {
            self.matter.risen_at = pulse.at;
        }
        self.sum_up();
        let incident = &mut self.incident;
        incident.surprise = incident.surprise.max(figures.surprise);
        incident.negative_share = figures.negative;
        incident.reach = figures.reach;
        if !pulse.samples.is_empty() {
            incident.samples = samples(pulse);
            incident.proposed = proposal::units(&incident.samples);
            // What the class was is kept while posts say nothing of it: the level hangs on it.
            incident.category = proposal::category(&incident.samples).or(incident.category.take());
        }
    }
}

fn rise_again(pulse: &Pulse) -> String {
    let why = pulse.spike.as_ref().map_or("", |spike| spike.why.as_str());
    format!("同一事件再次上升: {}", clean(why, EXCERPT_CHARS))
}

/// Samples, bounded and cleaned: what was crawled goes into messages, pages and the record from here.
fn samples(pulse: &Pulse) -> Vec<Sample> {
    pulse
        .samples
        .iter()
        .take(SAMPLES)
        .map(|sample| Sample {
            id: clean(&sample.id, EXCERPT_CHARS),
            source: clean(&sample.source, NAME_CHARS),
            url: sample.url.as_deref().and_then(clean_link),
            excerpt: clean(&sample.excerpt, EXCERPT_CHARS),
            category: sample.category.as_deref().map(|category| clean(category, NAME_CHARS)),
            unit: sample.unit.as_ref().map(|unit| UnitProposed {
                id: clean(&unit.id, NAME_CHARS),
                name: clean(&unit.name, NAME_CHARS),
                ..unit.clone()
            }),
            ..sample.clone()
        })
        .collect()
}

pub mod join;

#[cfg(test)]
mod tests;
