//! When a topic rises, and until when: a machine of (state, counts, now).
//!
//! Whether a rise **begins** is asked for each first-seen post of a watch topic, with the fullest windows of one and of five
//! minutes that hold its event time and do not end after `now`. So a post that was crawled minutes late is judged beside its
//! like, a backlog after an outage is judged at the time it speaks of, and in whatever order it arrives. The first row that
//! fits decides:
//!
//! | post | history | 5-minute count | surprise of either window | outcome |
//! |---|---|---|---|---|
//! | older than 6 hours | any | any | any | nothing: a backfill |
//! | not after the end of the last rise | any | any | any | nothing: that rise stood for it |
//! | else | less than a day | below `min_count` | any | nothing |
//! | else | less than a day | from `min_count` on | any | a rise |
//! | else | a day or more | below a third of `min_count`, or below 5 | any | nothing |
//! | else | a day or more | above that | below `surprise` | nothing |
//! | else | a day or more | above that | from `surprise` on | a rise |
//!
//! A rise is **late** when its window ended more than ten minutes before it was seen. While it lasts, every further post
//! belongs to it; so a backlog makes one rise.
//!
//! Where a rise **stands** is asked at each tick:
//!
//! | the 5-minute count | phase |
//! |---|---|
//! | grew by a tenth beyond its last high within two minutes | rising |
//! | did not, and is more than half of its peak | peak |
//! | did not, and is half of its peak or less | decaying, until it grows beyond its last high again |
//! | below the lower line for ten minutes without a break | quiet: the rise has ended |
//!
//! The lower line (hysteresis): a third of the surprise that begins a rise, or a third of the count that does.

use super::{
    series::{HOUR, LIVE, MINUTE},
    surprise::Expectation,
};
use jiff::Timestamp;
use schemas::records::{Phase, Spike};
use serde::{Deserialize, Serialize};

/// A window that ended longer ago than this, in seconds, is seen late.
const LATE: i64 = 10 * MINUTE;
/// Without growth for so long, in seconds, a rise has reached its peak.
const GROWTH: i64 = 2 * MINUTE;
/// Below the lower line for so long, in seconds, it has ended.
const CALM: i64 = 10 * MINUTE;
/// A rise that has ended is still told for so long, in seconds.
const TOLD: i64 = HOUR;

/// When a topic rises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    /// Posts in five minutes that make a rise without history.
    pub(super) min_count: u64,
    /// The surprise that makes one with history.
    pub(super) surprise: f64,
}

impl Rule {
    /// The count below which nothing is a rise, whatever was expected.
    fn floor(self, history: bool) -> u64 {
        if history { (self.min_count / 3).max(5) } else { self.min_count }
    }
}

/// One window, and what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) end: i64,
    pub(super) count: u64,
    pub(super) expected: Expectation,
}

impl Seen {
    fn surprise(self) -> f64 {
        // Nothing below the mean surprises; most looks end here.
        if self.count as f64 <= self.expected.mean { 0.0 } else { self.expected.surprise(self.count) }
    }
}

/// What is known when a rise may begin or go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// The window of a minute.
    pub(super) one: Seen,
    /// The window of five minutes.
    pub(super) five: Seen,
    /// Whether the expectation rests on a day of history or more.
    pub(super) history: bool,
}

/// The rises of one topic: the one that goes on or the last one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Rises {
    last: Option<Rise>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Rise {
    id: String,
    since: Timestamp,
    /// Posts from this second on belong to it.
    from: i64,
    count: u64,
    peak: u64,
    why: String,
    late: bool,
    phase: Phase,
    /// The high that growth is measured from, and when it was reached.
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
        self.last.as_ref().filter(|rise| rise.ended.is_none())
    }

    /// Whether one goes on.
    pub(super) fn is_on(&self) -> bool {
        self.going_on().is_some()
    }

    /// Whether a post of second `at` can begin a rise at all.
    pub(super) fn may_begin(&self, at: i64, now: i64) -> bool {
        at > now - LIVE && self.last.as_ref().is_none_or(|rise| rise.ended.is_some_and(|ended| at > ended))
    }

    /// Why a rise begins, if it does.
    pub(super) fn reason(look: &Look, rule: Rule) -> Option<String> {
        let Look { one, five, history } = *look;
        if five.count < rule.floor(history) {
            return None;
        }
        if !history {
            return Some(format!("5 分钟 {} 条, 尚无一天的历史可比, 满 {} 条即报", five.count, rule.min_count));
        }
        let because = |minutes: u64, seen: Seen| {
            Some(format!("{minutes} 分钟 {} 条, 预期 {} 条", seen.count, figure(seen.expected.mean)))
        };
        if five.surprise() >= rule.surprise {
            because(5, five)
        } else if one.surprise() >= rule.surprise {
            because(1, one)
        } else {
            None
        }
    }

    /// Begins a rise.
    pub(super) fn begin(&mut self, id: String, since: Timestamp, why: String, look: &Look, now: i64) {
        let five = look.five;
        self.last = Some(Rise {
            id,
            since,
            from: five.end - 5 * MINUTE,
            count: five.count,
            peak: five.count,
            why,
            late: five.end < now - LATE,
            phase: Phase::Rising,
            high: five.count,
            grew: now,
            calm_since: None,
            ended: None,
        });
    }

    /// A further post of the topic: it belongs to the rise that goes on.
    pub(super) fn count(&mut self, at: i64, fullest: u64, now: i64) {
        if let Some(rise) = self.last.as_mut().filter(|rise| rise.ended.is_none()) {
            rise.count += u64::from(at > rise.from);
            rise.reach(fullest, now);
        }
    }

    /// Moves a rise that goes on, by the windows that end at `now`.
    pub(super) fn step(&mut self, look: &Look, rule: Rule, now: i64) {
        let Some(rise) = self.last.as_mut().filter(|rise| rise.ended.is_none()) else { return };
        rise.reach(look.five.count, now);
        rise.phase = if now < rise.grew + GROWTH {
            Phase::Rising
        } else if look.five.count * 2 <= rise.peak || rise.phase == Phase::Decaying {
            Phase::Decaying
        } else {
            Phase::Peak
        };
        let low = look.five.count * 3 < rule.floor(look.history)
            || look.history && look.five.surprise() < rule.surprise / 3.0 && look.one.surprise() < rule.surprise / 3.0;
        if !low {
            rise.calm_since = None;
            return;
        }
        let calm_since = *rise.calm_since.get_or_insert(now);
        if now >= calm_since + CALM {
            rise.phase = Phase::Quiet;
            rise.ended = Some(now);
        }
    }
}

impl Rise {
    fn reach(&mut self, count: u64, now: i64) {
        self.peak = self.peak.max(count);
        if count * 10 > self.high * 11 {
            (self.high, self.grew) = (count, now);
        }
    }
}

/// A figure as a person writes it: one decimal, whole from ten on.
fn figure(value: f64) -> String {
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

    const RULE: Rule = Rule { min_count: 15, surprise: 6.0 };
    const NOW: i64 = 1_790_524_800;

    fn look(history: bool, one: u64, five: u64, expected: f64, end: i64) -> Look {
        let seen = |count, mean| Seen { end, count, expected: Expectation::new(mean, 10.0) };
        Look { one: seen(one, expected / 5.0), five: seen(five, expected), history }
    }

    fn reason(history: bool, one: u64, five: u64, expected: f64) -> Option<String> {
        Rises::reason(&look(history, one, five, expected, NOW), RULE)
    }

    fn begun(count: u64, end: i64) -> Rises {
        let mut rises = Rises::default();
        let since = Timestamp::from_second(end).unwrap();
        rises.begin("water-0-7".into(), since, "why".into(), &look(true, count, count, 0.1, end), NOW);
        rises
    }

    #[test]
    fn without_history_the_count_decides() {
        assert_eq!(reason(false, 14, 14, 0.04), None);
        assert_eq!(reason(false, 0, 15, 0.04).unwrap(), "5 分钟 15 条, 尚无一天的历史可比, 满 15 条即报");
    }

    #[test]
    fn with_history_surprise_and_a_floor_decide() {
        assert_eq!(reason(true, 4, 4, 0.001), None, "below the floor nothing is a rise");
        assert_eq!(reason(true, 0, 5, 0.001).unwrap(), "5 分钟 5 条, 预期 不到 0.1 条");
        assert_eq!(reason(true, 6, 20, 20.0), None);
        assert_eq!(reason(true, 6, 18, 1.5).unwrap(), "5 分钟 18 条, 预期 1.5 条");
        assert_eq!(reason(true, 30, 40, 15.0).unwrap(), "1 分钟 30 条, 预期 3.0 条");
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
            rises.step(&look(true, 0, 0, 0.1, now), RULE, now);
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
        assert_eq!(end, NOW + CALM);
        assert!(rises.spike(end + TOLD - 1).is_some());
        assert!(rises.spike(end + TOLD).is_none());
    }

    #[test]
    fn around_the_line_it_does_not_flap() {
        let mut rises = begun(8, NOW);
        let mut phases = vec![rises.phase()];
        for now in NOW..NOW + 2 * HOUR {
            // Now and then the count falls below the lower line, never for ten minutes.
            let count = if now % 599 < 500 { 1 } else { 8 };
            rises.step(&look(true, 0, count, 0.1, now), RULE, now);
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
            let now = NOW + minute * MINUTE;
            rises.step(&look(true, 0, count, 0.1, now), RULE, now);
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
}
