//! What is expected of a topic at a moment, learned from its own history.
//!
//! The rate is learned by hour of the week, in the centre's own time, from the counts of whole hours. It is a chain of
//! gamma–Poisson estimates, each the prior of the next, so that much history speaks for itself and little is drawn towards
//! what is known of wider stretches (empirical-Bayes shrinkage: Gelman et al., *Bayesian Data Analysis*, 3rd ed., sections
//! 2.6 and 5.1; for surveillance counts Noufaily et al., *Statistics in Medicine* 32, 2013):
//!
//! ```text
//! prior (wide) → the topic's overall rate → hour of the day → hour of the week
//! ```
//!
//! * **Decay.** An hour's weight is halved every `half_life`; nothing older than eight weeks counts.
//! * **Doubt.** Each estimate keeps its relative variance, its parents' included; the predictive distribution of a window is
//!   negative binomial with all of it. A topic with no history thus has a small rate and a very wide band.
//! * **Bursts.** Posts come in clusters. How much more the five-minute counts of the last week varied than Poisson counts
//!   with the learned rates would is the dispersion, estimated by the method of moments and kept within bounds.
//! * **Own spikes.** An hour far above what the topic's *other* hours foretell is learned as the upper edge of what they
//!   foretell (winsorised, leave-one-out), so a spike does not hide the next one, while a lasting change is learned in days.
//! * **Exposure.** Hours count from the first post of any topic, so a topic's quiet hours are learned as quiet. Hours in which
//!   nearly nothing at all came in are not: then nobody watched.
//! * **Between hours** rate and doubt are interpolated from middle to middle, so that the morning's climb is no surprise.

use super::{
    series::{DAY, HISTORY, HOUR, Series},
    surprise::Expectation,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The prior: half a post an hour, known no better than one hour's watch would tell.
const PRIOR: Estimate = Estimate { shape: 0.5, hours: 1.0, doubt: 2.0 };
/// Shape with which an hour of the day is drawn to the overall rate: a day's rhythm varies it by some 70 %.
const DAY_SHAPE: f64 = 2.0;
/// Shape with which an hour of the week is drawn to the hour of the day: weekdays differ by some 30 %.
const WEEK_SHAPE: f64 = 10.0;
/// An hour tells no more about the rate than so many independent posts, however many it holds: days differ.
const HOUR_WORTH: f64 = 20.0;
/// The bounds of the dispersion. The lower one says that even a large topic must rise by more than a half; the upper one
/// that a quiet topic's few clusters do not make it deaf.
const DISPERSION: (f64, f64) = (0.02, 1.0);
/// The dispersion before anything is known, and the weight of that belief, in squared expected posts.
const USUAL_DISPERSION: (f64, f64) = (0.1, 1.0);
/// Hours in which less than this share of the usual came in are dark: nobody watched.
const DARK: f64 = 0.02;

const SLOTS: i64 = 7 * 24;
const FIVE: i64 = 300;

/// A gamma belief about a rate by the hour.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    shape: f64,
    hours: f64,
    /// Relative variance, with the doubt about what it was drawn to.
    doubt: f64,
}

impl Estimate {
    fn rate(self) -> f64 {
        self.shape / self.hours
    }

    /// The belief about a part of the time, in which `count` posts came in `hours`, given that about the whole.
    fn part(self, shape: f64, count: f64, hours: f64) -> Self {
        let prior_hours = shape / self.rate();
        // Counts are tempered: many posts in an hour are not as many independent witnesses.
        let worth = 1.0 / (1.0 + self.rate() / HOUR_WORTH);
        let (total, all_hours) = (shape + worth * count, prior_hours + worth * hours);
        let drawn = prior_hours / all_hours;
        Self { shape: total, hours: all_hours, doubt: 1.0 / total + drawn * drawn * self.doubt }
    }
}

/// A learned rate: posts an hour and the relative variance of that belief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Rate {
    mean: f64,
    doubt: f64,
}

const UNKNOWN: Rate = Rate { mean: PRIOR.shape / PRIOR.hours, doubt: PRIOR.doubt };

/// The hours in which somebody watched, whole ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    first: i64,
    end: i64,
    dark: BTreeSet<i64>,
}

impl Watched {
    /// Judged by everything that came in.
    pub(super) fn by(all: &Series, now: i64) -> Self {
        let end = now.div_euclid(HOUR);
        let oldest = end - HISTORY / HOUR;
        let kept = all.hours().range(oldest..end);
        // The first hour was watched in part only.
        let first = kept.clone().next().map_or(end, |(hour, _)| hour + 1);
        let usual = kept.clone().map(|(_, &count)| count).sum::<u64>() as f64 / kept.count().max(1) as f64;
        let dark =
            (first..end).filter(|hour| (all.hours().get(hour).copied().unwrap_or(0) as f64) < DARK * usual).collect();
        Self { first, end, dark }
    }

    /// The same from a later second on: for a topic that was added later.
    fn since(&self, since: Option<i64>) -> impl Iterator<Item = i64> {
        let first = since.map_or(self.first, |since| self.first.max(since.div_euclid(HOUR) + 1));
        (first..self.end).filter(|hour| !self.dark.contains(hour))
    }
}

/// What was learned of one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// By hour of the week; empty before anything was learned.
    rates: Vec<Rate>,
    dispersion: f64,
    /// Hours watched.
    hours: u64,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { rates: Vec::new(), dispersion: USUAL_DISPERSION.0, hours: 0 }
    }
}

impl Baseline {
    /// Learns from the history anew. `since` is the second from which the topic was counted at all, when it was added later.
    pub(super) fn learn(series: &Series, watched: &Watched, since: Option<i64>, half_life: i64, tz: &TimeZone) -> Self {
        let hours: Vec<Hour> =
            watched.since(since).map(|hour| Hour::of(hour, series, watched.end, half_life, tz)).collect();
        if hours.is_empty() {
            return Self::default();
        }
        let raw = Sums::of(hours.iter().map(|hour| (hour, hour.count)));
        let sums = Sums::of(hours.iter().map(|hour| (hour, hour.count.min(raw.others(hour)))));
        let all = sums.overall();
        let days: Vec<Estimate> = (0..24).map(|h| all.part(DAY_SHAPE, sums.day[h].0, sums.day[h].1)).collect();
        let rates = (0..SLOTS as usize)
            .map(|slot| days[slot % 24].part(WEEK_SHAPE, sums.week[slot].0, sums.week[slot].1))
            .map(|estimate| Rate { mean: estimate.rate(), doubt: estimate.doubt })
            .collect();
        let mut learned = Self { rates, hours: hours.len() as u64, ..Self::default() };
        learned.dispersion = learned.dispersion(series, &hours, watched.end, tz);
        learned
    }

    /// Whether there is enough to judge by: a whole day.
    pub(super) fn has_history(&self) -> bool {
        self.hours >= 24
    }

    /// What is expected of the window of so many seconds that ends at `end`.
    pub(super) fn expect(&self, end: i64, seconds: i64, tz: &TimeZone) -> Expectation {
        let rate = self.rate(end - seconds / 2, tz);
        Expectation::new(rate.mean * seconds as f64 / HOUR as f64, 1.0 / (rate.doubt + self.dispersion))
    }

    fn rate(&self, at: i64, tz: &TimeZone) -> Rate {
        if self.rates.is_empty() {
            return UNKNOWN;
        }
        // From the middle of one hour to the middle of the next.
        let local = at + offset(at, tz) - HOUR / 2;
        let share = local.rem_euclid(HOUR) as f64 / HOUR as f64;
        let of = |hour: i64| self.rates[hour.rem_euclid(SLOTS) as usize];
        let (one, next) = (of(local.div_euclid(HOUR)), of(local.div_euclid(HOUR) + 1));
        let between = |one: f64, next: f64| one + share * (next - one);
        Rate { mean: between(one.mean, next.mean), doubt: between(one.doubt, next.doubt) }
    }

    /// How much more five-minute counts of the last week vary than the rates explain, as the part of the variance that
    /// grows with the square of the mean.
    fn dispersion(&self, series: &Series, hours: &[Hour], end: i64, tz: &TimeZone) -> f64 {
        let fives = series.fives();
        let mut seen = Vec::new();
        let mut fives = fives.iter().peekable();
        for hour in hours.iter().filter(|hour| hour.number > end - 7 * 24) {
            for step in 0..HOUR / FIVE {
                let begin = hour.number * HOUR + step * FIVE;
                while fives.next_if(|(at, _)| *at < begin).is_some() {}
                let count = fives.next_if(|(at, _)| *at == begin).map_or(0, |(_, count)| *count) as f64;
                seen.push((count, self.rate(begin + FIVE / 2, tz).mean * FIVE as f64 / HOUR as f64));
            }
        }
        let (usual, weight) = USUAL_DISPERSION;
        // Twice: a topic that is found to be bursty may have larger bursts before they are cut off.
        let mut found = usual;
        for _ in 0..2 {
            let (mut excess, mut squares) = (usual * weight, weight);
            for &(count, mean) in &seen {
                let count = count.min(edge(mean, found));
                excess += (count - mean).powi(2) - count;
                squares += mean * mean;
            }
            found = (excess / squares).clamp(DISPERSION.0, DISPERSION.1);
        }
        found
    }
}

/// One hour of the history.
struct Hour {
    number: i64,
    slot: usize,
    weight: f64,
    count: f64,
}

impl Hour {
    fn of(number: i64, series: &Series, end: i64, half_life: i64, tz: &TimeZone) -> Self {
        let begin = number * HOUR;
        let slot = (begin + offset(begin, tz)).div_euclid(HOUR).rem_euclid(SLOTS) as usize;
        let age = ((end - number) * HOUR) as f64;
        let weight = 0.5_f64.powf(age / half_life.max(DAY) as f64);
        Self { number, slot, weight, count: series.hours().get(&number).copied().unwrap_or(0) as f64 }
    }
}

/// Weighted counts and hours: all, by hour of the day, by hour of the week.
struct Sums {
    all: (f64, f64),
    day: [(f64, f64); 24],
    week: Vec<(f64, f64)>,
}

impl Sums {
    fn of<'a>(hours: impl Iterator<Item = (&'a Hour, f64)>) -> Self {
        let mut sums = Self { all: (0.0, 0.0), day: [(0.0, 0.0); 24], week: vec![(0.0, 0.0); SLOTS as usize] };
        for (hour, count) in hours {
            for sum in [&mut sums.all, &mut sums.day[hour.slot % 24], &mut sums.week[hour.slot]] {
                sum.0 += hour.weight * count;
                sum.1 += hour.weight;
            }
        }
        sums
    }

    fn overall(&self) -> Estimate {
        let (shape, hours) = (PRIOR.shape + self.all.0, PRIOR.hours + self.all.1);
        Estimate { shape, hours, doubt: 1.0 / shape }
    }

    /// The upper edge of what all other hours foretell for this one.
    fn others(&self, hour: &Hour) -> f64 {
        let without = |sum: (f64, f64)| ((sum.0 - hour.weight * hour.count).max(0.0), (sum.1 - hour.weight).max(0.0));
        let (all, day) = (without(self.all), without(self.day[hour.slot % 24]));
        let overall = Estimate { shape: PRIOR.shape + all.0, hours: PRIOR.hours + all.1, doubt: 0.0 };
        edge(overall.part(DAY_SHAPE, day.0, day.1).rate(), USUAL_DISPERSION.0)
    }
}

/// A generous upper edge of counts with this mean: four standard deviations, at twice the dispersion, and three.
fn edge(mean: f64, dispersion: f64) -> f64 {
    mean + 4.0 * (mean + 2.0 * dispersion * mean * mean).sqrt() + 3.0
}

/// Seconds by which local time is ahead of UTC.
fn offset(at: i64, tz: &TimeZone) -> i64 {
    Timestamp::from_second(at).map_or(0, |at| i64::from(tz.to_offset(at).seconds()))
}

#[cfg(test)]
mod tests {
    use super::{super::series::Cell, *};

    const HALF_LIFE: i64 = 28 * DAY;
    /// A Monday, 00:00 in Shanghai.
    const START: i64 = 1_790_524_800;

    fn tz() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    /// So many days of history with `rate(hour since the start)` posts an hour, spread evenly.
    fn history(days: i64, rate: impl Fn(i64) -> u64) -> (Series, i64) {
        let (mut series, now) = (Series::default(), START + days * DAY);
        for hour in 0..days * 24 {
            let count = rate(hour);
            for post in 0..count {
                let at = START + hour * HOUR + (post as i64 * 2 + 1) * HOUR / (2 * count as i64);
                series.add(at, Cell { count: 1, ..Cell::default() }, now);
            }
        }
        (series, now)
    }

    fn learn(series: &Series, all: &Series, now: i64) -> Baseline {
        Baseline::learn(series, &Watched::by(all, now), None, HALF_LIFE, &tz())
    }

    #[test]
    fn the_start_is_a_monday_at_midnight_there() {
        let start = Timestamp::from_second(START).unwrap().to_zoned_datetime(tz());
        assert_eq!((start.weekday(), start.hour()), (jiff::civil::Weekday::Monday, 0));
    }

    #[test]
    fn without_history_the_band_is_wide() {
        let baseline = Baseline::default();
        assert!(!baseline.has_history());
        let five = baseline.expect(START, 300, &tz());
        assert!(five.mean < 0.1 && five.size < 1.0);
        assert!(five.upper() <= 4);
    }

    #[test]
    fn three_days_tell_the_hour_of_the_day() {
        let (series, now) = history(3, |hour| if hour % 24 == 12 { 120 } else { 24 });
        let baseline = learn(&series, &series, now);
        assert!(baseline.has_history());
        let at = |hour: i64| baseline.expect(now + hour * HOUR + HOUR / 2 + 150, 300, &tz()).mean;
        assert!((at(12) - 10.0).abs() < 3.0, "{}", at(12));
        assert!((at(3) - 2.0).abs() < 0.5, "{}", at(3));
        assert!(at(12) > at(11) && at(12) > at(13));
    }

    #[test]
    fn weeks_tell_the_hour_of_the_week() {
        let (series, now) = history(28, |hour| if hour / 24 % 7 == 6 { 60 } else { 12 });
        let baseline = learn(&series, &series, now);
        let noon = |day: i64| baseline.expect(now + day * DAY + 12 * HOUR, 300, &tz()).mean;
        assert!(noon(6) > 3.5 && noon(2) < 1.3, "{} {}", noon(6), noon(2));
    }

    #[test]
    fn quiet_hours_are_learned_as_quiet() {
        let (all, now) = history(5, |_| 60);
        let baseline = learn(&Series::default(), &all, now);
        assert!(baseline.has_history());
        assert!(baseline.expect(now, 300, &tz()).mean < 0.005);
    }

    #[test]
    fn hours_in_which_nobody_watched_are_not_learned() {
        let dark = |hour: i64| (30..60).contains(&hour);
        let (all, now) = history(5, |hour| if dark(hour) { 0 } else { 600 });
        let (topic, _) = history(5, |hour| if dark(hour) { 0 } else { 60 });
        let baseline = learn(&topic, &all, now);
        assert_eq!(baseline.hours, 5 * 24 - 1 - 30);
        assert!((baseline.expect(now + 9 * HOUR, 300, &tz()).mean - 5.0).abs() < 0.5);
    }

    #[test]
    fn a_topic_that_was_added_later_is_learned_from_then_on() {
        let (all, now) = history(5, |_| 60);
        let (topic, _) = history(5, |hour| if hour >= 96 { 60 } else { 0 });
        let watched = Watched::by(&all, now);
        let baseline = Baseline::learn(&topic, &watched, Some(START + 4 * DAY - 1), HALF_LIFE, &tz());
        assert!(baseline.has_history());
        assert!((baseline.expect(now, 300, &tz()).mean - 5.0).abs() < 0.5);
    }

    #[test]
    fn a_spike_is_not_learned_as_usual() {
        let (usual, now) = history(5, |_| 12);
        let (spiky, _) = history(5, |hour| if (50..54).contains(&hour) { 1_200 } else { 12 });
        let mean = |series: &Series, hour: i64| {
            learn(series, &usual, now).expect(now + hour * HOUR + HOUR / 2, 300, &tz()).mean
        };
        let (with, without) = (mean(&spiky, 3), mean(&usual, 3));
        assert!(with < 3.0 * without, "{with} and {without}");
        let line = |series: &Series| learn(series, &usual, now).expect(now + 12 * HOUR, 300, &tz()).line(6.0);
        assert!(line(&spiky) <= 2 * line(&usual), "{} and {}", line(&spiky), line(&usual));
    }

    #[test]
    fn bursts_widen_the_band() {
        let (even, now) = history(7, |_| 60);
        let mut bursty = Series::default();
        for hour in 0..7 * 24 {
            let at = START + hour * HOUR + (hour * 7 % 12) * FIVE + 1;
            bursty.add(at, Cell { count: 60, ..Cell::default() }, now);
        }
        let size = |series: &Series| learn(series, &even, now).expect(now, 300, &tz()).size;
        assert!(size(&bursty) < size(&even) / 2.0, "{} and {}", size(&bursty), size(&even));
    }

    #[test]
    fn the_present_hour_is_not_yet_learned() {
        let (series, now) = history(5, |_| 12);
        let mut rising = series.clone();
        rising.add(now + 60, Cell { count: 1_000, ..Cell::default() }, now + 60);
        assert_eq!(learn(&rising, &rising, now + 120), learn(&series, &series, now + 120));
    }
}
