//! What is expected of a topic at a moment, learned from its own history and that of its parents.
//!
//! Hourly counts teach three things, each a gamma–Poisson estimate that is drawn towards what is known more widely, the more
//! the less history speaks for itself (empirical-Bayes shrinkage: Gelman et al., *Bayesian Data Analysis*, 3rd ed., sections 2.6
//! and 5.1; for surveillance counts Noufaily et al., *Statistics in Medicine* 32, 2013):
//!
//! ```text
//! level    posts an hour      prior (wide) → all of the history → the last days
//! rhythm   hour of the week   the parent's (category, all) → hour of the day → hour of the week
//! spread   dispersion         what all topics show → this topic, by the length of the window
//! ```
//!
//! * **Decay.** An hour's weight is halved every `half_life`; nothing older than eight weeks counts. The last days weigh by how
//!   much days differ at all: where they are alike the whole history decides.
//! * **Doubt.** Each estimate keeps its relative variance; the predictive distribution of a window is negative binomial with all
//!   of it. A topic with no history thus has a small rate and a very wide band.
//! * **Own spikes.** An hour far above what the topic's *other* hours foretell is learned as the upper edge of what they
//!   foretell (winsorised, leave-one-out), so a spike does not hide the next one, while a lasting change is learned in days.
//! * **Exposure.** Hours count from the first post of any topic, so a topic's quiet hours are learned as quiet. Hours in which
//!   nearly nothing at all came in, or in which a topic's sources could not be read, are not: then nobody watched.

use super::{
    arrival::{Shares, Sources},
    calendar::{Calendar, SLOTS},
    dispersion::{Common, Dispersion, Evidence, SCALES, edge},
    rhythm::Rhythm,
    series::{DAY, HISTORY, HOUR, MINUTE, Series},
    surprise::Expectation,
};
use serde::{Deserialize, Serialize};

/// The prior of the level: half a post an hour, known no better than one hour's watch would tell.
const PRIOR: Level = Level { rate: 0.5, doubt: 2.0 };
/// Shape with which a topic's hours of the day are drawn to its parent's: topics' days differ by some 40 %.
const DAY_SHAPE: f64 = 6.0;
/// Shape with which its hours of the week are drawn to its hours of the day: weekdays differ by some 25 %.
const WEEK_SHAPE: f64 = 16.0;
/// Posts from which a topic has a rhythm of its own.
const OWN_RHYTHM: f64 = 50.0;
/// The relative variance of another's rhythm, taken for one's own.
const BORROWED: f64 = 1.0 / DAY_SHAPE;
/// The last days weigh half after this time.
const RECENT: f64 = DAY as f64;
/// Hours in which less than this share of the usual came in are dark: nobody watched.
const DARK: f64 = 0.02;
/// Unless fewer than this come in an hour: then an empty hour of the night is nothing strange.
const SURELY: f64 = 20.0;
/// An hour of which less than this share was read is not learned.
const LEAST_READ: f64 = 0.5;

/// The hours over which the course of the level is drawn.
const COURSE: i64 = 7 * 24;
/// The posts with which it is drawn to an even one.
const COURSE_DRAWN: f64 = 20.0;

const FIVE: i64 = 5 * MINUTE;
/// So many hours before a window tell of its day.
const LOCAL: i64 = 6;
/// Windows up to so many seconds are judged beside them.
const LOCAL_UP_TO: i64 = 2 * HOUR;
/// So many standard deviations of what days differ by are followed.
const FOLLOWED_UP: f64 = 2.0;
const FOLLOWED_DOWN: f64 = 1.0;

/// What is known beside a topic's own history.
#[derive(Debug)]
pub(super) struct Wider<'a> {
    pub(super) calendar: &'a Calendar,
    /// The rhythm of the parent.
    pub(super) rhythm: &'a Rhythm,
    pub(super) common: Common,
    /// After so many seconds the weight of the past is halved.
    pub(super) half_life: i64,
    /// Copies in an hour that are taken for voices.
    pub(super) copies: u32,
}

/// The hours in which somebody watched, whole ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Watched {
    first: i64,
    end: i64,
    /// By hour from the first on.
    dark: Vec<bool>,
}

impl Watched {
    /// Judged by everything that came in.
    pub(super) fn by(all: &Series, now: i64) -> Self {
        let end = now.div_euclid(HOUR);
        let oldest = end - HISTORY / HOUR;
        let kept = || {
            let hours = all.hours().map(|(hour, cell)| (i64::from(hour), f64::from(cell.count)));
            hours.filter(move |(hour, _)| (oldest..end).contains(hour))
        };
        // The first hour was watched in part only.
        let first = kept().next().map_or(end, |(hour, _)| hour + 1);
        let usual = kept().map(|(_, count)| count).sum::<f64>() / kept().count().max(1) as f64;
        let line = if usual < SURELY { 0.0 } else { DARK * usual };
        let mut dark = vec![line > 0.0; (end - first).max(0) as usize];
        for (hour, count) in kept().filter(|(hour, _)| *hour >= first) {
            dark[(hour - first) as usize] = count < line;
        }
        Self { first, end, dark }
    }

    /// The hours of a topic that was added at second `since`, and the share of each that was read.
    fn hours<'a>(
        &'a self,
        since: Option<i64>,
        read: Option<(&'a Sources, &'a Shares, &'a Shares)>,
    ) -> impl Iterator<Item = (i64, f64)> + 'a {
        let first = since.map_or(self.first, |since| self.first.max(since.div_euclid(HOUR) + 1));
        let lit = move |hour: &i64| !self.dark[(hour - self.first) as usize];
        (first..self.end).filter(lit).filter_map(move |hour| {
            let share = read.map_or(1.0, |(sources, own, all)| sources.read(own, all, hour * HOUR, (hour + 1) * HOUR));
            (share >= LEAST_READ).then_some((hour, share))
        })
    }

    /// With what the sources' reports say, where they say anything.
    pub(super) fn with<'a>(
        &'a self,
        since: Option<i64>,
        sources: &'a Sources,
        own: &'a Shares,
        all: &'a Shares,
    ) -> Vec<(i64, f64)> {
        let dark = sources.any_dark(self.first * HOUR);
        self.hours(since, dark.then_some((sources, own, all))).collect()
    }
}

/// A belief about posts an hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Level {
    rate: f32,
    /// Relative variance.
    doubt: f32,
}

/// What was learned of one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    level: Level,
    /// Its own rhythm, where it has posts enough.
    rhythm: Option<Box<Rhythm>>,
    dispersion: Dispersion,
    /// What it tells others of how counts spread.
    pub(super) evidence: [Evidence; SCALES.len()],
    /// Hours watched.
    hours: u32,
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            level: PRIOR,
            rhythm: None,
            dispersion: Common::default().into(),
            evidence: [Evidence::default(); SCALES.len()],
            hours: 0,
        }
    }
}

impl Baseline {
    /// Learns anew from the history in the hours that were watched, each with the share of it that was read.
    pub(super) fn learn(&self, series: &Series, watched: &[(i64, f64)], wider: &Wider<'_>) -> Self {
        let Some(&(last, _)) = watched.last() else {
            return Self { dispersion: wider.common.into(), ..Self::default() };
        };
        let hours = Hour::all(series, watched, wider);
        let total: f64 = hours.iter().map(|hour| hour.count).sum();
        let own = total >= OWN_RHYTHM;
        let raw = Sums::of(&hours, 1.0, own);
        let cut = |hour: &Hour| {
            let edge = raw.others(hour);
            Hour { count: hour.count.min(edge), spiky: hour.count > edge, ..*hour }
        };
        let mut cut: Vec<Hour> = hours.iter().map(cut).collect();
        if own {
            follow(&mut cut);
        }
        // An hour of many posts tells no more than its variance allows.
        let dispersion = if self.hours == 0 { wider.common.into() } else { self.dispersion };
        let sums = Sums::of(&cut, dispersion.at(HOUR), own);
        let level = sums.level();
        let rhythm = own.then(|| Box::new(sums.rhythm(level, wider.rhythm, dispersion.at(HOUR))));
        let factor = |slot: usize| rhythm.as_deref().unwrap_or(wider.rhythm).factor(slot);
        let recent = recent(&cut, level, dispersion, last, &factor);
        let mut learned =
            Self { level: recent, rhythm, dispersion, evidence: self.evidence, hours: hours.len() as u32 };
        learned.evidence = learned.evidence(series, &cut, level, wider);
        learned.dispersion = Dispersion::of(&learned.evidence, wider.common);
        learned
    }

    /// Whether there is enough to judge by: a whole day.
    pub(super) fn has_history(&self) -> bool {
        self.hours >= 24
    }

    /// The rhythm of its own, if it has one.
    pub(super) fn rhythm(&self) -> Option<&Rhythm> {
        self.rhythm.as_deref()
    }

    /// What is expected of the window of so many seconds that ends at `end`; `rhythm` is the parent's.
    pub(super) fn expect(&self, end: i64, seconds: i64, calendar: &Calendar, rhythm: &Rhythm) -> Expectation {
        self.expect_with(Local::unknown(self.level), end, seconds, calendar, rhythm)
    }

    /// The same, with what the hours before tell of this day.
    pub(super) fn expect_with(
        &self,
        local: Local,
        end: i64,
        seconds: i64,
        calendar: &Calendar,
        rhythm: &Rhythm,
    ) -> Expectation {
        let mean = f64::from(self.level.rate) * local.factor * self.hours(end - seconds, end, calendar, rhythm);
        let slot = match &self.rhythm {
            Some(own) => own.doubt(end - seconds / 2, calendar),
            None => BORROWED,
        };
        // The doubts about the hours of a long window even out.
        let slots = (seconds as f64 / HOUR as f64).max(1.0);
        let doubt = local.doubt + slot / slots + self.dispersion.at(seconds);
        Expectation::new(mean, 1.0 / doubt)
    }

    /// The hours, as seconds, that tell of a window's day: whole ones that lie before it. None for a long window, which is
    /// judged by what is usual alone.
    pub(super) fn before(end: i64, seconds: i64) -> Option<(i64, i64)> {
        let to = (end - seconds).div_euclid(HOUR) * HOUR;
        (seconds <= LOCAL_UP_TO).then_some((to - LOCAL * HOUR, to))
    }

    /// What so many posts in the hours from `from` to `to` tell, of which `arrived` is the share that can have come in.
    pub(super) fn local(
        &self,
        count: u32,
        (from, to): (i64, i64),
        arrived: f64,
        calendar: &Calendar,
        rhythm: &Rhythm,
    ) -> Local {
        let expected = f64::from(self.level.rate) * self.hours(from, to, calendar, rhythm) * arrived;
        Local::of(f64::from(count), expected, self.level, self.dispersion)
    }

    fn hours(&self, from: i64, to: i64, calendar: &Calendar, rhythm: &Rhythm) -> f64 {
        self.rhythm.as_deref().unwrap_or(rhythm).hours(from, to, calendar)
    }

    /// How counts of five minutes (of the last week), hours and days spread about what was learned.
    fn evidence(&self, series: &Series, hours: &[Hour], level: Level, wider: &Wider<'_>) -> [Evidence; SCALES.len()] {
        let end = hours.last().map_or(0, |hour| hour.number + 1);
        let mean = |hour: &Hour, rate: f64| {
            rate * self.rhythm.as_deref().unwrap_or(wider.rhythm).factor(hour.slot) * hour.read
        };
        // Short windows are judged beside the hours before: what is asked is how posts cluster, not how days differ.
        let means: Vec<f64> = hours.iter().map(|hour| mean(hour, f64::from(level.rate))).collect();
        let locals: Vec<f64> = (0..hours.len())
            .map(|index| {
                let (mut count, mut expected) = (0.0, 0.0);
                for before in index.saturating_sub(LOCAL as usize)..index {
                    if hours[before].number + LOCAL >= hours[index].number {
                        count += hours[before].count;
                        expected += means[before];
                    }
                }
                Local::of(count, expected, level, self.dispersion).factor
            })
            .collect();
        let mut minutes = series.minutes().peekable();
        let mut fives = Vec::new();
        for (index, hour) in hours.iter().enumerate().filter(|(_, hour)| hour.number > end - 7 * 24 && !hour.spiky) {
            let expected = means[index] * locals[index] * FIVE as f64 / HOUR as f64;
            for step in 0..HOUR / FIVE {
                let begin = (hour.number * 60 + step * 5) as u32;
                let mut count = 0;
                while let Some((minute, cell)) = minutes.next_if(|(minute, _)| *minute < begin + 5) {
                    if minute >= begin {
                        count += cell.learned(wider.copies);
                    }
                }
                fives.push((f64::from(count), expected));
            }
        }
        let mut days: Vec<(i64, f64, f64, u32)> = Vec::new();
        for (hour, &expected) in hours.iter().zip(&means) {
            let day = (hour.number * HOUR + 8 * HOUR).div_euclid(DAY);
            match days.last_mut() {
                Some((last, count, sum, hours)) if *last == day => {
                    (*count, *sum, *hours) = (*count + hour.count, *sum + expected, *hours + 1);
                }
                _ => days.push((day, hour.count, expected, 1)),
            }
        }
        let days = days.into_iter().filter(|(.., hours)| *hours >= 12).map(|(_, count, sum, _)| (count, sum));
        let each = hours.iter().zip(means.iter().zip(&locals)).filter(|(hour, _)| !hour.spiky);
        let each = each.map(|(hour, (mean, local))| (hour.count, mean * local));
        let usual = |seconds: i64| self.dispersion.at(seconds).max(0.02);
        [Evidence::of(fives.into_iter(), usual(FIVE)), Evidence::of(each, usual(HOUR)), Evidence::of(days, usual(DAY))]
    }
}

/// What the hours before a window tell of its day: days differ, and where they do the last hours know more than weeks.
///
/// A gamma belief about this day's level beside the usual one, as wide as days differ, and the posts of the last hours
/// (section 2.6 of *Bayesian Data Analysis*). Upwards it is followed only as far as days go: what is beyond is no quiet growth but a
/// rise. Downwards less far: a source that could not be read makes no quiet day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Local {
    /// This day's level beside the usual one.
    factor: f64,
    /// Its relative variance.
    doubt: f64,
}

impl Local {
    fn unknown(level: Level) -> Self {
        Self { factor: 1.0, doubt: level.doubt.into() }
    }

    fn of(count: f64, expected: f64, level: Level, dispersion: Dispersion) -> Self {
        let variance = (dispersion.at(DAY) + f64::from(level.doubt)).clamp(1e-4, 1.0);
        let shape = 1.0 / variance;
        // Hours scatter on their own: many posts tell no more than that allows.
        let worth = 1.0 / (1.0 + expected * dispersion.at(HOUR) / LOCAL as f64);
        let factor = (shape + worth * count) / (shape + worth * expected);
        let (least, most) = ((-FOLLOWED_DOWN * variance.sqrt()).exp(), (FOLLOWED_UP * variance.sqrt()).exp());
        Self { factor: factor.clamp(least, most), doubt: 1.0 / (shape + worth * expected) }
    }
}

/// The level of the last days, drawn to that of the whole history by how little days differ.
fn recent(hours: &[Hour], level: Level, dispersion: Dispersion, last: i64, factor: &impl Fn(usize) -> f64) -> Level {
    let shape = 1.0 / dispersion.at(DAY).max(1e-4);
    let (mut count, mut expected) = (0.0, 0.0);
    for hour in hours.iter().rev().take_while(|hour| hour.number > last - 7 * 24) {
        let mean = f64::from(level.rate) * factor(hour.slot) * hour.read;
        let weight = 0.5_f64.powf(((last - hour.number) * HOUR) as f64 / RECENT) / (1.0 + dispersion.at(HOUR) * mean);
        count += weight * hour.count;
        expected += weight * mean;
    }
    let drawn = shape / (shape + expected);
    let rate = f64::from(level.rate) * (shape + count) / (shape + expected);
    Level { rate: rate as f32, doubt: (f64::from(level.doubt) * drawn + (1.0 - drawn) / (shape + count)) as f32 }
}

/// Takes the slow course of the level out of what hours tell of the rhythm: of two weeks of a rise its last weekdays would look
/// like busy ones. The course is the mean of seven days about each hour, so that it holds each weekday once.
fn follow(hours: &mut [Hour]) {
    let sum = |hours: &[Hour]| {
        hours.iter().fold((0.0, 0.0), |(count, worth), hour| (count + hour.count, worth + hour.read * hour.factor))
    };
    let (count, worth) = sum(hours);
    let rate = count / worth.max(1e-9);
    let (mut from, mut to) = (0, 0);
    let mut within = (0.0, 0.0);
    let course: Vec<f64> = (0..hours.len())
        .map(|index| {
            let number = hours[index].number;
            while hours.get(to).is_some_and(|hour| hour.number <= number + COURSE / 2) {
                within = (within.0 + hours[to].count, within.1 + hours[to].read * hours[to].factor * rate);
                to += 1;
            }
            while hours[from].number < number - COURSE / 2 {
                within = (within.0 - hours[from].count, within.1 - hours[from].read * hours[from].factor * rate);
                from += 1;
            }
            ((COURSE_DRAWN + within.0) / (COURSE_DRAWN + within.1)).max(0.05)
        })
        .collect();
    for (hour, course) in hours.iter_mut().zip(course) {
        hour.factor *= course;
    }
}

/// One hour of the history.
#[derive(Debug, Clone, Copy)]
struct Hour {
    number: i64,
    slot: usize,
    weight: f64,
    count: f64,
    /// The share of it that was read.
    read: f64,
    /// The factor of the parent's rhythm.
    factor: f64,
    /// Whether it was far above what the others foretell.
    spiky: bool,
}

impl Hour {
    fn all(series: &Series, watched: &[(i64, f64)], wider: &Wider<'_>) -> Vec<Self> {
        let end = watched.last().map_or(0, |(hour, _)| hour + 1);
        let mut counted = series.hours().peekable();
        watched
            .iter()
            .map(|&(number, read)| {
                while counted.next_if(|(hour, _)| i64::from(*hour) < number).is_some() {}
                let cell = counted.next_if(|(hour, _)| i64::from(*hour) == number);
                let slot = wider.calendar.slot(number * HOUR);
                let age = ((end - number) * HOUR) as f64;
                Self {
                    number,
                    slot,
                    weight: 0.5_f64.powf(age / wider.half_life.max(DAY) as f64),
                    count: cell.map_or(0.0, |(_, cell)| f64::from(cell.learned(wider.copies))),
                    read,
                    factor: wider.rhythm.factor(slot),
                    spiky: false,
                }
            })
            .collect()
    }
}

/// Counts and mean hours, weighted.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: f64,
    hours: f64,
}

impl Sum {
    fn add(&mut self, weight: f64, hour: &Hour) {
        self.count += weight * hour.count;
        self.hours += weight * hour.read * hour.factor;
    }

    /// Without an hour.
    fn without(self, hour: &Hour) -> Self {
        Self {
            count: (self.count - hour.weight * hour.count).max(0.0),
            hours: (self.hours - hour.weight * hour.read * hour.factor).max(0.0),
        }
    }

    /// The factor that it shows against a rate, drawn to one with this shape; each count worth so much.
    fn factor(self, rate: f64, shape: f64, worth: f64) -> (f64, f64) {
        let (count, hours) = (shape + worth * self.count, shape + worth * self.hours * rate);
        (count / hours, 1.0 / count)
    }
}

/// Sums of all hours, by hour of the day, by hour of the week.
struct Sums {
    all: Sum,
    /// What all counts are worth, as independent ones.
    worth: f64,
    day: Vec<Sum>,
    week: Vec<Sum>,
}

impl Sums {
    /// `dispersion` is that of whole hours; without a rhythm of its own a topic needs no more than the sum of all.
    fn of(hours: &[Hour], dispersion: f64, own: bool) -> Self {
        let slots = if own { SLOTS } else { 0 };
        let mut sums =
            Self { all: Sum::default(), worth: 1.0, day: vec![Sum::default(); 24], week: vec![Sum::default(); slots] };
        for hour in hours {
            sums.all.add(hour.weight, hour);
            sums.day[hour.slot % 24].add(hour.weight, hour);
            if own {
                sums.week[hour.slot].add(hour.weight, hour);
            }
        }
        let mean = sums.all.count / hours.len().max(1) as f64;
        sums.worth = 1.0 / (1.0 + dispersion * mean);
        sums
    }

    fn level(&self) -> Level {
        let (rate, doubt) = (f64::from(PRIOR.rate), f64::from(PRIOR.doubt));
        let (shape, hours) = (1.0 / doubt, 1.0 / doubt / rate);
        let count = shape + self.all.count;
        Level {
            rate: (count / (hours + self.all.hours)) as f32,
            doubt: (1.0 / (shape + self.worth * self.all.count)) as f32,
        }
    }

    fn rhythm(&self, level: Level, parent: &Rhythm, dispersion: f64) -> Rhythm {
        let rate = f64::from(level.rate);
        let worth = |slot: usize| 1.0 / (1.0 + dispersion * rate * parent.factor(slot));
        let slots = 0..SLOTS;
        let (mut factors, mut doubts) = (Vec::with_capacity(SLOTS), Vec::with_capacity(SLOTS));
        for slot in slots {
            let (day, day_doubt) = self.day[slot % 24].factor(rate, DAY_SHAPE, worth(slot));
            let (week, week_doubt) = self.week[slot].factor(rate * day, WEEK_SHAPE, worth(slot));
            factors.push((parent.factor(slot) * day * week) as f32);
            // What the week does not tell is known as well as the day is.
            let drawn = week_doubt * WEEK_SHAPE;
            doubts.push((day_doubt * drawn + week_doubt) as f32);
        }
        Rhythm::new(factors, doubts)
    }

    /// The upper edge of what all other hours foretell for this one.
    fn others(&self, hour: &Hour) -> f64 {
        let (all, day) = (self.all.without(hour), self.day[hour.slot % 24].without(hour));
        let (rate, doubt) = (f64::from(PRIOR.rate), f64::from(PRIOR.doubt));
        let level = (1.0 / doubt + all.count) / (1.0 / doubt / rate + all.hours);
        let (factor, _) = day.factor(level, DAY_SHAPE / 3.0, 1.0);
        edge(level * factor * hour.factor * hour.read, super::dispersion::USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{series::Cell, testing::START},
        *,
    };
    use jiff::tz::TimeZone;
    use schemas::kit::holidays::Holidays;

    const HALF_LIFE: i64 = 28 * DAY;

    /// A topic that was learned, and what is expected of it.
    struct Learned {
        baseline: Baseline,
        calendar: Calendar,
        parent: Rhythm,
        now: i64,
    }

    impl Learned {
        /// What is expected of five minutes in the middle of an hour, so many hours from now.
        fn five(&self, hour: i64) -> Expectation {
            self.expect(self.now + hour * HOUR + HOUR / 2 + 150, 300)
        }

        fn expect(&self, end: i64, seconds: i64) -> Expectation {
            self.baseline.expect(end, seconds, &self.calendar, &self.parent)
        }
    }

    fn calendar() -> Calendar {
        Calendar::new(TimeZone::get("Asia/Shanghai").unwrap(), &Holidays::default())
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

    fn learn_by(parent: Rhythm, series: &Series, all: &Series, since: Option<i64>, now: i64) -> Learned {
        let calendar = calendar();
        let (sources, shares) = (Sources::default(), Shares::default());
        let watched = Watched::by(all, now).with(since, &sources, &shares, &shares);
        let wider =
            Wider { calendar: &calendar, rhythm: &parent, common: Common::default(), half_life: HALF_LIFE, copies: 15 };
        let first = Baseline::default().learn(series, &watched, &wider);
        Learned { baseline: first.learn(series, &watched, &wider), calendar, parent, now }
    }

    fn learn(series: &Series, all: &Series, now: i64) -> Learned {
        learn_by(Rhythm::flat(0.5), series, all, None, now)
    }

    #[test]
    fn without_history_the_band_is_wide() {
        let baseline = Baseline::default();
        assert!(!baseline.has_history());
        let five = baseline.expect(START, 300, &calendar(), &Rhythm::flat(0.0));
        assert!(five.mean < 0.1 && five.size < 1.0);
        assert!(five.upper() <= 4);
    }

    #[test]
    fn days_tell_the_hour_of_the_day() {
        let (series, now) = history(6, |hour| if hour % 24 == 12 { 120 } else { 24 });
        let learned = learn(&series, &series, now);
        assert!(learned.baseline.has_history());
        let at = |hour: i64| learned.five(hour).mean;
        assert!((at(12) - 9.0).abs() < 3.0, "{}", at(12));
        assert!((at(3) - 2.0).abs() < 0.5, "{}", at(3));
        assert!(at(12) > at(11) && at(12) > at(13));
    }

    #[test]
    fn weeks_tell_the_hour_of_the_week() {
        let (series, now) = history(42, |hour| if hour / 24 % 7 == 6 { 60 } else { 12 });
        let learned = learn(&series, &series, now);
        let noon = |day: i64| learned.expect(now + day * DAY + 12 * HOUR, 300).mean;
        assert!(noon(6) > 3.0 && noon(2) < 1.4, "{} {}", noon(6), noon(2));
    }

    /// With few posts of its own, a topic has the rhythm of its parent at the level of its own.
    #[test]
    fn a_quiet_topic_has_the_rhythm_of_its_parent() {
        let (all, now) = history(14, |hour| if hour % 24 == 12 { 300 } else { 30 });
        let parent = learn(&all, &all, now).baseline.rhythm().unwrap().clone();
        let (topic, _) = history(14, |hour| u64::from(hour % 24 == 12 || hour % 24 == 20));
        let learned = learn_by(parent, &topic, &all, None, now);
        assert!(learned.baseline.rhythm().is_none());
        assert!(learned.five(12).mean > 3.0 * learned.five(20).mean, "{:?} {:?}", learned.five(12), learned.five(20));
        let day = learned.expect(now + DAY, DAY);
        assert!((day.mean - 2.0).abs() < 0.7, "{day:?}");
    }

    #[test]
    fn quiet_hours_are_learned_as_quiet() {
        let (all, now) = history(5, |_| 60);
        let learned = learn(&Series::default(), &all, now);
        assert!(learned.baseline.has_history());
        assert!(learned.five(0).mean < 0.005);
    }

    #[test]
    fn hours_in_which_nobody_watched_are_not_learned() {
        let dark = |hour: i64| (30..60).contains(&hour);
        let (all, now) = history(5, |hour| if dark(hour) { 0 } else { 600 });
        let (topic, _) = history(5, |hour| if dark(hour) { 0 } else { 60 });
        let learned = learn(&topic, &all, now);
        assert_eq!(learned.baseline.hours, 5 * 24 - 1 - 30);
        assert!((learned.five(9).mean - 5.0).abs() < 0.5);
    }

    #[test]
    fn where_little_comes_in_an_empty_hour_is_no_darkness() {
        let (all, now) = history(5, |hour| u64::from(hour % 2 == 0));
        assert_eq!(learn(&all, &all, now).baseline.hours, 5 * 24 - 1);
    }

    #[test]
    fn a_topic_that_was_added_later_is_learned_from_then_on() {
        let (all, now) = history(5, |_| 60);
        let (topic, _) = history(5, |hour| if hour >= 96 { 60 } else { 0 });
        let learned = learn_by(Rhythm::flat(0.5), &topic, &all, Some(START + 4 * DAY - 1), now);
        assert!(learned.baseline.has_history());
        assert!((learned.five(0).mean - 5.0).abs() < 0.5);
    }

    #[test]
    fn a_spike_is_not_learned_as_usual() {
        let (usual, now) = history(5, |_| 12);
        let (spiky, _) = history(5, |hour| if (50..54).contains(&hour) { 1_200 } else { 12 });
        let (with, without) = (learn(&spiky, &usual, now), learn(&usual, &usual, now));
        assert!(with.five(3).mean < 3.0 * without.five(3).mean, "{:?} and {:?}", with.five(3), without.five(3));
        let line = |learned: &Learned| learned.five(12).line(6.0);
        assert!(line(&with) <= 2 * line(&without), "{} and {}", line(&with), line(&without));
    }

    #[test]
    fn bursts_widen_the_band() {
        let (even, now) = history(7, |_| 60);
        let mut bursty = Series::default();
        for hour in 0..7 * 24 {
            let at = START + hour * HOUR + (hour * 7 % 12) * FIVE + 1;
            bursty.add(at, Cell { count: 60, ..Cell::default() }, now);
        }
        let size = |series: &Series| learn(series, &even, now).five(0).size;
        assert!(size(&bursty) < size(&even) / 2.0, "{} and {}", size(&bursty), size(&even));
    }

    /// The last days are followed where days differ, and not taken for more than chance where they do not.
    #[test]
    fn a_topic_that_has_become_louder_is_expected_to_be() {
        let (louder, now) = history(28, |hour| if hour >= 26 * 24 { 60 } else { 12 + 6 * (hour as u64 / 24 % 3) });
        let five = learn(&louder, &louder, now).five(0).mean;
        assert!(five > 2.2, "{five}, where 1.5 was usual and 5 is now");
    }

    #[test]
    fn the_present_hour_is_not_yet_learned() {
        let (series, now) = history(5, |_| 12);
        let mut rising = series.clone();
        rising.add(now + 60, Cell { count: 1_000, ..Cell::default() }, now + 60);
        assert_eq!(learn(&rising, &rising, now + 120).baseline, learn(&series, &series, now + 120).baseline);
    }
}
