//! Times as pages write them, with how exactly they say it. Pure: `now` and the timezone come in.
//!
//! | written | read as | exact to |
//! |---|---|---|
//! | RFC 3339, RFC 2822 | as written | second |
//! | `1795483500`, `1795483500000`, `1795483500.25` | since 1970, in seconds or milliseconds | second |
//! | `2026-11-24 10:05:30`, `2026/11/24 10:05`, `2026年11月24日 下午3点05分` | in the timezone | second, minute |
//! | `2026-11-24`, `2026年11月24日` | the begin of that day | day |
//! | `11-24 10:05`, `11月24日` | the last such day that is not in the future | minute, day |
//! | `今天 08:30`, `昨天 08:30`, `前天`, `大前天` | counted from today | minute, day |
//! | `08:30` | today, or yesterday where that is in the future | minute |
//! | `刚刚`, `30秒前`, `5分钟前`, `半小时前` | counted from now | minute |
//! | `2小时前`, `3天前`, `2周前`, `1个月前`, `1年前` | counted from now | hour, day |
//!
//! Other text around it does no harm: `发表于 2026-11-24 10:05 | 只看该作者`. What software writes in English is in [`english`].

mod english;

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime, Time},
    fmt::strtime::BrokenDownTime,
    tz::TimeZone,
};
use regex::{Captures, Regex};
use schemas::records::Precision;
use std::sync::LazyLock;

/// Clocks differ: a time this far ahead is still of today.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// A time stands in a few words; what comes behind is not searched.
const MAX_CHARS: usize = 200;

/// A time and how exactly it was written.
pub(crate) type Stated = (Timestamp, Precision);

/// An expression, compiled when it is first used.
macro_rules! expression {
    ($name:ident = $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "a constant, compiled by the tests")]
            Regex::new($text).expect("the expression is well formed")
        });
    };
}

use expression;

/// A time of day, with what people put between date and time: `T`, a weekday, a part of the day.
const CLOCK: &str = r"(?:[\sT,，]*(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?\s*(凌晨|早上|清晨|上午|中午|下午|傍晚|晚上|夜里|AM|PM|am|pm)?\s*(\d{1,2})\s*(?::|时|点)\s*(\d{1,2})?(?:\s*(?::|分)\s*(\d{1,2}))?)";

expression!(EPOCH = r"^(\d{10})(?:\.?(\d{3})\d{0,6})?(?:\.\d{0,9})?$");
expression!(FULL = &format!(r"(?:^|\D)(\d{{4}})\s*[-/.年]\s*(\d{{1,2}})\s*[-/.月]\s*(\d{{1,2}})\s*[日号]?{CLOCK}?"));
expression!(NO_YEAR = &format!(r"(?:^|[^\d:.-])(\d{{1,2}})\s*[-/月]\s*(\d{{1,2}})\s*[日号]?{CLOCK}?"));
expression!(NAMED_DAY = &format!(r"(今天|今日|昨天|昨日|大前天|前天|前日){CLOCK}?"));
expression!(BARE = &format!(r"^\s*{CLOCK}"));
expression!(JUST_NOW = r"刚刚|刚才|(?i:just now)");
expression!(
    AGO = r"(\d{1,6}|半|[一二两三四五六七八九十]|几)\s*个?\s*(秒钟?|分钟|分|小时|钟头|天|日|周|星期|月|年)(半)?\s*(?:之|以)?前"
);

/// Reads a time.
pub(crate) fn read(text: &str, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    let text: String = text.trim().chars().take(MAX_CHARS).map(narrow).collect();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((at, Precision::Second));
    }
    if let Some(found) = EPOCH.captures(&text) {
        let second: i64 = number(&found, 1)?;
        let thousandths: i64 = number(&found, 2).unwrap_or(0);
        return Some((Timestamp::from_millisecond(second.checked_mul(1_000)? + thousandths).ok()?, Precision::Second));
    }
    if let Ok(at) = jiff::fmt::rfc2822::parse(&text) {
        return Some((at.timestamp(), Precision::Second));
    }
    let today = now.to_zoned_datetime(tz.clone()).date();
    if let Some(found) = FULL.captures(&text) {
        let day = Date::new(number(&found, 1)?, number(&found, 2)?, number(&found, 3)?).ok()?;
        return on(day, &found, 4, tz);
    }
    if let Some(found) = AGO.captures(&text) {
        return ago(&found, now, tz);
    }
    if let Some(found) = NAMED_DAY.captures(&text) {
        let back: i64 = match &found[1] {
            "今天" | "今日" => 0,
            "昨天" | "昨日" => 1,
            "大前天" => 3,
            _ => 2,
        };
        return on(today.checked_sub(Span::new().days(back)).ok()?, &found, 2, tz);
    }
    if JUST_NOW.is_match(&text) {
        return Some((now, Precision::Minute));
    }
    if let Some(stated) = english::read(&text, today, now, tz) {
        return Some(stated);
    }
    if let Some(found) = NO_YEAR.captures(&text) {
        return without_year(&found, today, now, tz);
    }
    let found = BARE.captures(&text)?;
    let (at, precision) = on(today, &found, 1, tz)?;
    if at.duration_since(now) <= AHEAD {
        return Some((at, precision));
    }
    on(today.yesterday().ok()?, &found, 1, tz)
}

/// Reads a time in a given format, as in strftime. What the format does not state is not made up but for the year.
pub(crate) fn read_as(format: &str, text: &str, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    let mut parts = BrokenDownTime::parse(format, text.trim()).ok()?;
    let precision = match (parts.second(), parts.minute(), parts.hour()) {
        (Some(_), ..) => Precision::Second,
        (_, Some(_), _) => Precision::Minute,
        (_, _, Some(_)) => Precision::Hour,
        _ => Precision::Day,
    };
    if let Ok(at) = parts.to_timestamp() {
        return Some((at, precision));
    }
    if parts.year().is_none() {
        parts.set_year(Some(now.to_zoned_datetime(tz.clone()).year())).ok()?;
    }
    let at = match parts.to_datetime() {
        Ok(at) => at,
        Err(_) => parts.to_date().ok()?.to_datetime(Time::midnight()),
    };
    Some((at.to_zoned_datetime(tz.clone()).ok()?.timestamp(), precision))
}

/// Full-width digits and signs as ASCII.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '：' | '－' | '／' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{a0}' | '\u{3000}' => ' ',
        _ => c,
    }
}

fn number<T: std::str::FromStr>(found: &Captures<'_>, group: usize) -> Option<T> {
    found.get(group)?.as_str().parse().ok()
}

/// A day, and the time of day that the groups from `group` on may state.
fn on(day: Date, found: &Captures<'_>, group: usize, tz: &TimeZone) -> Option<Stated> {
    let (time, precision) = match found.get(group + 1) {
        None => (Time::midnight(), Precision::Day),
        Some(_) => {
            let part = found.get(group).map_or("", |part| part.as_str());
            let hour: i8 = number(found, group + 1)?;
            let hour = match part {
                "下午" | "傍晚" | "晚上" | "PM" | "pm" if hour < 12 => hour + 12,
                "中午" if hour < 11 => hour + 12,
                "凌晨" | "AM" | "am" | "夜里" if hour == 12 => 0,
                _ => hour,
            };
            let minute: Option<i8> = number(found, group + 2);
            let second: Option<i8> = number(found, group + 3);
            let precision = match (minute, second) {
                (_, Some(_)) => Precision::Second,
                (Some(_), None) => Precision::Minute,
                _ => Precision::Hour,
            };
            // Some pages write midnight as 24:00.
            let (hour, next_day) = if hour == 24 { (0, true) } else { (hour, false) };
            let time = Time::new(hour, minute.unwrap_or(0), second.unwrap_or(0), 0).ok()?;
            return zoned(if next_day { day.tomorrow().ok()? } else { day }.to_datetime(time), precision, tz);
        }
    };
    zoned(day.to_datetime(time), precision, tz)
}

fn zoned(at: DateTime, precision: Precision, tz: &TimeZone) -> Option<Stated> {
    Some((at.to_zoned_datetime(tz.clone()).ok()?.timestamp(), precision))
}

fn without_year(found: &Captures<'_>, today: Date, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    let (month, day): (i8, i8) = (number(found, 1)?, number(found, 2)?);
    // 29 February may lie up to eight years back.
    (0..=8).find_map(|back| {
        let day = Date::new(today.year() - back, month, day).ok()?;
        on(day, found, 3, tz).filter(|(at, _)| at.duration_since(now) <= AHEAD)
    })
}

fn ago(found: &Captures<'_>, now: Timestamp, tz: &TimeZone) -> Option<Stated> {
    let halves: i64 = match &found[1] {
        "半" => 1,
        "几" => 6,
        digits => match digits.parse::<i64>() {
            Ok(number) => number * 2,
            Err(_) => {
                ("一二三四五六七八九十".chars().position(|c| digits.starts_with(c)).map_or(2, |at| at as i64 + 1)) * 2
            }
        },
    } + i64::from(found.get(3).is_some());
    let seconds = |each: i64| SignedDuration::from_secs(halves * each / 2);
    let days = |each: i64| {
        let day = now.to_zoned_datetime(tz.clone()).checked_sub(Span::new().try_days(halves * each / 2).ok()?).ok()?;
        Some((day.timestamp(), Precision::Day))
    };
    let exact = |back: SignedDuration, precision| Some((now.checked_sub(back).ok()?, precision));
    match &found[2] {
        "秒" | "秒钟" => exact(seconds(1), Precision::Minute),
        "分钟" | "分" => exact(seconds(60), Precision::Minute),
        "小时" | "钟头" if halves == 1 => exact(seconds(3600), Precision::Minute),
        "小时" | "钟头" => exact(seconds(3600), Precision::Hour),
        "天" | "日" => days(1),
        "周" | "星期" => days(7),
        "月" => days(30),
        _ => days(365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tz() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    /// Tuesday, 24 November 2026, 10:05 in Shanghai.
    fn now() -> Timestamp {
        "2026-11-24T10:05:00+08:00".parse().unwrap()
    }

    fn local(text: &str) -> Option<(String, Precision)> {
        let (at, precision) = read(text, now(), &tz())?;
        Some((at.to_zoned_datetime(tz()).strftime("%Y-%m-%d %H:%M:%S").to_string(), precision))
    }

    #[test]
    fn each_row_of_the_table() {
        use Precision::{Day, Hour, Minute, Second};
        for (written, expected, precision) in [
            ("2026-11-24T02:05:07Z", "2026-11-24 10:05:07", Second),
            ("2026-11-24T10:05:07+08:00", "2026-11-24 10:05:07", Second),
            ("Tue, 24 Nov 2026 02:05:07 GMT", "2026-11-24 10:05:07", Second),
            ("1795483500", "2026-11-24 09:25:00", Second),
            ("1795483500123", "2026-11-24 09:25:00", Second),
            ("1795483500.6254", "2026-11-24 09:25:00", Second),
            ("Tue Nov 24 10:05:07 +0800 2026", "2026-11-24 10:05:07", Second),
            ("Tue Nov 24 02:05:07 +0000 2026", "2026-11-24 10:05:07", Second),
            ("Tue Nov 24 10:05:07 2026", "2026-11-24 10:05:07", Second),
            ("Tue Nov 24, 2026 10:05 am", "2026-11-24 10:05:00", Minute),
            ("by resident » Mon Nov 23, 2026 9:05 pm", "2026-11-23 21:05:00", Minute),
            ("24 Nov 2026, 10:05", "2026-11-24 10:05:00", Minute),
            ("November 3rd, 2026 at 12:05 AM", "2026-11-03 00:05:00", Minute),
            ("3. November 2026, 10:05:09", "2026-11-03 10:05:09", Second),
            ("23.11.2026 18:30", "2026-11-23 18:30:00", Minute),
            ("Nov 23, 10:05", "2026-11-23 10:05:00", Minute),
            ("25 Nov", "2025-11-25 00:00:00", Day),
            ("Yesterday, 10:05", "2026-11-23 10:05:00", Minute),
            ("Today at 9:05 am", "2026-11-24 09:05:00", Minute),
            ("5 minutes ago", "2026-11-24 10:00:00", Minute),
            ("less than a minute ago", "2026-11-24 10:04:00", Minute),
            ("an hour ago", "2026-11-24 09:05:00", Hour),
            ("2 days ago", "2026-11-22 10:05:00", Day),
            ("Just now", "2026-11-24 10:05:00", Minute),
            ("« 2026-11-24 09:05 »", "2026-11-24 09:05:00", Minute),
            ("2026-11-24 10:05:30", "2026-11-24 10:05:30", Second),
            ("2026-11-24T10:05:30", "2026-11-24 10:05:30", Second),
            ("2026/1/4 9:05", "2026-01-04 09:05:00", Minute),
            ("2026年11月24日 10:05", "2026-11-24 10:05:00", Minute),
            ("2026年11月24日星期二 下午3点05分", "2026-11-24 15:05:00", Minute),
            ("2026年11月24日 晚上8点", "2026-11-24 20:00:00", Hour),
            ("２０２６－１１－２４　１０：０５", "2026-11-24 10:05:00", Minute),
            ("2026.11.24", "2026-11-24 00:00:00", Day),
            ("2026年11月23日", "2026-11-23 00:00:00", Day),
            ("发表于 2026-11-20 08:30 | 只看该作者", "2026-11-20 08:30:00", Minute),
            ("2026-11-23 24:00", "2026-11-24 00:00:00", Minute),
            ("11-24 10:05", "2026-11-24 10:05:00", Minute),
            ("11-24 12:05", "2025-11-24 12:05:00", Minute),
            ("12月31日", "2025-12-31 00:00:00", Day),
            ("2月29日", "2024-02-29 00:00:00", Day),
            ("今天 08:30", "2026-11-24 08:30:00", Minute),
            ("昨天 08:30", "2026-11-23 08:30:00", Minute),
            ("昨天08:30:01", "2026-11-23 08:30:01", Second),
            ("前天", "2026-11-22 00:00:00", Day),
            ("大前天 12:00", "2026-11-21 12:00:00", Minute),
            ("08:30", "2026-11-24 08:30:00", Minute),
            ("23:30", "2026-11-23 23:30:00", Minute),
            ("刚刚", "2026-11-24 10:05:00", Minute),
            ("30秒前", "2026-11-24 10:04:30", Minute),
            ("5分钟前", "2026-11-24 10:00:00", Minute),
            ("5 分钟前 来自 iPhone", "2026-11-24 10:00:00", Minute),
            ("半小时前", "2026-11-24 09:35:00", Minute),
            ("半个小时前", "2026-11-24 09:35:00", Minute),
            ("2小时前", "2026-11-24 08:05:00", Hour),
            ("两个小时前", "2026-11-24 08:05:00", Hour),
            ("3天前", "2026-11-21 10:05:00", Day),
            ("1周前", "2026-11-17 10:05:00", Day),
        ] {
            assert_eq!(local(written), Some((expected.into(), precision)), "{written}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "昨",
            "2026-13-41",
            "2026-11-24 25:61",
            "只看该作者",
            "停水了",
            "99-99",
            "999999999年前",
            "99 Nov 2026",
            "May I ask",
            "32.13.2026",
            "ago",
        ] {
            assert_eq!(local(text), None, "{text}");
        }
    }

    #[test]
    fn a_format_of_the_config() {
        let at = |format, text| {
            let (at, precision) = read_as(format, text, now(), &tz())?;
            Some((at.to_string(), precision))
        };
        assert_eq!(at("%d/%m/%Y %H:%M", "24/11/2026 10:05"), Some(("2026-11-24T02:05:00Z".into(), Precision::Minute)));
        assert_eq!(at("%Y.%m.%d", "2026.11.24"), Some(("2026-11-23T16:00:00Z".into(), Precision::Day)));
        assert_eq!(at("%m/%d %H:%M", "11/24 10:05"), Some(("2026-11-24T02:05:00Z".into(), Precision::Minute)));
        assert_eq!(
            at("%Y-%m-%dT%H:%M:%S%z", "2026-11-24T10:05:00+0800"),
            Some(("2026-11-24T02:05:00Z".into(), Precision::Second))
        );
        assert_eq!(at("%d/%m/%Y", "soon"), None);
    }

    proptest! {
        #[test]
        fn it_never_panics(text in any::<String>(), now in any::<i64>()) {
            let now = Timestamp::from_second(now.rem_euclid(400_000_000_000) - 200_000_000_000).unwrap();
            let _ = read(&text, now, &tz());
            let _ = read_as("%Y-%m-%d %H:%M", &text, now, &tz());
        }

        #[test]
        fn it_never_panics_on_what_looks_like_a_time(text in "[0-9]{0,7}[-/.年:小个]?[0-9]{1,4}[-/月:天周日分秒时前 ]{0,3}[0-9]{0,3}(:|点|分钟前|天前|年前)?[0-9]{0,3}") {
            let _ = read(&text, now(), &tz());
        }

        #[test]
        fn it_never_panics_on_what_looks_english(text in "(mon |tue )?(jan|nov|sept|today|yesterday|a|an|[0-9]{1,7})?[ .,]{0,2}[0-9]{0,4}(th)?[ .,]{0,2}(nov|[0-9]{0,4})[ ,]{0,2}[0-9]{0,5}:?[0-9]{0,2}(:[0-9]{2})? ?(am|pm|days ago|years ago|m ago)?( [0-9]{4})?") {
            let _ = read(&text, now(), &tz());
        }

        /// A minute that is written in any of the absolute forms is read back as that minute.
        #[test]
        fn what_is_written_is_read_back(back in 0i64..2_000_000) {
            let at = (now() - SignedDuration::from_mins(back)).to_zoned_datetime(tz());
            for format in ["%Y-%m-%d %H:%M", "%Y年%m月%d日 %H:%M", "%Y/%-m/%-d %-H:%M", "%a %b %-d, %Y %-I:%M %P", "%-d %B %Y %H:%M", "%d.%m.%Y %H:%M"] {
                let written = at.strftime(format).to_string();
                prop_assert_eq!(read(&written, now(), &tz()), Some((at.timestamp(), Precision::Minute)), "{}", written);
            }
            // Clocks differ: what would lie an hour ahead at the most is of this year.
            if back < 365 * 24 * 60 - 60 {
                let written = at.strftime("%m-%d %H:%M").to_string();
                prop_assert_eq!(read(&written, now(), &tz()).map(|(at, _)| at), Some(at.timestamp()), "{}", written);
            }
        }

        /// Times without a date or a year never lie in the future, but for what clocks differ by.
        #[test]
        fn vague_times_are_not_in_the_future(month in 1i8..=12, day in 1i8..=28, hour in 0i8..24, minute in 0i8..60) {
            for text in [format!("{month}-{day} {hour}:{minute:02}"), format!("{hour:02}:{minute:02}"), format!("{minute}分钟前")] {
                let (at, _) = read(&text, now(), &tz()).unwrap();
                prop_assert!(at.duration_since(now()) <= AHEAD, "{}", text);
            }
        }
    }

    #[test]
    fn the_ends_of_time() {
        assert_eq!(local("9999-12-31 23:59"), None, "no timestamp reaches that far");
        assert!(local("9999-12-01 10:00").is_some() && local("0001-01-01").is_some());
    }
}
