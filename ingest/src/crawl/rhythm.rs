//! The rhythm of a source, learned from its visits: how soon to come again, and when its silence is no calm.
//!
//! What is learned: how many new rows an hour brings at each hour of the day, the rate of the last half hour or so, how many
//! rows a page holds, and how long the source usually has nothing to say.
//!
//! | the source | next visit |
//! |---|---|
//! | brings posts | when about one more is expected, and before half a page of them is |
//! | is quiet | later and later, up to the slowest pace |
//! | any | never sooner than the fastest pace of the config |
//!
//! | since its last new row | silent |
//! |---|---|
//! | less than twice its longest usual quiet | no |
//! | so few rows are expected in that time that none is no surprise | no |
//! | otherwise | yes, until it brings one |

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Half-life of the rate that tells a burst.
const BURST: f64 = 900.0;
/// Half-life, in days, of what an hour of the day brings.
const DAYS: f64 = 7.0;
/// Half-life, in days, of the longest quiet.
const QUIET_DAYS: f64 = 14.0;
/// Rows that must have been seen before silence means anything.
const LEARNED: f64 = 30.0;
/// Rows that must have been expected meanwhile. Posts come in clusters: for counts that vary five times as much as
/// independent ones, none of so many has a chance of about e⁻⁴.
const EXPECTED: f64 = 20.0;
/// A rate may be so much higher than it was.
const CAUTION: f64 = 2.0;

/// What is learned of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rhythm {
    /// New rows, and seconds watched, by hour of the day; both fade.
    hours: [(f32, f32); 24],
    /// Rows per second, lately.
    rate: f64,
    /// When that was so.
    at: Option<Timestamp>,
    /// Rows of a page.
    page: f32,
    /// Rows that were seen in all; fades with the hours.
    seen: f64,
    last_new: Option<Timestamp>,
    /// The longest stretch without a new row, in seconds; fades.
    quiet: f64,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { hours: [(0.0, 0.0); 24], rate: 0.0, at: None, page: 0.0, seen: 0.0, last_new: None, quiet: 0.0 }
    }
}

/// Between which bounds a source is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) fastest: Duration,
    /// Where nothing is known yet.
    pub(crate) usual: Duration,
    pub(crate) slowest: Duration,
}

impl Rhythm {
    /// Learns from a visit that read its list well: at `now`, so many rows were new, of a page of so many.
    pub(crate) fn learn(&mut self, new: u32, page: u32, now: Timestamp, tz: &TimeZone) {
        if page > 0 {
            self.page = if self.page == 0.0 { page as f32 } else { self.page * 0.9 + page as f32 * 0.1 };
        }
        let Some(before) = self.at.replace(now) else {
            // What the first visit finds is history.
            self.last_new = Some(now);
            return;
        };
        let watched = now.duration_since(before).as_secs_f64();
        if watched <= 0.0 {
            return;
        }
        let new = f64::from(new);
        let kept = 0.5_f64.powf(watched / BURST);
        self.rate = self.rate * kept + new / watched.max(1.0) * (1.0 - kept);
        let faded = 0.5_f64.powf(watched / (DAYS * 86_400.0));
        for (rows, seconds) in &mut self.hours {
            (*rows, *seconds) = ((f64::from(*rows) * faded) as f32, (f64::from(*seconds) * faded) as f32);
        }
        self.seen = self.seen * faded + new;
        self.quiet *= 0.5_f64.powf(watched / (QUIET_DAYS * 86_400.0));
        // An outage of ours tells nothing of hours: what came in it is counted where it was found, for as long as an hour.
        let hour = &mut self.hours[hour(now, tz)];
        *hour = (hour.0 + new as f32, hour.1 + watched.min(3_600.0) as f32);
        if new > 0.0 {
            if let Some(last) = self.last_new {
                self.quiet = self.quiet.max(now.duration_since(last).as_secs_f64());
            }
            self.last_new = Some(now);
        }
    }

    /// The pause until the next visit.
    pub(crate) fn pause(&self, bounds: Bounds, now: Timestamp, tz: &TimeZone) -> Duration {
        if self.at.is_none() || self.seen <= 0.0 {
            return bounds.usual.clamp(bounds.fastest, bounds.slowest);
        }
        let soon = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
        let rate = self.rate.max(self.hourly(hour(now, tz))).max(self.hourly(hour(soon, tz)));
        let half_a_page = f64::from(self.page).max(2.0) / 2.0;
        let pause = (1.0 / rate).min(half_a_page / (rate * CAUTION));
        let pause = if pause.is_finite() { pause.min(86_400.0 * 30.0) } else { 86_400.0 };
        Duration::from_secs_f64(pause).clamp(bounds.fastest, bounds.slowest.max(bounds.fastest))
    }

    /// Since when the source is silent, if it is.
    pub(crate) fn silent_since(&self, now: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
        let last = self.last_new.filter(|_| self.seen >= LEARNED)?;
        let since = now.duration_since(last).as_secs_f64();
        // Where less than two days are known, a night may be all that has come.
        let known: f64 = self.hours.iter().map(|(_, seconds)| f64::from(*seconds)).sum();
        let longest = if known < 2.0 * 86_400.0 { self.quiet.max((known - since).max(0.0) / 4.0) } else { self.quiet };
        (since > 2.0 * longest && self.expected(last, now, tz) >= EXPECTED).then_some(last)
    }

    /// Rows that are expected within a stretch of time.
    fn expected(&self, from: Timestamp, to: Timestamp, tz: &TimeZone) -> f64 {
        const STEP: f64 = 900.0;
        let seconds = to.duration_since(from).as_secs_f64().clamp(0.0, 14.0 * 86_400.0);
        let steps = (seconds / STEP).ceil() as u32;
        (0..steps)
            .map(|step| {
                let into = f64::from(step) * STEP;
                let length = (seconds - into).min(STEP);
                let at = from.checked_add(SignedDuration::from_secs_f64(into)).unwrap_or(to);
                self.hourly(hour(at, tz)) * length
            })
            .sum()
    }

    /// Rows per second at an hour of the day; that of the whole day where the hour was hardly watched.
    fn hourly(&self, hour: usize) -> f64 {
        let of = |(rows, seconds): (f32, f32)| f64::from(rows) / f64::from(seconds).max(1.0);
        let all = self.hours.iter().fold((0.0, 0.0), |sum, hour| (sum.0 + hour.0, sum.1 + hour.1));
        let (own, day) = (self.hours[hour], of(all));
        let weight = (f64::from(own.1) / 3_600.0).min(1.0);
        of(own) * weight + day * (1.0 - weight)
    }
}

fn hour(at: Timestamp, tz: &TimeZone) -> usize {
    at.to_zoned_datetime(tz.clone()).hour().clamp(0, 23) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds =
        Bounds { fastest: Duration::from_secs(15), usual: Duration::from_secs(60), slowest: Duration::from_secs(300) };

    fn at(seconds: i64) -> Timestamp {
        // Midnight.
        Timestamp::from_second(1_790_035_200 + seconds).unwrap()
    }

    /// Visits every minute up to `to`, with what `rows` says of each.
    fn watched(to: i64, rows: impl Fn(i64) -> u32) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for minute in 0..=to / 60 {
            rhythm.learn(rows(minute), 20, at(minute * 60), &TimeZone::UTC);
        }
        rhythm
    }

    fn pause(rhythm: &Rhythm, seconds: i64) -> u64 {
        rhythm.pause(BOUNDS, at(seconds), &TimeZone::UTC).as_secs()
    }

    fn is_silent(rhythm: &Rhythm, seconds: i64) -> bool {
        rhythm.silent_since(at(seconds), &TimeZone::UTC).is_some()
    }

    #[test]
    fn sooner_when_posts_come_and_later_when_it_is_quiet() {
        assert_eq!(pause(&Rhythm::default(), 0), 60);
        let busy = watched(3_600, |_| 2);
        assert!((20..=35).contains(&pause(&busy, 3_600)), "{}", pause(&busy, 3_600));
        assert_eq!(pause(&watched(3_600, |_| 15), 3_600), 15);
        assert_eq!(pause(&watched(7 * 3_600, |minute| u32::from(minute == 3)), 7 * 3_600), 300);
    }

    #[test]
    fn half_a_page_is_not_exceeded() {
        let slow = Bounds { fastest: Duration::from_secs(1), ..BOUNDS };
        let mut rhythm = Rhythm::default();
        for step in 0..200 {
            // Pages of two rows.
            rhythm.learn(1, 2, at(step * 10), &TimeZone::UTC);
        }
        let pause = rhythm.pause(slow, at(2_000), &TimeZone::UTC).as_secs_f64();
        assert!(pause * 0.1 <= 1.0, "in {pause} s more than half a page of two is expected");
    }

    #[test]
    fn an_hour_that_is_usually_busy_is_met_in_time() {
        let busy_at_noon = watched(5 * 86_400, |minute| if minute % 1_440 / 60 == 12 { 6 } else { 0 });
        assert_eq!(pause(&busy_at_noon, 5 * 86_400 + 3 * 3_600), 300);
        assert!(pause(&busy_at_noon, 5 * 86_400 + 11 * 3_600 + 60) <= 15);
    }

    #[test]
    fn it_falls_silent_against_its_own_rhythm() {
        let steady = |minute: i64| u32::from(minute % 5 == 0);
        let week = watched(7 * 86_400, steady);
        let end = 7 * 86_400;
        assert!(!is_silent(&week, end + 600));
        assert!(is_silent(&week, end + 3 * 3_600));
        let mut again = week;
        again.learn(1, 20, at(end + 4 * 3_600), &TimeZone::UTC);
        assert!(!is_silent(&again, end + 4 * 3_600 + 60));
    }

    #[test]
    fn a_night_is_no_silence() {
        let by_day =
            watched(7 * 86_400, |minute| u32::from((8..22).contains(&(minute % 1_440 / 60)) && minute % 4 == 0));
        let end = 7 * 86_400;
        assert!(!is_silent(&by_day, end + 7 * 3_600), "at seven in the morning");
        assert!(is_silent(&by_day, end + 20 * 3_600), "a whole day without a word");
    }

    #[test]
    fn nothing_is_said_of_a_source_that_is_hardly_known() {
        assert!(!is_silent(&watched(86_400, |minute| u32::from(minute % 200 == 0)), 5 * 86_400));
        assert!(!is_silent(&Rhythm::default(), 86_400));
        let an_hour = watched(3_600, |_| 2);
        assert!(!is_silent(&an_hour, 3_600 + 900) && is_silent(&an_hour, 3 * 3_600));
    }

    proptest! {
        /// Whatever the visits bring and however the clock jumps: the pause keeps its bounds.
        #[test]
        fn the_pause_keeps_its_bounds(visits in prop::collection::vec((0u32..500, 0u32..100, -5_000i64..500_000), 0..60)) {
            let (mut rhythm, mut now) = (Rhythm::default(), 0);
            for (new, page, step) in visits {
                now += step;
                rhythm.learn(new, page, at(now), &TimeZone::UTC);
                let pause = rhythm.pause(BOUNDS, at(now), &TimeZone::UTC);
                prop_assert!(pause >= BOUNDS.fastest && pause <= BOUNDS.slowest, "{:?}", pause);
                let _ = rhythm.silent_since(at(now + step), &TimeZone::UTC);
            }
        }
    }
}
