//! `[log]`: which log, and how long it keeps records.

use super::KeyFault;
use crate::log::{EmbeddedOptions, Retention, Topic};
use serde::Deserialize;
use std::{collections::HashMap, path::Path, time::Duration};

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// Which log.
    pub kind: LogKind,
    /// Kafka's brokers, `host:port,…`.
    pub brokers: Option<String>,
    /// Partitions of posts.raw and posts.analyzed. Fixed once the log is made.
    pub partitions: u32,
    /// Retention by topic, where it differs from the defaults.
    pub retention: HashMap<Topic, LogRetention>,
}

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// In the data folder.
    #[default]
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// `[log.retention]`: `"posts.raw" = { age = "7d", bytes = 17179869184 }`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRetention {
    /// Records are kept until they are this old.
    #[serde(with = "duration")]
    pub age: Duration,
    /// Up to this size, all partitions together.
    pub bytes: u64,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { kind: LogKind::Embedded, brokers: None, partitions: 4, retention: HashMap::new() }
    }
}

impl LogSettings {
    /// How the embedded log is opened under a data folder.
    #[must_use]
    pub fn embedded(&self, data_dir: &Path) -> EmbeddedOptions {
        let retention = self
            .retention
            .iter()
            .map(|(&topic, keep)| (topic, Retention::Delete { age: keep.age, bytes: keep.bytes }))
            .collect();
        EmbeddedOptions { folder: data_dir.join("log"), partitions: self.partitions, retention }
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if !(1..=64).contains(&self.partitions) {
            faults.push(("partitions", format!("{} is not between 1 and 64", self.partitions)));
        }
        match (self.kind, &self.brokers) {
            (LogKind::Kafka, _) => {
                faults.push(("kind", "this build has no Kafka log: use \"embedded\"".into()));
            }
            (LogKind::Embedded, Some(_)) => {
                faults.push(("brokers", "has no meaning with kind = \"embedded\"".into()));
            }
            (LogKind::Embedded, None) => {}
        }
        if self.retention.contains_key(&Topic::Control) {
            faults.push(("retention", "control is compacted: it keeps the last value of each key for ever".into()));
        }
        faults
    }
}

/// Durations as people write them: `"20s"`, `"5m"`, `"1h 30m"`, `"7d"`.
pub(super) mod duration {
    use serde::{Deserialize, Deserializer, de::Error};
    use std::time::Duration;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no duration such as \"20s\", \"5m\" or \"7d\"")))
    }

    pub(in super::super) fn parse(text: &str) -> Option<Duration> {
        let span: jiff::Span = text.parse().ok()?;
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(duration).ok()
    }
}
