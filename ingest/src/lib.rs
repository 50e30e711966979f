//! Sources and crawler workers: public posts and comments into `posts.raw`, and a report of every visit.
//!
//! Must not know: what a post means, what is searched or who is paged. It writes `posts.raw`, `posts.rejected` and
//! `crawl.reports`, and imports nothing of the other stages.

mod backup;
mod charset;
mod cores;
mod coverage;
mod crawl;
mod door;
mod files;
#[cfg(test)]
mod fuzz;
mod import;
mod lately;
mod privacy;
mod seen;
mod source;
mod store;
mod tail;
mod times;
mod web;

pub use backup::backup;
pub use door::{Accepted, Door, Gone, MAX_LISTED, Refused};
pub use import::{ImportError, import, import_lines};
pub use source::trial;
pub use store::SeenMemory;

use anyhow::Context;
use coverage::Coverage;
use crawl::Crawl;
use files::Files;
use schemas::{
    kit::{
        service::{Ready, Service},
        settings::{Fault, Settings},
        shutdown::Shutdown,
    },
    log::{SharedLog, Topic},
};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::Semaphore;
use web::fetch::Fetcher;

/// Faults of the config that only this stage can judge: selectors, regular expressions, encodings, time formats.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Fault> {
    let mut faults = source::sites(settings).err().unwrap_or_default();
    faults.extend(files::folders(settings).err().unwrap_or_default());
    faults
}

/// Starts the stage: opens the door, and visits the sources until shutdown. Its router has `POST /api/posts` and
/// `GET /api/coverage`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let faulty = |faults: Vec<Fault>| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the sources of the config have faults:\n{}", faults.join("\n"))
    };
    let sites = source::sites(settings).map_err(faulty)?;
    let folders = files::folders(settings).map_err(faulty)?;
    let door = Door::open(settings, log.clone()).await?;
    anyhow::ensure!(
        door.store().is_kept(),
        "the memory of ingest in {} belongs to another running process: give each ingest worker a data_dir of its own",
        settings.data_dir.display()
    );
    store::remove_outdated(&settings.data_dir);
    {
        let (store, ids) = (door.store().clone(), sites.iter().map(|site| site.id.clone()).collect::<HashSet<_>>());
        let forgotten = tokio::task::spawn_blocking(move || store.forget_others(|source| ids.contains(source))).await?;
        if let Err(error) = forgotten {
            tracing::warn!(
                error = format!("{error:#}"),
                "sources that are no more cannot be forgotten; the next start tries again"
            );
        }
    }
    let (coverage, reports) = Coverage::open(settings, &log).await.context("reading back crawl.reports")?;
    let router = door::http::router(door.clone()).merge(coverage::router(coverage.clone(), door.clone()));
    let ready = {
        let log = log.clone();
        Ready::new(move || log.takes_posts().map_err(|error| format!("no posts are taken: {error}")))
    };
    let watched = Arc::new(Files {
        log: log.clone(),
        door: door.clone(),
        coverage: coverage.clone(),
        identity: log.describe(Topic::PostsRaw).await.context("posts.raw")?.identity,
        data_dir: settings.data_dir.clone(),
    });
    let crawl = Arc::new(Crawl {
        log,
        door: door.clone(),
        coverage: coverage.clone(),
        fetcher: Fetcher::new(&settings.crawl).context("the HTTP client")?,
        visits: Semaphore::new(settings.crawl.workers),
    });
    let task = tokio::spawn(async move {
        let following = async { tokio::join!(coverage.follow(reports), door.follow()) };
        let ended = tokio::select! {
            ended = crawl::run(crawl, sites, shutdown.clone()) => ended,
            ended = files::run(watched, folders, shutdown.clone()) => ended,
            // They end when the log is closed, and then there is nothing to do but to stop.
            _ = following => {
                shutdown.cancelled().await;
                Ok(())
            }
            never = coverage.keep() => match never {},
        };
        coverage.save().await;
        ended
    });
    Ok(Service { name: "ingest", router, ready, task })
}
