//! Sources and crawler workers: public posts and comments into `posts.raw`, and a report of every visit.
//!
//! Must not know: what a post means, what is searched or who is paged. It writes `posts.raw`, `posts.rejected` and
//! `crawl.reports`, and imports nothing of the other stages.

mod backup;
mod charset;
mod coverage;
mod crawl;
mod door;
mod import;
mod lately;
mod privacy;
mod seen;
mod source;
mod tail;
mod times;
mod web;

pub use backup::backup;
pub use door::{Accepted, Door, MAX_LISTED, Refused};
pub use import::{ImportError, import, import_lines};
pub use source::trial;

use anyhow::Context;
use coverage::Coverage;
use crawl::Crawl;
use schemas::{
    kit::{
        service::{Ready, Service},
        settings::{Fault, Settings},
        shutdown::Shutdown,
    },
    log::{SharedLog, Topic},
};
use std::sync::Arc;
use tokio::sync::Semaphore;
use web::fetch::Fetcher;

/// Faults of the config that only this stage can judge: selectors, regular expressions, encodings, time formats.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Fault> {
    source::sites(settings).err().unwrap_or_default()
}

/// Starts the stage: opens the door, and visits the sources until shutdown. Its router has `POST /api/posts` and
/// `GET /api/coverage`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let sites = source::sites(settings).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the sources of the config have faults:\n{}", faults.join("\n"))
    })?;
    let door = Door::open(settings, log.clone()).await?;
    let lock = crawl::lock(&settings.data_dir)?;
    let (coverage, reports) = Coverage::open(settings, &log).await.context("reading back crawl.reports")?;
    let router = door::http::router(door.clone()).merge(coverage::router(coverage.clone(), door.clone()));
    let identity = log.describe(Topic::PostsRaw).await.context("posts.raw")?.identity;
    let ready = {
        let log = log.clone();
        Ready::new(move || log.takes_posts().map_err(|error| format!("no posts are taken: {error}")))
    };
    let crawl = Arc::new(Crawl {
        log,
        door: door.clone(),
        coverage: coverage.clone(),
        fetcher: Fetcher::new(&settings.crawl).context("the HTTP client")?,
        identity,
        data_dir: settings.data_dir.clone(),
        visits: Semaphore::new(settings.crawl.workers),
        _lock: lock,
    });
    let task = tokio::spawn(async move {
        let following = async { tokio::join!(coverage.follow(reports), door.follow()) };
        tokio::select! {
            ended = crawl::run(crawl, sites, shutdown.clone()) => ended,
            // They end when the log is closed, and then there is nothing to do but to stop.
            _ = following => {
                shutdown.cancelled().await;
                Ok(())
            }
        }
    });
    Ok(Service { name: "ingest", router, ready, task })
}
