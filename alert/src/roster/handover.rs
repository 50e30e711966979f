//! 交接班: who goes off duty writes what is open; who comes on reads and confirms.
//!
//! | who came on | a hand-over of that moment | state |
//! |---|---|---|
//! | was on duty just before, too; or is off again | any | nothing is due |
//! | nobody went off at that moment | none | nothing is due: there is nobody who could have written |
//! | anybody else | confirmed | taken over |
//! | anybody else | written, to them | unconfirmed; overdue after half an hour |
//! | anybody else | none, `handover = true` | unwritten; overdue after half an hour |
//! | anybody else | none, `handover = false` | nothing is due |
//!
//! Only who is still on counts: what was not handed over before is nobody's business any more. And only who came on within the last day.

use super::Turn;
use jiff::{SignedDuration, Timestamp};
use schemas::records::{Incident, Level, State};
use serde::{Deserialize, Serialize};

/// After this time it is told that nobody has confirmed.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// How long a turn's end may be past for its hand-over to be written.
pub const LATE: SignedDuration = SignedDuration::from_hours(12);
/// How far back it is looked for turns that began without a hand-over.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// An incident that was open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its level.
    pub level: Level,
    /// How far it has got.
    pub state: State,
}

impl From<Incident> for Open {
    fn from(incident: Incident) -> Self {
        Self { id: incident.id, title: incident.title, level: incident.level, state: incident.state }
    }
}

/// A hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Its number within the roster, from 1.
    pub n: i64,
    /// The roster's id.
    pub roster: String,
    /// When the turn ends that is handed over.
    pub at: Timestamp,
    /// Who hands over.
    pub by: String,
    /// Who comes on.
    pub to: Vec<String>,
    /// What they should know.
    pub note: String,
    /// Who wrote it: who hands over, or somebody for them.
    pub written_by: String,
    /// When.
    pub written_at: Timestamp,
    /// What was open then.
    pub incidents: Vec<Open>,
    /// Who took over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Nobody wrote a hand-over.
    Unwritten,
    /// Who came on has not confirmed it.
    Unconfirmed,
}

/// Somebody who came on and has not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Who.
    pub person: String,
    /// Since when they are on.
    pub from: Timestamp,
    /// What is missing.
    pub state: Missing,
    /// Whether it is told of.
    pub overdue: bool,
    /// The hand-over that waits for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<i64>,
}

/// Who hands over when, and to whom: the end of the turn that somebody has, or had last. `turns` are those around now.
#[must_use]
pub fn of(turns: &[Turn], person: &str, now: Timestamp) -> Option<(Timestamp, Vec<String>)> {
    let own = || turns.iter().filter(|turn| turn.person == person);
    let mine = own().filter(|turn| turn.covers(now)).max_by_key(|turn| turn.to).or_else(|| {
        own().filter(|turn| turn.to <= now && now.duration_since(turn.to) <= LATE).max_by_key(|turn| turn.to)
    })?;
    let at = end(turns, mine);
    let begins = turns.iter().filter(|turn| turn.person != person && at < turn.to).map(|turn| turn.from.max(at)).min();
    let mut to: Vec<String> = Vec::new();
    for turn in turns.iter().filter(|turn| turn.person != person && begins.is_some_and(|begins| turn.covers(begins))) {
        super::add(&mut to, std::slice::from_ref(&turn.person));
    }
    Some((at, to))
}

/// When somebody goes off duty who has a turn: turns of the same person that follow at once are one.
fn end(turns: &[Turn], turn: &Turn) -> Timestamp {
    let mut at = turn.to;
    while let Some(next) = turns.iter().find(|next| next.person == turn.person && next.covers(at)) {
        at = next.to;
    }
    at
}

/// Who came on lately and has not taken over. `turns` are those of the last day and before, `required` whether every turn must be
/// handed over in writing.
#[must_use]
pub fn pending(turns: &[Turn], handovers: &[Handover], required: bool, now: Timestamp) -> Vec<Pending> {
    let mut pending: Vec<Pending> = Vec::new();
    let recent = |turn: &&Turn| turn.from <= now && now.duration_since(turn.from) < LOOK_BACK && now < end(turns, turn);
    for turn in turns.iter().filter(recent) {
        let just_before = |other: &Turn| other.from < turn.from && turn.from <= other.to;
        if turns.iter().any(|other| other.person == turn.person && just_before(other)) {
            continue;
        }
        let went_off = turns.iter().any(|other| other.person != turn.person && other.to == turn.from);
        let to_them = |handover: &&Handover| handover.to.contains(&turn.person) && is_of(handover, turns, turn);
        let theirs = handovers.iter().filter(to_them).max_by_key(|handover| handover.n);
        let state = match theirs {
            Some(handover) if handover.confirmed_at.is_some() => continue,
            Some(_) => Missing::Unconfirmed,
            None if required && went_off => Missing::Unwritten,
            None => continue,
        };
        let one = Pending {
            person: turn.person.clone(),
            from: turn.from,
            state,
            overdue: now.duration_since(turn.from) >= PATIENCE,
            handover: theirs.map(|handover| handover.n),
        };
        if !pending.iter().any(|known| known.person == one.person && known.from == one.from) {
            pending.push(one);
        }
    }
    pending
}

/// Whether a hand-over is the one at the beginning of a turn: nobody else came on between.
fn is_of(handover: &Handover, turns: &[Turn], turn: &Turn) -> bool {
    let later = |other: &Turn| other.person != handover.by && handover.at <= other.from && other.from < turn.from;
    handover.at <= turn.from && !turns.iter().any(later)
}
