//! Ticks each second: whoever should have signed by now and has not is passed over. Every ten seconds the rosters are looked at.

use super::Desk;
use schemas::kit::{metrics, shutdown::Shutdown};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

const TICK: Duration = Duration::from_secs(1);
/// The rosters are looked at every so many ticks.
const ROSTERS: u32 = 10;

/// Ticks until the stage stops.
pub async fn run(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in (0..ROSTERS).cycle() {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = desk.escalate().await {
            tracing::error!(%error, "escalation is held up; trying again");
        }
        if tick == 0
            && let Err(error) = desk.watch_rosters().await
        {
            tracing::error!(%error, "what is to be told of the rosters is held up; trying again");
        }
        match desk.records.open_incidents().await {
            Ok(open) => metrics::ALERT_OPEN.set(open),
            Err(error) => tracing::warn!(%error, "open incidents cannot be counted"),
        }
        if let Err(error) = desk.count_source_alerts().await {
            tracing::warn!(%error, "open source alerts cannot be counted");
        }
    }
}
