//! Days off and worked weekends: the public holidays that the program knows, and what a config adds or takes back.
//!
//! | day | |
//! |---|---|
//! | among the config's holidays | off |
//! | among the config's workdays | worked |
//! | a public holiday that the program knows | off |
//! | a weekend day that is worked (调休) | worked |
//! | Saturday, Sunday | off |
//! | any other | worked |

use super::settings::CalendarSettings;
use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};
use serde::Deserialize;
use std::{collections::BTreeSet, sync::LazyLock};

/// The public holidays that the program knows.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    // A test reads it; a file that cannot be read knows nothing.
    toml::from_str::<Written>(WRITTEN).map(|written| Known::of(&written)).unwrap_or_default()
});
const WRITTEN: &str = include_str!("../../defaults/holidays.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    through: Date,
    holidays: Vec<String>,
    workdays: Vec<String>,
}

#[derive(Default)]
struct Known {
    through: Option<Date>,
    holidays: BTreeSet<Date>,
    workdays: BTreeSet<Date>,
}

impl Known {
    fn of(written: &Written) -> Self {
        let days = |texts: &[String]| texts.iter().flat_map(|text| days(text)).collect();
        Self { through: Some(written.through), holidays: days(&written.holidays), workdays: days(&written.workdays) }
    }
}

/// The days of `2026-01-01` or `2026-01-01..2026-01-03`; none where it is neither.
fn days(text: &str) -> Vec<Date> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.parse::<Date>(), last.parse::<Date>()) {
        (Ok(first), Ok(last)) => first.series(1.day()).take_while(|day| *day <= last).take(366).collect(),
        _ => Vec::new(),
    }
}

/// The last day whose holidays the program knows.
#[must_use]
pub fn known_through() -> Option<Date> {
    KNOWN.through
}

/// The days that are not what their weekday says, and those that are said to be so again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays {
    off: BTreeSet<Date>,
    worked: BTreeSet<Date>,
}

impl Holidays {
    /// These days off and these worked ones, and no others.
    pub fn new(off: impl IntoIterator<Item = Date>, worked: impl IntoIterator<Item = Date>) -> Self {
        Self { off: off.into_iter().collect(), worked: worked.into_iter().collect() }
    }

    /// What is known, with what a config adds and takes back.
    #[must_use]
    pub fn of(settings: &CalendarSettings) -> Self {
        let set = |days: &[Date]| days.iter().copied().collect::<BTreeSet<Date>>();
        let (off, worked) = (set(&settings.holidays), set(&settings.workdays));
        Self { off: &off | &(&KNOWN.holidays - &worked), worked: &worked | &(&KNOWN.workdays - &off) }
    }

    /// Whether a day is worked, by the module's table.
    #[must_use]
    pub fn is_worked(&self, day: Date) -> bool {
        !self.off.contains(&day) && (self.worked.contains(&day) || !is_weekend(day))
    }

    /// Days off from Monday to Saturday: unlike the others of their weekday.
    pub fn off(&self) -> impl Iterator<Item = Date> + '_ {
        self.off.iter().copied().filter(|day| day.weekday() != Weekday::Sunday)
    }

    /// Weekend days that are worked.
    pub fn worked(&self) -> impl Iterator<Item = Date> + '_ {
        self.worked.iter().copied().filter(|day| is_weekend(*day))
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_days_can_be_read() {
        assert_eq!(known_through(), Some(Date::constant(2026, 12, 31)));
        let written: Written = toml::from_str(WRITTEN).unwrap();
        for text in written.holidays.iter().chain(&written.workdays) {
            assert!(!days(text).is_empty(), "{text}");
        }
        assert!(KNOWN.holidays.is_disjoint(&KNOWN.workdays));
        // Whoever works on a day that is no weekend needs no rule for it.
        assert!(KNOWN.workdays.iter().all(|day| is_weekend(*day)));
    }

    /// The module's table, a row each.
    #[test]
    fn which_days_are_worked() {
        let set = CalendarSettings {
            holidays: vec![Date::constant(2026, 11, 24), Date::constant(2026, 5, 9)],
            workdays: vec![Date::constant(2026, 10, 1), Date::constant(2026, 11, 22)],
            ..CalendarSettings::default()
        };
        let holidays = Holidays::of(&set);
        for (day, worked) in [
            ("2026-11-24", false),
            ("2026-05-09", false),
            ("2026-10-01", true),
            ("2026-11-22", true),
            ("2026-10-02", false),
            ("2026-10-10", true),
            ("2026-11-28", false),
            ("2026-11-29", false),
            ("2026-11-25", true),
        ] {
            assert_eq!(holidays.is_worked(day.parse().unwrap()), worked, "{day}");
        }
        let (off, worked): (Vec<Date>, Vec<Date>) = (holidays.off().collect(), holidays.worked().collect());
        assert!(off.contains(&Date::constant(2026, 10, 2)) && !off.contains(&Date::constant(2026, 10, 4)), "a Sunday");
        assert!(worked.contains(&Date::constant(2026, 11, 22)) && worked.contains(&Date::constant(2026, 10, 10)));
        assert!(!worked.contains(&Date::constant(2026, 10, 1)), "a Thursday that is worked is a Thursday");
        assert_eq!(Holidays::default().off().count() + Holidays::default().worked().count(), 0);
    }
}
