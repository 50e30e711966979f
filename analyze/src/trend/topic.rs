//! One topic: what was counted, what is expected, whether it rises, and its pulse.

use super::{
    allowance::APART,
    arrival::{Shares, Sources},
    baseline::{Baseline, Watched, Wider},
    calendar::Calendar,
    dispersion::Common,
    emerging::Member,
    forecast::forecast,
    moment::Moment,
    mood::{self, Mood},
    reach::{self, Reach},
    rhythm::Rhythm,
    samples::Samples,
    series::{CELL, Cell, DAY, HOUR, LIVE, MINUTE, Series},
    spike::{self, Past, Rises, Rule, Seen},
    surprise::Expectation,
};
use jiff::Timestamp;
use schemas::{
    log::Position,
    records::{AnalyzedPost, Label, Phase, Pulse, Record, TopicRef, Window},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The windows that decide, in seconds, each some twice the one before: a rise is seen by the one that fits it best.
pub(super) const WINDOWS: [i64; 11] =
    [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY];
/// So many of them, the shortest, are looked at with each post; the others every few seconds.
const NEAR: usize = 3;
/// The windows that a pulse tells.
const TOLD: [i64; 5] = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, DAY];
/// The longer windows are looked at this often, in seconds.
const LOOK: i64 = 10;
/// And for posts that came in later than this, in seconds, at the time that they speak of too.
const BEHIND: i64 = 5 * MINUTE;
/// Posts whose lag is remembered.
const LAGS: usize = 64;
/// A topic with new posts is told at most this often, in milliseconds.
const TELL_NEW: i64 = 1_000;
/// One whose windows are emptying is told this often, so that a board sees them fall.
const TELL_FALLING: i64 = 10_000;
/// And every one that is awake at least this often.
const TELL_ALL: i64 = 60_000;
/// History that was laid in is learned at most this often, in seconds, unless a rise hangs on it.
const LEARN: i64 = MINUTE;
/// A topic without posts for so long, in seconds, falls asleep: all of its windows are empty, and were told.
const AWAKE: i64 = DAY + HOUR;

/// What judging needs beside the topic.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    pub(super) rule: Rule,
    /// Alarms a day that reach, and negative share, may raise by chance.
    pub(super) other_alarms: f64,
    pub(super) min_reach: u64,
    pub(super) half_life: i64,
    pub(super) calendar: Calendar,
    pub(super) common: Common,
}

/// What a topic is judged against: the manner, the rhythm of its parent, and how posts come in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) manner: &'a Manner,
    pub(super) rhythm: &'a Rhythm,
    pub(super) sources: &'a Sources,
    pub(super) all: &'a Shares,
}

/// What was learned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Learned {
    at: i64,
    laid_in: u64,
}

/// What its last posts show.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Recent {
    samples: Samples,
    /// How many seconds they needed to come in, the last one first.
    lags: VecDeque<f32>,
}

impl Recent {
    /// The median.
    fn lag(&self) -> f64 {
        let mut lags: Vec<f32> = self.lags.iter().copied().collect();
        lags.sort_unstable_by(f32::total_cmp);
        lags.get(lags.len() / 2).map_or(0.0, |lag| rounded(f64::from(*lag)))
    }
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
    pub(super) reach: Reach,
    pub(super) mood: Mood,
    pub(super) shares: Shares,
    pub(super) rises: Rises,
    /// None while it sleeps.
    recent: Option<Box<Recent>>,
    pub(super) total: u64,
    /// The category of most of its posts, by its number, and how far it is ahead (Boyer & Moore's majority vote).
    category: Option<(u16, u32)>,
    learned: Learned,
    changed: bool,
    /// The earliest second of which posts came in since the longer windows were looked at; and when that was.
    touched: Option<i64>,
    looked: i64,
    /// When the last post came in.
    last: i64,
    /// The rarest count since it last came near a line, by how often a day chance brings it, and when it was near last.
    near: Option<(f64, i64)>,
    told: Option<Told>,
}

/// Why a rise begins, and with which window.
pub(super) type Crossing = (String, Seen);

impl Topic {
    pub(super) fn new(about: TopicRef, query: Option<String>, since: Option<i64>) -> Self {
        Self {
            about,
            query,
            since,
            series: Series::default(),
            baseline: Baseline::default(),
            reach: Reach::default(),
            mood: Mood::default(),
            shares: Shares::default(),
            rises: Rises::default(),
            recent: None,
            total: 0,
            category: None,
            learned: Learned::default(),
            changed: false,
            touched: None,
            looked: 0,
            last: 0,
            near: None,
            told: None,
        }
    }

    /// Counts a first-seen post from the source of this number, in the category of that.
    pub(super) fn count(
        &mut self,
        post: &AnalyzedPost,
        moment: Moment,
        source: u16,
        category: Option<u16>,
        now: Timestamp,
    ) {
        let second = now.as_second();
        let late = u32::from(moment.at <= second - LIVE);
        self.add(moment.at, Cell { late, ..cell(post) }, second);
        self.shares.add(source);
        self.vote(category);
        if moment.at > second - LIVE {
            let recent = self.recent.get_or_insert_default();
            recent.samples.offer(post, second);
            if moment.exact {
                recent.lags.truncate(LAGS - 1);
                recent.lags.push_front(now.duration_since(post.published_at).as_secs_f32().max(0.0));
            }
        }
        if self.rises.is_on() {
            let (_, fullest) = self.series.fullest(moment.at, 5 * MINUTE, second);
            self.rises.count(moment.at, fullest.count.into(), second);
        }
    }

    /// Takes in a post that came before the topic was found.
    pub(super) fn recall(&mut self, member: &Member, now: i64) {
        let reach = i64::try_from(member.sample.reach).unwrap_or(i64::MAX);
        let late = u32::from(member.at <= now - LIVE);
        let cell = Cell { count: 1, negative: u32::from(member.negative), copies: 0, late, reach };
        self.add(member.at, cell, now);
        self.recent.get_or_insert_default().samples.recall(&member.sample);
    }

    /// Adds to the counts.
    pub(super) fn add(&mut self, at: i64, what: Cell, now: i64) {
        self.series.add(at, what, now);
        self.total += u64::from(what.count);
        self.changed = true;
        self.touched = Some(self.touched.map_or(at, |before| before.min(at)));
        self.last = now;
    }

    fn vote(&mut self, category: Option<u16>) {
        let Some(category) = category else { return };
        self.category = Some(match self.category {
            Some((ahead, by)) if ahead == category => (ahead, by.saturating_add(1)),
            Some((ahead, by)) if by > 1 => (ahead, by - 1),
            _ => (category, 1),
        });
    }

    /// The number of the category of most of its posts.
    pub(super) fn category(&self) -> Option<u16> {
        self.category.map(|(category, _)| category)
    }

    /// Takes in how much more, or less, a known post was answered: that is seen now.
    pub(super) fn revise(&mut self, post: &AnalyzedPost, difference: i64, now: i64) {
        self.series.add(now, Cell { reach: difference, ..Cell::default() }, now);
        if let Some(recent) = &mut self.recent {
            recent.samples.revise(&post.id, post.counts.sum());
        }
        self.changed = true;
        self.touched.get_or_insert(now);
    }

    /// Why a rise begins with a post of second `at`, if one does, by the shortest windows.
    pub(super) fn crosses(&mut self, at: i64, around: Around<'_>, now: i64) -> Option<Crossing> {
        if !self.rises.may_begin(at, now) {
            return None;
        }
        let history = self.baseline.has_history();
        let mut seen = [None; NEAR];
        for (seen, &seconds) in seen.iter_mut().zip(&WINDOWS) {
            let (end, cell) = self.series.fullest(at, seconds, now);
            // Below the least count there is nothing to reckon; most looks end here.
            if u64::from(cell.count) >= around.manner.rule.floor(history) {
                *seen = Some(self.seen(seconds, end, cell, around, now));
            }
        }
        let seen: Vec<Seen> = seen.into_iter().flatten().collect();
        if seen.is_empty() { None } else { self.ask(&seen, around, now) }
    }

    fn ask(&mut self, windows: &[Seen], around: Around<'_>, now: i64) -> Option<Crossing> {
        let said = spike::ask(windows, self.baseline.has_history(), around.manner.rule);
        if let Some(alarms) = said.near {
            let rarest = self.near.map_or(alarms, |(before, _)| alarms.min(before));
            self.near = Some((rarest, now));
        }
        said.rise
    }

    /// How rare the rarest count was while the topic was near a line, once it is no more.
    pub(super) fn was_near(&mut self, now: i64) -> Option<f64> {
        let (rarest, _) = self.near.filter(|(_, at)| !(0..APART).contains(&(now - at)))?;
        self.near = None;
        Some(rarest)
    }

    /// Whether the longer windows are due to be looked at.
    pub(super) fn is_due_to_look(&self, now: i64) -> bool {
        self.touched.is_some() && !(0..LOOK).contains(&(now - self.looked))
    }

    /// Why a rise begins, if one does, by the longer windows, the reach and the negative share; asked every few seconds.
    pub(super) fn looks(&mut self, around: Around<'_>, now: i64) -> Option<Crossing> {
        let touched = self.touched.take()?;
        self.looked = now;
        let free_from = self.rises.free_from()?;
        let history = self.baseline.has_history();
        let mut windows = Vec::new();
        for &seconds in &WINDOWS[NEAR..] {
            // Posts that came in late are judged at the time that they speak of too.
            let late = (touched < now - BEHIND).then(|| (touched.max(now - LIVE) + seconds / 2).min(now));
            for end in late.into_iter().chain([now]) {
                if end - seconds < free_from {
                    continue;
                }
                let cell = self.series.window(end, seconds);
                if u64::from(cell.count) >= around.manner.rule.floor(history) {
                    windows.push(self.seen(seconds, end, cell, around, now));
                }
            }
        }
        self.ask(&windows, around, now).or_else(|| self.others(around, free_from, now))
    }

    /// The second and the third trigger.
    fn others(&self, around: Around<'_>, free_from: i64, now: i64) -> Option<Crossing> {
        let Manner { rule, other_alarms, min_reach, .. } = around.manner;
        if !self.baseline.has_history() {
            return None;
        }
        let windows = reach::WINDOWS.iter().zip(mood::WINDOWS).enumerate();
        windows.filter(|(_, (seconds, _))| now - **seconds >= free_from).find_map(|(window, (&seconds, _))| {
            let cell = self.series.window(now, seconds);
            let why = self
                .reach
                .reason(window, cell, *min_reach, *other_alarms)
                .or_else(|| self.mood.reason(window, cell, rule.min_count, *other_alarms))?;
            Some((why, self.seen(seconds, now, cell, around, now)))
        })
    }

    /// A window with what is expected of it by now.
    pub(super) fn seen(&self, seconds: i64, end: i64, cell: Cell, around: Around<'_>, now: i64) -> Seen {
        let whole = self.expect(seconds, end, around, now);
        let arrived = around.sources.arrived(&self.shares, around.all, end - seconds, end, now);
        let voices = cell.voices(around.manner.rule.copies(self.baseline.has_history()));
        Seen { seconds, end, cell, voices: voices.into(), expected: whole.part(arrived) }
    }

    /// What is expected of a window once all has come in, by what is known now: see [`super::baseline::Local`].
    pub(super) fn expect(&self, seconds: i64, end: i64, around: Around<'_>, now: i64) -> Expectation {
        let Manner { rule, calendar, .. } = around.manner;
        let Some((from, to)) = Baseline::before(end, seconds) else {
            return self.baseline.expect(end, seconds, calendar, around.rhythm);
        };
        let count = self.series.between_hours(from, to).learned(rule.copies(self.baseline.has_history()));
        let arrived = around.sources.arrived(&self.shares, around.all, from, to, now);
        let local = self.baseline.local(count, (from, to), arrived, calendar, around.rhythm);
        self.baseline.expect_with(local, end, seconds, calendar, around.rhythm)
    }

    /// What came in needs no look at the longer windows: something else explains it.
    pub(super) fn pass_over(&mut self, now: i64) {
        (self.touched, self.looked) = (None, now);
    }

    /// Makes the longer windows be looked at again.
    pub(super) fn touch(&mut self, now: i64) {
        self.touched.get_or_insert(now);
    }

    /// Begins a rise, and returns its id: it is derived from the post that crossed the line, or from the last one that was counted
    /// when it was crossed.
    pub(super) fn rise(&mut self, founder: Position, since: i64, (why, seen): Crossing, now: i64) -> String {
        let id = format!("{}-{}-{}", self.about.id, founder.partition, founder.offset);
        let since = Timestamp::from_second(since).unwrap_or_default();
        tracing::info!(topic = %self.about.id, spike = %id, %why, "a topic rises");
        self.rises.begin(id.clone(), since, why, &seen, now);
        id
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

    pub(super) fn learn(&mut self, watched: &Watched, laid_in: u64, all_mood: Mood, around: Around<'_>, now: i64) {
        let Around { manner, rhythm, sources, all } = around;
        let hours = watched.with(self.since, sources, &self.shares, all);
        let wider = Wider {
            calendar: &manner.calendar,
            rhythm,
            common: manner.common,
            half_life: manner.half_life,
            copies: manner.rule.copies(true),
        };
        self.baseline = self.baseline.learn(&self.series, &hours, &wider);
        self.reach = Reach::learn(&self.series.hours(), hours.len());
        self.mood = Mood::learn(self.series.hours(), all_mood);
        self.learned = Learned { at: now, laid_in };
    }

    /// Moves on to `now`.
    pub(super) fn step(&mut self, around: Around<'_>, now: i64) {
        if self.rises.is_on() {
            let window = |seconds| self.seen(seconds, now, self.series.window(now, seconds), around, now);
            let (five, hour) = (window(5 * MINUTE), window(HOUR));
            self.rises.step(&five, &hour, self.baseline.has_history(), around.manner.rule, now);
        }
    }

    /// Whether it needs to be looked at with each tick: it rises, or posts came in within a day, or it was never told.
    pub(super) fn is_awake(&self, now: i64) -> bool {
        self.rises.is_on() || self.told.is_none() || self.changed || (now - self.last).abs() < AWAKE
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
            || age >= TELL_FALLING && self.series.window(now.as_second(), 5 * MINUTE + TELL_FALLING / 1_000).count > 0
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

    /// The rises that are remembered, the oldest first.
    pub(super) fn past(&self, now: i64) -> impl Iterator<Item = Past> {
        self.rises.remembered(now)
    }

    /// Its state at `now`.
    pub(super) fn pulse(&self, around: Around<'_>, through: Vec<Position>, now: Timestamp) -> Pulse {
        let second = now.as_second();
        let windows: Vec<Window> = TOLD.iter().map(|&seconds| self.window(seconds, around, second)).collect();
        let five = windows[1];
        Pulse {
            v: Pulse::VERSION,
            topic: self.about.clone(),
            at: now,
            phase: self.rises.phase(),
            spike: self.rises.spike(second),
            negative_share: if five.count == 0 { 0.0 } else { rounded(five.negative as f64 / five.count as f64) },
            windows,
            total: self.total,
            reach: u64::try_from(self.series.window(second, HOUR).reach).unwrap_or(0),
            lag_seconds: self.recent.as_ref().map_or(0.0, |recent| recent.lag()),
            forecast: self.baseline.has_history().then(|| forecast(self, around, second)),
            samples: self.recent.as_ref().map_or_else(Vec::new, |recent| recent.samples.show(second)),
            through,
        }
    }

    fn window(&self, seconds: i64, around: Around<'_>, now: i64) -> Window {
        let cell = self.series.window(now, seconds);
        let seen = self.seen(seconds, now, cell, around, now);
        let alarms = seen.alarms();
        Window {
            seconds: seconds as u32,
            count: cell.count.into(),
            negative: cell.negative.into(),
            copies: cell.copies.into(),
            expected: rounded(seen.expected.mean),
            upper: seen.expected.upper() as f64,
            surprise: rounded(seen.surprise()),
            once_in_days: (alarms.is_finite() && alarms > 0.0).then(|| rounded(1.0 / alarms)),
        }
    }

    /// Falls asleep: what is recent of it is gone.
    pub(super) fn rest(&mut self) {
        self.recent = None;
    }

    /// Drops what lies beyond the horizons.
    pub(super) fn forget(&mut self, now: i64) {
        self.series.forget(now);
    }
}

/// What a first-seen post adds.
pub(super) fn cell(post: &AnalyzedPost) -> Cell {
    let negative = post.sentiment.is_some_and(|sentiment| sentiment.label == Label::Negative);
    Cell {
        count: 1,
        negative: u32::from(negative),
        copies: u32::from(post.cluster.is_some()),
        late: 0,
        reach: i64::try_from(post.counts.sum()).unwrap_or(i64::MAX),
    }
}

/// To three decimals: more would be noise on the wire.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

const _: () = assert!(WINDOWS[0] % CELL == 0);
