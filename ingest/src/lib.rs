//! Sources and crawler workers: public posts and comments into `posts.raw`, and a report of every visit.
//!
//! Must not know: what a post means, what is searched or who is paged. It writes `posts.raw`, `posts.rejected` and
//! `crawl.reports`, and imports nothing of the other stages.

use schemas::{
    kit::{
        service::Service,
        settings::{Fault, Settings},
        shutdown::Shutdown,
    },
    log::SharedLog,
};

/// Faults of the config that only this stage can judge.
#[must_use]
pub fn check(_settings: &Settings) -> Vec<Fault> {
    Vec::new()
}

/// Starts the stage. Its router has `POST /api/posts` and `GET /api/coverage`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(_settings: &Settings, _log: SharedLog, _shutdown: Shutdown) -> anyhow::Result<Service> {
    anyhow::bail!("not built yet")
}
