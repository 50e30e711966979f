//! Who is on duty at an instant and in a span of time, and where they are reached.
//!
//! The plan of a span is a list of turns: those of the shifts ([`mod@rotation`] says when each begins and whose it is), with the
//! changes that people wrote down ([`change`]) laid over them. Who is on duty at an instant is whoever has a turn then: there is
//! one way of reckoning, so the plan that is shown and the page that goes out cannot differ.
//!
//! | at an instant | who is paged |
//! |---|---|
//! | the roster's channels, whoever is on duty | all their channels, each once |
//! | somebody takes another's place | their own channels and the shift's; not those of whoever they stand for |
//! | somebody is on beside the plan | their own channels too |
//! | nobody of the roster can be reached | its escalation; every channel where it has none |
//! | there is no roster | every channel |
//!
//! Nobody is ever paged into the void. What will go wrong is found in advance: [`findings`]. Who hands over to whom: [`handover`].

pub mod change;
pub mod findings;
pub mod handover;
pub mod ical;
pub mod people;
pub mod rotation;
pub mod rules;
pub mod text;

pub use change::Change;
pub use people::People;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use schemas::kit::settings::Duty;
use serde::Serialize;

/// Where a turn is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A shift that is always the same person's.
    Shift,
    /// A shift that people have in turn.
    Rotation,
    /// 顶班.
    Override,
    /// 加班.
    Extra,
    /// 换班.
    Swap,
}

/// Somebody is on duty from one moment until before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// It begins.
    pub from: Timestamp,
    /// It is over.
    pub to: Timestamp,
    /// Who is on.
    pub person: String,
    /// Where it is from.
    pub source: Source,
    /// Which of the roster's shifts, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<usize>,
    /// The number of the change that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<i64>,
    /// In whose place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

impl Turn {
    /// Whether somebody is on duty by it at an instant.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Where they are reached: their own channels and the shift's, each once.
    #[must_use]
    pub fn channels(&self, duty: &Duty, people: &People) -> Vec<String> {
        let mut channels = Vec::new();
        add(&mut channels, people.channels(&self.person));
        if let Some(shift) = self.shift.and_then(|shift| duty.shift.get(shift)) {
            add(&mut channels, &shift.get_ref().channels);
        }
        channels
    }
}

/// The turns that the shifts alone yield and that overlap a span of time, the earliest first.
fn planned(duty: &Duty, from: Timestamp, to: Timestamp, tz: &TimeZone) -> Vec<Turn> {
    // A turn begins on the local date before at the earliest; another day for zones that skip one.
    let first = tz.to_datetime(from).date().saturating_sub(2.days());
    let last = tz.to_datetime(to).date().saturating_add(1.day());
    let mut turns = Vec::new();
    for date in first.series(1.day()).take_while(|date| *date <= last) {
        for (number, shift) in duty.shift.iter().enumerate() {
            let shift = shift.get_ref();
            let Some((begins, ends)) = rotation::turn(shift, date, tz) else { continue };
            let Some(person) = rotation::holder(shift, date) else { continue };
            if begins < to && from < ends {
                turns.push(Turn {
                    from: begins,
                    to: ends,
                    person: person.to_owned(),
                    source: if shift.person.is_some() { Source::Shift } else { Source::Rotation },
                    shift: Some(number),
                    change: None,
                    instead_of: None,
                });
            }
        }
    }
    turns
}

/// The turns of a roster that overlap a span of time, the earliest first. `changes` may be those of any roster, in any order.
#[must_use]
pub fn plan(duty: &Duty, changes: &[Change], from: Timestamp, to: Timestamp, tz: &TimeZone) -> Vec<Turn> {
    let mut turns = planned(duty, from, to, tz);
    for change in of(duty, changes) {
        change.apply(&mut turns);
    }
    turns.retain(|turn| turn.from < to && from < turn.to);
    turns.sort_by(|a, b| (a.from, a.to, &a.person).cmp(&(b.from, b.to, &b.person)));
    turns
}

/// Who is on duty at an instant.
#[must_use]
pub fn on_duty(duty: &Duty, changes: &[Change], at: Timestamp, tz: &TimeZone) -> Vec<Turn> {
    let mut turns = plan(duty, changes, at, at.saturating_add(1.nanosecond()).unwrap_or(at), tz);
    turns.retain(|turn| turn.covers(at));
    turns
}

/// A roster's own changes, in the order in which they take effect.
fn of<'a>(duty: &Duty, changes: &'a [Change]) -> Vec<&'a Change> {
    let mut own: Vec<&Change> = changes.iter().filter(|change| change.roster == duty.id).collect();
    own.sort_by_key(|change| change.n);
    own
}

/// Who is paged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Channels by id, each once.
    pub channels: Vec<String>,
    /// Who is on duty.
    pub people: Vec<String>,
    /// Whether the roster itself reaches nobody now.
    pub gap: bool,
}

/// Where a page goes now: the roster's channels and those of whoever is on duty; every channel without a roster.
#[must_use]
pub fn reach(
    duty: Option<&Duty>,
    changes: &[Change],
    people: &People,
    every_channel: &[String],
    now: Timestamp,
    tz: &TimeZone,
    escalated: bool,
) -> Reach {
    let Some(duty) = duty else {
        return Reach { channels: every_channel.to_vec(), ..Reach::default() };
    };
    let mut reach = Reach::default();
    add(&mut reach.channels, &duty.channels);
    for turn in on_duty(duty, changes, now, tz) {
        add(&mut reach.channels, &turn.channels(duty, people));
        add(&mut reach.people, std::slice::from_ref(&turn.person));
    }
    reach.gap = reach.channels.is_empty();
    for step in duty.escalation.iter().filter(|_| escalated || reach.gap) {
        add(&mut reach.channels, people.channels(&step.person));
        add(&mut reach.channels, &step.channels);
    }
    if reach.channels.is_empty() {
        add(&mut reach.channels, every_channel);
    }
    reach
}

pub(crate) fn add(to: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !to.contains(one) {
            to.push(one.clone());
        }
    }
}

#[cfg(test)]
mod tests;
