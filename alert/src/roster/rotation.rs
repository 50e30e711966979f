//! What the config alone says: the turns of a shift, date by date.
//!
//! | the shift | its turn that begins on a date |
//! |---|---|
//! | from < to | from that time of day to the other, on that date |
//! | from > to, across midnight | until the next date |
//! | from = to | until the same time of the next date |
//! | the date is none of its `days` | none |
//! | a time of day that occurs twice, because clocks are put back | the first of the two |
//! | a time of day that is skipped | the moment at which the clocks are put forward |
//! | both its ends are skipped | none: it would last no time |
//!
//! A later time of day is never an earlier moment by these rules. So where shifts join on paper they join in time, whatever
//! the clocks do: no moment is left out and none counts twice.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use schemas::kit::settings::{Shift, Span};

/// When a shift begins and ends that begins on a date.
#[must_use]
pub fn turn(shift: &Shift, date: Date, tz: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    if !shift.is_on(date) {
        return None;
    }
    let last = if shift.from < shift.to { date } else { date.tomorrow().ok()? };
    let (from, to) = (instant(date, shift.from, tz)?, instant(last, shift.to, tz)?);
    (from < to).then_some((from, to))
}

fn instant(date: Date, time: Time, tz: &TimeZone) -> Option<Timestamp> {
    let local = DateTime::from_parts(date, time);
    let moment = tz.to_ambiguous_timestamp(local);
    match moment.offset() {
        // Read by the later offset, a skipped time lies before the change: the next change is the one that skips it.
        AmbiguousOffset::Gap { after, .. } => {
            let before = after.to_timestamp(local).ok()?;
            tz.following(before).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
    }
}

/// Who is on duty in a shift that begins on a date, where it is one of its days.
#[must_use]
pub fn holder(shift: &Shift, date: Date) -> Option<&str> {
    if let Some(person) = &shift.person {
        return Some(person);
    }
    let (starting, count) = (shift.starting?, i64::try_from(shift.people.len()).ok().filter(|count| *count > 0)?);
    let turns = match shift.turn? {
        Span::Week => days_between(starting, date).div_euclid(7),
        Span::Days(length) => days_of(shift, starting, date).div_euclid(i64::from(length.max(1))),
    };
    shift.people.get(usize::try_from(turns.rem_euclid(count)).ok()?).map(String::as_str)
}

fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// How many of its days a shift has from a date to before another; less than none where that one is earlier.
fn days_of(shift: &Shift, from: Date, to: Date) -> i64 {
    let days = days_between(from, to);
    if shift.days.is_empty() {
        return days;
    }
    let in_a_week = |date: Date| shift.is_on(date);
    let weeks = days.div_euclid(7);
    let week: i64 = nth_days(from, 7).filter(|date| in_a_week(*date)).count() as i64;
    let rest = nth_days(from, days.rem_euclid(7)).filter(|date| in_a_week(*date)).count() as i64;
    weeks * week + rest
}

fn nth_days(from: Date, count: i64) -> impl Iterator<Item = Date> {
    (0..count).filter_map(move |days| from.checked_add(jiff::Span::new().days(days)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn shift(text: &str) -> Shift {
        toml::from_str(text).unwrap()
    }

    fn names(shift: &Shift, from: Date, days: i64) -> String {
        nth_days(from, days)
            .map(|date| if shift.is_on(date) { holder(shift, date).unwrap_or("?") } else { "-" })
            .collect()
    }

    const HOURS: &str = "from = \"20:00\"\nto = \"08:00\"\n";

    #[test]
    fn people_take_turns() {
        let of =
            |text: &str| shift(&format!("{HOURS}people = [\"A\", \"B\", \"C\"]\nstarting = \"2026-11-23\"\n{text}"));
        let monday = date(2026, 11, 23);
        let earlier = date(2026, 11, 16);
        assert_eq!(names(&of("turn = \"day\""), monday, 8), "ABCABCAB");
        assert_eq!(names(&of("turn = \"day\""), earlier, 8), "CABCABCA", "reckoned backwards");

        assert_eq!(names(&of("turn = \"week\""), earlier, 22), "CCCCCCCAAAAAAABBBBBBBC");
        assert_eq!(names(&of("turn = 2"), monday, 8), "AABBCCAA");
        // A day that the shift does not have takes nobody's turn away.
        assert_eq!(
            names(&of("turn = \"day\"\ndays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]"), monday, 14),
            "ABCAB--CABCA--"
        );
        assert_eq!(names(&of("turn = \"day\"\ndays = [\"mon\", \"wed\"]"), earlier, 14), "B-C----A-B----");
        assert_eq!(names(&of("turn = \"week\"\ndays = [\"sat\", \"sun\"]"), monday, 14), "-----AA-----BB");
        assert_eq!(names(&shift(&format!("{HOURS}person = \"A\"")), monday, 3), "AAA");
        // At the end of a month and of a year, and over a leap day.
        assert_eq!(names(&of("turn = \"day\""), date(2026, 11, 29), 4), "ABCA");
        assert_eq!(names(&of("turn = \"day\""), date(2028, 2, 28), 3).len(), 3);
    }

    #[test]
    fn clocks_that_change() {
        let tz = TimeZone::get("Europe/Berlin").unwrap();
        let of = |from: &str, to: &str, date: Date| {
            let (from, to) = turn(&shift(&format!("from = \"{from}\"\nto = \"{to}\"\nperson = \"A\"")), date, &tz)?;
            Some((from.to_string(), to.to_string()))
        };
        let times = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        let (forward, back) = (date(2026, 3, 29), date(2026, 10, 25));
        assert_eq!(of("20:00", "02:30", date(2026, 3, 28)), times("2026-03-28T19:00:00Z", "2026-03-29T01:00:00Z"));
        assert_eq!(of("02:30", "03:00", forward), None, "skipped as a whole");
        assert_eq!(of("02:30", "08:00", forward), times("2026-03-29T01:00:00Z", "2026-03-29T06:00:00Z"));
        assert_eq!(of("02:30", "08:00", back), times("2026-10-25T00:30:00Z", "2026-10-25T07:00:00Z"));
        assert_eq!(of("02:00", "03:00", back), times("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"));
        assert_eq!(of("08:00", "08:00", date(2026, 10, 24)), times("2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"));
    }
}
