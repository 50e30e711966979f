//! `[log]`: which log, and how long it keeps records.

use super::KeyFault;
use crate::log::{EmbeddedOptions, Retention, Topic};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    time::Duration,
};

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
    /// Kafka: on how many brokers each record lies; for topics that are made, not for those that exist.
    pub replication: u16,
    /// Kafka: what the names of its topics begin with, where a cluster is shared.
    pub prefix: String,
    /// Kafka: settings of its client library that are passed on as they are: `"security.protocol" = "SASL_SSL"`.
    pub client: BTreeMap<String, String>,
    /// Kafka: settings of its client library that are secret, each with the environment variable that holds it (or, with
    /// `_FILE` appended, a file's path): `"sasl.password" = "WANGLOU_KAFKA_PASSWORD"`.
    pub client_secret: BTreeMap<String, String>,
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
        Self {
            kind: LogKind::Embedded,
            brokers: None,
            partitions: 4,
            replication: 3,
            prefix: String::new(),
            client: BTreeMap::new(),
            client_secret: BTreeMap::new(),
            retention: HashMap::new(),
        }
    }
}

impl LogSettings {
    /// How the embedded log is opened under a data folder.
    #[must_use]
    pub fn embedded(&self, data_dir: &Path) -> EmbeddedOptions {
        EmbeddedOptions {
            partitions: self.partitions,
            retention: self.retention(),
            ..EmbeddedOptions::new(data_dir.join("log"))
        }
    }

    /// Retention that differs from the topics' own.
    #[must_use]
    pub fn retention(&self) -> HashMap<Topic, Retention> {
        let keep = |keep: &LogRetention| Retention::Delete { age: keep.age, bytes: keep.bytes };
        self.retention.iter().map(|(&topic, of_topic)| (topic, keep(of_topic))).collect()
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if !(1..=64).contains(&self.partitions) {
            faults.push(("partitions", format!("{} is not between 1 and 64", self.partitions)));
        }
        match self.kind {
            LogKind::Kafka => self.check_kafka(&mut faults),
            LogKind::Embedded => {
                let kafkas = [
                    ("brokers", self.brokers.is_some()),
                    ("prefix", !self.prefix.is_empty()),
                    ("client", !self.client.is_empty()),
                    ("client_secret", !self.client_secret.is_empty()),
                ];
                let unfit = kafkas.into_iter().filter(|(_, written)| *written);
                faults.extend(unfit.map(|(key, _)| (key, "has no meaning with kind = \"embedded\"".into())));
            }
        }
        if self.retention.contains_key(&Topic::Control) {
            faults.push(("retention", "control is compacted: it keeps the last value of each key for ever".into()));
        }
        faults
    }

    fn check_kafka(&self, faults: &mut Vec<KeyFault>) {
        if self.brokers.as_deref().is_none_or(|brokers| brokers.split(',').any(|broker| !is_broker(broker.trim()))) {
            faults.push(("brokers", "kind = \"kafka\" needs brokers = \"host:port,…\"".into()));
        }
        if !(1..=32).contains(&self.replication) {
            faults.push(("replication", format!("{} is not between 1 and 32", self.replication)));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.prefix.len() > 100 || !self.prefix.chars().all(fits) {
            faults.push(("prefix", "must be at most 100 letters, digits, '.', '_' or '-'".into()));
        }
        for (table, keys) in [("client", &self.client), ("client_secret", &self.client_secret)] {
            if let Some(key) = keys.keys().find(|key| OURS.contains(&key.as_str())) {
                faults.push((table, format!("{key:?} is set by Wanglou: nothing would be proven without it")));
            }
        }
        if let Some(key) = self.client.keys().find(|key| key.contains("password") || key.contains("secret")) {
            faults
                .push(("client", format!("{key:?} is a secret: name its environment variable in [log.client_secret]")));
        }
    }
}

/// Settings of Kafka's client library that the promises of the log stand on.
const OURS: [&str; 12] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "group.id",
    "isolation.level",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.timeout.ms",
];

fn is_broker(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
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

    pub(in super::super) fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        deserialize(deserializer).map(Some)
    }

    pub(in super::super) fn parse(text: &str) -> Option<Duration> {
        let span: jiff::Span = text.parse().ok()?;
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(duration).ok()
    }
}
