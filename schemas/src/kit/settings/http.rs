//! `[http]`: the address that is served, and who may call.

use super::KeyFault;
use crate::kit::auth::Role;
use serde::Deserialize;
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

/// `[http.upstream]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// The base address of ingest.
    pub ingest: Option<String>,
    /// The base address of analyze.
    pub analyze: Option<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            session: Duration::from_secs(12 * 3600),
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
        for token in &self.token {
            if token.name.is_empty() || token.env.is_empty() {
                faults.push(("token", "name and env must not be empty".into()));
            }
        }
        faults
    }
}
