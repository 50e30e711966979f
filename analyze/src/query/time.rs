//! The times of a filter, as people write them. Pure: what "today" is comes with the context.
//!
//! | written | means |
//! |---|---|
//! | `2026`, `2026-11`, `2026-11-24`, `2026/11/24`, `2026年11月24日`, `11月24日` | that year, month or day (the last of this year) |
//! | `2026-11-24T08`, `2026-11-24T08:30` | that hour or minute |
//! | `今天`, `昨天`, `前天`, `本周`, `上周`, `本月`, `上月`, `今年`; `today`, `yesterday` | that day, week (from Monday), month or year |
//! | `近7天`, `近两周`, `近3个月`, `7d` | today and the days before it, so many in all; a month is 30 |
//! | `近24小时`, `24h`, `近30分钟` | up to so long ago |
//! | `A..B`, `A至B` | from the beginning of A to the end of B; one of them may be missing |
//! | `>=A`, `>A`, `<=A`, `<A` | from its beginning; after its end; to its end; before its beginning |
//! | `2026-11-24T00:00:00Z` | an instant, at either end of a range |

use super::Context;
use jiff::{
    SignedDuration, Span, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
};

/// From, and up to but not including.
type Range = (Option<Timestamp>, Option<Timestamp>);

const WRONG: &str = "看不懂这个时间; 可写 2026-11-24、2026-11-01..2026-11-24、>=2026-11-24、今天、昨天、近7天 / this is no time: \
                     write a day, a month, a range A..B, >=A, today, yesterday or 7d";

/// A stretch of time; an instant is one without length.
#[derive(Debug, Clone, Copy)]
struct Period {
    from: Timestamp,
    to: Timestamp,
}

/// Reads what stands behind `时间:`, folded.
///
/// # Errors
/// What is wrong with it.
pub(super) fn range(text: &str, context: &Context) -> Result<Range, String> {
    let text = text.trim();
    let period = |text: &str| period(text.trim(), context).ok_or_else(|| WRONG.to_owned());
    let instant = SignedDuration::from_nanos(1);
    let next = |at: Timestamp| at.checked_add(instant).unwrap_or(at);
    let range = if let Some((from, to)) = text.split_once("..").or_else(|| text.split_once('至')) {
        let end = |text: &str| if text.trim().is_empty() { Ok(None) } else { period(text).map(Some) };
        (end(from)?.map(|period| period.from), end(to)?.map(|period| period.to))
    } else if let Some(text) = text.strip_prefix(">=").or_else(|| text.strip_prefix('≥')) {
        (Some(period(text)?.from), None)
    } else if let Some(text) = text.strip_prefix("<=").or_else(|| text.strip_prefix('≤')) {
        let Period { from, to } = period(text)?;
        (None, Some(if from == to { next(to) } else { to }))
    } else if let Some(text) = text.strip_prefix('>') {
        let Period { from, to } = period(text)?;
        (Some(if from == to { next(to) } else { to }), None)
    } else if let Some(text) = text.strip_prefix('<') {
        (None, Some(period(text)?.from))
    } else if let Some(from) = since(text, context) {
        (Some(from), None)
    } else {
        let Period { from, to } = period(text)?;
        (Some(from), Some(to))
    };
    match range {
        (None, None) => Err(WRONG.to_owned()),
        (Some(from), Some(to)) if from >= to => {
            Err("时间范围的终点不晚于起点 / this stretch of time ends before it begins".to_owned())
        }
        range => Ok(range),
    }
}

/// `近7天`, `近24小时`, `7d`, `24h`: up to now, and beyond, since clocks differ.
fn since(text: &str, context: &Context) -> Option<Timestamp> {
    let (number, unit) = match text.strip_prefix('近').or_else(|| text.strip_prefix("最近")) {
        Some(rest) => {
            let units = ["分钟", "小时", "天", "日", "周", "个星期", "星期", "个月", "月", "年"];
            let unit = units.into_iter().find(|unit| rest.ends_with(unit))?;
            (number(rest.strip_suffix(unit)?.trim())?, unit)
        }
        None => {
            let unit = ["min", "h", "d", "w"].into_iter().find(|unit| text.ends_with(unit))?;
            (number(text.strip_suffix(unit)?.trim())?, unit)
        }
    };
    let ago = |minutes: i64| context.now.checked_sub(SignedDuration::from_mins(number.checked_mul(minutes)?)).ok();
    let days = |days: i64| {
        let back = number.checked_mul(days)?.checked_sub(1)?;
        midnight(today(context).checked_sub(Span::new().try_days(back).ok()?).ok()?, context)
    };
    match unit {
        "分钟" | "min" => ago(1),
        "小时" | "h" => ago(60),
        "天" | "日" | "d" => days(1),
        "周" | "个星期" | "星期" | "w" => days(7),
        "年" => days(365),
        _ => days(30),
    }
}

/// A positive number in digits, or up to ten in characters.
fn number(text: &str) -> Option<i64> {
    let characters = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    if text == "两" {
        return Some(2);
    }
    if let Some(at) = characters.iter().position(|character| *character == text) {
        return i64::try_from(at + 1).ok();
    }
    digits(text).filter(|number| *number > 0)
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn period(text: &str, context: &Context) -> Option<Period> {
    if let Some(period) = word(text, context) {
        return Some(period);
    }
    if let Ok(at) = text.to_uppercase().parse::<Timestamp>() {
        return Some(Period { from: at, to: at });
    }
    match text.split_once('t') {
        Some((date, time)) => within_day(exact_day(date, context)?, time, context),
        None => date(text, context),
    }
}

fn word(text: &str, context: &Context) -> Option<Period> {
    let today = today(context);
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
    let first = today.first_of_month();
    let back = |date: Date, days: i64| date.checked_sub(days.days()).ok();
    let (from, to) = match text {
        "今天" | "今日" | "today" => (today, today.tomorrow().ok()?),
        "昨天" | "昨日" | "yesterday" => (today.yesterday().ok()?, today),
        "前天" => (back(today, 2)?, back(today, 1)?),
        "本周" | "这周" => (monday, monday.checked_add(7.days()).ok()?),
        "上周" => (back(monday, 7)?, monday),
        "本月" | "这个月" => (first, first.checked_add(1.month()).ok()?),
        "上月" | "上个月" => (first.checked_sub(1.month()).ok()?, first),
        "今年" => (first_of(today.year(), 1)?, first_of(today.year().checked_add(1)?, 1)?),
        _ => return None,
    };
    between(from, to, context)
}

/// A year, a month or a day.
fn date(text: &str, context: &Context) -> Option<Period> {
    let parts = parts(text)?;
    match parts.as_slice() {
        [year] => between(first_of(*year, 1)?, first_of(year.checked_add(1)?, 1)?, context),
        [year, month] if text.ends_with('日') || text.ends_with('号') => {
            let (month, day) = (*year, *month);
            day_of(&[today(context).year(), month, day], context)
        }
        [year, month] => {
            let first = first_of(*year, *month)?;
            between(first, first.checked_add(1.month()).ok()?, context)
        }
        parts => day_of(parts, context),
    }
}

/// The numbers of a date: of `2026-11-24`, `2026/11`, `2026年11月24日`, `11月24日`.
fn parts(text: &str) -> Option<Vec<i16>> {
    let chinese = text.contains(['年', '月', '日', '号']);
    let separators: &[char] = if chinese { &['年', '月', '日', '号'] } else { &['-', '/'] };
    let text = if chinese { text.trim_end_matches(separators) } else { text };
    let parts: Option<Vec<i16>> = text.split(separators).map(|part| digits(part)?.try_into().ok()).collect();
    parts.filter(|parts| parts.len() <= 3)
}

fn day_of(parts: &[i16], context: &Context) -> Option<Period> {
    let &[year, month, day] = parts else { return None };
    let date = in_range(year, month, day)?;
    between(date, date.tomorrow().ok()?, context)
}

fn exact_day(text: &str, context: &Context) -> Option<Date> {
    let period = day_of(&parts(text)?, context)?;
    Some(context.tz.to_datetime(period.from).date())
}

/// An hour, a minute or a second of a day.
fn within_day(date: Date, time: &str, context: &Context) -> Option<Period> {
    let parts: Option<Vec<i8>> = time.split(':').map(|part| digits(part)?.try_into().ok()).collect();
    let (hour, minute, second, length) = match parts?.as_slice() {
        [hour] => (*hour, 0, 0, 3600),
        [hour, minute] => (*hour, *minute, 0, 60),
        [hour, minute, second] => (*hour, *minute, *second, 1),
        _ => return None,
    };
    let begin = DateTime::from_parts(date, Time::new(hour, minute, second, 0).ok()?);
    let from = context.tz.to_timestamp(begin).ok()?;
    Some(Period { from, to: from.checked_add(SignedDuration::from_secs(length)).ok()? })
}

fn first_of(year: i16, month: i16) -> Option<Date> {
    in_range(year, month, 1)
}

/// A day of a year that posts may be of.
fn in_range(year: i16, month: i16, day: i16) -> Option<Date> {
    if !(1000..=9000).contains(&year) {
        return None;
    }
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn today(context: &Context) -> Date {
    context.tz.to_datetime(context.now).date()
}

fn midnight(date: Date, context: &Context) -> Option<Timestamp> {
    context.tz.to_timestamp(date.to_datetime(Time::midnight())).ok()
}

fn between(from: Date, to: Date, context: &Context) -> Option<Period> {
    Some(Period { from: midnight(from, context)?, to: midnight(to, context)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    /// A Tuesday noon in Shanghai.
    fn context() -> Context {
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        Context { now: "2026-11-24T12:00:00+08:00".parse().unwrap(), tz, ..Context::default() }
    }

    #[test]
    fn the_table() {
        for (text, from, to) in [
            ("2026", "2026-01-01T00:00", "2027-01-01T00:00"),
            ("2026-11", "2026-11-01T00:00", "2026-12-01T00:00"),
            ("2026年11月", "2026-11-01T00:00", "2026-12-01T00:00"),
            ("2026-11-24", "2026-11-24T00:00", "2026-11-25T00:00"),
            ("2026/11/4", "2026-11-04T00:00", "2026-11-05T00:00"),
            ("2026年11月24日", "2026-11-24T00:00", "2026-11-25T00:00"),
            ("11月24日", "2026-11-24T00:00", "2026-11-25T00:00"),
            ("2026-11-24t08", "2026-11-24T08:00", "2026-11-24T09:00"),
            ("2026-11-24t08:30", "2026-11-24T08:30", "2026-11-24T08:31"),
            ("今天", "2026-11-24T00:00", "2026-11-25T00:00"),
            ("yesterday", "2026-11-23T00:00", "2026-11-24T00:00"),
            ("前天", "2026-11-22T00:00", "2026-11-23T00:00"),
            ("本周", "2026-11-23T00:00", "2026-11-30T00:00"),
            ("上周", "2026-11-16T00:00", "2026-11-23T00:00"),
            ("本月", "2026-11-01T00:00", "2026-12-01T00:00"),
            ("上月", "2026-10-01T00:00", "2026-11-01T00:00"),
            ("今年", "2026-01-01T00:00", "2027-01-01T00:00"),
            ("近7天", "2026-11-18T00:00", ""),
            ("近一周", "2026-11-18T00:00", ""),
            ("近两周", "2026-11-11T00:00", ""),
            ("最近1天", "2026-11-24T00:00", ""),
            ("近24小时", "2026-11-23T12:00", ""),
            ("30min", "2026-11-24T11:30", ""),
            ("7d", "2026-11-18T00:00", ""),
            ("2026-11-01..2026-11-24", "2026-11-01T00:00", "2026-11-25T00:00"),
            ("昨天至今天", "2026-11-23T00:00", "2026-11-25T00:00"),
            ("2026-11..", "2026-11-01T00:00", ""),
            ("..2026-11", "", "2026-12-01T00:00"),
            (">=2026-11-24", "2026-11-24T00:00", ""),
            (">2026-11-24", "2026-11-25T00:00", ""),
            ("<=2026-11-24", "", "2026-11-25T00:00"),
            ("<2026-11-24", "", "2026-11-24T00:00"),
            ("2026-11-24t00:00:00z..2026-11-24t01:00:00z", "2026-11-24T08:00", "2026-11-24T09:00"),
        ] {
            let at = |text: &str| (!text.is_empty()).then(|| format!("{text}:00+08:00").parse().unwrap());
            assert_eq!(range(text, &context()), Ok((at(from), at(to))), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "..",
            "明年",
            "2026-13",
            "2026-02-30",
            "26-11-24",
            "2026-11-24..2026-11-01",
            "近0天",
            "近天",
            "近-1天",
            "2026-11-24t25",
            "2026-11-24t08:00:00:00",
            "2026-11-24t00:00:00z",
            "近999999999天",
            "9999",
            "0001-01-01",
            ">",
            "1-2-3-4",
        ] {
            assert!(range(text, &context()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "(近|最近|今天|[0-9]{1,9}|[天年月日周至>=<.:tzdh/+-]|\\PC){0,8}") {
            if let Ok((Some(from), Some(to))) = range(&text, &context()) {
                prop_assert!(from < to);
            }
        }
    }
}
