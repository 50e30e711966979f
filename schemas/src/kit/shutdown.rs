//! A stop that loses nothing: one token that all tasks watch, set by SIGINT or SIGTERM.

pub use tokio_util::sync::CancellationToken as Shutdown;

/// A token that is cancelled by SIGINT or SIGTERM. A second signal ends the process at once.
///
/// # Errors
/// When the operating system refuses signal handlers.
pub fn on_signal() -> std::io::Result<Shutdown> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let shutdown = Shutdown::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        for times in 0.. {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            if times > 0 {
                tracing::warn!(
                    signal = name,
                    "a second signal: stopping at once; what is not acknowledged will come again"
                );
                std::process::exit(130);
            }
            tracing::info!(signal = name, "stopping: finishing what is under way");
            token.cancel();
        }
    });
    Ok(shutdown)
}
