//! Sources and crawler workers: public posts and comments into `posts.raw`, and a report of every visit.
//!
//! Must not know: what a post means, what is searched or who is paged. It writes `posts.raw`, `posts.rejected` and
//! `crawl.reports`, and imports nothing of the other stages.

mod coverage;
mod door;
mod import;
mod lately;
mod privacy;
mod seen;
mod tail;

pub use door::{Accepted, Door, MAX_LISTED, Refused};
pub use import::{ImportError, import, import_lines};

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
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let door = Door::open(settings, log.clone()).await?;
    let coverage = coverage::Coverage::open(settings, &log).await?;
    let router = door::http::router(door.clone()).merge(coverage::router(coverage, door));
    let task = tokio::spawn(async move {
        shutdown.cancelled().await;
        Ok(())
    });
    Ok(Service { name: "ingest", router, ready: schemas::kit::service::Ready::new(|| Ok(())), task })
}
