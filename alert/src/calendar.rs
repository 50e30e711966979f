//! Working time: which hours count for a clock that only runs while offices are open. Which days are worked is in
//! [`schemas::kit::holidays`].
//!
//! Hours are times of day by the config's timezone. One that a change of clocks skips or repeats is taken as the timezone's rules place it, so that a
//! day may have an hour more or less, and no instant is counted twice.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use schemas::kit::{
    holidays::Holidays,
    settings::{CalendarSettings, ClockTime, Hours},
};

/// A clock that would run over more days than this has no end that anybody lives to see.
const FARTHEST: usize = 3_660;

/// Working time by a config.
#[derive(Debug, Clone)]
pub struct Calendar {
    holidays: Holidays,
    hours: Vec<Hours>,
    tz: TimeZone,
}

impl Calendar {
    /// The calendar of a config.
    #[must_use]
    pub fn new(settings: &CalendarSettings, tz: TimeZone) -> Self {
        let mut hours = settings.hours.clone();
        hours.sort_unstable();
        Self { holidays: Holidays::of(settings), hours, tz }
    }

    /// The instant at which so much time has passed.
    #[must_use]
    pub fn after(&self, from: Timestamp, within: SignedDuration, time: ClockTime) -> Timestamp {
        if time == ClockTime::All {
            return from.checked_add(within).unwrap_or(Timestamp::MAX);
        }
        let mut left = within.max(SignedDuration::ZERO);
        for (begin, end) in self.stretches(from) {
            let length = end.duration_since(begin);
            if left <= length {
                return begin.checked_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= length;
        }
        Timestamp::MAX
    }

    /// How much time lies between two instants.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp, time: ClockTime) -> SignedDuration {
        if time == ClockTime::All {
            return to.duration_since(from);
        }
        self.stretches(from)
            .take_while(|(begin, _)| *begin < to)
            .map(|(begin, end)| end.min(to).duration_since(begin))
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The stretches of working time from an instant on, in order; the first may begin with it.
    fn stretches(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let first = self.tz.to_datetime(from).date();
        let at = move |day: Date, time| self.tz.to_ambiguous_timestamp(day.to_datetime(time)).compatible();
        first
            .series(jiff::ToSpan::days(1))
            .take(FARTHEST)
            .filter(|day| self.holidays.is_worked(*day))
            .flat_map(move |day| self.hours.iter().map(move |hours| (at(day, hours.from), at(day, hours.to))))
            .filter_map(|(begin, end)| Some((begin.ok()?, end.ok()?)))
            .map(move |(begin, end)| (begin.max(from), end))
            .filter(|(begin, end)| begin < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    fn calendar() -> Calendar {
        Calendar::new(&CalendarSettings::default(), shanghai())
    }

    fn at(local: &str) -> Timestamp {
        local.parse::<jiff::civil::DateTime>().unwrap().to_zoned_datetime(shanghai()).unwrap().timestamp()
    }

    #[test]
    fn a_clock_of_working_time_stands_still_at_night_and_on_days_off() {
        let calendar = calendar();
        for (from, hours, to) in [
            ("2026-11-24T10:00", 1, "2026-11-24T11:00"),
            ("2026-11-24T11:30", 1, "2026-11-24T13:30"),
            ("2026-11-24T16:00", 2, "2026-11-25T10:00"),
            ("2026-11-27T16:30", 7, "2026-11-30T16:30"),
            ("2026-11-28T03:00", 1, "2026-11-30T10:00"),
            // Seven days off, and the Saturday after them is worked.
            ("2026-09-30T16:00", 2, "2026-10-08T10:00"),
            ("2026-10-09T16:00", 2, "2026-10-10T10:00"),
        ] {
            let due = calendar.after(at(from), SignedDuration::from_hours(hours), ClockTime::Working);
            assert_eq!(due, at(to), "{from} + {hours} h");
        }
        let day = SignedDuration::from_hours(24);
        assert_eq!(calendar.after(at("2026-11-28T03:00"), day, ClockTime::All), at("2026-11-29T03:00"));
    }

    proptest! {
        /// What was added is what lies between.
        #[test]
        fn added_and_counted_time_agree(start in 1_700_000_000_i64..1_900_000_000, minutes in 1..20_000_i64) {
            let (calendar, from) = (calendar(), Timestamp::from_second(start).unwrap());
            let within = SignedDuration::from_mins(minutes);
            for time in [ClockTime::All, ClockTime::Working] {
                let due = calendar.after(from, within, time);
                prop_assert_eq!(calendar.between(from, due, time), within);
                prop_assert!(due >= from + within);
                prop_assert!(calendar.after(from, within + SignedDuration::from_secs(1), time) > due);
            }
        }

        /// A change of clocks costs at most its hour.
        #[test]
        fn a_change_of_clocks_loses_no_day(start in 1_700_000_000_i64..1_900_000_000, hours in 1..60_i64) {
            let calendar = Calendar::new(&CalendarSettings::default(), TimeZone::get("Europe/Berlin").unwrap());
            let from = Timestamp::from_second(start).unwrap();
            let within = SignedDuration::from_hours(hours);
            let due = calendar.after(from, within, ClockTime::Working);
            prop_assert_eq!(calendar.between(from, due, ClockTime::Working), within);
        }
    }
}
