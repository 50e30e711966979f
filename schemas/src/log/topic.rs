//! The topics of the log.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A topic of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// What ingest brought in.
    #[serde(rename = "posts.raw")]
    PostsRaw,
    /// What analyze understood of it, same partition and order.
    #[serde(rename = "posts.analyzed")]
    PostsAnalyzed,
    /// States of topics.
    #[serde(rename = "topics.pulse")]
    TopicsPulse,
    /// Changes of incidents.
    #[serde(rename = "incidents")]
    Incidents,
    /// What could not be read, with the reason.
    #[serde(rename = "posts.rejected")]
    PostsRejected,
    /// What each visit to a source brought.
    #[serde(rename = "crawl.reports")]
    CrawlReports,
    /// What people set; compacted.
    #[serde(rename = "control")]
    Control,
    /// Who did what.
    #[serde(rename = "audit")]
    Audit,
}

/// How long records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For a time and up to a size, per partition, whichever is reached first.
    Delete {
        /// Kept at least until they are this old.
        age: std::time::Duration,
        /// Of all partitions together, keys and values, in bytes.
        bytes: u64,
    },
    /// The last record of each key, for ever.
    Compact,
}

const DAY: u64 = 24 * 3600;
const GIB: u64 = 1 << 30;

impl Topic {
    /// All topics.
    pub const ALL: [Self; 8] = [
        Self::PostsRaw,
        Self::PostsAnalyzed,
        Self::TopicsPulse,
        Self::Incidents,
        Self::PostsRejected,
        Self::CrawlReports,
        Self::Control,
        Self::Audit,
    ];

    /// The name on the wire, in metrics and in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PostsRaw => "posts.raw",
            Self::PostsAnalyzed => "posts.analyzed",
            Self::TopicsPulse => "topics.pulse",
            Self::Incidents => "incidents",
            Self::PostsRejected => "posts.rejected",
            Self::CrawlReports => "crawl.reports",
            Self::Control => "control",
            Self::Audit => "audit",
        }
    }

    /// Partitions: those of posts come from the config, all else is small and strictly ordered.
    #[must_use]
    pub fn partitions(self, of_posts: u32) -> u32 {
        match self {
            Self::PostsRaw | Self::PostsAnalyzed => of_posts,
            _ => 1,
        }
    }

    /// How long its records are kept unless the config says otherwise.
    #[must_use]
    pub fn retention(self) -> Retention {
        let delete = |days: u64, gib: u64| Retention::Delete {
            age: std::time::Duration::from_secs(days * DAY),
            bytes: gib * GIB,
        };
        match self {
            Self::PostsRaw => delete(7, 16),
            Self::PostsAnalyzed => delete(2, 16),
            Self::TopicsPulse => delete(2, 2),
            Self::Incidents | Self::Audit => delete(30, 4),
            Self::PostsRejected => delete(7, 2),
            Self::CrawlReports => delete(30, 2),
            Self::Control => Retention::Compact,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The partition of a key: Kafka's own way (murmur2 of the key, sign bit cleared, modulo), so that a record that another
/// Kafka client produces by key lands beside ours.
///
/// Source: `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`.
#[must_use]
pub fn partition_of(key: &str, partitions: u32) -> u32 {
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % partitions.max(1)
}

/// MurmurHash2, 32 bits, by Austin Appleby, with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let mut blocks = data.chunks_exact(4);
    for block in &mut blocks {
        let mut k = u32::from_le_bytes([block[0], block[1], block[2], block[3]]).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_agrees_with_kafka() {
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, expected, "{key}");
        }
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for topic in Topic::ALL {
            assert_eq!(serde_json::to_string(&topic).unwrap(), format!("{:?}", topic.name()));
        }
    }
}
