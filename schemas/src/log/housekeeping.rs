//! Keeps house while the log is open: enforces retention, and looks after the disk when nobody appends.

use super::{LogError, SharedLog};
use crate::kit::shutdown::Shutdown;
use std::time::Duration;

/// How often the disk is looked at, so that the metrics tell the truth while nothing comes in.
const LOOK: Duration = Duration::from_secs(5);
/// Retention is enforced every so many looks.
const RETAIN_LOOKS: u32 = 12;

/// Keeps house until shutdown. A log that cannot forget now is tried again a minute later.
pub async fn housekeeping(log: SharedLog, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for look in 0_u32.. {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // It logs a change and sets the metrics; whoever appends is told by the append.
        let _ = log.takes_posts();
        if !look.is_multiple_of(RETAIN_LOOKS) {
            continue;
        }
        match log.retain(jiff::Timestamp::now()).await {
            Ok(()) => {}
            Err(LogError::Closed) => return,
            Err(error) => tracing::warn!(%error, "retention is behind; it is tried again in a minute"),
        }
    }
}
