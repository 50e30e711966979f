//! When a post was published, as far as the archive believes it, and the month that it is stored in.
//!
//! | source's word (`published_at`) | `fetched_at` | stands as published | `date_clamped` |
//! |---|---|---|---|
//! | 1995 to an hour after fetching | sane | the source's word | no |
//! | earlier, or later | sane | `fetched_at` | yes |
//! | any | before 1995, or a day after it was appended | the rule above with the time of appending for `fetched_at` | as above |
//!
//! Before 1995 there was no public forum in Chinese; the hour forgives clocks that are wrong by a zone's half. Every input
//! stands in the log, so a replay comes to the same month.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use std::{fmt, str::FromStr};

/// 1995-01-01T00:00:00Z.
const EARLIEST: i64 = 788_918_400;
const AHEAD_OF_FETCHING: SignedDuration = SignedDuration::from_hours(1);
const AHEAD_OF_APPENDING: SignedDuration = SignedDuration::from_hours(24);

/// The times of a post as they stand after judging them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// Whether the source's word was absurd.
    pub clamped: bool,
}

/// Judges what a record says of its times.
#[must_use]
pub fn judge(published_at: Timestamp, fetched_at: Timestamp, appended_at: Timestamp) -> Dates {
    let fetched_at = if is_sane(fetched_at, appended_at, AHEAD_OF_APPENDING) { fetched_at } else { appended_at };
    let clamped = !is_sane(published_at, fetched_at, AHEAD_OF_FETCHING);
    Dates { published_at: if clamped { fetched_at } else { published_at }, fetched_at, clamped }
}

fn is_sane(at: Timestamp, known: Timestamp, ahead: SignedDuration) -> bool {
    at.as_second() >= EARLIEST && known.checked_add(ahead).is_ok_and(|latest| at <= latest)
}

/// Nanoseconds since 1970, as the archive sorts and compares times. Exact from 1677 to 2262; beyond, the nearest end.
#[must_use]
pub fn nanos(at: Timestamp) -> i64 {
    at.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// A calendar month: the unit of the archive. Its name is its folder's: `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month that a time lies in.
    #[must_use]
    pub fn of(at: Timestamp, tz: &TimeZone) -> Self {
        let date = tz.to_datetime(at).date();
        Self { year: date.year(), month: date.month() }
    }

    /// The month so many months before; the first of the calendar where there is none.
    #[must_use]
    pub fn before(self, months: u32) -> Self {
        let first = 12;
        let number = (i64::from(self.year) * 12 + i64::from(self.month) - 1 - i64::from(months)).max(first);
        Self { year: (number / 12) as i16, month: (number % 12) as i8 + 1 }
    }

    /// Whether a post published in `[from, to)` may be stored in this month. A day is allowed for on both sides, because the
    /// months of an older config may have been cut in another timezone.
    #[must_use]
    pub fn may_hold(self, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
        const DAY: i64 = 86_400;
        let Ok(first) = civil::Date::new(self.year, self.month, 1) else { return true };
        let last = first.last_of_month().saturating_add(SignedDuration::from_hours(24));
        let second = |date: civil::Date| TimeZone::UTC.to_timestamp(date.to_datetime(civil::Time::midnight()));
        let (Ok(start), Ok(end)) = (second(first), second(last)) else { return true };
        // A zone lies up to 14 hours from UTC: with the day of grace, two days.
        from.is_none_or(|from| end.as_second().saturating_add(2 * DAY) > from.as_second())
            && to.is_none_or(|to| start.as_second().saturating_sub(2 * DAY) < to.as_second())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let (year, month) = name.split_once('-').ok_or(())?;
        let month = Self { year: year.parse().map_err(|_| ())?, month: month.parse().map_err(|_| ())? };
        let in_calendar = (1..=12).contains(&month.month) && month.year > 0;
        if in_calendar && month.to_string() == name { Ok(month) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn judged(published: &str, fetched: &str) -> (String, bool) {
        let dates = judge(at(published), at(fetched), at("2026-11-24T08:00:00Z"));
        (dates.published_at.to_string(), dates.clamped)
    }

    #[test]
    fn a_sane_time_stands() {
        let fetched = "2026-11-24T07:59:00Z";
        for sane in ["1995-01-01T00:00:00Z", "2026-11-24T07:00:00Z", "2026-11-24T08:59:00Z"] {
            assert_eq!(judged(sane, fetched), (sane.to_owned(), false));
        }
    }

    #[test]
    fn an_absurd_time_gives_way_to_the_time_of_fetching() {
        let fetched = "2026-11-24T07:59:00Z";
        let (earliest, latest) = (Timestamp::MIN.to_string(), Timestamp::MAX.to_string());
        for absurd in [&earliest, "1994-12-31T23:59:59Z", "2026-11-24T08:59:01Z", &latest] {
            assert_eq!(judged(absurd, fetched), (fetched.to_owned(), true));
        }
    }

    #[test]
    fn an_absurd_time_of_fetching_gives_way_to_the_time_of_appending() {
        let (earliest, latest) = (Timestamp::MIN.to_string(), Timestamp::MAX.to_string());
        for absurd in [&*earliest, "2026-11-25T08:00:01Z", &*latest] {
            assert_eq!(judged(absurd, absurd), ("2026-11-24T08:00:00Z".to_owned(), true));
            assert_eq!(judged("2026-11-24T01:00:00Z", absurd), ("2026-11-24T01:00:00Z".to_owned(), false));
        }
    }

    #[test]
    fn months_are_cut_in_the_timezone_and_named_for_folders() {
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let month = Month::of(at("2026-10-31T16:00:00Z"), &shanghai);
        assert_eq!(month.to_string(), "2026-11");
        assert_eq!("2026-11".parse(), Ok(month));
        for bad in ["2026-13", "2026-1", "lock", "2026-11-01", "+026-11", ""] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }

    #[test]
    fn months_out_of_range_are_left_out_and_no_others() {
        let month: Month = "2026-11".parse().unwrap();
        let held = |from: &str, to: &str| month.may_hold(Some(at(from)), Some(at(to)));
        assert!(held("2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z"));
        assert!(held("2026-10-30T12:00:00Z", "2026-10-31T16:00:01Z"));
        assert!(!held("2026-12-05T00:00:00Z", "2026-12-06T00:00:00Z"));
        assert!(!held("2026-09-05T00:00:00Z", "2026-10-06T00:00:00Z"));
        assert!(month.may_hold(None, None));
    }
}
