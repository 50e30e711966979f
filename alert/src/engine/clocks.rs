//! Ticks each second: whoever should have signed by now and has not is passed over.

use super::Desk;
use schemas::kit::{metrics, shutdown::Shutdown};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::MissedTickBehavior;

const TICK: Duration = Duration::from_secs(1);

/// Ticks until the stage stops.
pub async fn run(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let escalated = desk.escalate().await;
        if let Err(error) = &escalated {
            tracing::error!(%error, "escalation is held up; trying again");
        }
        desk.usable.store(escalated.is_ok(), Ordering::Relaxed);
        match desk.records.open_incidents().await {
            Ok(open) => metrics::ALERT_OPEN.set(open),
            Err(error) => tracing::warn!(%error, "open incidents cannot be counted"),
        }
    }
}
