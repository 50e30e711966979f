//! The ledger of a source: up to when it is covered, and which gaps are open. What is claimed here is what "nothing was
//! missed" rests on.
//!
//! | covered so far | the list was read back to | covered by the visit | gap | covered from now on |
//! |---|---|---|---|---|
//! | nothing | anything | the moment of the visit | – | to the visit |
//! | up to `c` | something seen before, or its end | `c` to the visit | – | to the visit |
//! | up to `c` | something of about the time `t`, all of it new | `t` to the visit | `c` to `t`, however short | to the visit |
//! | any | but threads of it are still owed | nothing | – | as before |
//!
//! A gap is chased by itself: from the page where a visit had to stop, further visits go on until they reach what was known
//! before the gap, or the list's end; that closes it. A thread that cannot be read is a gap too, and is tried again more and
//! more rarely.

use jiff::{SignedDuration, Timestamp};
use schemas::records::{ClosedGap, Span};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// Gaps that are chased at once; of more, the oldest is given up.
const MAX_GAPS: usize = 100;
/// How long a gap is chased.
const CHASED: SignedDuration = SignedDuration::from_hours(30 * 24);
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(6);

/// How far behind a stated time what it is stated of may lie.
const STATED: SignedDuration = SignedDuration::from_secs(60);

/// How far back a visit read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// To something that was seen before, or to the end.
    ToTheKnown,
    /// To this time, if that is known, and there is more behind it.
    To(Option<Timestamp>),
}

/// What a visit can claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) covered: Option<Span>,
    pub(crate) gap: Option<Span>,
}

/// What is missing in a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// Rows of the list, from there on.
    Rows(Below),
    /// A thread that could not be read.
    Thread(String),
    /// Rows that the source shows no more: a feed is a window.
    Lost,
}

/// Where a reading of the list ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Below {
    /// Its last page.
    pub(crate) page: Url,
    /// Hashes of the last rows in their states. Whoever reads on must meet one of them: then nothing that stood below has slid up onto
    /// the pages before, where nobody would look for it.
    pub(crate) rows: Vec<u32>,
}

/// A gap, or a stretch of history that is still to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) span: Span,
    pub(crate) missing: Missing,
    /// When it was found: what was listed before then is known from before the gap.
    pub(crate) found_at: Timestamp,
    /// Whether it lies before the source's first visit: then it is no gap that anybody is told of.
    pub(crate) history: bool,
    tries: u32,
    next_try_at: Timestamp,
}

/// Up to when a source is covered, and what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) covered_to: Option<Timestamp>,
    /// Since when it is covered at all.
    #[serde(default)]
    pub(crate) since: Option<Timestamp>,
    gaps: Vec<Gap>,
}

impl Ledger {
    /// What a visit that began at `began` and ended at `ended` covers; `complete` when everything that it listed was read.
    ///
    /// A page may come long after the visit began, and hold only what was posted meanwhile: then the gap ends after the
    /// begin, and what is covered from there on is nothing yet.
    pub(crate) fn claim(&mut self, back: Back, complete: bool, began: Timestamp, ended: Timestamp) -> Stretch {
        if !complete {
            return Stretch { covered: None, gap: None };
        }
        let (from, gap) = match (self.covered_to, back) {
            (None, _) => (began, None),
            (Some(known), Back::ToTheKnown) => (known.min(began), None),
            (Some(known), Back::To(reached)) => {
                let known = known.min(began);
                // What was reached is stated to the minute or better, and pages state absurd times too.
                let reached = reached.and_then(|reached| reached.checked_add(STATED).ok()).unwrap_or(ended);
                let reached = reached.clamp(known, ended.max(began));
                (reached, Some(Span { from: known, to: reached }))
            }
        };
        let to = from.max(began);
        self.covered_to = self.covered_to.max(Some(to));
        self.since.get_or_insert(began);
        Stretch { covered: Some(Span { from, to }), gap }
    }

    /// Notes that something is missing, to be chased from now on.
    pub(crate) fn open(&mut self, span: Span, missing: Missing, history: bool, now: Timestamp) {
        self.gaps.retain(|gap| now.duration_since(gap.found_at) < CHASED);
        if self.gaps.len() >= MAX_GAPS {
            self.gaps.remove(0);
        }
        self.gaps.push(Gap { span, missing, found_at: now, history, tries: 0, next_try_at: now });
    }

    /// The gap in the list to chase now.
    pub(crate) fn due(&self, now: Timestamp) -> Option<&Gap> {
        let due = self.gaps.iter().filter(|gap| matches!(gap.missing, Missing::Rows(_)) && gap.next_try_at <= now);
        // History can wait.
        due.min_by_key(|gap| gap.history)
    }

    /// Threads that were given up and are to be tried once more.
    pub(crate) fn threads_due(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.gaps.iter().filter(move |gap| gap.next_try_at <= now).filter_map(|gap| match &gap.missing {
            Missing::Thread(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// Notes that chasing a gap led on to another page.
    pub(crate) fn advance(&mut self, found_at: Timestamp, to: &Below) {
        for gap in &mut self.gaps {
            if let Missing::Rows(below) = &mut gap.missing
                && gap.found_at == found_at
            {
                below.clone_from(to);
                gap.tries = 0;
            }
        }
    }

    /// Notes that chasing something failed: it is tried again later and later.
    pub(crate) fn failed(&mut self, missing: &Missing, pace: Duration, now: Timestamp) {
        for gap in self.gaps.iter_mut().filter(|gap| gap.missing == *missing) {
            gap.tries = gap.tries.saturating_add(1);
        }
        self.wait(missing, pace, now);
    }

    /// Notes that chasing something came to nothing, by nobody's fault: it is tried again after as long as before.
    ///
    /// Of a source that is visited every few seconds, a minute is long: its pace is the first wait.
    pub(crate) fn wait(&mut self, missing: &Missing, pace: Duration, now: Timestamp) {
        let first = SignedDuration::try_from(pace).map_or(FIRST_RETRY, |pace| pace.min(FIRST_RETRY));
        for gap in self.gaps.iter_mut().filter(|gap| gap.missing == *missing) {
            let wait = first.saturating_mul(1 << gap.tries.saturating_sub(1).min(16)).min(LONGEST_RETRY);
            gap.next_try_at = now.checked_add(wait).unwrap_or(now);
        }
    }

    /// Whether this is known to be missing.
    pub(crate) fn is_chased(&self, missing: &Missing) -> bool {
        self.gaps.iter().any(|gap| gap.missing == *missing)
    }

    /// Closes gaps, with what proves that nothing is missing in them any more.
    pub(crate) fn close(&mut self, is_closed: impl Fn(&Gap) -> bool, proof: &str) -> Vec<ClosedGap> {
        let (closed, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.gaps).into_iter().partition(is_closed);
        self.gaps = open;
        let told = closed.into_iter().filter(|gap| !gap.history);
        told.map(|gap| ClosedGap { from: gap.span.from, to: gap.span.to, proof: proof.to_owned() }).collect()
    }

    /// Takes over what the reports of another worker say: never less than what is true.
    pub(crate) fn inherit(&mut self, covered_to: Option<Timestamp>) {
        self.covered_to = self.covered_to.max(covered_to);
        self.since = self.since.or(covered_to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(from: i64, to: i64) -> Span {
        Span { from: at(from), to: at(to) }
    }

    fn below(number: u32) -> Below {
        Below { page: Url::parse(&format!("https://forum.example/list?page={number}")).unwrap(), rows: vec![number] }
    }

    fn claim(covered_to: Option<i64>, back: Back, complete: bool) -> (Stretch, Option<Timestamp>) {
        let mut ledger = Ledger { covered_to: covered_to.map(at), ..Ledger::default() };
        (ledger.claim(back, complete, at(1_000), at(1_000)), ledger.covered_to)
    }

    #[test]
    fn each_row_of_the_table() {
        let stretch = |covered, gap| Stretch { covered, gap };
        let to = |second| Some(at(second));
        assert_eq!(claim(None, Back::To(to(50)), true), (stretch(Some(span(1_000, 1_000)), None), to(1_000)));
        assert_eq!(claim(Some(400), Back::ToTheKnown, true), (stretch(Some(span(400, 1_000)), None), to(1_000)));
        let gap = claim(Some(400), Back::To(to(640)), true);
        assert_eq!(gap, (stretch(Some(span(700, 1_000)), Some(span(400, 700))), to(1_000)));
        assert_eq!(claim(Some(400), Back::ToTheKnown, false), (stretch(None, None), to(400)));
    }

    #[test]
    fn what_did_not_reach_the_known_is_a_gap_however_short() {
        let gap = |covered, reached| claim(Some(covered), Back::To(reached), true).0.gap;
        assert_eq!(gap(400, Some(at(399))), Some(span(400, 459)));
        assert_eq!(gap(400, Some(Timestamp::MAX)), Some(span(400, 1_000)));
        assert_eq!(gap(400, Some(Timestamp::MIN)), Some(span(400, 400)));
        assert_eq!(gap(400, None), Some(span(400, 1_000)));
        assert_eq!(claim(Some(2_000), Back::ToTheKnown, true).0.covered, Some(span(1_000, 1_000)));
        assert_eq!(claim(Some(2_000), Back::ToTheKnown, true).1, Some(at(2_000)), "what is covered never shrinks");
    }

    #[test]
    fn a_gap_may_end_after_the_begin_of_the_visit() {
        let mut ledger = Ledger { covered_to: Some(at(400)), ..Ledger::default() };
        let stretch = ledger.claim(Back::To(Some(at(1_100))), true, at(1_000), at(1_300));
        assert_eq!((stretch.gap, stretch.covered), (Some(span(400, 1_160)), Some(span(1_160, 1_160))));
        assert_eq!(ledger.covered_to, Some(at(1_160)));
        assert_eq!(ledger.claim(Back::ToTheKnown, true, at(1_400), at(1_401)).covered, Some(span(1_160, 1_400)));
    }

    #[test]
    fn a_source_that_is_visited_often_is_tried_again_soon() {
        let mut ledger = Ledger::default();
        ledger.open(span(40, 70), Missing::Rows(below(5)), false, at(100));
        ledger.failed(&Missing::Rows(below(5)), Duration::from_secs(5), at(100));
        assert_eq!((ledger.due(at(104)), ledger.due(at(105)).is_some()), (None, true));
    }

    #[test]
    fn a_gap_is_chased_from_page_to_page_and_closed_with_proof() {
        let mut ledger = Ledger::default();
        ledger.open(span(40, 70), Missing::Rows(below(5)), false, at(100));
        assert_eq!(ledger.due(at(100)).map(|gap| &gap.missing), Some(&Missing::Rows(below(5))));
        ledger.advance(at(100), &below(9));
        assert_eq!(ledger.due(at(101)).map(|gap| &gap.missing), Some(&Missing::Rows(below(9))));
        ledger.failed(&Missing::Rows(below(9)), HOUR, at(101));
        assert_eq!((ledger.due(at(160)), ledger.due(at(161)).is_some()), (None, true));
        let closed = ledger.close(|gap| gap.found_at == at(100), "page 11 reached what was known");
        assert_eq!((closed[0].from, closed[0].to), (at(40), at(70)));
        assert!(ledger.due(at(9_999)).is_none());
    }

    #[test]
    fn a_thread_that_was_given_up_is_tried_again_more_and_more_rarely() {
        let mut ledger = Ledger::default();
        let missing = Missing::Thread("t".into());
        ledger.open(span(40, 70), missing.clone(), false, at(0));
        let mut tried = Vec::new();
        for minute in 0..200 {
            if ledger.threads_due(at(minute * 60)).count() == 1 {
                ledger.failed(&missing, HOUR, at(minute * 60));
                tried.push(minute);
            }
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 127]);
    }

    #[test]
    fn history_is_read_and_nobody_told() {
        let mut ledger = Ledger::default();
        ledger.open(span(0, 70), Missing::Rows(below(5)), true, at(100));
        assert!(ledger.due(at(100)).is_some());
        assert!(ledger.close(|_| true, "the end").is_empty());
    }

    #[test]
    fn what_fails_waits_longer_and_longer_and_what_is_nobodys_fault_does_not() {
        let missing = Missing::Rows(below(2));
        let mut ledger = Ledger::default();
        ledger.open(span(0, 10), missing.clone(), false, at(10));
        let mut waits = |fails: bool| {
            match fails {
                true => ledger.failed(&missing, Duration::from_secs(1), at(100)),
                false => ledger.wait(&missing, Duration::from_secs(1), at(100)),
            }
            (0..).find(|second| ledger.due(at(100 + second)).is_some())
        };
        assert_eq!([false, false, true, true, true, false, true].map(&mut waits), [1, 1, 1, 2, 4, 4, 8].map(Some));
    }

    proptest! {
        /// However visits go: what is covered and what is a gap lie side by side up to the visit, and nothing is covered twice.
        #[test]
        fn every_moment_is_covered_or_a_gap(visits in prop::collection::vec((1i64..100, prop::option::of(-50i64..150), any::<bool>(), any::<bool>()), 1..40)) {
            let (mut ledger, mut now, mut reached_to) = (Ledger::default(), 0, None);
            for (step, back, known, complete) in visits {
                now += step;
                let back = if known { Back::ToTheKnown } else { Back::To(back.map(|back| at(now - back))) };
                let stretch = ledger.claim(back, complete, at(now), at(now));
                if let Some(covered) = stretch.covered {
                    let begin = stretch.gap.map_or(covered.from, |gap| gap.from);
                    prop_assert_eq!(Some(begin), reached_to.or(Some(at(now))));
                    if let Some(gap) = stretch.gap {
                        prop_assert_eq!(gap.to, covered.from);
                    }
                    prop_assert_eq!(covered.to, at(now));
                    reached_to = Some(at(now));
                } else {
                    prop_assert!(stretch.gap.is_none());
                }
            }
        }
    }
}
