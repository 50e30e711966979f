//! How much of what was posted in a stretch of time has come in by now.
//!
//! Trend never waits for the slowest source. Two things are known of each source:
//!
//! * **Lag**: how long after publication posts come in. What has come in of a stretch is judged against an expectation that is
//!   scaled by it. Learned from those that did, the older the lighter (halved every three
//!   days). Backlogs and backfills teach nothing.
//! * **Coverage**: while a source could not be read, by its reports (`crawl.reports`), its posts are missing: such hours are not
//!   learned as quiet. When a later visit proves that they were read after all, they are learned. Judging does not expect less
//!   for it: a backlog often comes in before the report that tells of it, and must not be taken for a burst.
//!
//! A topic's share of each source weighs them. A topic that is young goes by what all topics get.

use super::series::{DAY, HOUR, MINUTE};
use rustc_hash::FxHashMap;
use schemas::records::{CrawlOutcome, CrawlReport};
use serde::{Deserialize, Serialize};

/// A source counts as read until so many seconds after its last good report; then nobody reads it.
const GRACE: i64 = HOUR;
/// The upper bounds of the buckets that lags are counted in, in seconds: each a fifth above the one before, so that between two of
/// them the share that has come in may run straight. Twice as far apart they made windows of one or two minutes rises that
/// were none.
const LAG_BOUNDS: [u32; 50] = {
    let mut bounds = [1; 50];
    let mut index = 1;
    while index < bounds.len() {
        let before: u32 = bounds[index - 1];
        bounds[index] = before + if before < 5 { 1 } else { before.div_ceil(5) };
        index += 1;
    }
    bounds
};
/// The longest lag that is learned, in seconds.
const LONGEST: i64 = 6 * HOUR;
/// Every so many seconds the past weighs half.
const HALF_LIFE: f64 = 3.0 * DAY as f64;
/// How many gaps of a source are remembered.
const GAPS: usize = 64;
/// The weight, in posts, of the belief that posts come in at once.
const AT_ONCE: f32 = 20.0;
/// Posts of a source that teach its lag, in a minute: what is laid in by the thousand is no sample.
const TAUGHT: u8 = 4;
/// Sources beyond so many are counted as one.
const MOST_SOURCES: usize = 10_000;
/// Sources of a topic beyond so many are left out of its shares.
const MOST_SHARES: usize = 16;

/// What is known of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Source {
    id: String,
    /// Posts by lag, in the buckets of [`LAG_BOUNDS`].
    lags: Vec<f32>,
    /// Posts that have taught something since the last minute.
    taught: u8,
    /// The share that has come in by the bound of each bucket, as of the last minute.
    come: Vec<f32>,
    /// Its integral over all ages up to that bound.
    arrived: Vec<f32>,
    /// Stretches that were not read.
    gaps: Vec<(i64, i64)>,
    /// Up to where it was read, by its reports; none when it has none.
    read_to: Option<i64>,
    failing: bool,
}

impl Source {
    fn new(id: &str) -> Self {
        let mut lags = vec![0.0; LAG_BOUNDS.len()];
        lags[0] = AT_ONCE;
        let mut source = Self {
            id: id.into(),
            come: lags.clone(),
            arrived: lags.clone(),
            lags,
            taught: 0,
            gaps: Vec::new(),
            read_to: None,
            failing: false,
        };
        source.settle();
        source
    }

    /// Takes the lags that were learned into effect.
    fn settle(&mut self) {
        let total: f32 = self.lags.iter().sum();
        let (mut share, mut age, mut sum) = (0.0, 0.0, 0.0);
        for (index, bound) in LAG_BOUNDS.into_iter().enumerate() {
            let (next, width) = (share + self.lags[index] / total, bound as f32 - age);
            sum += width * (share + next) / 2.0;
            (self.come[index], self.arrived[index]) = (next, sum);
            (share, age) = (next, bound as f32);
        }
    }

    /// The integral of the share that has come in over ages from 0 to `age`.
    fn until(&self, age: i64) -> f64 {
        if age <= 0 {
            return 0.0;
        }
        let index = LAG_BOUNDS.partition_point(|&bound| i64::from(bound) < age).min(LAG_BOUNDS.len() - 1);
        let (low, base, before) = match index.checked_sub(1) {
            Some(below) => (LAG_BOUNDS[below], self.arrived[below], f64::from(self.come[below])),
            None => (0, 0.0, 0.0),
        };
        let width = f64::from(LAG_BOUNDS[index] - low);
        let part = (age - i64::from(low)) as f64 / width;
        // The share runs straight within a bucket.
        f64::from(base) + width * part * (before + (f64::from(self.come[index]) - before) * part / 2.0)
    }

    /// The share of what was posted from `from` to `to` that has come in at `now`.
    fn share(&self, from: i64, to: i64, now: i64) -> f64 {
        let length = (to - from).max(1) as f64;
        let come = (self.until(now - from) - self.until(now - to)) / length;
        come.clamp(0.0, 1.0)
    }

    /// The share of a stretch that was read.
    fn read(&self, from: i64, to: i64) -> f64 {
        let overlap = |a: i64, b: i64| (b.min(to) - a.max(from)).max(0);
        let mut missing: i64 = self.gaps.iter().map(|&(a, b)| overlap(a, b)).sum();
        if let Some(read_to) = self.read_to {
            missing += overlap(if self.failing { read_to } else { read_to.saturating_add(GRACE) }, i64::MAX);
        }
        1.0 - (missing as f64 / (to - from).max(1) as f64).min(1.0)
    }
}

/// All sources.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Sources {
    known: Vec<Source>,
    settled: i64,
}

/// The numbers of sources by their ids.
pub(super) type Numbers = FxHashMap<String, u16>;

/// How much of a topic comes from each source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Shares(Vec<(u16, f32)>);

impl Shares {
    /// A post came in from this source.
    pub(super) fn add(&mut self, source: u16) {
        if let Some((_, weight)) = self.0.iter_mut().find(|(known, _)| *known == source) {
            *weight += 1.0;
            if *weight > 1e6 {
                self.0.iter_mut().for_each(|(_, weight)| *weight /= 2.0);
            }
        } else if self.0.len() < MOST_SHARES {
            self.0.push((source, 1.0));
        }
    }

    fn total(&self) -> f64 {
        self.0.iter().map(|(_, weight)| f64::from(*weight)).sum()
    }
}

/// The weight of what all topics get against a topic's own shares, in posts.
const COMMON: f64 = 3.0;

impl Sources {
    /// The numbers of all that are known.
    pub(super) fn numbers(&self) -> Numbers {
        (0..).zip(&self.known).map(|(number, source)| (source.id.clone(), number)).collect()
    }

    /// The number of a source.
    pub(super) fn number(&mut self, id: &str, numbers: &mut Numbers) -> u16 {
        if let Some(&number) = numbers.get(id) {
            return number;
        }
        if self.known.len() >= MOST_SOURCES {
            return 0;
        }
        let number = u16::try_from(self.known.len()).unwrap_or(u16::MAX);
        self.known.push(Source::new(id));
        numbers.insert(id.into(), number);
        number
    }

    /// The name of a source.
    pub(super) fn name(&self, number: u16) -> Option<&str> {
        self.known.get(usize::from(number)).map(|source| source.id.as_str())
    }

    /// The names of the sources of a topic and their shares of it, the largest first.
    pub(super) fn names<'a>(&'a self, shares: &Shares) -> Vec<(&'a str, f64)> {
        let total = shares.total().max(1.0);
        let mut names: Vec<_> = shares
            .0
            .iter()
            .filter_map(|&(number, weight)| Some((self.name(number)?, f64::from(weight) / total)))
            .collect();
        names.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        names
    }

    /// A post that was published at second `at`, stated exactly, was counted at `now`.
    pub(super) fn came(&mut self, number: u16, at: i64, now: i64) {
        let Some(source) = self.known.get_mut(usize::from(number)) else { return };
        let lag = now - at;
        if source.taught < TAUGHT && (0..=LONGEST).contains(&lag) && source.read(at, at + 1) > 0.0 {
            source.taught += 1;
            let bucket = LAG_BOUNDS.partition_point(|&bound| i64::from(bound) < lag);
            source.lags[bucket.min(LAG_BOUNDS.len() - 1)] += 1.0;
        }
    }

    /// Takes in what a visit reports.
    pub(super) fn report(&mut self, report: &CrawlReport, numbers: &mut Numbers, now: i64) {
        let number = usize::from(self.number(&report.source, numbers));
        let Some(source) = self.known.get_mut(number) else { return };
        let good = matches!(report.outcome, CrawlOutcome::Ok | CrawlOutcome::NotModified);
        source.failing = !good;
        let at = report.finished_at.as_second().min(now);
        if good {
            let covered = report.covered.map_or(at, |covered| covered.to.as_second()).min(now);
            source.read_to = Some(source.read_to.map_or(covered, |before| before.max(covered)));
        } else {
            source.read_to.get_or_insert(at);
        }
        if let Some(gap) = report.gap {
            let (from, to) = (gap.from.as_second(), gap.to.as_second().min(now));
            if from < to && !source.gaps.contains(&(from, to)) {
                source.gaps.push((from, to));
            }
        }
        for closed in &report.closed {
            let (from, to) = (closed.from.as_second(), closed.to.as_second());
            let left = |&(a, b): &(i64, i64)| [(a, b.min(from)), (a.max(to), b)];
            source.gaps = source.gaps.iter().flat_map(left).filter(|(a, b)| a < b).collect();
        }
        let surplus = source.gaps.len().saturating_sub(GAPS);
        source.gaps.drain(..surplus);
    }

    /// Once a minute: what was learned takes effect, and what is long past is forgotten.
    pub(super) fn settle(&mut self, now: i64, history: i64) {
        if now.div_euclid(MINUTE) == self.settled.div_euclid(MINUTE) {
            return;
        }
        let before = if self.settled == 0 { now } else { self.settled };
        let passed = (now - before).clamp(0, 30 * DAY) as f64;
        self.settled = now;
        let keep = 0.5_f64.powf(passed / HALF_LIFE) as f32;
        for source in &mut self.known {
            source.lags.iter_mut().for_each(|lag| *lag *= keep);
            source.lags[0] += AT_ONCE * (1.0 - keep);
            source.gaps.retain(|(_, to)| *to > now - history);
            source.taught = 0;
            source.settle();
        }
    }

    /// The share of what is posted on a topic from `from` to `to` that has come in at `now`.
    pub(super) fn arrived(&self, shares: &Shares, all: &Shares, from: i64, to: i64, now: i64) -> f64 {
        self.weighed(shares, all, |source| source.share(from, to, now)).clamp(0.02, 1.0)
    }

    /// The share of a topic's sources that was read from `from` to `to`.
    pub(super) fn read(&self, shares: &Shares, all: &Shares, from: i64, to: i64) -> f64 {
        self.weighed(shares, all, |source| source.read(from, to))
    }

    /// Whether any source has a stretch that was not read since `from`.
    pub(super) fn any_dark(&self, from: i64) -> bool {
        self.known.iter().any(|source| source.read_to.is_some() || source.gaps.iter().any(|gap| gap.1 > from))
    }

    fn weighed(&self, shares: &Shares, all: &Shares, of: impl Fn(&Source) -> f64) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut add = |shares: &Shares, scale: f64| {
            for &(number, share) in &shares.0 {
                if let Some(source) = self.known.get(usize::from(number)) {
                    sum += scale * f64::from(share) * of(source);
                    weight += scale * f64::from(share);
                }
            }
        };
        add(shares, 1.0);
        let total = shares.total();
        if total < 30.0 {
            add(all, COMMON / all.total().max(1.0));
        }
        if weight == 0.0 { 1.0 } else { sum / weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use schemas::records::{ClosedGap, Span};

    const NOW: i64 = 1_790_524_800;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn report(outcome: CrawlOutcome, at: i64) -> CrawlReport {
        CrawlReport::of("forum", "forum", outcome, time(at))
    }

    /// Sources "quick", whose posts come in at once, and "slow", whose posts need from eight to fifteen minutes.
    fn town() -> (Sources, Numbers, Shares) {
        let (mut sources, mut numbers, mut shares) = (Sources::default(), Numbers::default(), Shares::default());
        for minute in (1..=2_000).rev() {
            let now = NOW - minute * MINUTE;
            sources.settle(now, 56 * DAY);
            for (id, lag) in [("quick", 1), ("slow", 700)] {
                let number = sources.number(id, &mut numbers);
                shares.add(number);
                sources.came(number, now - lag, now);
            }
        }
        sources.settle(NOW, 56 * DAY);
        (sources, numbers, shares)
    }

    #[test]
    fn of_a_slow_source_less_has_come_in() {
        let (sources, _, shares) = town();
        let arrived = |from: i64, to: i64| sources.arrived(&shares, &shares, NOW - from, NOW - to, NOW);
        assert!((arrived(300, 0) - 0.5).abs() < 0.02, "{}", arrived(300, 0));
        assert!((arrived(1_500, 1_200) - 1.0).abs() < 0.02, "{}", arrived(1_500, 1_200));
        let hour = arrived(3_600, 0);
        assert!((hour - (1.0 + 0.8) / 2.0).abs() < 0.03, "{hour}");
        assert_eq!(sources.names(&shares), [("quick", 0.5), ("slow", 0.5)]);
    }

    #[test]
    fn a_backlog_teaches_no_lag_and_an_unknown_source_is_quick() {
        let (mut sources, mut numbers, _) = town();
        let number = sources.number("new", &mut numbers);
        for _ in 0..1_000 {
            sources.came(number, NOW - 2 * DAY, NOW);
        }
        sources.settle(NOW + 60, 56 * DAY);
        let mut shares = Shares::default();
        (0..100).for_each(|_| shares.add(number));
        assert!(sources.arrived(&shares, &Shares::default(), NOW - 300, NOW, NOW) > 0.99);
    }

    #[test]
    fn what_was_not_read_is_dark_until_it_was_read_after_all() {
        let (mut sources, mut numbers, mut shares) = (Sources::default(), Numbers::default(), Shares::default());
        shares.add(sources.number("forum", &mut numbers));
        let mut read = |report: CrawlReport, from: i64, to: i64| {
            sources.report(&report, &mut numbers, NOW);
            sources.read(&shares, &shares, NOW - from, NOW - to)
        };
        assert_eq!(read(report(CrawlOutcome::Ok, NOW - 7_200), 9_000, 7_200), 1.0);
        assert_eq!(read(report(CrawlOutcome::Failed, NOW - 6_000), 7_200, 3_600), 0.0);
        let gap = Span { from: time(NOW - 7_200), to: time(NOW - 3_600) };
        assert_eq!(read(CrawlReport { gap: Some(gap), ..report(CrawlOutcome::Ok, NOW) }, 5_400, 1_800), 0.5);
        let closed = vec![ClosedGap { from: gap.from, to: gap.to, proof: String::new() }];
        assert_eq!(read(CrawlReport { closed, ..report(CrawlOutcome::Ok, NOW) }, 5_400, 1_800), 1.0);
    }
}
