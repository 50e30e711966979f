//! What is wrong with the fortnight ahead of the rosters, found before the night in which it would matter.
//!
//! | finding | when |
//! |---|---|
//! | gap | the roster has no channels of its own, and at some time none of whoever is on duty: its escalation or every channel would be paged |
//! | double | one person has two turns at once, of one roster or of two |
//! | unreachable | somebody is on duty who has no channel of their own, and neither has the shift |
//! | stale | a change that stands, or is proposed, replaces somebody who is not on duty in its time |
//! | overlap | two changes replace the same person at the same time: the later one decides |
//!
//! What comes again (the same hours each day, the same person) is one finding, told once with how often it is: a roster that
//! lacks its nights would be fourteen otherwise. The key names it, the same every day.

use super::{Change, People, Turn, plan};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::kit::settings::Duty;
use serde::Serialize;
use std::collections::BTreeMap;

/// How far ahead it is looked.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Gaps are followed so far beyond the fortnight.
const MARGIN: SignedDuration = SignedDuration::from_hours(8 * 24);

/// What kind of finding. The order is that in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Kind {
    Gap,
    Double,
    Unreachable,
    Stale,
    Overlap,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Names it within the roster: the same as long as it is the same.
    pub key: String,
    /// What kind.
    pub kind: Kind,
    /// When it begins first.
    pub from: Timestamp,
    /// When it ends first.
    pub to: Timestamp,
    /// How often.
    pub times: u32,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The other roster of a double booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// The changes that it is about.
    pub changes: Vec<i64>,
}

/// Gathers findings, those of one key as one.
#[derive(Default)]
struct Found(BTreeMap<(Kind, String), Finding>);

impl Found {
    fn add(&mut self, finding: Finding) {
        self.0
            .entry((finding.kind, finding.key.clone()))
            .and_modify(|known| {
                known.times += 1;
                if finding.from < known.from {
                    (known.from, known.to) = (finding.from, finding.to);
                }
            })
            .or_insert(finding);
    }
}

/// What is wrong with the fortnight from `now` of a roster, among all rosters.
#[must_use]
pub fn findings(
    duty: &Duty,
    all: &[&Duty],
    changes: &[Change],
    people: &People,
    now: Timestamp,
    tz: &TimeZone,
) -> Vec<Finding> {
    let until = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let turns = plan(duty, changes, now, until, tz);
    let mut found = Found::default();
    for (from, to) in gaps(duty, changes, people, (now, until), tz) {
        let local = |at: Timestamp| tz.to_datetime(at).strftime("%H:%M").to_string();
        let always = from <= earlier(now) && to >= later(until);
        let key = if always { "gap/always".to_owned() } else { format!("gap/{}-{}", local(from), local(to)) };
        found.add(finding(Kind::Gap, key, from, to));
    }
    let others = all.iter().filter(|other| other.id != duty.id);
    let others: Vec<(&str, Vec<Turn>)> =
        others.map(|other| (other.id.as_str(), plan(other, changes, now, until, tz))).collect();
    for (at, turn) in turns.iter().enumerate() {
        let own = turns[at + 1..].iter().map(|other| (None, other));
        let abroad = others.iter().flat_map(|(id, turns)| turns.iter().map(move |other| (Some(*id), other)));
        for (other, second) in own.chain(abroad).filter(|(_, second)| second.person == turn.person) {
            let (from, to) = (turn.from.max(second.from).max(now), turn.to.min(second.to));
            if from < to {
                let key = format!("double/{}/{}", turn.person, other.unwrap_or(&duty.id));
                let (person, other) = (Some(turn.person.clone()), other.map(str::to_owned));
                let changes = turn.change.into_iter().chain(second.change).collect();
                found.add(Finding { person, other, changes, ..finding(Kind::Double, key, from, to) });
            }
        }
        if turn.channels(duty, people).is_empty() {
            let key = format!("unreachable/{}", turn.person);
            let changes = turn.change.into_iter().collect();
            let one = finding(Kind::Unreachable, key, turn.from.max(now), turn.to);
            found.add(Finding { person: Some(turn.person.clone()), changes, ..one });
        }
    }
    for one in of_changes(duty, changes, now, tz) {
        found.add(one);
    }
    found.0.into_values().collect()
}

fn finding(kind: Kind, key: String, from: Timestamp, to: Timestamp) -> Finding {
    Finding { key, kind, from, to, times: 1, person: None, other: None, changes: Vec::new() }
}

/// When nobody of a roster can be reached: each gap whole, also where it begins before the span or ends after it, so that it has the
/// same key whenever it is asked for.
fn gaps(
    duty: &Duty,
    changes: &[Change],
    people: &People,
    (now, until): (Timestamp, Timestamp),
    tz: &TimeZone,
) -> Vec<(Timestamp, Timestamp)> {
    if !duty.channels.is_empty() {
        return Vec::new();
    }
    let (first, last) = (earlier(now), later(until));
    let (mut gaps, mut covered) = (Vec::new(), first);
    // The earliest first, as they come.
    for turn in plan(duty, changes, first, last, tz).iter().filter(|turn| !turn.channels(duty, people).is_empty()) {
        if turn.from > covered {
            gaps.push((covered, turn.from));
        }
        covered = covered.max(turn.to);
    }
    if covered < last {
        gaps.push((covered, last));
    }
    gaps.retain(|(from, to)| *from < until && now < *to);
    gaps
}

fn earlier(at: Timestamp) -> Timestamp {
    at.checked_sub(MARGIN).unwrap_or(at)
}

fn later(at: Timestamp) -> Timestamp {
    at.checked_add(MARGIN).unwrap_or(at)
}

/// Changes that refer to nothing, and those that are at odds.
fn of_changes(duty: &Duty, changes: &[Change], now: Timestamp, tz: &TimeZone) -> Vec<Finding> {
    let mut own: Vec<&Change> = super::of(duty, changes);
    own.retain(|change| change.until() > now && change.withdrawn_at.is_none());
    let mut found = Vec::new();
    for (at, change) in own.iter().enumerate() {
        // As if it were agreed to: who is to agree should know that it is in vain.
        let decided = Change { agreed_at: change.agreed_at.or(Some(change.at)), ..(*change).clone() };
        let (since, until) = (change.since().max(change.at), change.until());
        let earlier: Vec<Change> = changes.iter().filter(|other| other.n < change.n).cloned().collect();
        let mut turns = plan(duty, &earlier, since, until, tz);
        let (since, until) = (since.max(now), until);
        if let Some(person) = decided.apply(&mut turns).into_iter().next() {
            let key = format!("stale/{}", change.n);
            let one = finding(Kind::Stale, key, since, until);
            found.push(Finding { person: Some(person), changes: vec![change.n], ..one });
        }
        for later in own[at + 1..].iter().filter(|later| later.is_decided() && change.is_decided()) {
            for (a, b) in
                change.replacements().iter().flat_map(|a| later.replacements().into_iter().map(move |b| (a, b)))
            {
                let (from, to) = (a.from.max(b.from).max(now), a.to.min(b.to));
                if a.of == b.of && from < to {
                    let key = format!("overlap/{}-{}", change.n, later.n);
                    let one = finding(Kind::Overlap, key, from, to);
                    found.push(Finding { person: Some(a.of.to_owned()), changes: vec![change.n, later.n], ..one });
                }
            }
        }
    }
    found
}
