//! How librdkafka is configured, and what its errors mean to us.

use super::KafkaError;
use crate::{
    kit::settings::{LogSettings, secret},
    log::{LogError, Topic},
};
use rdkafka::{
    ClientContext, Statistics,
    config::{ClientConfig, RDKafkaLogLevel},
    error::{KafkaError as RdError, RDKafkaErrorCode as Code},
};

/// Names us in the broker's logs and quotas.
const CLIENT_ID: &str = "wanglou";

/// The settings, checked and with their secrets.
#[derive(Clone)]
pub(super) struct Settled {
    config: ClientConfig,
    prefix: String,
}

impl Settled {
    pub(super) fn new(settings: &LogSettings) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", settings.brokers.clone().unwrap_or_default());
        config.set("client.id", CLIENT_ID);
        // A broker that comes back is found again soon.
        config.set("reconnect.backoff.max.ms", "2000");
        config.set("socket.keepalive.enable", "true");
        // So that one goes on with what this program knows when a cluster's address changes.
        config.set("metadata.max.age.ms", "60000");
        for (key, value) in &settings.client {
            config.set(key, value);
        }
        for (key, variable) in &settings.client_secret {
            let value = secret(variable).ok_or_else(|| {
                KafkaError::Settings(format!(
                    "client_secret {key:?}: the environment variable {variable} (or {variable}_FILE) is not set"
                ))
            })?;
            config.set(key, value);
        }
        config.create_native_config().map_err(|error| KafkaError::Settings(format!("client: {error}")))?;
        Ok(Self { config, prefix: settings.prefix.clone() })
    }

    /// A configuration to go on from.
    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }

    /// What the topic is called in this cluster.
    pub(super) fn name(&self, topic: Topic) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// The group in which ingest workers share sources.
    pub(super) fn group(&self) -> String {
        format!("{}wanglou-ingest", self.prefix)
    }
}

/// What librdkafka tells beside its answers goes to our log. It repeats itself while a broker is away, and whoever waits for
/// that broker tells it too: so it speaks softly.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tell(level, facility, message);
    }

    fn error(&self, error: RdError, reason: &str) {
        tracing::debug!(%error, reason, "kafka");
    }

    fn stats(&self, _: Statistics) {}
}

pub(super) fn tell(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, message, "kafka");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::info!(facility, message, "kafka");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "kafka"),
    }
}

/// What an error means to whoever appends or reads.
pub(super) fn meaning(error: &RdError) -> LogError {
    let code = error.rdkafka_error_code();
    match code {
        Some(Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord) => {
            LogError::Refused(error.to_string())
        }
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed | Code::GroupAuthorizationFailed) => {
            LogError::Unavailable(format!("{error}: Kafka's ACLs do not let this user do it"))
        }
        Some(Code::PurgeQueue | Code::PurgeInflight) => {
            LogError::Unavailable("Kafka did not acknowledge in time".into())
        }
        _ => LogError::Unavailable(error.to_string()),
    }
}

/// One connection of several broke, or a leader changes: librdkafka goes on by itself.
pub(super) fn passes(error: &RdError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
                | Code::Resolve
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NotCoordinator
        )
    )
}
