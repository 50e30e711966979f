//! The gaps of a source: those that are open, and the last ones that were closed, with the proof.
//!
//! | what is known | open gaps |
//! |---|---|
//! | a visit could not reach back | the parts of it that nobody has read are open, with the reason |
//! | a stretch was read, or a visit proves that a gap is closed | what lies in it is open no more |
//! | a gap is older than thirty days | forgotten, as all of that time |

use super::timeline::KEPT;
use serde::{Deserialize, Serialize};

/// How many open gaps are listed. The seconds of all of them stay in the timeline.
const MOST_OPEN: usize = 32;
const MOST_CLOSED: usize = 8;

/// A stretch of which something is missing, its end excluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) reason: String,
}

/// A gap that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) at: u32,
    pub(super) proof: String,
}

/// The gaps of a source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Gaps {
    open: Vec<Open>,
    closed: Vec<Closed>,
}

impl Gaps {
    /// The open ones, the oldest first.
    pub(super) fn open(&self) -> &[Open] {
        &self.open
    }

    /// The last ones that were closed, the youngest first.
    pub(super) fn closed(&self) -> impl Iterator<Item = &Closed> {
        self.closed.iter().rev()
    }

    /// Nobody could read these parts.
    pub(super) fn add(&mut self, parts: Vec<(u32, u32)>, reason: &str, now: u32) {
        for (from, to) in parts {
            // Told twice, it is one gap; the later reason holds.
            self.take_out(from, to);
            self.open.push(Open { from, to, reason: reason.to_owned() });
        }
        self.open.retain(|gap| gap.to.saturating_add(KEPT) > now);
        self.open.sort_by_key(|gap| gap.from);
        if self.open.len() > MOST_OPEN {
            self.open.drain(..self.open.len() - MOST_OPEN);
        }
    }

    /// A stretch was read. Returns the parts that had been open.
    pub(super) fn take_out(&mut self, from: u32, to: u32) -> Vec<(u32, u32)> {
        let mut taken = Vec::new();
        let mut left = Vec::with_capacity(self.open.len());
        for gap in self.open.drain(..) {
            let (begin, end) = (gap.from.max(from), gap.to.min(to));
            if begin >= end {
                left.push(gap);
                continue;
            }
            taken.push((begin, end));
            for (from, to) in [(gap.from, begin), (end, gap.to)] {
                if from < to {
                    left.push(Open { from, to, reason: gap.reason.clone() });
                }
            }
        }
        self.open = left;
        taken
    }

    /// A visit closed a gap.
    pub(super) fn note_closed(&mut self, closed: Closed) {
        if !self.closed.iter().any(|known| (known.from, known.to, known.at) == (closed.from, closed.to, closed.at)) {
            self.closed.push(closed);
            self.closed.sort_by_key(|closed| closed.at);
        }
        if self.closed.len() > MOST_CLOSED {
            self.closed.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u32 = 1_795_000_000;

    fn spans(gaps: &Gaps) -> Vec<(u32, u32)> {
        gaps.open().iter().map(|gap| (gap.from, gap.to)).collect()
    }

    #[test]
    fn a_gap_is_closed_in_parts() {
        let mut gaps = Gaps::default();
        gaps.add(vec![(NOW - 900, NOW - 100)], "five pages, and nothing known on them", NOW);
        assert_eq!(gaps.take_out(NOW - 600, NOW - 400), [(NOW - 600, NOW - 400)]);
        assert_eq!(spans(&gaps), [(NOW - 900, NOW - 600), (NOW - 400, NOW - 100)]);
        gaps.take_out(NOW - 2_000, NOW - 600);
        gaps.take_out(NOW - 400, NOW);
        assert_eq!(spans(&gaps), []);
    }

    #[test]
    fn a_gap_that_is_told_twice_is_one() {
        let mut gaps = Gaps::default();
        gaps.add(vec![(NOW - 900, NOW - 100)], "one", NOW);
        gaps.add(vec![(NOW - 900, NOW - 100)], "two", NOW);
        assert_eq!((spans(&gaps), gaps.open()[0].reason.as_str()), (vec![(NOW - 900, NOW - 100)], "two"));
    }

    proptest! {
        /// Open gaps never overlap, and nothing that was read is open.
        #[test]
        fn what_was_read_is_not_open(
            steps in prop::collection::vec((any::<bool>(), 0..10_000_u32, 1..3_000_u32), 0..60),
        ) {
            let mut gaps = Gaps::default();
            for (reads, ago, length) in steps {
                let (from, to) = (NOW - ago, NOW - ago + length);
                if reads {
                    gaps.take_out(from, to);
                    prop_assert!(!spans(&gaps).iter().any(|gap| gap.0 < to && from < gap.1));
                } else {
                    gaps.add(vec![(from, to)], "", NOW);
                }
                prop_assert!(spans(&gaps).windows(2).all(|pair| pair[0].1 <= pair[1].0));
                prop_assert!(gaps.open().len() <= MOST_OPEN + 1 && gaps.open().iter().all(|gap| gap.from < gap.to));
            }
        }
    }
}
