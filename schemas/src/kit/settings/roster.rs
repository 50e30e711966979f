//! `[[duty.shift]]`: who is on duty at which hours, one person or several in turn.
//!
//! | keys | who is on duty |
//! |---|---|
//! | `person` | always the same one |
//! | `people`, `turn = "week"`, `starting` | from `starting` seven days the first, then seven days the next; again from the first after the last |
//! | `people`, `turn = "day"`, `starting` | on the first day of the shift from `starting` on the first, on its next day the next |
//! | `people`, `turn = 3`, `starting` | each for three days of the shift |
//! | `days` beside any of them | the shift begins on these days of the week alone; no other day counts as one of its days |
//!
//! Before `starting` the turns are reckoned backwards, so nobody is missing there. A shift that crosses midnight belongs to the
//! day on which it begins.

use super::KeyFault;
use jiff::civil::{Date, Time, Weekday};
use serde::{Deserialize, Deserializer, de::Error};

/// The most days that one turn of a rotation may last.
const LONGEST_TURN: u16 = 366;

/// `[[duty.shift]]`: from a time of day to another, by the config's timezone; it may cross midnight.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Begins, such as `"08:00"`.
    pub from: Time,
    /// Ends, such as `"20:00"`; where it is not later than `from`, on the next day.
    pub to: Time,
    /// Who is on duty, where it is always the same.
    pub person: Option<String>,
    /// Who is on duty in turn.
    #[serde(default)]
    pub people: Vec<String>,
    /// How long a turn of the rotation lasts.
    pub turn: Option<Span>,
    /// The date on which the first of `people` is on.
    pub starting: Option<Date>,
    /// The days of the week on which it begins; every day where none is named.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Channels beside those of the `[[person]]` who is on duty.
    #[serde(default)]
    pub channels: Vec<String>,
}

/// How long one person's turn lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// So many days of the shift.
    Days(u16),
    /// Seven days of the calendar.
    Week,
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(i64),
            Word(String),
        }
        const WANTED: &str = "wanted is turn = \"day\", \"week\" or a number of days from 1 to 366";
        match Written::deserialize(deserializer).map_err(|_| D::Error::custom(WANTED))? {
            Written::Word(word) if word == "day" => Ok(Self::Days(1)),
            Written::Word(word) if word == "week" => Ok(Self::Week),
            Written::Word(word) => Err(D::Error::custom(format!("{word:?} is no turn: {WANTED}"))),
            Written::Number(days) => u16::try_from(days)
                .ok()
                .filter(|days| (1..=LONGEST_TURN).contains(days))
                .map(Self::Days)
                .ok_or_else(|| D::Error::custom(format!("{days} is no turn: {WANTED}"))),
        }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The day as the calendar has it.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

impl Shift {
    /// Everybody who is on duty in it at some time.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.person.iter().chain(&self.people).map(String::as_str)
    }

    /// Whether it begins on a date.
    #[must_use]
    pub fn is_on(&self, date: Date) -> bool {
        self.days.is_empty() || self.days.iter().any(|day| day.weekday() == date.weekday())
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        let mut fault = |key, message: &str| faults.push((key, message.to_owned()));
        match (&self.person, self.people.is_empty()) {
            (Some(_), false) => {
                fault(
                    "person",
                    "person and people exclude each other: person for one who is always on, people for several in turn",
                );
            }
            (None, true) => {
                fault(
                    "person",
                    "who is on duty? Name one: person = \"…\"; or several in turn: people = [\"…\", \"…\"]",
                );
            }
            (None, false) => {
                if self.turn.is_none() {
                    fault("people", "how long does each one's turn last? turn = \"day\", \"week\" or a number of days");
                }
                if self.starting.is_none() {
                    fault("people", "when is the first of them on? starting = \"2026-11-23\"");
                }
            }
            (Some(_), true) => {
                for (key, is_set) in [("turn", self.turn.is_some()), ("starting", self.starting.is_some())] {
                    if is_set {
                        fault(
                            key,
                            "has a meaning for several in turn alone: write people = [\"…\", \"…\"] in the place of person",
                        );
                    }
                }
            }
        }
        if self
            .members()
            .any(|name| name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control))
        {
            let key = if self.people.is_empty() { "person" } else { "people" };
            fault(key, "names must not be empty, nor begin or end with a space: as in [[person]] name");
        }
        if let (Some(Span::Days(_)), Some(starting)) = (self.turn, self.starting)
            && !self.is_on(starting)
        {
            fault(
                "starting",
                "the shift does not begin on that day of the week: name the first date on which the first of them is on",
            );
        }
        faults
    }
}
