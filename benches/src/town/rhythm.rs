//! How the rate of a topic goes, minute by minute, while nothing happens.
//!
//! | rhythm | is |
//! |---|---|
//! | shared | a day and a week that all topics have: a low night, noon, a long evening, a somewhat quieter weekend |
//! | own | the same, but each topic has its phase (up to four hours either way) and its depth |
//! | night | most at one in the morning, least before noon |
//! | weekend | more than twice as much on Saturday and Sunday |
//! | drift | shared, and each topic's level swings by up to half within weeks |
//! | days | shared, and each day of each topic has a level of its own (log-normal, a quarter) |
//! | mixed | each topic has one of these |
//!
//! All are truths that a detector must find out; the oracle is told them.

use super::random::Random;
use clap::ValueEnum;

const DAY: usize = 24 * 60;
const WEEK: usize = 7 * DAY;

/// By hour of the day.
const SHARED: [f64; 24] = [
    0.55, 0.3, 0.18, 0.12, 0.1, 0.14, 0.3, 0.65, 1.0, 1.15, 1.2, 1.35, 1.9, 1.6, 1.2, 1.15, 1.2, 1.3, 1.35, 1.6, 1.9,
    1.8, 1.4, 0.9,
];
const NIGHT: [f64; 24] = [
    2.3, 2.6, 2.2, 1.6, 1.1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.25, 0.3, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.1, 1.3,
    1.6, 2.0,
];
/// From Monday on.
const WEEKDAYS: [f64; 7] = [1.05, 1.05, 1.0, 1.0, 1.05, 0.95, 0.85];
const WEEKENDS: [f64; 7] = [0.7, 0.65, 0.65, 0.7, 0.9, 2.0, 1.8];

/// Which rhythms a town has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rhythm {
    /// A day and a week that all topics have.
    Shared,
    /// Each topic has its phase and its depth.
    Own,
    /// Most at one in the morning.
    Night,
    /// Most at the weekend.
    Weekend,
    /// Levels swing slowly.
    Drift,
    /// Days differ.
    Days,
    /// Each topic has one of these.
    Mixed,
}

const EACH: [Rhythm; 6] = [Rhythm::Shared, Rhythm::Own, Rhythm::Night, Rhythm::Weekend, Rhythm::Drift, Rhythm::Days];

/// The weeks that there are, each by the minute with a mean of 1.
#[derive(Debug)]
pub struct Weeks([Vec<f32>; 3]);

impl Default for Weeks {
    fn default() -> Self {
        Self([week(&SHARED, &WEEKDAYS), week(&NIGHT, &WEEKDAYS), week(&SHARED, &WEEKENDS)])
    }
}

/// A week by the minute: straight between the middles of hours.
fn week(hours: &[f64; 24], days: &[f64; 7]) -> Vec<f32> {
    let of = |hour: usize| hours[hour % 24] * days[hour / 24 % 7];
    let minutes = (0..WEEK).map(|minute| {
        let from_middle = minute + WEEK - 30;
        let (hour, share) = (from_middle / 60, (from_middle % 60) as f64 / 60.0);
        of(hour % 168) * (1.0 - share) + of((hour + 1) % 168) * share
    });
    let minutes: Vec<f64> = minutes.collect();
    let mean = minutes.iter().sum::<f64>() / WEEK as f64;
    minutes.into_iter().map(|rate| (rate / mean) as f32).collect()
}

/// How the rate of one topic goes.
#[derive(Debug, Clone)]
pub struct Course {
    /// Posts a minute, in the mean.
    pub base: f64,
    week: usize,
    /// Minutes by which it is ahead.
    phase: usize,
    /// How much of the rhythm it has: 1 is all of it.
    depth: f64,
    /// Its level at each noon; none where it is always 1.
    levels: Vec<f32>,
}

impl Course {
    /// Draws the course of a topic with this mean rate over so many days.
    pub fn draw(rhythm: Rhythm, base: f64, days: u32, random: &mut Random) -> Self {
        let plain = Self { base, week: 0, phase: 0, depth: 1.0, levels: Vec::new() };
        let noons = days as usize + 2;
        match rhythm {
            Rhythm::Shared => plain,
            Rhythm::Own => Self {
                phase: (WEEK as f64 + random.between(-240.0, 240.0)) as usize,
                depth: random.between(0.3, 1.1),
                ..plain
            },
            Rhythm::Night => Self { week: 1, ..plain },
            Rhythm::Weekend => Self { week: 2, ..plain },
            Rhythm::Drift => {
                let (swing, period) = (random.between(0.1, 0.5), random.between(15.0, 60.0));
                let begin = random.between(0.0, std::f64::consts::TAU);
                let level = |noon: usize| (swing * (begin + noon as f64 / period * std::f64::consts::TAU).sin()).exp();
                Self { levels: (0..noons).map(|noon| level(noon) as f32).collect(), ..plain }
            }
            Rhythm::Days => {
                let level = |random: &mut Random| (0.25 * random.normal() - 0.03).exp() as f32;
                Self { levels: (0..noons).map(|_| level(random)).collect(), ..plain }
            }
            Rhythm::Mixed => Self::draw(EACH[random.below(EACH.len() as u32) as usize], base, days, random),
        }
    }

    /// Posts a minute in this minute since the town's begin, a Monday's midnight.
    #[must_use]
    pub fn rate(&self, minute: u32, weeks: &Weeks) -> f64 {
        let minute = minute as usize;
        let shape = f64::from(weeks.0[self.week][(minute + self.phase) % WEEK]);
        self.base * (1.0 + self.depth * (shape - 1.0)).max(0.03) * self.level(minute)
    }

    fn level(&self, minute: usize) -> f64 {
        if self.levels.is_empty() {
            return 1.0;
        }
        let from_noon = minute + DAY / 2;
        let (noon, share) = (from_noon / DAY, (from_noon % DAY) as f64 / DAY as f64);
        let of = |noon: usize| f64::from(self.levels[noon.min(self.levels.len() - 1)]);
        of(noon) * (1.0 - share) + of(noon + 1) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(rhythm: Rhythm, seed: u64) -> Course {
        Course::draw(rhythm, 2.0, 60, &mut Random::new(seed))
    }

    #[test]
    fn a_week_has_the_mean_rate_and_is_never_still() {
        let weeks = Weeks::default();
        for rhythm in [Rhythm::Shared, Rhythm::Own, Rhythm::Night, Rhythm::Weekend] {
            let course = course(rhythm, 1);
            let rates: Vec<f64> = (0..WEEK as u32).map(|minute| course.rate(minute, &weeks)).collect();
            let mean = rates.iter().sum::<f64>() / rates.len() as f64;
            assert!((mean / 2.0 - 1.0).abs() < 0.03, "{rhythm:?}: {mean}");
            assert!(rates.iter().all(|rate| *rate > 0.0));
            let step = rates.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).fold(0.0, f64::max);
            assert!(step < 0.08, "{rhythm:?} jumps by {step}");
        }
    }

    #[test]
    fn each_rhythm_is_what_it_says() {
        let weeks = Weeks::default();
        let at = |rhythm, day: u32, hour: u32| course(rhythm, 1).rate((day * 24 + hour) * 60, &weeks);
        assert!(at(Rhythm::Shared, 0, 12) > 8.0 * at(Rhythm::Shared, 0, 4));
        assert!(at(Rhythm::Night, 0, 1) > 5.0 * at(Rhythm::Night, 0, 11));
        assert!(at(Rhythm::Weekend, 5, 12) > 2.0 * at(Rhythm::Weekend, 3, 12));
        let levels = |rhythm| course(rhythm, 1).levels;
        assert!(levels(Rhythm::Shared).is_empty());
        let spread = |levels: &[f32]| levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(spread(&levels(Rhythm::Drift)) < 0.3 && spread(&levels(Rhythm::Days)) > 0.3);
        let phases: Vec<usize> = (0..5).map(|seed| course(Rhythm::Own, seed).phase).collect();
        assert!(phases.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
