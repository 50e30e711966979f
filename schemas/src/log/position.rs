//! Positions: where a stage stands in a log, and which log that is.
//!
//! | stored position | log as it is found | outcome |
//! |---|---|---|
//! | none | any | begin at the first record kept |
//! | identity and partitions agree | offset within bounds | go on there |
//! | identity and partitions agree | offset before the first kept | go on there; the reader shows the jump |
//! | identity and partitions agree | offset beyond the end | go on there; the reader shows the step back |
//! | identity differs | any | refused: another log, the position says nothing about it |
//! | identity agrees, number of partitions differs | any | refused: posts would move between partitions |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in a topic: a partition and an offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The partition, from 0.
    pub partition: u32,
    /// The offset, from 0.
    pub offset: u64,
}

/// Which topic of which log: ids that are made once, when the log and the topic are made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Kafka's cluster id, or the embedded log's own.
    pub cluster: String,
    /// The topic's id: a topic that was deleted and made again bears another.
    pub topic_id: String,
}

/// A topic as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Which topic of which log.
    pub identity: Identity,
    /// How many partitions it has.
    pub partitions: u32,
}

/// A position that does not belong to the log at hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Taken from another log.
    #[error(
        "the stored position was taken in log {stored:?}, but the configured log is {found:?}. Point [log] back to the log \
         that it was taken in, or move the state that holds it aside and let it be built anew"
    )]
    OtherLog {
        /// Where it was taken.
        stored: Identity,
        /// What is configured.
        found: Identity,
    },
    /// The number of partitions has changed.
    #[error(
        "the stored position knows {stored} partitions, the log has {found}. The number cannot change under a running \
         archive: set [log] partitions back to {stored}"
    )]
    OtherPartitions {
        /// Partitions when it was taken.
        stored: u32,
        /// Partitions now.
        found: u32,
    },
}

impl TopicInfo {
    /// Where to begin reading, given what was stored: `next[p]` is the offset of the next record to read of partition `p`.
    ///
    /// # Errors
    /// When the stored position belongs to another log.
    pub fn resume(&self, stored: Option<(&Identity, &[u64])>) -> Result<Vec<Position>, ResumeError> {
        let Some((identity, next)) = stored else {
            return Ok((0..self.partitions).map(|partition| Position { partition, offset: 0 }).collect());
        };
        if *identity != self.identity {
            return Err(ResumeError::OtherLog { stored: identity.clone(), found: self.identity.clone() });
        }
        if next.len() != self.partitions as usize {
            return Err(ResumeError::OtherPartitions { stored: next.len() as u32, found: self.partitions });
        }
        Ok((0..).zip(next).map(|(partition, &offset)| Position { partition, offset }).collect())
    }
}

/// A place where offsets do not follow on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Jump {
    /// Records between the two offsets are gone: they fell to retention before they were read.
    #[error("records {expected} to {found} are gone: they fell to retention before they were read")]
    Ahead {
        /// The offset that was to be read.
        expected: u64,
        /// The first one that is there.
        found: u64,
    },
    /// The position lies beyond the end: the log has lost records that were read before. Reading goes on at the end.
    #[error("the log ends at {end}, but {expected} was read before: the log was set back")]
    Back {
        /// The offset that was to be read.
        expected: u64,
        /// The end of the partition.
        end: u64,
    },
}

impl Jump {
    /// What a batch that begins at `found` means to somebody who wanted `expected`, when the partition ends at `end`.
    #[must_use]
    pub fn between(expected: u64, found: Option<u64>, end: u64) -> Option<Self> {
        match found {
            _ if expected > end => Some(Self::Back { expected, end }),
            Some(found) if found > expected => Some(Self::Ahead { expected, found }),
            None if expected < end => Some(Self::Ahead { expected, found: end }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> TopicInfo {
        TopicInfo { identity: Identity { cluster: "c".into(), topic_id: "t".into() }, partitions: 2 }
    }

    #[test]
    fn without_a_position_it_begins_at_the_start() {
        let start = |partition| Position { partition, offset: 0 };
        assert_eq!(info().resume(None).unwrap(), [start(0), start(1)]);
    }

    #[test]
    fn an_own_position_goes_on_where_it_stood() {
        let info = info();
        let next = info.resume(Some((&info.identity, &[7, 9]))).unwrap();
        assert_eq!(next, [Position { partition: 0, offset: 7 }, Position { partition: 1, offset: 9 }]);
    }

    #[test]
    fn a_position_of_another_log_is_refused() {
        let other = Identity { cluster: "x".into(), topic_id: "t".into() };
        assert!(matches!(info().resume(Some((&other, &[7, 9]))), Err(ResumeError::OtherLog { .. })));
    }

    #[test]
    fn another_number_of_partitions_is_refused() {
        let info = info();
        let outcome = info.resume(Some((&info.identity, &[7])));
        assert_eq!(outcome, Err(ResumeError::OtherPartitions { stored: 1, found: 2 }));
    }

    #[test]
    fn jumps() {
        assert_eq!(Jump::between(5, Some(5), 9), None);
        assert_eq!(Jump::between(9, None, 9), None);
        assert_eq!(Jump::between(5, Some(7), 9), Some(Jump::Ahead { expected: 5, found: 7 }));
        assert_eq!(Jump::between(5, None, 9), Some(Jump::Ahead { expected: 5, found: 9 }));
        assert_eq!(Jump::between(10, None, 9), Some(Jump::Back { expected: 10, end: 9 }));
    }
}
