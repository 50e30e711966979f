//! Across posts: counts, expectation, surprise, spikes, pulses.
//!
//! Must not know: how a post is understood or stored, and who is paged. It reads `posts.analyzed` from a position of its own and
//! writes `topics.pulse`.
//!
//! The way of a post:
//!
//! 1. [`worker`] reads it and hands it, with the time, to [`state`], which drops what it saw before.
//! 2. [`moment`] says at which second it counts, [`series`] counts it there, in its watch topics, in its category and category ×
//!    unit ([`fields`]), and in `all`.
//! 3. [`spike`] asks whether a rise begins. Windows from a minute to a day are judged against what [`baseline`] expects of them: a
//!    level, a [`rhythm`] by the hour of the week ([`calendar`]) drawn to that of the parent, a [`dispersion`] by the length of the
//!    window, and the part of it that can have come in by now ([`arrival`], from the sources' lags and their [`reports`]).
//!    [`surprise`] measures it; [`allowance`] draws the line where false pages are as seldom as the config asks. [`reach`] and
//!    [`mood`] are the other two triggers.
//! 4. At the tick, [`topic`] tells its pulse, with [`samples`] that differ and a [`forecast`]; [`worker`] appends it.
//! 5. Every few seconds [`snapshot`] keeps state and position in one file.
//!
//! Which topics there are, the config and people say ([`WatchTopics`]); a change holds from the next record on.
//!
//! [`gauge`] judges a series of counts that come without posts by the same series and surprise.
//!
//! [`official`] measures beside it how long people wait for an answer under official posts.
//!
//! [`api`] shows topics, [`curve`] their curves over the expected band, [`mod@hot`] the hot list, and [`mod@why`] answers why nobody was
//! paged.
//!
//! Limits: a topic costs memory by the steps in which it had posts, at most some 500 KiB when it has some in every one of them
//! (see [`series`]). One process counts everything. Learning a topic takes some tens of microseconds, once an hour, and once a
//! minute while old posts come in.

mod allowance;
mod api;
mod arrival;
mod baseline;
mod calendar;
mod curve;
mod directory;
mod dispersion;
mod emergent;
pub mod emerging;
mod fields;
mod forecast;
pub mod gauge;
mod hot;
mod moment;
mod mood;
mod official;
mod reach;
mod reports;
mod rhythm;
mod samples;
mod series;
#[cfg(test)]
mod simulated;
mod snapshot;
mod spike;
mod state;
mod steps;
mod surprise;
#[cfg(test)]
mod testing;
mod topic;
mod why;
mod worker;

pub use emergent::Emerged;
pub use state::{Begun, Config, Trend, WatchTopic};

/// The watch topics that stand; they change while the program runs.
pub type WatchTopics = tokio::sync::watch::Receiver<Arc<Vec<WatchTopic>>>;

use schemas::{
    kit::{
        service::{Ready, Service},
        settings::Settings,
        shutdown::Shutdown,
    },
    log::SharedLog,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use worker::Worker;

/// Copies the snapshot, and what was measured of official threads, into the folder `to`. Copy the log afterwards.
///
/// # Errors
/// When it cannot be read, or the copy not written.
pub fn backup(data_dir: &std::path::Path, to: &std::path::Path) -> anyhow::Result<()> {
    let snapshot = std::path::Path::new(FOLDER).join(SNAPSHOT);
    schemas::kit::backup::copy_if_there(&data_dir.join(&snapshot), &to.join(&snapshot))?;
    // It may know more than the snapshot's position says, never less: it comes second.
    let official = std::path::Path::new(FOLDER).join(OFFICIAL);
    schemas::kit::backup::copy_if_there(&data_dir.join(&official), &to.join(&official)).map(drop)
}

/// Where the snapshot is, under the data folder.
const FOLDER: &str = "trend";
const SNAPSHOT: &str = "snapshot";
const OFFICIAL: &str = "official";

/// Starts counting the topics of the config. The router has `/api/topics`, `/api/topics/hot`, `/api/topics/{id}/pulse` and `/api/official`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let (_, watched) = tokio::sync::watch::channel(Arc::new(Config::from(settings).watch));
    start_watching(settings, watched, log, shutdown).await
}

/// The same with topics that change while it runs.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start_watching(
    settings: &Settings,
    watched: WatchTopics,
    log: SharedLog,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let reader =
        reports::open(&*log).await.map_err(|error| anyhow::anyhow!("crawl.reports cannot be read: {error}"))?;
    let worker = Worker::open(settings, watched, log, shutdown.clone()).await?;
    let follower = tokio::spawn(reports::follow(reader, worker.shared(), shutdown));
    let router = api::router(worker.shared()).merge(official::router(worker.official()));
    let ended = Arc::new(AtomicBool::new(false));
    let ready = {
        let ended = Arc::clone(&ended);
        Ready::new(move || if ended.load(Ordering::Relaxed) { Err("trend has stopped".into()) } else { Ok(()) })
    };
    let task = tokio::spawn(async move {
        let outcome = worker.run().await;
        follower.abort();
        ended.store(true, Ordering::Relaxed);
        outcome
    });
    Ok(Service { name: "trend", router, ready, task })
}
