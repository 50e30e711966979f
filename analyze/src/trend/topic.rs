//! One topic: what was counted, what is expected, whether it rises, and its pulse.

use super::{
    baseline::{Baseline, Watched},
    moment::Moment,
    samples::Samples,
    series::{Cell, HOUR, LIVE, MINUTE, Series},
    spike::{Look, Rises, Rule, Seen},
};
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    log::Position,
    records::{AnalyzedPost, Label, Phase, Pulse, Record, TopicRef, Window},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The windows that decide, in seconds.
const WINDOWS: [i64; 2] = [MINUTE, 5 * MINUTE];
/// Posts whose lag is remembered.
const LAGS: usize = 64;
/// A topic with new posts is told at most this often, in milliseconds.
const TELL_NEW: i64 = 1_000;
/// One whose windows are emptying is told this often, so that a board sees them fall.
const TELL_FALLING: i64 = 10_000;
/// And every one at least this often.
const TELL_ALL: i64 = 60_000;
/// History that was laid in is learned at most this often, in seconds, unless a rise hangs on it.
const LEARN: i64 = MINUTE;

/// What judging needs beside the topic.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub(super) rule: Rule,
    pub(super) half_life: i64,
    pub(super) tz: TimeZone,
}

/// What was learned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Learned {
    at: i64,
    laid_in: u64,
}

/// What was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    at: i64,
    phase: Phase,
    spike: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Topic {
    pub(super) about: TopicRef,
    /// The query that it is counted by; another query is another topic.
    pub(super) query: Option<String>,
    /// From when it was counted, where that is later than everything else.
    since: Option<i64>,
    pub(super) series: Series,
    pub(super) baseline: Baseline,
    rises: Rises,
    samples: Samples,
    lags: VecDeque<f64>,
    pub(super) total: u64,
    learned: Learned,
    changed: bool,
    told: Option<Told>,
}

impl Topic {
    pub(super) fn new(about: TopicRef, query: Option<String>, since: Option<i64>) -> Self {
        Self {
            about,
            query,
            since,
            series: Series::default(),
            baseline: Baseline::default(),
            rises: Rises::default(),
            samples: Samples::default(),
            lags: VecDeque::new(),
            total: 0,
            learned: Learned::default(),
            changed: false,
            told: None,
        }
    }

    /// Counts a first-seen post.
    pub(super) fn count(&mut self, post: &AnalyzedPost, moment: Moment, now: Timestamp) {
        let second = now.as_second();
        let negative = post.sentiment.is_some_and(|sentiment| sentiment.label == Label::Negative);
        let reach = i64::try_from(post.counts.sum()).unwrap_or(i64::MAX);
        self.series.add(moment.at, Cell { count: 1, negative: u64::from(negative), reach }, second);
        self.total += 1;
        self.changed = true;
        if moment.at > second - LIVE {
            self.samples.offer(post, second);
            if moment.exact {
                self.lags.truncate(LAGS - 1);
                self.lags.push_front((now.duration_since(post.published_at)).as_secs_f64().max(0.0));
            }
        }
        if self.rises.is_on() {
            let (_, fullest) = self.series.fullest(moment.at, WINDOWS[1], second);
            self.rises.count(moment.at, fullest, second);
        }
    }

    /// Takes in how much more, or less, a known post was answered.
    pub(super) fn revise(&mut self, post: &AnalyzedPost, moment: Moment, difference: i64, now: i64) {
        self.series.add(moment.at, Cell { reach: difference, ..Cell::default() }, now);
        self.samples.revise(&post.id, post.counts.sum());
        self.changed = true;
    }

    /// Why a rise begins with a post of second `at`, if one does; and what was seen.
    pub(super) fn crosses(&self, at: i64, manner: &Manner, now: i64) -> Option<(String, Look)> {
        if !self.rises.may_begin(at, now) {
            return None;
        }
        let look = self.look(manner, |seconds| self.series.fullest(at, seconds, now));
        Some((Rises::reason(&look, manner.rule)?, look))
    }

    /// Begins a rise; its id is derived from the post that crossed the line.
    pub(super) fn rise(&mut self, founder: Position, at: i64, (why, look): (String, Look), now: i64) {
        let id = format!("{}-{}-{}", self.about.id, founder.partition, founder.offset);
        let since = Timestamp::from_second(at).unwrap_or_default();
        tracing::info!(topic = %self.about.id, spike = %id, %why, late = look.five.end < now - 600, "a topic rises");
        self.rises.begin(id, since, why, &look, now);
    }

    /// Learns anew when an hour is over, or when history was laid in a while ago.
    pub(super) fn is_due_to_learn(&self, laid_in: u64, now: i64) -> bool {
        self.is_outdated(laid_in, now)
            && (now >= self.learned.at + LEARN || now.div_euclid(HOUR) != self.learned.at.div_euclid(HOUR))
    }

    /// Whether there is anything that was not learned.
    pub(super) fn is_outdated(&self, laid_in: u64, now: i64) -> bool {
        laid_in != self.learned.laid_in || now.div_euclid(HOUR) != self.learned.at.div_euclid(HOUR)
    }

    pub(super) fn learn(&mut self, watched: &Watched, laid_in: u64, manner: &Manner, now: i64) {
        self.baseline = Baseline::learn(&self.series, watched, self.since, manner.half_life, &manner.tz);
        self.learned = Learned { at: now, laid_in };
    }

    /// Moves on to `now`.
    pub(super) fn step(&mut self, manner: &Manner, now: i64) {
        if self.rises.is_on() {
            let look = self.look(manner, |seconds| (now, self.series.window(now, seconds).count));
            self.rises.step(&look, manner.rule, now);
        }
    }

    fn look(&self, manner: &Manner, window: impl Fn(i64) -> (i64, u64)) -> Look {
        let seen = |seconds| {
            let (end, count) = window(seconds);
            Seen { end, count, expected: self.baseline.expect(end, seconds, &manner.tz) }
        };
        Look { one: seen(WINDOWS[0]), five: seen(WINDOWS[1]), history: self.baseline.has_history() }
    }

    /// Whether it is time to tell.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let Some(told) = &self.told else { return true };
        let age = now.as_millisecond() - told.at;
        let spike = self.rises.spike(now.as_second());
        let (phase, spike) = (self.rises.phase(), spike.as_ref().map(|spike| spike.id.as_str()));
        // A clock that was set back must not silence a topic.
        !(0..TELL_ALL).contains(&age)
            || phase != told.phase
            || spike.is_some() && spike != told.spike.as_deref()
            || self.changed && age >= TELL_NEW
            || age >= TELL_FALLING && self.series.window(now.as_second(), WINDOWS[1] + TELL_FALLING / 1_000).count > 0
    }

    /// Whether a rise has begun since it was last told.
    pub(super) fn has_new_spike(&self, now: Timestamp) -> bool {
        let known = self.told.as_ref().and_then(|told| told.spike.as_deref());
        self.rises.is_on() && self.rises.spike(now.as_second()).is_some_and(|spike| known != Some(spike.id.as_str()))
    }

    /// Marks it as told, or, with `None`, as never told.
    pub(super) fn mark(&mut self, pulse: Option<&Pulse>) {
        self.changed = false;
        self.told = pulse.map(|pulse| Told {
            at: pulse.at.as_millisecond(),
            phase: pulse.phase,
            spike: pulse.spike.as_ref().map(|spike| spike.id.clone()),
        });
    }

    /// Its state at `now`.
    pub(super) fn pulse(&self, manner: &Manner, through: Vec<Position>, now: Timestamp) -> Pulse {
        let second = now.as_second();
        let windows: Vec<Window> = WINDOWS.iter().map(|&seconds| self.window(seconds, manner, second)).collect();
        let five = windows[WINDOWS.len() - 1];
        Pulse {
            v: Pulse::VERSION,
            topic: self.about.clone(),
            at: now,
            phase: self.rises.phase(),
            spike: self.rises.spike(second),
            negative_share: if five.count == 0 { 0.0 } else { rounded(five.negative as f64 / five.count as f64) },
            windows,
            total: self.total,
            reach: self.series.reach(second),
            lag_seconds: self.lag(),
            samples: self.samples.show(second),
            through,
        }
    }

    fn window(&self, seconds: i64, manner: &Manner, now: i64) -> Window {
        let (cell, expected) = (self.series.window(now, seconds), self.baseline.expect(now, seconds, &manner.tz));
        Window {
            seconds: seconds as u32,
            count: cell.count,
            negative: cell.negative,
            expected: rounded(expected.mean),
            upper: expected.upper() as f64,
            surprise: rounded(expected.surprise(cell.count)),
        }
    }

    fn lag(&self) -> f64 {
        let mut lags: Vec<f64> = self.lags.iter().copied().collect();
        lags.sort_unstable_by(f64::total_cmp);
        lags.get(lags.len() / 2).map_or(0.0, |lag| rounded(*lag))
    }

    /// How hot it is now: one that rises before one that does not, then by surprise.
    pub(super) fn heat(pulse: &Pulse) -> (bool, f64) {
        let surprise = pulse.windows.iter().map(|window| window.surprise).fold(0.0, f64::max);
        (pulse.phase != Phase::Quiet, surprise)
    }
}

/// To three decimals: more would be noise on the wire.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
