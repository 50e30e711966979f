//! Hours of the week, in the centre's own time: a holiday is a Sunday, and a Sunday that is worked on a Friday.

use super::series::{DAY, HOUR};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemas::kit::holidays::Holidays;
use std::collections::HashMap;

/// The hours of a week.
pub(super) const SLOTS: usize = 7 * 24;
/// Thursday: the weekday on which time began in 1970, counted from Monday.
const EPOCH_WEEKDAY: i64 = 3;
const FRIDAY: i64 = 4;
const SUNDAY: i64 = 6;

/// The centre's calendar.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    tz: TimeZone,
    /// Days since 1970, there, that are like another weekday.
    special: HashMap<i64, i64>,
}

impl Calendar {
    /// The calendar of a place with its days off and its worked weekends.
    pub(super) fn new(tz: TimeZone, holidays: &Holidays) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        let day = |date: Date| epoch.until(date).map_or(0, |span| i64::from(span.get_days()));
        let off = holidays.off().map(|date| (day(date), SUNDAY));
        let on = holidays.worked().map(|date| (day(date), FRIDAY));
        Self { tz, special: off.chain(on).collect() }
    }

    /// The second of the week, from Monday at midnight there.
    pub(super) fn second_of_week(&self, at: i64) -> i64 {
        let local = at + self.offset(at);
        let day = local.div_euclid(DAY);
        let weekday = self.special.get(&day).copied().unwrap_or((day + EPOCH_WEEKDAY).rem_euclid(7));
        weekday * DAY + local.rem_euclid(DAY)
    }

    /// The hour of the week.
    pub(super) fn slot(&self, at: i64) -> usize {
        (self.second_of_week(at) / HOUR) as usize % SLOTS
    }

    /// Whether the week goes on as it always does between two moments: no day in them is like another weekday.
    pub(super) fn is_plain(&self, from: i64, to: i64) -> bool {
        self.special.is_empty() || {
            let day = |at: i64| (at + self.offset(at)).div_euclid(DAY);
            (day(from) - 1..=day(to) + 1).all(|day| !self.special.contains_key(&day))
        }
    }

    /// Seconds by which local time is ahead of UTC.
    fn offset(&self, at: i64) -> i64 {
        Timestamp::from_second(at).map_or(0, |at| i64::from(self.tz.to_offset(at).seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::START, *};

    fn calendar(off: &[Date], worked: &[Date]) -> Calendar {
        let holidays = Holidays::new(off.iter().copied(), worked.iter().copied());
        Calendar::new(TimeZone::get("Asia/Shanghai").unwrap(), &holidays)
    }

    #[test]
    fn the_week_begins_on_monday_at_midnight_there() {
        let plain = calendar(&[], &[]);
        assert_eq!(plain.second_of_week(START), 0);
        assert_eq!(plain.slot(START - 1), SLOTS - 1);
        assert_eq!(plain.slot(START + 3 * DAY + 5 * HOUR), 3 * 24 + 5);
    }

    #[test]
    fn a_holiday_is_a_sunday_and_a_worked_sunday_a_friday() {
        let calendar = calendar(&[Date::constant(2026, 10, 1)], &[Date::constant(2026, 10, 4)]);
        assert_eq!(calendar.slot(START + 3 * DAY + 5 * HOUR), 6 * 24 + 5);
        assert_eq!(calendar.slot(START + 6 * DAY + 5 * HOUR), 4 * 24 + 5);
        assert!(calendar.is_plain(START, START + DAY));
        assert!(!calendar.is_plain(START + DAY, START + 3 * DAY));
    }
}
