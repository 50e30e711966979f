//! A process that serves stages: one log, one address, and a stop that lets everything finish. Which stages it has is
//! the caller's: all of them ([`crate::all_in_one`]) or one ([`crate::apart`]).

use anyhow::{Context, Result};
use schemas::{
    kit::{backup, metrics, service::Service, settings::Settings, shutdown::Shutdown},
    log::{self, SharedLog, housekeeping},
};
use std::{future::Future, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// How long requests that are under way may take once the process is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The stages of a process, started, and the router that is served for them.
pub(crate) struct Started {
    pub(crate) services: Vec<Service>,
    pub(crate) router: axum::Router,
}

/// Runs what `start` starts until `shutdown`, or until one of the stages ends with an error. `up` runs once all are started
/// and is given the log and the address.
pub(crate) async fn run<Up, Running>(
    settings: &Settings,
    shutdown: Shutdown,
    start: impl AsyncFnOnce(&SharedLog, &Shutdown) -> Result<Started>,
    up: Up,
) -> Result<()>
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

    let Started { services, router } = start(&log, &shutdown).await?;
    let kept = tokio::spawn(housekeeping(log.clone(), shutdown.clone()));
    let served = tokio::spawn(serve(listener, router, shutdown.clone()));
    tracing::info!(%address, "up");
    let up = up(log.clone(), address).await;
    if up.is_err() {
        shutdown.cancel();
    }

    // Each is waited for, whatever becomes of the others: a stop lets all of them finish what is under way.
    let ending = futures::future::join_all(services.into_iter().map(|service| until_end(service, &shutdown)));
    let (ended, served) = tokio::join!(ending, served);
    shutdown.cancel();
    kept.await?;
    log.close().await;
    tracing::info!("stopped");
    ended.into_iter().fold(up, Result::and).and(served?)
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
