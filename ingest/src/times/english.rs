//! Times as English and German software writes them.
//!
//! | written | read as | exact to |
//! |---|---|---|
//! | `Tue Nov 24 10:05:00 +0800 2026` | as written | second |
//! | `Tue Nov 24, 2026 10:05 am`, `24 November 2026, 10:05`, `Nov 24th, 2026 at 10:05 PM` | in the timezone | minute, day |
//! | `24.11.2026 10:05` | in the timezone | minute, day |
//! | `Nov 24, 10:05`, `24 Nov` | the last such day that is not in the future | minute, day |
//! | `Today, 10:05 am`, `Yesterday at 22:05` | counted from today | minute, day |
//! | `just now`, `less than a minute ago`, `5 minutes ago`, `an hour ago`, `2 days ago` | counted from now | minute, hour, day |

use super::{AHEAD, Stated, expression, number, zoned};
use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, Time},
    fmt::strtime::BrokenDownTime,
    tz::TimeZone,
};
use regex::{Captures, Regex};
use schemas::records::Precision;
use std::sync::LazyLock;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH: &str = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?";
/// Hour, minute, second, half of the day, with what stands between date and time.
const CLOCK: &str = r"(?:[\s,]*(?:at|@|-|–|»)?\s*(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([ap])\.?m\b)?)";

expression!(
    ASCTIME = r"(?i)\b(?:mon|tue|wed|thu|fri|sat|sun) [a-z]{3} +\d{1,2} \d{2}:\d{2}:\d{2} (?:[+-]\d{4} )?\d{4}\b"
);
expression!(MONTH_FIRST = &format!(r"(?i)\b{MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?{CLOCK}?"));
expression!(DAY_FIRST = &format!(r"(?i)\b(\d{{1,2}})(?:st|nd|rd|th)?\.?[\s-]+{MONTH}(?:,?[\s-]+(\d{{4}})\b)?{CLOCK}?"));
expression!(DOTTED = &format!(r"\b(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}})\b{CLOCK}?"));
expression!(NAMED_DAY = &format!(r"(?i)\b(today|yesterday)\b{CLOCK}?"));
expression!(
    AGO = r"(?i)\b(\d{1,6}|an?|one|a few|less than an?)\s*(s|sec|second|m|min|minute|h|hr|hour|d|day|w|week|month|y|year)s?\.?\s+ago\b"
);
expression!(JUST_NOW = r"(?i)\b(?:just now|moments? ago|right now)\b");

/// Reads a time; `today` is the day of `now` in the timezone.
pub(super) fn read(text: &str, today: Date, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    if let Some(found) = ASCTIME.find(text) {
        let formats = ["%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y"];
        return formats.iter().find_map(|format| {
            let parts = BrokenDownTime::parse(format, found.as_str()).ok()?;
            let zoned = || Some(parts.to_datetime().ok()?.to_zoned_datetime(tz.clone()).ok()?.timestamp());
            Some((parts.to_timestamp().ok().or_else(zoned)?, Precision::Second))
        });
    }
    if let Some(found) = MONTH_FIRST.captures(text) {
        return dated(month(&found, 1)?, number(&found, 2)?, 3, &found, today, now, tz);
    }
    if let Some(found) = DAY_FIRST.captures(text) {
        return dated(month(&found, 2)?, number(&found, 1)?, 3, &found, today, now, tz);
    }
    if let Some(found) = DOTTED.captures(text) {
        return dated(number(&found, 2)?, number(&found, 1)?, 3, &found, today, now, tz);
    }
    if let Some(found) = NAMED_DAY.captures(text) {
        let day = if found[1].eq_ignore_ascii_case("today") { today } else { today.yesterday().ok()? };
        return at(day, &found, 2, tz);
    }
    if let Some(found) = AGO.captures(text) {
        return ago(&found, now, tz);
    }
    JUST_NOW.is_match(text).then_some((now, Precision::Minute))
}

fn month(found: &Captures<'_>, group: usize) -> Option<i8> {
    let name = found.get(group)?.as_str();
    MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name)).and_then(|at| i8::try_from(at + 1).ok())
}

/// A day of a year that the group `year` may state; without one, the last such day that is not in the future.
fn dated(
    month: i8,
    day: i8,
    year: usize,
    found: &Captures<'_>,
    today: Date,
    now: Timestamp,
    tz: &TimeZone,
) -> Option<Stated> {
    if let Some(year) = number(found, year) {
        return at(Date::new(year, month, day).ok()?, found, 4, tz);
    }
    (0..=8).find_map(|back| {
        let day = Date::new(today.year() - back, month, day).ok()?;
        at(day, found, 4, tz).filter(|(at, _)| at.duration_since(now) <= AHEAD)
    })
}

/// A day, and the time of day that the groups from `group` on may state.
fn at(day: Date, found: &Captures<'_>, group: usize, tz: &TimeZone) -> Option<Stated> {
    let Some(hour) = number::<i8>(found, group) else {
        return zoned(day.to_datetime(Time::midnight()), Precision::Day, tz);
    };
    let hour = match found.get(group + 3).map(|half| half.as_str()) {
        Some("p" | "P") if hour < 12 => hour + 12,
        Some("a" | "A") if hour == 12 => 0,
        _ => hour,
    };
    let second = number::<i8>(found, group + 2);
    let precision = if second.is_some() { Precision::Second } else { Precision::Minute };
    let time = Time::new(hour, number(found, group + 1)?, second.unwrap_or(0), 0).ok()?;
    zoned(day.to_datetime(time), precision, tz)
}

fn ago(found: &Captures<'_>, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    let many: i64 = match found[1].to_ascii_lowercase().as_str() {
        "a few" => 3,
        digits => digits.parse().unwrap_or(1),
    };
    let back = |each: i64, precision| Some((now.checked_sub(SignedDuration::from_secs(many * each)).ok()?, precision));
    let days = |each: i64| {
        let day = now.to_zoned_datetime(tz.clone()).checked_sub(Span::new().try_days(many * each).ok()?).ok()?;
        Some((day.timestamp(), Precision::Day))
    };
    match found[2].to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" => back(1, Precision::Minute),
        "m" | "min" | "minute" => back(60, Precision::Minute),
        "h" | "hr" | "hour" => back(3600, Precision::Hour),
        "d" | "day" => days(1),
        "w" | "week" => days(7),
        "month" => days(30),
        _ => days(365),
    }
}
