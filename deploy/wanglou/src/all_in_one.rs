//! All stages in one process: one log, one address.

use alert::Upstreams;
use anyhow::{Context, Result};
use schemas::{
    kit::{backup, metrics, service::Service, settings::Settings, shutdown::Shutdown},
    log::{self, SharedLog, housekeeping},
};
use std::{future::Future, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// How long requests that are under way may take once the process is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Runs all stages until `shutdown`, or until one of them ends with an error. `up` runs once all are started and is given
/// the log and the address.
pub(crate) async fn run<Up, Running>(settings: &Settings, shutdown: Shutdown, up: Up) -> Result<()>
where
    Up: FnOnce(SharedLog, SocketAddr) -> Running,
    Running: Future<Output = Result<()>>,
{
    metrics::touch();
    backup::check_finished(&settings.data_dir)?;
    let log = log::open(settings).await?;
    let listener = TcpListener::bind(settings.http.listen)
        .await
        .with_context(|| format!("cannot listen on {} ([http] listen)", settings.http.listen))?;
    let address = listener.local_addr()?;

    let ingest = ingest::start(settings, log.clone(), shutdown.clone()).await.context("ingest cannot start")?;
    let analyze = analyze::start(settings, log.clone(), shutdown.clone()).await.context("analyze cannot start")?;
    let upstreams = Upstreams {
        ingest: ingest.router.clone(),
        analyze: analyze.router.clone(),
        ready: vec![(ingest.name, ingest.ready.clone()), (analyze.name, analyze.ready.clone())],
    };
    let alert = alert::start(settings, log.clone(), upstreams, shutdown.clone()).await.context("alert cannot start")?;
    let kept = tokio::spawn(housekeeping(log.clone(), shutdown.clone()));
    let served = tokio::spawn(serve(listener, alert.router.clone(), shutdown.clone()));
    tracing::info!(%address, "up");
    let up = up(log.clone(), address).await;
    if up.is_err() {
        shutdown.cancel();
    }

    // Each is waited for, whatever becomes of the others: a stop lets all of them finish what is under way.
    let (ingest, analyze, alert, served) =
        tokio::join!(until_end(ingest, &shutdown), until_end(analyze, &shutdown), until_end(alert, &shutdown), served,);
    shutdown.cancel();
    kept.await?;
    log.close().await;
    tracing::info!("stopped");
    up.and(ingest).and(analyze).and(alert).and(served?)
}

/// Waits until a stage ends; when one does, all stop.
async fn until_end(service: Service, shutdown: &Shutdown) -> Result<()> {
    let outcome = service
        .task
        .await
        .with_context(|| format!("{} broke off", service.name))
        .and_then(|ended| ended.with_context(|| format!("{} cannot go on", service.name)));
    if let Err(error) = &outcome {
        tracing::error!(stage = service.name, error = format!("{error:#}"), "a stage ended; stopping the others");
    }
    shutdown.cancel();
    outcome
}

async fn serve(listener: TcpListener, router: axum::Router, shutdown: Shutdown) -> Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stop = shutdown.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        served = server => served.context("the HTTP server ended"),
        () = async { shutdown.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!(seconds = GRACE.as_secs(), "some requests took too long to finish and are cut off");
            Ok(())
        }
    }
}
