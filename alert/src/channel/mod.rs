//! Channels: how a page reaches people, each by its own format and its own meaning of success.

mod webhook;

pub use webhook::Webhook;

use crate::{outbox::Failure, records::Page};
use jiff::Timestamp;
use schemas::kit::settings::{ChannelKind, Settings, secret};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The longest wait for an answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A channel.
pub enum Channel {
    /// JSON by HTTP POST.
    Webhook(Webhook),
}

impl Channel {
    /// Sends a page, and reads from the answer whether it was taken.
    ///
    /// # Errors
    /// Why it was not taken, for now or for good.
    pub async fn send(&self, page: &Page, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Webhook(webhook) => webhook.send(page, now).await,
        }
    }
}

/// The channels of a config by id.
///
/// # Errors
/// A secret that is not in the environment.
pub fn open(settings: &Settings, timeout: Duration) -> anyhow::Result<HashMap<String, Arc<Channel>>> {
    let mut channels = HashMap::new();
    for channel in settings.channel.iter().map(|channel| channel.get_ref()) {
        let key = match &channel.secret_env {
            Some(name) => Some(secret(name).ok_or_else(|| {
                anyhow::anyhow!(
                    "[[channel]] {:?}: the environment variable {name} (or {name}_FILE) is not set",
                    channel.id
                )
            })?),
            None => None,
        };
        let opened = match channel.kind {
            ChannelKind::Webhook => Channel::Webhook(Webhook::new(channel.url.clone(), key, timeout)?),
        };
        channels.insert(channel.id.clone(), Arc::new(opened));
    }
    Ok(channels)
}
