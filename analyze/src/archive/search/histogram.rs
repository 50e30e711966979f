//! How many matches there are in each minute, hour, day, week or month of a timezone. Pure.
//!
//! Matches are counted by the minute, which every timezone's offset is a multiple of today, and the minutes put together in the end: a
//! day is what the timezone says it is, also when the clocks are changed.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// More bars than anybody can look at.
pub const MOST_BUCKETS: usize = 3_000;
/// Where [`Scale::Auto`] stops growing coarser.
const ENOUGH_BUCKETS: usize = 120;
const MINUTE: i64 = 60_000_000_000;

/// The length of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// 60 seconds.
    Minute,
    /// 60 minutes, but where clocks are changed.
    Hour,
    /// A day of the calendar.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
    /// The finest of these that does not make too many.
    Auto,
}

/// Counts over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// The length of a bucket; never `auto`.
    pub scale: Scale,
    /// From the first match to the last, those without any in between too.
    pub buckets: Vec<Bucket>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// When it begins.
    pub from: Timestamp,
    /// Matches in it.
    pub count: u64,
}

/// A scale that makes too many buckets of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "时间跨度太大, 柱数超过 {MOST_BUCKETS}: 请缩小时间范围或用更粗的刻度 / more than {MOST_BUCKETS} bars: narrow the time or take a \
     coarser scale"
)]
pub struct TooFine;

/// Matches, counted by the minute.
#[derive(Default)]
pub(super) struct Minutes(FxHashMap<i64, u64>);

impl Minutes {
    /// Counts a match at so many nanoseconds since 1970.
    pub(super) fn count(&mut self, at: i64) {
        *self.0.entry(at.div_euclid(MINUTE)).or_default() += 1;
    }

    /// Puts the minutes together.
    pub(super) fn histogram(self, scale: Scale, tz: &TimeZone) -> Result<Histogram, TooFine> {
        let mut minutes: Vec<(i64, u64)> = self.0.into_iter().collect();
        minutes.sort_unstable();
        let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else {
            return Ok(Histogram { scale: if scale == Scale::Auto { Scale::Day } else { scale }, buckets: Vec::new() });
        };
        let span = usize::try_from(last.0 - first.0).unwrap_or(usize::MAX);
        let scale = match scale {
            Scale::Auto => [Scale::Minute, Scale::Hour, Scale::Day, Scale::Week]
                .into_iter()
                .find(|scale| span / scale.minutes() < ENOUGH_BUCKETS)
                .unwrap_or(Scale::Month),
            scale => scale,
        };
        if span / scale.minutes() > MOST_BUCKETS {
            return Err(TooFine);
        }
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut next = None;
        for (minute, count) in minutes {
            let at = at(minute);
            while next.is_some_and(|next| next <= at) {
                let from = next.unwrap_or(at);
                buckets.push(Bucket { from, count: 0 });
                next = after(from, scale, tz);
                if buckets.len() > MOST_BUCKETS {
                    return Err(TooFine);
                }
            }
            match buckets.last_mut() {
                Some(bucket) => bucket.count += count,
                None => {
                    let from = begin(at, scale, tz);
                    next = after(from, scale, tz);
                    buckets.push(Bucket { from, count });
                }
            }
        }
        Ok(Histogram { scale, buckets })
    }
}

impl Scale {
    /// About how many minutes a bucket has, at least.
    fn minutes(self) -> usize {
        match self {
            Self::Minute | Self::Auto => 1,
            Self::Hour => 60,
            Self::Day => 23 * 60,
            Self::Week => 7 * 24 * 60 - 60,
            Self::Month => 28 * 24 * 60 - 60,
        }
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MIN)
}

/// When the bucket that a time lies in begins.
pub(in crate::archive) fn begin(at: Timestamp, scale: Scale, tz: &TimeZone) -> Timestamp {
    let zoned = at.to_zoned_datetime(tz.clone());
    let day = zoned.date();
    let midnight = |date: Date| date.to_zoned_datetime(tz.clone()).map(|zoned| zoned.timestamp());
    let begin = match scale {
        Scale::Minute | Scale::Auto => return at,
        Scale::Hour => at.checked_sub(SignedDuration::from_mins(zoned.minute().into())),
        Scale::Day => midnight(day),
        Scale::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).and_then(midnight),
        Scale::Month => midnight(day.first_of_month()),
    };
    // At the ends of time a bucket begins with the first match.
    begin.unwrap_or(at)
}

/// When the bucket after one begins.
pub(in crate::archive) fn after(from: Timestamp, scale: Scale, tz: &TimeZone) -> Option<Timestamp> {
    let date = from.to_zoned_datetime(tz.clone()).date();
    let next = match scale {
        Scale::Minute | Scale::Auto => return from.checked_add(SignedDuration::from_mins(1)).ok(),
        Scale::Hour => return from.checked_add(SignedDuration::from_hours(1)).ok(),
        Scale::Day => date.checked_add(1.day()),
        Scale::Week => date.checked_add(7.days()),
        Scale::Month => date.checked_add(1.month()),
    };
    next.and_then(|date| date.to_zoned_datetime(tz.clone())).map(|zoned| zoned.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(times: &[&str], scale: Scale, tz: &str) -> Vec<(String, u64)> {
        let mut minutes = Minutes::default();
        for time in times {
            minutes.count(time.parse::<Timestamp>().unwrap().as_nanosecond() as i64);
        }
        let tz = TimeZone::get(tz).unwrap();
        let found = minutes.histogram(scale, &tz).unwrap();
        found
            .buckets
            .iter()
            .map(|bucket| (bucket.from.to_zoned_datetime(tz.clone()).datetime().to_string(), bucket.count))
            .collect()
    }

    fn told(buckets: &[(&str, u64)]) -> Vec<(String, u64)> {
        buckets.iter().map(|(from, count)| (format!("{from}:00"), *count)).collect()
    }

    #[test]
    fn days_weeks_and_months_are_those_of_the_timezone_and_gaps_are_shown() {
        let times = ["2026-11-24T15:59:59Z", "2026-11-24T16:00:00Z", "2026-11-27T00:00:00Z"];
        let days = histogram(&times, Scale::Day, "Asia/Shanghai");
        let expected =
            [("2026-11-24T00:00", 1), ("2026-11-25T00:00", 1), ("2026-11-26T00:00", 0), ("2026-11-27T00:00", 1)];
        assert_eq!(days, told(&expected));
        assert_eq!(histogram(&times, Scale::Week, "Asia/Shanghai"), told(&[("2026-11-23T00:00", 3)]));
        assert_eq!(histogram(&times, Scale::Month, "Asia/Shanghai"), told(&[("2026-11-01T00:00", 3)]));
        let hours = histogram(&["2026-11-24T00:30:00Z", "2026-11-24T02:00:59Z"], Scale::Hour, "Asia/Kolkata");
        assert_eq!(hours, told(&[("2026-11-24T06:00", 1), ("2026-11-24T07:00", 1)]), "half an hour from UTC");
    }

    #[test]
    fn auto_takes_the_finest_that_is_not_too_fine_and_others_are_refused() {
        let scale = |to: &str| {
            let mut minutes = Minutes::default();
            for time in ["2026-01-01T00:00:00Z", to] {
                minutes.count(time.parse::<Timestamp>().unwrap().as_nanosecond() as i64);
            }
            minutes.histogram(Scale::Auto, &TimeZone::UTC).unwrap().scale
        };
        assert_eq!(scale("2026-01-01T01:00:00Z"), Scale::Minute);
        assert_eq!(scale("2026-01-02T00:00:00Z"), Scale::Hour);
        assert_eq!(scale("2026-02-01T00:00:00Z"), Scale::Day);
        assert_eq!(scale("2027-01-01T00:00:00Z"), Scale::Week);
        assert_eq!(scale("2036-01-01T00:00:00Z"), Scale::Month);
        let mut minutes = Minutes::default();
        minutes.count(0);
        minutes.count(i64::from(i32::MAX) * 1_000_000_000);
        assert_eq!(minutes.histogram(Scale::Minute, &TimeZone::UTC), Err(TooFine));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_buckets_rise(
            seconds in prop::collection::vec(0_i64..40_000_000, 0..40), scale in 0_usize..5, zone in 0_usize..3,
        ) {
            let mut minutes = Minutes::default();
            for second in &seconds {
                minutes.count((1_760_000_000 + second) * 1_000_000_000);
            }
            let tz = TimeZone::get(["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"][zone]).unwrap();
            let scale = [Scale::Hour, Scale::Day, Scale::Week, Scale::Month, Scale::Auto][scale];
            if let Ok(Histogram { buckets, .. }) = minutes.histogram(scale, &tz) {
                prop_assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), seconds.len() as u64);
                prop_assert!(buckets.windows(2).all(|pair| pair[0].from < pair[1].from));
            }
        }

        #[test]
        fn any_time_is_counted(at in any::<i64>(), scale in 0_usize..6) {
            let mut minutes = Minutes::default();
            minutes.count(at);
            let scale = [Scale::Minute, Scale::Hour, Scale::Day, Scale::Week, Scale::Month, Scale::Auto][scale];
            let found = minutes.histogram(scale, &TimeZone::get("Asia/Shanghai").unwrap()).unwrap();
            prop_assert_eq!(found.buckets.len(), 1);
        }
    }
}
