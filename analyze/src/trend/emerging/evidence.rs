//! How surprising it is that so many speak of one thing.
//!
//! The voices within an hour, a day, a week, a month and 90 days are counted. How many were to be expected is what the two weightiest terms of
//! the topic's core did together before: their share of all posts, times the posts of the window. That share is believed with a doubt
//! (a gamma distribution), which makes the number negative binomial ([`super::super::surprise`]); a pair that comes in bursts by nature is
//! doubted as much as its unevenness says, and one that belongs to this hour of the day is expected as often as it comes at this hour.
//!
//! A window is judged when there was a past to compare it with:
//!
//! | window | past that it needs |
//! |---|---|
//! | an hour | a day |
//! | a day | three days |
//! | a week | two weeks |
//! | a month | two months |
//! | 90 days | 120 days |
//! | any | [`PAST`] posts |

use super::{
    super::surprise::Expectation,
    recent::Remembered,
    sketch::{Cell, HOURS},
    voices::voices,
    volume::{Volume, around},
};
use serde::{Deserialize, Serialize};

/// Voices that make a topic.
pub(super) const VOICES: u32 = 3;
/// Posts before there is anything to compare with.
const PAST: f64 = 150.0;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The windows, the past that each needs, the scale of the tables that is its, and its name.
const WINDOWS: [(i64, i64, usize, &str); 5] = [
    (HOUR, DAY, 0, "1 小时"),
    (DAY, 3 * DAY, 1, "1 天"),
    (7 * DAY, 14 * DAY, 2, "7 天"),
    (30 * DAY, 60 * DAY, 2, "30 天"),
    (LONGEST, 120 * DAY, 2, "90 天"),
];
/// The longest window: until then posts are remembered, in seconds.
pub(super) const LONGEST: i64 = 90 * DAY;
/// What is believed of a pair that never came: as if it had come so often among so many posts more.
/// As often as its terms would meet by chance, some times more because words of one field keep company, within these bounds.
const COMPANY: f64 = 3.0;
const BELIEF: [f64; 2] = [0.03, 0.3];
const DOUBT: f64 = 0.5;
/// Posts of a pair from which its unevenness is known.
const KNOWN: f32 = 8.0;

/// What the two weightiest terms of a core did before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// Posts with both.
    pub(super) pair: f32,
    pub(super) terms: [Cell; 2],
    pub(super) rhythms: [[f32; HOURS]; 2],
    /// Posts of the topic itself: they are in the tables, too.
    pub(super) counted: f32,
}

/// What speaks for a topic, in the window where the most does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    pub(super) voices: u32,
    pub(super) expected: f64,
    pub(super) surprise: f64,
    /// The length of the window, in seconds, and what it is called.
    pub(super) seconds: i64,
    window: &'static str,
}

impl Evidence {
    /// In words.
    pub(super) fn why(&self) -> String {
        let expected = if self.expected < 0.05 { "不到 0.1".into() } else { format!("{:.1}", self.expected) };
        format!("{}内 {} 个不同来帖同说一事, 预期 {expected} 个", self.window, self.voices)
    }
}

/// The evidence of posts that count up to second `at`.
pub(super) fn weigh(usual: &Usual, posts: &[&Remembered], volume: &Volume, at: i64, hour: usize) -> Option<Evidence> {
    let past = at - volume.since?;
    if volume.ever() < PAST {
        return None;
    }
    let [one, other] = usual.terms.map(|term| f64::from((term.ever - usual.counted).max(0.0)) + DOUBT);
    let belief = (COMPANY * one * other / volume.ever()).clamp(BELIEF[0], BELIEF[1]);
    let share = (f64::from(usual.pair) + belief) / volume.ever();
    let mut best: Option<Evidence> = None;
    for (seconds, needed, scale, window) in WINDOWS {
        if past < needed {
            break;
        }
        let within = voices(posts.iter().copied().filter(|post| (at - seconds..=at).contains(&post.at)));
        let found = u32::try_from(within.len()).unwrap_or(u32::MAX);
        if found < VOICES {
            continue;
        }
        let rhythm = if seconds <= HOUR { rhythm(usual, volume, hour) } else { 1.0 };
        let expected = share * volume.within(seconds, at) * rhythm;
        let mut size = f64::from(usual.pair) + DOUBT;
        if usual.pair >= KNOWN {
            let uneven = usual.terms[0].unevenness(scale).min(usual.terms[1].unevenness(scale));
            size = size.min(1.0 / f64::from(uneven).max(1e-6));
        }
        let surprise = Expectation::new(expected, size).surprise(u64::from(found));
        if best.is_none_or(|best| surprise > best.surprise) {
            best = Some(Evidence { voices: found, expected, surprise, seconds, window });
        }
    }
    best
}

/// By which factor the terms come more often at this hour of the day than posts do in general.
fn rhythm(usual: &Usual, volume: &Volume, hour: usize) -> f64 {
    let factor = |hours: &[f32; HOURS]| {
        let sum: f32 = hours.iter().sum::<f32>() - usual.counted;
        if sum < KNOWN {
            return 1.0;
        }
        // What the topic itself brought at this hour is no habit.
        let near: f32 = (around(hours, hour) * hours.iter().sum::<f32>() - usual.counted).max(0.0);
        (near / sum / volume.around(hour).max(0.01)).clamp(1.0, 24.0)
    };
    f64::from(factor(&usual.rhythms[0]).min(factor(&usual.rhythms[1])))
}

/// How many candidates are judged, which says how many would be told by chance.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Judge {
    at: i64,
    /// Of the last night, fading.
    asked: f64,
}

/// Over how long the number of candidates fades, in seconds: a night.
const NIGHT: f64 = 12.0 * 3_600.0;
/// The least line of a page.
const LEAST: f64 = 5.0;

impl Judge {
    /// A candidate is judged.
    pub(super) fn asked(&mut self, now: i64) {
        self.asked = self.faded(now) + 1.0;
        self.at = self.at.max(now);
    }

    fn faded(&self, now: i64) -> f64 {
        self.asked * (-((now - self.at).max(0) as f64) / NIGHT).exp()
    }

    /// The surprise from which something is worth a page, so that among the candidates of a night at most so many pages are false: each of
    /// them is looked at in four windows (Bonferroni).
    pub(super) fn page(&self, false_pages: f64, now: i64) -> f64 {
        let looks = WINDOWS.len() as f64 * self.faded(now).max(1.0);
        (looks / false_pages.max(1e-3)).log10().clamp(0.0, 30.0) + LEAST
    }
}
