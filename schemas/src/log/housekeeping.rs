//! Enforces retention while the log is open.

use super::{LogError, SharedLog};
use crate::kit::shutdown::Shutdown;
use std::time::Duration;

/// How often retention is enforced.
const EVERY: Duration = Duration::from_secs(60);

/// Enforces retention every minute until shutdown. A log that cannot forget now is tried again a minute later.
pub async fn housekeeping(log: SharedLog, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match log.retain(jiff::Timestamp::now()).await {
            Ok(()) => {}
            Err(LogError::Closed) => return,
            Err(error) => tracing::warn!(%error, "retention is behind; it is tried again in a minute"),
        }
    }
}
