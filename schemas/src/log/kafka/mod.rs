//! The log over Apache Kafka, through librdkafka.
//!
//! * [`client`]: how librdkafka is configured, and what its errors mean to us.
//! * [`topics`]: topics are made when they are absent; which topic of which cluster this is.
//! * [`producer`]: appends; idempotent, `acks=all`, and built anew after what cannot be mended.
//! * [`reader`]: partitions that are assigned, not subscribed to: stages keep positions of their own.
//! * [`share`]: the one consumer group, which only shares sources out among ingest workers.
//! * [`native`]: what librdkafka can and its Rust binding does not offer.
//!
//! What the promises of the log rest on:
//!
//! | promise | by |
//! |---|---|
//! | acknowledged is durable | `acks=all`; topics are made with `min.insync.replicas` of all but one copy |
//! | order within a partition, no hole in an append | the idempotent producer, which never gives up a record alone: when a record is not acknowledged in time, all that wait are dropped with the producer, so that what lies in the topic is always a beginning of what was given |
//! | jumps are shown | `auto.offset.reset=error`: librdkafka never moves a position by itself |
//! | identity | the cluster's id and the topic's, which change when a topic is deleted and made again |
//!
//! A broker that is away, slow or full makes appends fail with [`LogError::Unavailable`] after some seconds ([`producer`]); readers
//! say so too and go on by themselves when it is back.

mod client;
mod native;
mod producer;
mod reader;
mod share;
mod topics;

#[cfg(test)]
mod tests;

use super::{Log, LogError, NewRecord, Position, Reader, Share, Topic, TopicInfo};
use crate::kit::settings::LogSettings;
use async_trait::async_trait;
use client::Settled;
use jiff::Timestamp;
use producer::Producer;
use reader::KafkaReader;
use std::{collections::HashMap, sync::Arc};
use tokio_util::sync::CancellationToken;
use topics::Topics;

/// Why the log over Kafka cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// A setting that librdkafka does not take, or a secret that is not there.
    #[error("[log] {0}")]
    Settings(String),
    /// A topic is not as it must be.
    #[error("{0}")]
    Topic(String),
    /// No broker answers.
    #[error(
        "Kafka at {brokers} ([log] brokers) cannot be used: {reason}. See that it runs there, and that [log.client] fits how it \
         is guarded"
    )]
    Away {
        /// Where it was looked for.
        brokers: String,
        /// What happened.
        reason: String,
    },
}

/// The log over Kafka.
pub struct Kafka {
    client: Settled,
    topics: Arc<Topics>,
    producers: HashMap<Topic, Producer>,
    closed: CancellationToken,
}

impl Kafka {
    /// Connects, and makes the topics that are absent. A broker that is away is waited for, up to a minute.
    ///
    /// # Errors
    /// See [`KafkaError`].
    pub async fn open(settings: &LogSettings) -> Result<Self, KafkaError> {
        let client = Settled::new(settings)?;
        let topics = Arc::new(Topics::open(&client, settings).await?);
        let producers = Topic::ALL.into_iter().map(|topic| (topic, Producer::new(&client, topic))).collect();
        Ok(Self { client, topics, producers, closed: CancellationToken::new() })
    }

    fn check(&self, topic: Topic, partition: u32) -> Result<(), LogError> {
        let partitions = self.topics.info(topic).partitions;
        if partition < partitions {
            return Ok(());
        }
        Err(LogError::Refused(format!("{topic} has no partition {partition} (there are {partitions})")))
    }

    fn open_still(&self) -> Result<(), LogError> {
        if self.closed.is_cancelled() { Err(LogError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl Log for Kafka {
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError> {
        self.open_still()?;
        Ok(self.topics.info(topic).clone())
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        self.open_still()?;
        for record in &records {
            self.check(topic, record.partition)?;
            producer::check_size(record)?;
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        match self.producers.get(&topic) {
            Some(producer) => producer.append(records).await,
            None => Err(LogError::Closed),
        }
    }

    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        self.open_still()?;
        for position in &from {
            self.check(topic, position.partition)?;
        }
        Ok(Box::new(KafkaReader::open(&self.client, &self.topics, topic, from, self.closed.clone())?))
    }

    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        self.open_still()?;
        self.check(topic, partition)?;
        topics::bounds(&self.topics, topic, partition).await
    }

    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        self.open_still()?;
        Ok(Box::new(share::Group::join(&self.client, &self.closed)?))
    }

    fn takes_posts(&self) -> Result<(), LogError> {
        self.producers.get(&Topic::PostsRaw).map_or(Err(LogError::Closed), Producer::works)
    }

    /// The brokers do it.
    async fn retain(&self, _now: Timestamp) -> Result<(), LogError> {
        self.open_still()
    }

    async fn close(&self) {
        self.closed.cancel();
        for producer in self.producers.values() {
            producer.close().await;
        }
    }
}
