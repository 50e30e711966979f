//! What is known of one source: what its reports come to.
//!
//! | last visit | now | state |
//! |---|---|---|
//! | none | any | waiting |
//! | failed in any way | any | failing |
//! | good | past the time when the next one was due, by a grace | late |
//! | good | before that | ok |

use super::{
    findings::{Findings, began, is_failure, short},
    gaps::{Closed, Gaps},
    lags::Lags,
    timeline::{Evidence, State, Tail, Timeline, second},
};
use crate::lately::Lately;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::records::CrawlReport;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long after its time a visit counts as late, beside one more interval of the source.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// An interval that counts as grace at most.
const LONGEST_GRACE: SignedDuration = SignedDuration::from_mins(10);
/// A promise that reaches further than this promises nothing.
const LONGEST_PROMISE: SignedDuration = SignedDuration::from_hours(24);

/// A source of the config, with its history.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) every: SignedDuration,
    pub(super) history: History,
}

/// The last visit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) began: u32,
    pub(super) finished_at: Timestamp,
    pub(super) next_visit_at: Timestamp,
    pub(super) failed: bool,
    pub(super) reason: Option<String>,
}

/// What the reports of a source come to; kept in the snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) last: Option<Last>,
    pub(super) last_success_at: Option<Timestamp>,
    pub(super) last_new_at: Option<Timestamp>,
    pub(super) covered_to: Option<Timestamp>,
    pub(super) rows: Vec<u32>,
    /// Visits, failed visits, new posts.
    pub(super) lately: Lately<3>,
    pub(super) timeline: Timeline,
    pub(super) lags: Lags,
    pub(super) gaps: Gaps,
    pub(super) findings: Findings,
    pub(super) clock_offset_ms: Option<i64>,
    /// When the last report was taken, by this machine's clock.
    pub(super) taken_at: Option<Timestamp>,
}

impl Source {
    pub(super) fn new(id: &str, name: &str, kind: &'static str, every: Duration) -> Self {
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
        Self { id: id.to_owned(), name: name.to_owned(), kind, every, history: History::default() }
    }

    pub(super) fn take(&mut self, mut report: CrawlReport, now: Timestamp, tz: &TimeZone) {
        self.prove(&report, second(now), tz);
        let history = &mut self.history;
        let failed = is_failure(report.outcome);
        history.taken_at = Some(now);
        history.lately.add(report.finished_at, [1, u64::from(failed), u64::from(report.new)]);
        // Two workers may have visited it at the same time: reports may come in another order than they were made.
        if !failed {
            history.last_success_at = history.last_success_at.max(Some(report.finished_at));
        }
        if report.new > 0 {
            history.last_new_at = history.last_new_at.max(Some(report.finished_at));
        }
        history.covered_to = history.covered_to.max(report.covered.map(|covered| covered.to));
        // Of two that ended at the same moment, the good one has proven more.
        let rank = (report.finished_at, !failed, report.next_visit_at);
        let is_last =
            history.last.as_ref().is_none_or(|last| (last.finished_at, !last.failed, last.next_visit_at) <= rank);
        if !is_last {
            return;
        }
        let rows = std::mem::take(&mut report.rows);
        if !rows.is_empty() {
            history.rows = rows;
        }
        history.clock_offset_ms = report.clock_offset_ms.or(history.clock_offset_ms);
        history.findings.take(&report);
        history.last = Some(Last {
            began: began(&report),
            finished_at: report.finished_at,
            next_visit_at: report.next_visit_at,
            failed,
            reason: report.reason.as_deref().map(short),
        });
    }

    /// What a report is evidence of.
    fn prove(&mut self, report: &CrawlReport, now: u32, tz: &TimeZone) {
        let promised = second(self.overdue_at(report.started_at, report.next_visit_at));
        let Self { history: History { timeline, gaps, lags, .. }, .. } = self;
        let began = began(report);
        let mut add = |from, to, evidence| timeline.add(from, to, evidence, now, tz);
        add(began, promised, Evidence::PROMISED);
        if is_failure(report.outcome) {
            let next = second(report.next_visit_at).min(promised);
            add(began, next.max(second(report.finished_at)), Evidence::FAILED);
        }
        if let Some(covered) = report.covered {
            let (from, to) = (second(covered.from), second(covered.to));
            add(from, to, Evidence::READ);
            for (from, to) in gaps.take_out(from, to) {
                timeline.close_frozen(from, to);
            }
        }
        if let Some(gap) = report.gap {
            let (from, to) = (second(gap.from), second(gap.to));
            timeline.add(from, to, Evidence::GAP, now, tz);
            gaps.add(timeline.unread(from, to), &short(report.gap_reason.as_deref().unwrap_or_default()), now);
        }
        for closed in &report.closed {
            let (from, to) = (second(closed.from), second(closed.to));
            for (from, to) in gaps.take_out(from, to) {
                timeline.close_frozen(from, to);
            }
            timeline.add(from, to, Evidence::READ, now, tz);
            gaps.note_closed(Closed { from, to, at: began, proof: short(&closed.proof) });
        }
        lags.add(second(report.finished_at), &report.lags, now);
    }

    /// When a visit that is to be made at `next` is overdue.
    fn overdue_at(&self, visited: Timestamp, next: Timestamp) -> Timestamp {
        let grace = self.every.min(LONGEST_GRACE).saturating_add(GRACE);
        // Saturating: a time of a report is outside input.
        let promise = next.duration_since(visited).clamp(SignedDuration::ZERO, LONGEST_PROMISE);
        visited.saturating_add(promise.saturating_add(grace)).unwrap_or(Timestamp::MAX)
    }

    /// When the next visit is overdue.
    pub(super) fn overdue(&self) -> Option<Timestamp> {
        let last = self.history.last.as_ref()?;
        Some(self.overdue_at(last.finished_at, last.next_visit_at))
    }

    /// The module's table.
    pub(super) fn state(&self, now: Timestamp) -> &'static str {
        match &self.history.last {
            None => "waiting",
            Some(last) if last.failed => "failing",
            Some(_) if self.overdue().is_some_and(|overdue| now > overdue) => "late",
            Some(_) => "ok",
        }
    }

    /// How the time since the last report is judged; `running` since when this program runs.
    pub(super) fn tail(&self, running: Timestamp) -> Tail {
        match (&self.history.last, self.overdue()) {
            (Some(last), Some(overdue)) => {
                let ended = if last.failed { State::Failing } else { State::Covered };
                Tail::after(last.began, ended, second(overdue), second(running))
            }
            _ => Tail::none(),
        }
    }

    /// Whether its state has changed, or may have, since a moment.
    pub(super) fn changed_since(&self, since: Timestamp, now: Timestamp) -> bool {
        self.history.taken_at.is_some_and(|taken| taken >= since)
            || self.overdue().is_some_and(|overdue| overdue >= since && overdue < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::timeline::Seconds;
    use proptest::prelude::*;
    use schemas::records::{ClosedGap, CrawlOutcome, Record, Span};

    fn source() -> Source {
        Source::new("forum", "锦水论坛", "html", Duration::from_secs(60))
    }

    fn report(outcome: CrawlOutcome) -> CrawlReport {
        let mut report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        (report.covered, report.gap, report.silent_since) = (None, None, None);
        report.closed.clear();
        report.lags.clear();
        report.outcome = outcome;
        report
    }

    fn after(seconds: i64) -> Timestamp {
        report(CrawlOutcome::Ok).next_visit_at + SignedDuration::from_secs(seconds)
    }

    /// A visit at a second, that promises the next one a minute later.
    fn visit(outcome: CrawlOutcome, at: i64) -> CrawlReport {
        let mut report = report(outcome);
        report.started_at = after(at);
        report.finished_at = after(at + 1);
        report.next_visit_at = after(at + 60);
        report
    }

    fn good(from: i64, at: i64) -> CrawlReport {
        CrawlReport { covered: Some(Span { from: after(from), to: after(at) }), ..visit(CrawlOutcome::Ok, at) }
    }

    fn take(source: &mut Source, report: CrawlReport) {
        let now = report.finished_at;
        source.take(report, now, &TimeZone::UTC);
    }

    fn seconds(source: &Source, from: i64, to: i64) -> Seconds {
        source.history.timeline.seconds(second(after(from)), second(after(to)), &source.tail(after(-1_000)))
    }

    #[test]
    fn each_row_of_the_table() {
        let mut source = source();
        assert_eq!(source.state(after(0)), "waiting");
        take(&mut source, report(CrawlOutcome::LayoutChanged));
        assert_eq!(source.state(after(0)), "failing");
        assert_eq!(source.history.last_success_at, None);
        take(&mut source, report(CrawlOutcome::NotModified));
        assert_eq!(source.state(after(120)), "ok");
        assert_eq!(source.state(after(121)), "late");
        assert_eq!(source.history.lately.sums(after(0)), [2, 1, 8]);
    }

    #[test]
    fn an_outage_that_is_made_up_for_is_late_and_a_gap_is_one_until_it_is_closed() {
        let mut source = source();
        take(&mut source, good(0, 0));
        take(&mut source, good(0, 60));
        assert_eq!(seconds(&source, 0, 60), Seconds { covered: 60, ..Seconds::default() });
        take(&mut source, visit(CrawlOutcome::Failed, 120));
        take(&mut source, visit(CrawlOutcome::Failed, 180));
        assert_eq!(
            seconds(&source, 0, 240),
            Seconds { covered: 60, unwatched: 60, failing: 120, ..Seconds::default() }
        );
        take(&mut source, good(60, 240));
        assert_eq!(seconds(&source, 0, 240), Seconds { covered: 120, late: 120, ..Seconds::default() });

        let mut overflown = good(290, 300);
        overflown.gap = Some(Span { from: after(240), to: after(290) });
        overflown.gap_reason = Some("five pages, all of it new".into());
        take(&mut source, overflown);
        assert_eq!(seconds(&source, 240, 300), Seconds { covered: 10, gap: 50, ..Seconds::default() });
        assert_eq!(source.history.gaps.open()[0].reason, "five pages, all of it new");
        let mut backfilled = good(300, 360);
        backfilled.closed = vec![ClosedGap { from: after(240), to: after(280), proof: "page 9".into() }];
        take(&mut source, backfilled);
        assert_eq!(seconds(&source, 240, 300), Seconds { covered: 10, late: 40, gap: 10, ..Seconds::default() });
        assert_eq!(source.history.gaps.closed().next().unwrap().proof, "page 9");
    }

    #[test]
    fn what_nobody_visited_is_unwatched_until_a_visit_reads_it() {
        let mut source = source();
        take(&mut source, good(0, 0));
        take(&mut source, good(0, 60));
        // Down for an hour; the memory of what was seen is lost as well.
        take(&mut source, good(3_660, 3_660));
        assert_eq!(seconds(&source, 0, 3_660), Seconds { covered: 60, unwatched: 3_600, ..Seconds::default() });
        take(&mut source, good(60, 3_720));
        let sums = seconds(&source, 0, 3_720);
        assert_eq!((sums.covered + sums.late, sums.unwatched), (3_720, 0), "{sums:?}");
        assert!(sums.late > 3_000, "{sums:?}");
    }

    #[test]
    fn an_absurd_time_in_a_report_does_no_harm() {
        let mut source = source();
        let mut absurd = good(0, 0);
        absurd.next_visit_at = Timestamp::MAX;
        absurd.started_at = Timestamp::MIN;
        absurd.finished_at = Timestamp::MIN;
        absurd.gap = Some(Span { from: Timestamp::MAX, to: Timestamp::MIN });
        source.take(absurd, after(0), &TimeZone::UTC);
        assert_eq!(seconds(&source, -86_400, 0).total(), 86_400);
    }

    proptest! {
        /// Two workers report in any order: the same comes of it.
        #[test]
        fn the_order_of_reports_does_not_matter(
            visits in prop::collection::vec((0..20_000_i64, 0..5_000_i64, 0..3_u8), 1..20), seed in any::<u64>(),
        ) {
            let made: Vec<CrawlReport> = visits.iter().map(|&(at, back, outcome)| match outcome {
                0 => visit(CrawlOutcome::Failed, at),
                1 => CrawlReport { gap: Some(Span { from: after(at - back), to: after(at) }), ..good(at, at) },
                _ => good(at - back, at),
            }).collect();
            let mut shuffled: Vec<_> = made.iter().cloned().enumerate().collect();
            shuffled.sort_by_key(|(place, _)| (*place as u64 + 1).wrapping_mul(seed | 1));
            let (mut one, mut other) = (source(), source());
            for report in made {
                one.take(report, after(20_000), &TimeZone::UTC);
            }
            for (_, report) in shuffled {
                other.take(report, after(20_000), &TimeZone::UTC);
            }
            let sums = seconds(&one, -10_000, 20_000);
            prop_assert_eq!(sums, seconds(&other, -10_000, 20_000));
            prop_assert_eq!(sums.total(), 30_000);
            let open = |source: &Source| source.history.gaps.open().iter().map(|gap| gap.to - gap.from).sum::<u32>();
            prop_assert_eq!(open(&one), sums.gap);
        }
    }
}
