//! A series of counts, gauged online as it comes: how unusual each count is, beside what this very series brings every day.
//!
//! It is for counts that come without posts: benchmarks, and measurements of other systems. They go through the same series, the
//! same baseline and the same surprise as a topic's posts; nothing of what comes later is used.
//!
//! 1. **Surprise.** The windows of [`WINDOWS`] that end with the count, against what the baseline expects of them. It is learned anew
//!    with every hour that is over.
//! 2. **Custom.** What comes every day is no news, however improbable the model thinks it is. For each window the surprise is divided by
//!    the usual highest surprise of a day: the square of the mean root of the days' highest surprises, halved in weight after [`CUSTOM_HALF_LIFE`],
//!    beside one day of [`PRIOR`]. A day counts for at most [`MOST`] times what was usual, so that an upheaval does not make the series deaf.
//!    The highest of these ratios is how **unusual** the count is: at 1 it is like the high of any day.
//! 3. **Told once.** A count is told when it is [`FURTHER`] times as unusual as everything that was told within a day: a rise is one
//!    alarm, and one more if it turns out to be of another order. What is not told has the score 0.
//!
//! | the count, beside all that was told within a day | score |
//! |---|---|
//! | no more than [`FURTHER`] times as unusual | 0 |
//! | more | `unusual / (1 + unusual)`: 0.5 is the high of any day, 0.9 nine times that |
//!
//! Limits: one count for each step of at least ten seconds, in order; a step without a count is taken for empty. Steps longer than the
//! windows are gauged by the windows that they fill. The first two days are judged by the prior alone. A rise within a day after a
//! larger one is not told, and a fall never is.

use super::{
    dispersion::{USUAL, edge},
    series::{Cell, DAY, HOUR, MINUTE, Series},
    surprise::Expectation,
};
use jiff::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// The windows that are gauged, in seconds: bursts, and rises that last.
const WINDOWS: [i64; 4] = [5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR];
/// The highest surprise of a day before anything is known: once in 300 windows of five minutes is 2.5 orders, and days differ.
const PRIOR: f64 = 3.0;
/// Days that the prior is worth.
const PRIOR_DAYS: f64 = 1.0;
/// The days' custom is halved in weight after so many days.
const CUSTOM_HALF_LIFE: f64 = 28.0;
/// How many times the usual a day counts for at most.
const MOST: f64 = 6.0;
/// How many times as unusual as what was told a further count must be.
const FURTHER: f64 = 3.0;
/// What was told stands for so long, in seconds.
const TOLD: i64 = DAY;
/// How counts spread is halved in weight after so many seconds: a week, with all of its days.
const SPREAD_HALF_LIFE: f64 = 7.0 * DAY as f64;
/// The bounds of the dispersion: even a calm series must rise by more than some fifth, and a wild one is not deaf.
const DISPERSION: (f64, f64) = (0.05, 2.0);

/// What a count tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What was expected of the count.
    pub expected: f64,
    /// `-log10` of the probability of such a count or a higher one.
    pub surprise: f64,
    /// The surprise of the most unusual window, as a multiple of the high of a usual day.
    pub unusual: f64,
    /// From 0 to 1, comparable between series: see the module's table.
    pub score: f64,
}

impl Reading {
    /// A score from which a count is worth an alarm in any series: nearly twice the high of a usual day.
    pub const ALARM: f64 = 0.65;
}

/// Gauges one series.
#[derive(Debug)]
pub struct Gauge {
    series: Series,
    level: Level,
    half_life: f64,
    began: Option<i64>,
    swept: i64,
    windows: [(Spread, Custom); WINDOWS.len()],
    told: VecDeque<(i64, f64)>,
}

impl Gauge {
    /// A series of which nothing is known. After `half_life`, a day at least, the weight of the past is halved.
    #[must_use]
    pub fn new(half_life: Duration) -> Self {
        Self {
            series: Series::default(),
            level: Level::default(),
            half_life: half_life.as_secs_f64().max(DAY as f64),
            began: None,
            swept: 0,
            windows: [(Spread::default(), Custom::default()); WINDOWS.len()],
            told: VecDeque::new(),
        }
    }

    /// Takes in the count of the step of so many seconds from `begin` on, and says how unusual it is. Counts beyond 2³² are taken for
    /// 2³².
    pub fn feed(&mut self, begin: Timestamp, seconds: u32, count: u64) -> Reading {
        let (begin, seconds) = (begin.as_second(), i64::from(seconds).max(1));
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let end = begin + seconds;
        self.series.add(begin, Cell { count, ..Cell::default() }, end);
        if self.swept != end.div_euclid(HOUR) {
            self.swept = end.div_euclid(HOUR);
            self.series.forget(end);
        }
        let known = end - *self.began.get_or_insert(begin);
        let rate = self.level.rate();
        let mut unusual = 0.0_f64;
        for (&window, (spread, custom)) in WINDOWS.iter().zip(&mut self.windows) {
            // Neither longer than the series nor shorter than the step.
            let length = window.min(known).max(seconds);
            let seen = self.series.window(begin, length).count;
            let expected = spread.expect(rate * length as f64);
            unusual = unusual.max(custom.take(begin, surprise(expected, seen)));
            spread.learn(f64::from(seen), expected.mean, 0.5_f64.powf(seconds as f64 / SPREAD_HALF_LIFE));
        }
        let expected = self.windows[0].0.expect(rate * seconds as f64);
        self.level.learn(f64::from(count), expected.mean, seconds as f64, self.half_life);
        Reading {
            expected: expected.mean,
            surprise: surprise(expected, count),
            unusual,
            score: self.tell(begin, unusual),
        }
    }

    fn tell(&mut self, at: i64, unusual: f64) -> f64 {
        while self.told.front().is_some_and(|(told, _)| *told < at - TOLD) {
            self.told.pop_front();
        }
        // Each one that was told is higher than those before it.
        let highest = self.told.back().map_or(0.0, |(_, unusual)| *unusual);
        if unusual <= highest * FURTHER {
            return 0.0;
        }
        self.told.push_back((at, unusual));
        unusual / (1.0 + unusual)
    }
}

/// The rate, its own bursts cut off.
#[derive(Debug, Clone, Copy)]
struct Level {
    count: f64,
    seconds: f64,
}

impl Default for Level {
    /// A post in five minutes, worth ten minutes.
    fn default() -> Self {
        Self { count: 2.0, seconds: 600.0 }
    }
}

impl Level {
    fn rate(self) -> f64 {
        self.count / self.seconds
    }

    fn learn(&mut self, count: f64, expected: f64, seconds: f64, half_life: f64) {
        let weight = 0.5_f64.powf(seconds / half_life);
        self.count = self.count * weight + count.min(edge(expected, USUAL));
        self.seconds = self.seconds * weight + seconds;
    }
}

/// How much the counts of windows of one length spread about what was expected: see [`super::dispersion`].
#[derive(Debug, Clone, Copy)]
struct Spread {
    excess: f64,
    squares: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { excess: 4.0, squares: 10.0 }
    }
}

impl Spread {
    fn dispersion(self) -> f64 {
        (self.excess / self.squares).clamp(DISPERSION.0, DISPERSION.1)
    }

    fn expect(self, mean: f64) -> Expectation {
        Expectation::new(mean, 1.0 / self.dispersion())
    }

    fn learn(&mut self, count: f64, mean: f64, weight: f64) {
        let cut = count.min(edge(mean, self.dispersion()));
        self.excess = (self.excess * weight + (cut - mean).powi(2) - cut).max(0.0);
        self.squares = self.squares * weight + mean * mean;
    }
}

fn surprise(expected: Expectation, count: u32) -> f64 {
    if f64::from(count) <= expected.mean { 0.0 } else { expected.surprise(u64::from(count)) }
}

/// How surprising the highest of a usual day is, for windows of one length.
#[derive(Debug, Clone, Copy, Default)]
struct Custom {
    /// The day that goes on, by its begin, and its highest surprise.
    day: Option<i64>,
    highest: f64,
    roots: f64,
    days: f64,
}

impl Custom {
    /// Takes in a surprise, and says how many times the usual high of a day it is.
    fn take(&mut self, at: i64, surprise: f64) -> f64 {
        let day = *self.day.get_or_insert(at);
        if at >= day + DAY {
            let weight = 0.5_f64.powf(1.0 / CUSTOM_HALF_LIFE);
            self.roots = self.roots * weight + self.highest.sqrt();
            self.days = self.days * weight + 1.0;
            (self.day, self.highest) = (Some(at), 0.0);
        }
        let usual = ((self.roots + PRIOR_DAYS * PRIOR.sqrt()) / (self.days + PRIOR_DAYS)).powi(2);
        self.highest = self.highest.max(surprise.min(MOST * usual));
        surprise / usual
    }
}
