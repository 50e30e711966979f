//! Policy, incidents, duty roster, escalation, channels, and the gateway with the console.
//!
//! Must not know: how posts are fetched, segmented or indexed. It reads `topics.pulse`, `crawl.reports`, `posts.rejected` and
//! `audit`, writes `incidents`, `control` and `audit`, and imports nothing of the other stages: their APIs come to the
//! gateway as routers ([`Upstreams`]).

use axum::Router;
use schemas::{
    kit::{
        service::Service,
        settings::{Fault, Settings},
        shutdown::Shutdown,
    },
    log::SharedLog,
};

/// The other stages' parts of the API: their own routers when they run in this process, proxies when they run apart. The
/// gateway authenticates, puts the caller into the request, and passes it on.
pub struct Upstreams {
    /// `POST /api/posts`, `GET /api/coverage`.
    pub ingest: Router,
    /// `GET /api/search`, `GET /api/topics…`.
    pub analyze: Router,
}

/// Faults of the config that only this stage can judge.
#[must_use]
pub fn check(_settings: &Settings) -> Vec<Fault> {
    Vec::new()
}

/// Starts the stage. Its router is the whole gateway: the console at `/` and everything under `/api/`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(
    _settings: &Settings,
    _log: SharedLog,
    _upstreams: Upstreams,
    _shutdown: Shutdown,
) -> anyhow::Result<Service> {
    anyhow::bail!("not built yet")
}
