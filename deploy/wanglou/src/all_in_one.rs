//! All stages in one process: they meet on its log, and the gateway has their routers themselves. `[http.upstream]` has no
//! meaning here.

use crate::process::{self, Started};
use alert::Upstreams;
use anyhow::{Context, Result};
use schemas::{
    kit::{settings::Settings, shutdown::Shutdown},
    log::SharedLog,
};
use std::{future::Future, net::SocketAddr};

/// Runs all stages until `shutdown`, or until one of them ends with an error. `up` runs once all are started and is given
/// the log and the address.
pub(crate) async fn run<Up, Running>(settings: &Settings, shutdown: Shutdown, up: Up) -> Result<()>
where
    Up: FnOnce(SharedLog, SocketAddr) -> Running,
    Running: Future<Output = Result<()>>,
{
    process::run(settings, shutdown, async |log, shutdown| start(settings, log, shutdown).await, up).await
}

async fn start(settings: &Settings, log: &SharedLog, shutdown: &Shutdown) -> Result<Started> {
    let ingest = ingest::start(settings, log.clone(), shutdown.clone()).await.context("ingest cannot start")?;
    let analyze = analyze::start(settings, log.clone(), shutdown.clone()).await.context("analyze cannot start")?;
    let upstreams = Upstreams {
        ingest: ingest.router.clone(),
        analyze: analyze.router.clone(),
        ready: vec![(ingest.name, ingest.ready.clone()), (analyze.name, analyze.ready.clone())],
    };
    let alert = alert::start(settings, log.clone(), upstreams, shutdown.clone()).await.context("alert cannot start")?;
    let router = alert.router.clone();
    Ok(Started { services: vec![ingest, analyze, alert], router })
}
