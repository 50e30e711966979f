//! Channels: how a page reaches people, each by its own format and its own meaning of success.
//!
//! Each reads the page's body and writes it in its own form ([`note`]), with whatever was crawled made harmless and cut to what the
//! platform takes ([`fit`]). Each has the table of its answers in its module.

mod alertmanager;
mod dingtalk;
mod feishu;
mod fit;
mod gateway;
mod http;
mod mail;
mod note;
mod template;
mod webhook;
mod wecom;

pub use alertmanager::Alertmanager;
pub use dingtalk::DingTalk;
pub use feishu::Feishu;
pub use gateway::Gateway;
pub use mail::Mail;
pub use webhook::Webhook;
pub use wecom::Wecom;

use crate::{
    outbox::{Failure, Taken},
    records::Page,
};
use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use schemas::kit::settings::{self, ChannelKind, Fault, Settings};
use sha2::Sha256;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The longest wait for an answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Knows what the environment holds under a name: [`settings::secret`], but for tests.
pub type Secrets<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A channel.
pub enum Channel {
    /// JSON by HTTP POST.
    Webhook(Webhook),
    /// A group robot of WeCom.
    Wecom(Wecom),
    /// A custom robot of DingTalk.
    DingTalk(DingTalk),
    /// A custom robot of Feishu.
    Feishu(Feishu),
    /// E-mail.
    Mail(Box<Mail>),
    /// SMS or voice.
    Gateway(Box<Gateway>),
    /// Alertmanager.
    Alertmanager(Alertmanager),
}

impl Channel {
    /// Sends a page, and reads from the answer whether it was taken.
    ///
    /// # Errors
    /// Why it was not taken, for now or for good.
    pub async fn send(&self, page: &Page, now: Timestamp) -> Result<Taken, Failure> {
        match self {
            Self::Webhook(webhook) => webhook.send(page, now).await,
            Self::Wecom(robot) => robot.send(page).await,
            Self::DingTalk(robot) => robot.send(page, now).await,
            Self::Feishu(robot) => robot.send(page, now).await,
            Self::Mail(mail) => return mail.send(page).await,
            Self::Gateway(gateway) => gateway.send(page).await,
            Self::Alertmanager(alertmanager) => alertmanager.send(page).await,
        }
        .map(|()| Taken::default())
    }

    fn open(channel: &settings::Channel, secrets: Secrets, timeout: Duration) -> anyhow::Result<Self> {
        let known = |name: &str| {
            secrets(name).with_context(|| format!("the environment variable {name} (or {name}_FILE) is not set"))
        };
        let secret = channel.secret_env.as_deref().map(known).transpose()?;
        let url = match channel.url_env.as_deref() {
            None => channel.url.clone(),
            Some(name) => {
                let url = known(name)?;
                if let Some(fault) = channel.url_fault(&url) {
                    bail!("{name}: {fault}");
                }
                url
            }
        };
        Ok(match channel.kind {
            ChannelKind::Webhook => Self::Webhook(Webhook::new(url, secret, timeout)?),
            ChannelKind::Wecom => Self::Wecom(Wecom::new(url, timeout)?),
            ChannelKind::DingTalk => Self::DingTalk(DingTalk::new(&url, secret, timeout)?),
            ChannelKind::Feishu => Self::Feishu(Feishu::new(url, secret, timeout)?),
            ChannelKind::Mail => Self::Mail(Box::new(Mail::new(channel, &url, secret, timeout)?)),
            ChannelKind::Gateway => Self::Gateway(Box::new(Gateway::new(channel, &url, secrets, timeout)?)),
            ChannelKind::Alertmanager => {
                Self::Alertmanager(Alertmanager::new(&url, secret, channel.labels.clone(), timeout)?)
            }
        })
    }
}

/// The channels of a config by id.
///
/// # Errors
/// A secret that is not in the environment, or an address from there that is none.
pub fn open(settings: &Settings, secrets: Secrets, timeout: Duration) -> anyhow::Result<HashMap<String, Arc<Channel>>> {
    let mut channels = HashMap::new();
    for channel in settings.channel.iter().map(|channel| channel.get_ref()) {
        let opened = Channel::open(channel, secrets, timeout)
            .map_err(|error| anyhow::anyhow!("[[channel]] {:?}: {error:#}", channel.id))?;
        channels.insert(channel.id.clone(), Arc::new(opened));
    }
    Ok(channels)
}

/// Faults of the config's channels that only their own code can judge.
#[must_use]
pub fn faults(settings: &Settings) -> Vec<Fault> {
    let gateways = settings.channel.iter().filter(|channel| channel.get_ref().kind == ChannelKind::Gateway);
    gateways
        .filter_map(|channel| gateway::fault(channel.get_ref()).map(|(key, fault)| settings.fault(channel, key, fault)))
        .collect()
}

/// Secrets that channels need and the environment does not hold, as warnings: it may be another one where they run.
#[must_use]
pub fn missing(settings: &Settings, secrets: Secrets) -> Vec<Fault> {
    let mut missing = Vec::new();
    for table in &settings.channel {
        let channel = table.get_ref();
        let of_gateway = if channel.kind == ChannelKind::Gateway { gateway::variables(channel) } else { Vec::new() };
        let named = [("url_env", &channel.url_env), ("secret_env", &channel.secret_env)];
        let named = named.into_iter().filter_map(|(key, name)| Some((key, name.clone()?)));
        for (key, name) in named.chain(of_gateway.into_iter().map(|name| ("id", name))) {
            if secrets(&name).is_none() {
                let message = format!(
                    "warning: the environment variable {name} (or {name}_FILE) is not set here: without it wanglou will not start"
                );
                missing.push(settings.fault(table, key, message));
            }
        }
    }
    missing
}

/// A signature as the robots want it: base64 of an HMAC-SHA256.
fn sign(key: &[u8], message: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}
