//! `[http]`: the address that is served, and who may call.

use super::KeyFault;
use crate::kit::auth::Role;
use serde::{Deserialize, Deserializer};
use std::{net::SocketAddr, time::Duration};

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// What links in messages begin with.
    pub public_url: Option<String>,
    /// How long a log-in lasts.
    #[serde(with = "super::log::duration")]
    pub session: Duration,
    /// How long a link that signs, as messages carry it, can be opened: five minutes to thirty days.
    #[serde(with = "super::log::duration")]
    pub sign_link: Duration,
    /// API tokens for programs.
    pub token: Vec<Token>,
    /// Where the other services are, when they run apart.
    pub upstream: Upstream,
}

/// `[[http.token]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The name that the audit record shows.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The environment variable that holds the value (or, with `_FILE` appended, a file's path).
    pub env: String,
}

/// `[http.upstream]`: where the gateway finds the other services when they run apart. All in one needs none of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// The base address of ingest; a list where several workers run, of which the first that answers is asked.
    #[serde(deserialize_with = "one_or_more")]
    pub ingest: Vec<String>,
    /// The base address of analyze.
    pub analyze: Option<String>,
}

impl Upstream {
    /// Whether any of it is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ingest.is_empty() && self.analyze.is_none()
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an address or a list of addresses is wanted: \"http://host:port\"")]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(address) => vec![address],
        OneOrMore::More(addresses) => addresses,
    })
}

/// Whether a text is the base address of a service: http or https, a host, and nothing behind it.
fn is_base(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            session: Duration::from_secs(12 * 3600),
            sign_link: Duration::from_secs(24 * 3600),
            token: Vec::new(),
            upstream: Upstream::default(),
        }
    }
}

impl Http {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        let address = |url: &str| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if let Some(url) = &self.public_url
            && !address(url)
        {
            faults.push(("public_url", format!("{url:?} is no http or https address")));
        }
        let (shortest, longest) = (Duration::from_secs(5 * 60), Duration::from_secs(30 * 24 * 3600));
        if !(shortest..=longest).contains(&self.sign_link) {
            let message =
                "a link in a message must open for 5 minutes at least and for 30 days at most: \"24h\" is usual";
            faults.push(("sign_link", message.into()));
        }
        for token in &self.token {
            if token.name.is_empty() || token.env.is_empty() {
                faults.push(("token", "name and env must not be empty".into()));
            }
        }
        faults
    }
}

impl Upstream {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let fault = |key, address: &String| {
            let message =
                format!("{address:?} is no base address of a service, such as \"http://ingest.internal:8081\"");
            (!is_base(address)).then_some((key, message))
        };
        let mut faults: Vec<KeyFault> = self.ingest.iter().filter_map(|address| fault("ingest", address)).collect();
        faults.extend(self.analyze.iter().filter_map(|address| fault("analyze", address)));
        faults
    }
}
