//! When a topic rises, and until when: a machine of (state, counts, now).
//!
//! Whether a rise **begins** is asked for each first-seen post of a topic, with the fullest windows of a few minutes that hold its
//! event time and do not end after `now`, and every few seconds with the longer windows. So a post that was crawled minutes
//! late is judged beside its like, a backlog after an outage is judged at the time it speaks of, and in whatever order it
//! arrives. For each window the first row that fits decides ([`Seen::verdict`]):
//!
//! | history | window | outcome |
//! |---|---|---|
//! | any | begins before the end of the last rise, or its posts are older than 6 hours | nothing: that rise stood for it, or a backfill |
//! | less than a day | five minutes, from `min_count` on | a rise |
//! | less than a day | else | nothing |
//! | a day or more | below a third of `min_count`, or below 5 | nothing: too few |
//! | a day or more | below the expected count and a quarter | nothing: too small a rise |
//! | a day or more | its surprise is below `surprise` | nothing: no surprise |
//! | a day or more | as high by chance more often than the allowance grants | nothing: within the allowance |
//! | a day or more | else | a rise |
//!
//! Posts are those with words of their own; where there is no history copies count too, up to `min_count` ([`Rule::copies`]).
//!
//! A rise is **late** when its window ended more than ten minutes before it was seen. While it lasts, every further post
//! belongs to it; so a backlog makes one rise.
//!
//! Where a rise **stands** is asked at each tick, by the count of five minutes, or of an hour when a window longer than half an
//! hour began it (then all times are longer):
//!
//! | the count | phase |
//! |---|---|
//! | grew by a tenth beyond its last high within two minutes (twenty) | rising |
//! | did not, and is more than half of its peak | peak |
//! | did not, and is half of its peak or less | decaying, until it grows beyond its last high again |
//! | below the lower line for ten minutes (an hour) without a break | quiet: the rise has ended |
//!
//! The lower line (hysteresis): a count that is no surprise at all, or a third of the least one that is a rise.

use super::{
    allowance::NEAR,
    series::{Cell, HOUR, LIVE, MINUTE},
    surprise::Expectation,
};
use jiff::Timestamp;
use schemas::records::{Phase, Spike};
use serde::{Deserialize, Serialize};

/// A window that ended longer ago than this, in seconds, is seen late.
const LATE: i64 = 10 * MINUTE;
/// A rise that has ended is still told for so long, in seconds.
const TOLD: i64 = HOUR;
/// The surprise below which a count is no surprise at all.
const CALM: f64 = 2.0;
/// A rise is that much above what was expected.
const LEAST_FACTOR: f64 = 1.25;
/// Rises that are remembered.
const REMEMBERED: usize = 24;

/// When a topic rises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    /// Posts in five minutes that make a rise without history.
    pub(super) min_count: u64,
    /// The least surprise of a rise.
    pub(super) surprise: f64,
    /// How many alarms a day each window may raise by chance.
    pub(super) alarms: f64,
}

impl Rule {
    /// The count below which nothing is a rise, whatever was expected.
    pub(super) fn floor(self, history: bool) -> u64 {
        if history { (self.min_count / 3).max(5) } else { self.min_count }
    }

    /// Copies in a window that are taken for voices: none where there is history, or every flood of copies were a rise. Without, the
    /// count alone is to be had.
    pub(super) fn copies(self, history: bool) -> u32 {
        if history { 0 } else { u32::try_from(self.min_count).unwrap_or(u32::MAX) }
    }
}

/// What is decided of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// A rise.
    Rise,
    /// Less than a day of history, and fewer posts than `min_count` in five minutes.
    NoHistory,
    /// Fewer posts than any rise has.
    TooFew,
    /// Less than a quarter above what is expected.
    TooSmall,
    /// The tail probability is above what `surprise` says.
    NoSurprise,
    /// By chance as high more often than the allowance of false pages grants.
    WithinAllowance,
}

/// One window, and what was expected of it by now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) seconds: i64,
    pub(super) end: i64,
    pub(super) cell: Cell,
    /// The posts that are judged: see [`Cell::voices`].
    pub(super) voices: u64,
    pub(super) expected: Expectation,
}

impl Seen {
    pub(super) fn surprise(self) -> f64 {
        // Nothing below the mean surprises; most looks end here.
        if self.voices as f64 <= self.expected.mean { 0.0 } else { self.expected.surprise(self.voices) }
    }

    /// The module's first table.
    pub(super) fn verdict(self, history: bool, rule: Rule) -> Verdict {
        if !history {
            let full = self.seconds == 5 * MINUTE && self.voices >= rule.min_count;
            return if full { Verdict::Rise } else { Verdict::NoHistory };
        }
        if self.voices < rule.floor(true) {
            Verdict::TooFew
        } else if (self.voices as f64) < LEAST_FACTOR * self.expected.mean {
            Verdict::TooSmall
        } else if self.surprise() < rule.surprise {
            Verdict::NoSurprise
        } else if self.alarms() > rule.alarms {
            Verdict::WithinAllowance
        } else {
            Verdict::Rise
        }
    }

    /// How often a day such a count comes by chance, where that is seldom enough to come near a line: the cheap questions first.
    fn near(self, rule: Rule) -> Option<f64> {
        let above = self.voices as f64 - self.expected.mean;
        if self.voices < rule.floor(true)
            || (self.voices as f64) < LEAST_FACTOR * self.expected.mean
            || above < self.expected.deviation()
        {
            return None;
        }
        let alarms = self.alarms();
        (alarms <= rule.alarms.max(NEAR) && self.surprise() >= rule.surprise).then_some(alarms)
    }

    /// How often a day such a count comes by chance.
    pub(super) fn alarms(self) -> f64 {
        self.expected.alarms_a_day(self.voices, self.seconds)
    }

    /// The least count of this window that is a rise.
    pub(super) fn line(self, history: bool, rule: Rule) -> u64 {
        if !history {
            return rule.min_count;
        }
        let least = (LEAST_FACTOR * self.expected.mean).ceil() as u64;
        let floor = rule.floor(true).max(least).max(self.expected.line(rule.surprise));
        self.expected.line_for_alarms(rule.alarms, self.seconds, floor)
    }

    /// Why it is a rise, in words.
    fn why(self, history: bool, rule: Rule) -> String {
        let length = length(self.seconds);
        if !history {
            return format!("{length} {} 条, 尚无一天的历史可比, 满 {} 条即报", self.cell.count, rule.min_count);
        }
        let often = once_in(self.alarms());
        let copies = if self.cell.copies > 0 { format!("(含转抄 {} 条)", self.cell.copies) } else { String::new() };
        format!("{length} {} 条{copies}, 预期 {} 条, {often}", self.cell.count, figure(self.expected.mean))
    }
}

/// What windows say.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Said {
    /// Why a rise begins: the window that is the least likely by chance, if any is a rise.
    pub(super) rise: Option<(String, Seen)>,
    /// How near a line the topic came: see [`Seen::near`].
    pub(super) near: Option<f64>,
}

/// What the windows of a topic say.
pub(super) fn ask(windows: &[Seen], history: bool, rule: Rule) -> Said {
    if !history {
        let rise = windows.iter().find(|seen| seen.verdict(false, rule) == Verdict::Rise);
        return Said { rise: rise.map(|seen| (seen.why(false, rule), *seen)), near: None };
    }
    let near = windows.iter().filter_map(|seen| Some((seen.near(rule)?, seen)));
    let Some((alarms, seen)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) else { return Said::default() };
    Said { rise: (alarms <= rule.alarms).then(|| (seen.why(true, rule), *seen)), near: Some(alarms) }
}

/// The rises of one topic: the one that goes on or the last one, and what is remembered of those before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Rises {
    last: Option<Box<Rise>>,
    before: Vec<Past>,
}

/// A rise that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    pub(super) id: String,
    pub(super) from: i64,
    pub(super) seen: i64,
    pub(super) ended: i64,
    pub(super) count: u64,
    pub(super) why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rise {
    id: String,
    since: Timestamp,
    /// Posts from this second on belong to it.
    from: i64,
    /// When it was seen.
    seen: i64,
    count: u64,
    peak: u64,
    why: String,
    late: bool,
    phase: Phase,
    /// Whether a window longer than half an hour began it.
    slow: bool,
    /// The highest count, the high that growth is measured from, and when it was reached.
    top: u64,
    high: u64,
    grew: i64,
    calm_since: Option<i64>,
    ended: Option<i64>,
}

impl Rises {
    /// Where the topic stands.
    pub(super) fn phase(&self) -> Phase {
        self.going_on().map_or(Phase::Quiet, |rise| rise.phase)
    }

    /// The rise that goes on, or the one that has just ended.
    pub(super) fn spike(&self, now: i64) -> Option<Spike> {
        let rise = self.last.as_ref().filter(|rise| rise.ended.is_none_or(|ended| now < ended + TOLD))?;
        Some(Spike {
            id: rise.id.clone(),
            since: rise.since,
            count: rise.count,
            peak: rise.peak,
            why: rise.why.clone(),
            late: rise.late,
        })
    }

    fn going_on(&self) -> Option<&Rise> {
        self.last.as_deref().filter(|rise| rise.ended.is_none())
    }

    /// Whether one goes on.
    pub(super) fn is_on(&self) -> bool {
        self.going_on().is_some()
    }

    /// Whether a window longer than half an hour began the one that goes on.
    #[cfg(test)]
    pub(super) fn is_slow(&self) -> bool {
        self.going_on().is_some_and(|rise| rise.slow)
    }

    /// Whether a post of second `at` can begin a rise at all.
    pub(super) fn may_begin(&self, at: i64, now: i64) -> bool {
        at > now - LIVE && self.last.as_ref().is_none_or(|rise| rise.ended.is_some_and(|ended| at > ended))
    }

    /// Up to when the last rise stands for what was posted; none when one goes on.
    pub(super) fn free_from(&self) -> Option<i64> {
        match &self.last {
            None => Some(i64::MIN),
            Some(rise) => rise.ended,
        }
    }

    /// Begins a rise.
    pub(super) fn begin(&mut self, id: String, since: Timestamp, why: String, seen: &Seen, now: i64) {
        if let Some(past) = self.last.as_deref().and_then(Rise::past) {
            self.before.push(past);
            let surplus = self.before.len().saturating_sub(REMEMBERED);
            self.before.drain(..surplus);
        }
        let slow = seen.seconds > HOUR / 2;
        let count = u64::from(seen.cell.count);
        self.last = Some(Box::new(Rise {
            id,
            since,
            from: seen.end - seen.seconds,
            seen: now,
            count,
            peak: if slow { 0 } else { count },
            why,
            late: seen.end < now - LATE,
            phase: Phase::Rising,
            slow,
            top: 0,
            high: if slow { 0 } else { count },
            grew: now,
            calm_since: None,
            ended: None,
        }));
    }

    /// A further post of the topic: it belongs to the rise that goes on. `fullest` is the count of the fullest five minutes about it.
    pub(super) fn count(&mut self, at: i64, fullest: u64, now: i64) {
        if let Some(rise) = self.last.as_mut().filter(|rise| rise.ended.is_none()) {
            rise.count += u64::from(at > rise.from);
            rise.peak = rise.peak.max(fullest);
            if !rise.slow {
                rise.reach(fullest, now);
            }
        }
    }

    /// Moves a rise that goes on, by the windows of five minutes and of an hour that end at `now`.
    pub(super) fn step(&mut self, five: &Seen, hour: &Seen, history: bool, rule: Rule, now: i64) {
        let Some(rise) = self.last.as_mut().filter(|rise| rise.ended.is_none()) else { return };
        let (seen, growth, calm) = if rise.slow { (hour, 20 * MINUTE, HOUR) } else { (five, 2 * MINUTE, 10 * MINUTE) };
        rise.peak = rise.peak.max(u64::from(five.cell.count));
        let count = u64::from(seen.cell.count);
        rise.reach(count, now);
        rise.phase = if now < rise.grew + growth {
            Phase::Rising
        } else if count * 2 <= rise.top || rise.phase == Phase::Decaying {
            Phase::Decaying
        } else {
            Phase::Peak
        };
        let low = seen.voices * 3 < rule.floor(history) || history && seen.surprise() < CALM && five.surprise() < CALM;
        if !low {
            rise.calm_since = None;
            return;
        }
        let calm_since = *rise.calm_since.get_or_insert(now);
        if now >= calm_since + calm {
            rise.phase = Phase::Quiet;
            rise.ended = Some(now);
        }
    }

    /// The rises that are remembered, the oldest first; one that goes on ends at `now`.
    pub(super) fn remembered(&self, now: i64) -> impl Iterator<Item = Past> {
        let last = self.last.as_ref().map(|rise| rise.past_at(rise.ended.unwrap_or(now)));
        self.before.iter().cloned().chain(last)
    }
}

impl Rise {
    fn past(&self) -> Option<Past> {
        self.ended.map(|ended| self.past_at(ended))
    }

    fn past_at(&self, ended: i64) -> Past {
        let Self { id, from, seen, count, why, .. } = self;
        Past { id: id.clone(), from: *from, seen: *seen, ended, count: *count, why: why.clone() }
    }

    fn reach(&mut self, count: u64, now: i64) {
        self.top = self.top.max(count);
        if count * 10 > self.high * 11 {
            (self.high, self.grew) = (count, now);
        }
    }
}

/// A length of time as a person says it.
pub(super) fn length(seconds: i64) -> String {
    match seconds {
        ..HOUR => format!("{} 分钟", seconds / MINUTE),
        86_400 => "1 天".into(),
        _ => format!("{} 小时", seconds / HOUR),
    }
}

/// How seldom something is that comes so often a day, as a person says it.
pub(super) fn once_in(alarms: f64) -> String {
    let days = 1.0 / alarms;
    if days < 1.0 {
        "平时一天不止一次".into()
    } else if days < 60.0 {
        format!("平时约 {} 天一遇", figure(days))
    } else if days < 700.0 {
        format!("平时约 {} 个月一遇", figure(days / 30.0))
    } else {
        "平时两年不遇".into()
    }
}

/// A figure as a person writes it: one decimal, whole from ten on.
pub(super) fn figure(value: f64) -> String {
    if value < 0.05 {
        "不到 0.1".into()
    } else if value < 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { min_count: 15, surprise: 3.0, alarms: 0.001 };
    const NOW: i64 = 1_790_524_800;

    fn seen(seconds: i64, count: u32, mean: f64, end: i64) -> Seen {
        let cell = Cell { count, ..Cell::default() };
        Seen { seconds, end, cell, voices: count.into(), expected: Expectation::new(mean, 10.0) }
    }

    fn why(history: bool, one: u32, five: u32, expected: f64) -> Option<String> {
        let windows = [seen(60, one, expected / 5.0, NOW), seen(300, five, expected, NOW)];
        ask(&windows, history, RULE).rise.map(|(why, _)| why)
    }

    fn begun(count: u32, end: i64) -> Rises {
        let mut rises = Rises::default();
        let since = Timestamp::from_second(end).unwrap();
        rises.begin("water-0-7".into(), since, "why".into(), &seen(300, count, 0.1, end), NOW);
        rises
    }

    fn step(rises: &mut Rises, five: u32, now: i64) {
        rises.step(&seen(300, five, 0.1, now), &seen(3_600, five, 1.2, now), true, RULE, now);
    }

    #[test]
    fn without_history_the_count_decides() {
        assert_eq!(why(false, 14, 14, 0.04), None);
        assert_eq!(why(false, 0, 15, 0.04).unwrap(), "5 分钟 15 条, 尚无一天的历史可比, 满 15 条即报");
    }

    #[test]
    fn with_history_the_first_row_that_fits_decides() {
        let verdict = |count, mean| seen(300, count, mean, NOW).verdict(true, RULE);
        assert_eq!(verdict(4, 0.001), Verdict::TooFew);
        assert_eq!(verdict(120, 100.0), Verdict::TooSmall);
        assert_eq!(verdict(20, 12.0), Verdict::NoSurprise);
        assert_eq!(verdict(14, 2.0), Verdict::WithinAllowance);
        assert_eq!(verdict(30, 1.5), Verdict::Rise);
        assert_eq!(why(true, 0, 5, 0.001).unwrap(), "5 分钟 5 条, 预期 不到 0.1 条, 平时两年不遇");
        assert_eq!(why(true, 6, 20, 20.0), None);
        assert!(why(true, 60, 70, 60.0).unwrap().starts_with("1 分钟 60 条, 预期 12 条, "));
    }

    #[test]
    fn the_line_is_where_the_verdict_turns() {
        for mean in [0.001, 0.5, 3.0, 80.0] {
            let line = u32::try_from(seen(300, 1, mean, NOW).line(true, RULE)).unwrap();
            assert_eq!(seen(300, line, mean, NOW).verdict(true, RULE), Verdict::Rise, "{mean}");
            assert_ne!(seen(300, line - 1, mean, NOW).verdict(true, RULE), Verdict::Rise, "{mean}");
        }
    }

    #[test]
    fn what_is_old_or_told_begins_nothing() {
        assert!(Rises::default().may_begin(NOW - LIVE + 1, NOW));
        assert!(!Rises::default().may_begin(NOW - LIVE, NOW));
        let mut rises = begun(20, NOW);
        assert!(!rises.may_begin(NOW, NOW));
        let end = calm_down(&mut rises, NOW);
        assert!(!rises.may_begin(end, end + 60), "a straggler of the rise that has ended");
        assert!(rises.may_begin(end + 1, end + 60));
    }

    fn calm_down(rises: &mut Rises, from: i64) -> i64 {
        for now in from.. {
            step(rises, 0, now);
            if rises.phase() == Phase::Quiet {
                return now;
            }
        }
        unreachable!()
    }

    #[test]
    fn it_ends_after_ten_calm_minutes_and_is_told_an_hour_longer() {
        let mut rises = begun(20, NOW);
        let end = calm_down(&mut rises, NOW);
        assert_eq!(end, NOW + 10 * MINUTE);
        assert!(rises.spike(end + TOLD - 1).is_some());
        assert!(rises.spike(end + TOLD).is_none());
        assert_eq!(rises.remembered(end).map(|past| (past.seen, past.ended)).collect::<Vec<_>>(), [(NOW, end)]);
    }

    #[test]
    fn one_that_hours_made_ends_after_a_calm_hour() {
        let mut rises = Rises::default();
        let since = Timestamp::from_second(NOW).unwrap();
        rises.begin("water-0-7".into(), since, "why".into(), &seen(4 * HOUR, 60, 12.0, NOW), NOW);
        assert!(rises.is_slow());
        let end = (NOW..)
            .step_by(60)
            .find(|&now| {
                step(&mut rises, 0, now);
                !rises.is_on()
            })
            .unwrap();
        assert_eq!(end, NOW + HOUR);
    }

    #[test]
    fn around_the_line_it_does_not_flap() {
        let mut rises = begun(8, NOW);
        let mut phases = vec![rises.phase()];
        for now in NOW..NOW + 2 * HOUR {
            // Now and then the count falls below the lower line, never for ten minutes.
            step(&mut rises, if now % 599 < 500 { 1 } else { 8 }, now);
            if phases.last() != Some(&rises.phase()) {
                phases.push(rises.phase());
            }
        }
        assert_eq!(phases, [Phase::Rising, Phase::Decaying]);
    }

    #[test]
    fn it_rises_peaks_decays_and_may_rise_again() {
        let mut rises = begun(20, NOW);
        let mut phases = Vec::new();
        for (minute, count) in
            [(1, 40), (2, 80), (3, 82), (4, 79), (5, 70), (6, 40), (7, 60), (8, 30), (9, 100), (10, 100), (12, 100)]
        {
            step(&mut rises, count, NOW + minute * MINUTE);
            phases.push(rises.phase());
        }
        use Phase::{Decaying as D, Peak as P, Rising as R};
        assert_eq!(phases, [R, R, R, P, P, D, D, D, R, R, P]);
        assert_eq!(rises.spike(NOW).unwrap().peak, 100);
    }

    #[test]
    fn a_window_of_the_past_is_late() {
        assert!(!begun(20, NOW - 9 * MINUTE).spike(NOW).unwrap().late);
        assert!(begun(20, NOW - 11 * MINUTE).spike(NOW).unwrap().late);
    }

    #[test]
    fn later_posts_are_counted_and_older_ones_are_not() {
        let mut rises = begun(20, NOW);
        rises.count(NOW + 10, 21, NOW + 10);
        rises.count(NOW - 400, 3, NOW + 11);
        let spike = rises.spike(NOW).unwrap();
        assert_eq!((spike.count, spike.peak), (21, 21));
    }

    #[test]
    fn seldomness_is_said_in_words() {
        let said = [2.0, 0.1, 0.005, 1e-9].map(once_in);
        assert_eq!(said, ["平时一天不止一次", "平时约 10 天一遇", "平时约 6.7 个月一遇", "平时两年不遇"]);
    }
}
