//! What of the log the archive holds: the pure core of "nothing lost, nothing twice".
//!
//! A [`Coverage`] names the log and, for each partition, the offset of the next record that is not covered. It is kept in
//! two places: in the commit payload of each month (changed in one step with the month's documents), and in the archive's
//! position file, which is written after every month that had something to commit has committed.
//!
//! So at any crash the position file `P` lies at or behind every record that some month may lack. Replay starts at `P`:
//!
//! | record at replay | its id in the archive | that month's payload | outcome |
//! |---|---|---|---|
//! | before `P` | – | – | not read |
//! | from `P` on | unknown | any | first seen: indexed |
//! | from `P` on | in a month | covers the record | skipped: its effect is committed, and it stands in posts.analyzed |
//! | from `P` on | in a month | does not cover it | judged against what is stored: revision or duplicate |
//!
//! | at start | outcome |
//! |---|---|
//! | position and payloads of this log | go on at the position |
//! | no position, payloads or none | replay from the first record kept |
//! | position or a payload of another log, or other partitions | refused, saying what to do |
//!
//! | while reading | outcome |
//! |---|---|
//! | records are gone (retention) | go on at the first kept; coverage jumps with the next record |
//! | the log was set back to `end` | what lies at `end` and beyond is new: no coverage may claim it, in memory or on disk |

use schemas::log::{Identity, Position, ResumeError, TopicInfo};
use serde::{Deserialize, Serialize};

/// The offset of the next record of each partition of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    log: Identity,
    next: Vec<u64>,
}

impl Coverage {
    /// Of nothing.
    #[must_use]
    pub fn none(info: &TopicInfo) -> Self {
        Self { log: info.identity.clone(), next: vec![0; info.partitions as usize] }
    }

    /// Checks that a stored coverage is of this log; nothing stored covers nothing.
    ///
    /// # Errors
    /// When it is of another log.
    pub fn of(stored: Option<Self>, info: &TopicInfo) -> Result<Self, ResumeError> {
        let Some(stored) = stored else { return Ok(Self::none(info)) };
        info.resume(Some((&stored.log, &stored.next)))?;
        Ok(stored)
    }

    /// Reads a stored coverage.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> String {
        // A struct of strings and numbers: serde_json cannot fail on it.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Where reading begins.
    #[must_use]
    pub fn resume(&self) -> Vec<Position> {
        (0..).zip(&self.next).map(|(partition, &offset)| Position { partition, offset }).collect()
    }

    /// Whether a record is covered.
    #[must_use]
    pub fn covers(&self, record: Position) -> bool {
        self.next.get(record.partition as usize).is_some_and(|&next| record.offset < next)
    }

    /// All before `next` is covered. Coverage never shrinks by this.
    pub fn advance(&mut self, partition: u32, next: u64) {
        if let Some(covered) = self.next.get_mut(partition as usize) {
            *covered = next.max(*covered);
        }
    }

    /// Of the same log, covering nothing.
    #[must_use]
    pub fn cleared(&self) -> Self {
        Self { log: self.log.clone(), next: vec![0; self.next.len()] }
    }

    /// Whether it covers all that the other covers.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.next.len() == other.next.len() && self.next.iter().zip(&other.next).all(|(ours, theirs)| ours >= theirs)
    }

    /// Covers what either covers.
    pub fn absorb(&mut self, other: &Self) {
        for (covered, &next) in self.next.iter_mut().zip(&other.next) {
            *covered = next.max(*covered);
        }
    }

    /// The log was set back: nothing from `end` on is covered. Says whether that changes anything.
    pub fn set_back(&mut self, partition: u32, end: u64) -> bool {
        let Some(covered) = self.next.get_mut(partition as usize).filter(|covered| **covered > end) else {
            return false;
        };
        *covered = end;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn info() -> TopicInfo {
        TopicInfo { identity: Identity { cluster: "c".into(), topic_id: "t".into() }, partitions: 2 }
    }

    fn at(partition: u32, offset: u64) -> Position {
        Position { partition, offset }
    }

    fn coverage(next: [u64; 2]) -> Coverage {
        Coverage { log: info().identity, next: next.into() }
    }

    #[test]
    fn it_survives_being_stored() {
        let stored = Coverage::decode(&coverage([3, 5]).encode()).unwrap();
        assert_eq!(Coverage::of(Some(stored), &info()).unwrap().resume(), [at(0, 3), at(1, 5)]);
    }

    #[test]
    fn nothing_stored_covers_nothing() {
        let none = Coverage::of(None, &info()).unwrap();
        assert_eq!(none.resume(), [at(0, 0), at(1, 0)]);
        assert!(!none.covers(at(0, 0)));
    }

    #[test]
    fn that_of_another_log_is_refused() {
        let other = Coverage { log: Identity { cluster: "x".into(), topic_id: "t".into() }, next: vec![3, 5] };
        assert!(matches!(Coverage::of(Some(other), &info()), Err(ResumeError::OtherLog { .. })));
        let narrower = Coverage { log: info().identity, next: vec![3] };
        assert!(matches!(Coverage::of(Some(narrower), &info()), Err(ResumeError::OtherPartitions { .. })));
    }

    #[test]
    fn what_lies_before_is_covered_and_what_lies_beyond_is_not() {
        let coverage = coverage([3, 5]);
        assert!(coverage.covers(at(0, 2)) && coverage.covers(at(1, 4)));
        assert!(!coverage.covers(at(0, 3)) && !coverage.covers(at(1, 5)));
        assert!(!coverage.covers(at(9, 0)), "a partition that is not there is never covered");
    }

    #[test]
    fn a_log_that_was_set_back_covers_nothing_beyond_its_end() {
        let mut set_back = coverage([30, 5]);
        assert!(set_back.set_back(0, 20));
        assert!(!set_back.set_back(1, 20));
        assert_eq!(set_back, coverage([20, 5]));
    }

    proptest! {
        /// A replay from `P` meets each record that some month lacks, and no month takes a record twice.
        #[test]
        fn a_replay_completes_every_month_exactly(
            records in prop::collection::vec((0_u32..2, 0_usize..3), 1..60),
            commits in prop::collection::vec((0_usize..60, 0_usize..3), 0..8),
            position_written in 0_usize..8,
        ) {
            // Records in log order: (partition, offset, month).
            let mut ends = [0; 2];
            let records: Vec<(Position, usize)> = records
                .into_iter()
                .map(|(partition, month)| {
                    ends[partition as usize] += 1;
                    (at(partition, ends[partition as usize] - 1), month)
                })
                .collect();
            // First life: commits at some points; one whole round wrote the position, later ones reached one month only.
            let mut commits = commits;
            commits.sort_unstable();
            let mut months = vec![Coverage::none(&info()); 3];
            let mut held = vec![Vec::new(); 3];
            let mut position = Coverage::none(&info());
            for (round, (upto, only)) in commits.into_iter().enumerate() {
                let mut done = Coverage::none(&info());
                for (record, _) in records.iter().take(upto) {
                    done.advance(record.partition, record.offset + 1);
                }
                let whole = round < position_written;
                for month in 0..3 {
                    if whole || month == only {
                        for (record, _) in records.iter().take(upto).filter(|(_, of)| *of == month) {
                            if !months[month].covers(*record) {
                                held[month].push(*record);
                            }
                        }
                        months[month].absorb(&done);
                    }
                }
                if whole {
                    position = done;
                }
            }
            // Second life: replay from the position.
            for (record, month) in records.iter().filter(|(record, _)| !position.covers(*record)) {
                if !months[*month].covers(*record) {
                    held[*month].push(*record);
                }
            }
            for (month, mut held) in held.into_iter().enumerate() {
                held.sort_unstable();
                let mut expected: Vec<_> = records.iter().filter(|(_, of)| *of == month).map(|(r, _)| *r).collect();
                expected.sort_unstable();
                prop_assert_eq!(held, expected);
            }
        }
    }
}
