//! `[calendar]`: which time is working time.

use super::KeyFault;
use jiff::civil::{Date, Time};
use serde::Deserialize;

/// `[calendar]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSettings {
    /// Days off, beside those that the program knows.
    pub holidays: Vec<Date>,
    /// Saturdays and Sundays that are worked (调休), beside those that the program knows; days that it believes to be off, too.
    pub workdays: Vec<Date>,
    /// The hours of a working day, such as `["09:00-12:00", "13:00-17:00"]`.
    pub hours: Vec<Hours>,
}

/// From a time of day to a later one of the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Hours {
    /// Begins.
    pub from: Time,
    /// Ends.
    pub to: Time,
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hours = text
            .split_once('-')
            .and_then(|(from, to)| Some(Self { from: from.trim().parse().ok()?, to: to.trim().parse().ok()? }));
        match hours {
            Some(hours) if hours.from < hours.to => Ok(hours),
            _ => Err(format!("{text:?} is no stretch of a day: write \"09:00-12:00\"")),
        }
    }
}

impl Default for CalendarSettings {
    fn default() -> Self {
        let hours = |from: i8, to: i8| Hours { from: Time::constant(from, 0, 0, 0), to: Time::constant(to, 0, 0, 0) };
        Self { holidays: Vec::new(), workdays: Vec::new(), hours: vec![hours(9, 12), hours(13, 17)] }
    }
}

impl CalendarSettings {
    /// When a working day ends: midnight where there are no hours, which is refused elsewhere.
    #[must_use]
    pub fn closes(&self) -> Time {
        self.hours.iter().map(|hours| hours.to).max().unwrap_or_default()
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if let Some(day) = self.holidays.iter().find(|day| self.workdays.contains(day)) {
            faults.push(("workdays", format!("{day} is among the holidays too: it can be only one of them")));
        }
        let mut hours = self.hours.clone();
        hours.sort_unstable();
        if hours.is_empty() {
            faults.push(("hours", "is empty: no clock of working time would ever end".into()));
        } else if hours.windows(2).any(|two| two[0].to > two[1].from) {
            faults.push(("hours", "two of them overlap".into()));
        }
        faults
    }
}
