//! Topics are made when they are absent, and looked at when they are there.
//!
//! | topic | outcome |
//! |---|---|
//! | absent | made, with its partitions, copies, retention or compaction |
//! | there, with the partitions that it must have | used; its retention and copies are its administrator's |
//! | there, with another number of partitions | refused: posts would move between partitions |
//! | there, with one copy | used, with a warning |

use super::{
    KafkaError,
    client::{Quiet, Settled, meaning, passes},
    native,
};
use crate::{
    kit::settings::LogSettings,
    log::{Identity, LogError, Retention, Topic, TopicInfo},
};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode as Code,
    metadata::MetadataTopic,
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long one question to the brokers may take.
const WAIT: Duration = Duration::from_secs(10);
/// How long brokers that are away are waited for at the start.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon a question is asked again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long a topic that was just made may take to appear.
const APPEARS: Duration = Duration::from_secs(30);
/// A record with its key and Kafka's own bytes beside our largest value.
pub(super) const MAX_MESSAGE_BYTES: usize = 9 << 20;

/// The topics, as they were found at the start.
pub(super) struct Topics {
    infos: HashMap<Topic, TopicInfo>,
    names: HashMap<Topic, String>,
    /// Asks the brokers; it never reads records.
    clerk: BaseConsumer<Quiet>,
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

impl Topics {
    pub(super) async fn open(client: &Settled, settings: &LogSettings) -> Result<Self, KafkaError> {
        let config = client.config();
        let settings_error = |error| KafkaError::Settings(format!("client: {error}"));
        let clerk: BaseConsumer<Quiet> = config.create_with_context(Quiet).map_err(settings_error)?;
        let admin: AdminClient<Quiet> = config.create_with_context(Quiet).map_err(settings_error)?;
        let names: HashMap<_, _> = Topic::ALL.into_iter().map(|topic| (topic, client.name(topic))).collect();
        let clerk = Arc::new(clerk);
        let away = |reason: String| KafkaError::Away { brokers: settings.brokers.clone().unwrap_or_default(), reason };

        let found = blocking({
            let clerk = Arc::clone(&clerk);
            move || wait_for_brokers(&clerk)
        })
        .await
        .map_err(away)?;
        let absent: Vec<Topic> = Topic::ALL.into_iter().filter(|topic| !found.contains(&names[topic])).collect();
        make(&admin, &absent, &names, settings).await?;

        let (mut infos, mut alone) = (HashMap::new(), Vec::new());
        for topic in Topic::ALL {
            let (clerk, name, wanted) =
                (Arc::clone(&clerk), names[&topic].clone(), topic.partitions(settings.partitions));
            let (info, copies) = blocking(move || describe(&clerk, &name)).await.map_err(away)?;
            if info.partitions != wanted {
                return Err(KafkaError::Topic(wrong_partitions(&names[&topic], info.partitions, wanted)));
            }
            if copies < 2 {
                alone.push(topic.name());
            }
            infos.insert(topic, info);
        }
        if !alone.is_empty() {
            tracing::warn!(topics = alone.join(" "), "one copy only: what a broker loses is lost");
        }
        // The last task that held it is done.
        let clerk = Arc::into_inner(clerk).ok_or_else(|| away("a question to it has not ended".into()))?;
        Ok(Self { infos, names, clerk })
    }

    pub(super) fn info(&self, topic: Topic) -> &TopicInfo {
        // All are there: `open` has asked for each.
        &self.infos[&topic]
    }
}

/// The first offset kept and the end of a partition.
pub(super) async fn bounds(topics: &Arc<Topics>, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
    let topics = Arc::clone(topics);
    blocking(move || {
        let (began, partition) = (Instant::now(), i32::try_from(partition).unwrap_or(i32::MAX));
        loop {
            match topics.clerk.fetch_watermarks(&topics.names[&topic], partition, WAIT) {
                // A leader that was just chosen does not know it yet.
                Err(error) if passes(&error) && began.elapsed() < WAIT => std::thread::sleep(AGAIN),
                bounds => return bounds,
            }
        }
    })
    .await
    .map(|(low, high)| (low.max(0) as u64, high.max(0) as u64))
    .map_err(|error| meaning(&error))
}

/// Runs what blocks where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime stops, and nobody waits any more.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// The names of the topics that are there.
fn wait_for_brokers(clerk: &BaseConsumer<Quiet>) -> Result<Vec<String>, String> {
    let began = Instant::now();
    loop {
        match clerk.fetch_metadata(None, WAIT) {
            Ok(metadata) => return Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect()),
            Err(error) if began.elapsed() < PATIENCE => {
                tracing::warn!(%error, "Kafka does not answer; waiting for it");
                std::thread::sleep(Duration::from_secs(1));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn make(
    admin: &AdminClient<Quiet>,
    absent: &[Topic],
    names: &HashMap<Topic, String>,
    settings: &LogSettings,
) -> Result<(), KafkaError> {
    if absent.is_empty() {
        return Ok(());
    }
    let retention = settings.retention();
    let described: Vec<_> = absent
        .iter()
        .map(|topic| {
            let keep = retention.get(topic).copied().unwrap_or_else(|| topic.retention());
            (
                &names[topic],
                topic.partitions(settings.partitions),
                properties(keep, topic.partitions(settings.partitions), settings.replication),
            )
        })
        .collect();
    let new: Vec<NewTopic<'_>> = described
        .iter()
        .map(|(name, partitions, properties)| {
            let copies = TopicReplication::Fixed(i32::from(settings.replication));
            let topic = NewTopic::new(name, i32::try_from(*partitions).unwrap_or(i32::MAX), copies);
            properties.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(WAIT)).operation_timeout(Some(WAIT));
    let made = admin.create_topics(&new, &options).await;
    let made = made.map_err(|error| KafkaError::Topic(format!("topics cannot be made: {error}")))?;
    for outcome in made {
        match outcome {
            Ok(name) => tracing::info!(topic = name, copies = settings.replication, "made"),
            // Another process was quicker.
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((name, Code::InvalidReplicationFactor)) => {
                return Err(KafkaError::Topic(format!(
                    "the topic {name} cannot be made on {} brokers: the cluster has fewer. Set [log] replication to at most their \
                     number (1 is for trying: a record is then lost with its broker)",
                    settings.replication
                )));
            }
            Err((name, code)) => return Err(KafkaError::Topic(format!("the topic {name} cannot be made: {code}"))),
        }
    }
    Ok(())
}

/// The properties with which a topic is made.
fn properties(keep: Retention, partitions: u32, copies: u16) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        // An age counts from the append, whatever a producer's clock says.
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("max.message.bytes", MAX_MESSAGE_BYTES.to_string()),
        // With one broker away the others still hold every record, and appends go on.
        ("min.insync.replicas", copies.saturating_sub(1).max(1).to_string()),
        ("unclean.leader.election.enable", "false".to_owned()),
    ];
    match keep {
        Retention::Delete { age, bytes } => properties.extend([
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", age.as_millis().to_string()),
            ("retention.bytes", (bytes / u64::from(partitions.max(1))).to_string()),
        ]),
        Retention::Compact => properties.push(("cleanup.policy", "compact".to_owned())),
    }
    properties
}

/// Which topic this is, once each of its partitions has a leader, and how many copies of each record there are.
fn describe(clerk: &BaseConsumer<Quiet>, name: &str) -> Result<(TopicInfo, usize), String> {
    let began = Instant::now();
    loop {
        // A topic that was just made is not known to every broker at once.
        match look_at(clerk, name) {
            Err(_) if began.elapsed() < APPEARS => std::thread::sleep(AGAIN),
            described => return described.map_err(|problem| format!("the topic {name}: {problem}")),
        }
    }
}

fn look_at(clerk: &BaseConsumer<Quiet>, name: &str) -> Result<(TopicInfo, usize), String> {
    let metadata = clerk.fetch_metadata(Some(name), WAIT).map_err(|error| error.to_string())?;
    let topic = metadata.topics().first().filter(|topic| is_whole(topic));
    let topic = topic.ok_or("there is no leader for each of its partitions")?;
    let cluster = clerk.client().fetch_cluster_id(WAIT).ok_or("the brokers tell no cluster id")?;
    let topic_id = native::topic_id(clerk.client(), name, WAIT)?;
    let partitions = u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX);
    let copies = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    Ok((TopicInfo { identity: Identity { cluster, topic_id }, partitions }, copies))
}

fn is_whole(topic: &MetadataTopic) -> bool {
    topic.error().is_none()
        && !topic.partitions().is_empty()
        && topic.partitions().iter().all(|partition| partition.leader() >= 0)
}

fn wrong_partitions(name: &str, found: u32, wanted: u32) -> String {
    if wanted == 1 {
        return format!(
            "the topic {name} has {found} partitions and must have 1: its order is its meaning. Delete it, or set [log] prefix"
        );
    }
    format!("the topic {name} has {found} partitions and [log] partitions is {wanted}: set it back to {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(properties: &[(&'static str, String)], key: &str) -> Option<String> {
        properties.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }

    #[test]
    fn a_size_is_shared_by_the_partitions_and_all_copies_but_one_must_hold_a_record() {
        let keep = Retention::Delete { age: Duration::from_secs(60), bytes: 4000 };
        let made = properties(keep, 4, 3);
        assert_eq!(get(&made, "retention.bytes").as_deref(), Some("1000"));
        assert_eq!(get(&made, "retention.ms").as_deref(), Some("60000"));
        assert_eq!(get(&made, "min.insync.replicas").as_deref(), Some("2"));
        assert_eq!(get(&properties(keep, 4, 1), "min.insync.replicas").as_deref(), Some("1"));
    }

    #[test]
    fn a_compacted_topic_has_no_end() {
        let made = properties(Retention::Compact, 1, 3);
        assert_eq!(get(&made, "cleanup.policy").as_deref(), Some("compact"));
        assert_eq!(get(&made, "retention.ms"), None);
    }
}
