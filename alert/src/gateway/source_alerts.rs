//! `GET /api/coverage/alerts`: alerts about sources that are not covered, and the event `source_alert` for each that begins or
//! ends.

use super::{Gateway, limit, outage};
use crate::upkeep::Alert;
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use jiff::{SignedDuration, Timestamp};
use schemas::kit::http::Problem;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, sync::Arc, time::Duration};

const USUAL: u32 = 100;
/// How often the records are asked. Whichever process is asked knows of alerts, also one that stands by.
const LOOK: Duration = Duration::from_secs(2);
/// How far back is looked: what a transaction wrote may show later than its time says.
const BACK: SignedDuration = SignedDuration::from_secs(60);
const MOST: u32 = 500;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    state: Which,
    limit: Option<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Open,
    All,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    alerts: Vec<Alert>,
}

/// `GET /api/coverage/alerts`
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request("query", error.body_text()))?;
    let most = limit(asked.limit, USUAL)?;
    let alerts = gateway
        .desk
        .records
        .source_alerts(asked.state == Which::Open, most)
        .await
        .map_err(|error| outage::problem(&error))?;
    Ok(Json(Answer { alerts }))
}

/// Tells of alerts as they begin and end, until the stage stops.
pub(super) async fn follow(gateway: &Gateway) {
    let mut told: HashSet<(String, bool)> = HashSet::new();
    let mut first = true;
    loop {
        let since = gateway.desk.now().saturating_sub(BACK).unwrap_or(Timestamp::MIN);
        match gateway.desk.records.source_alerts_since(since, MOST).await {
            Ok(alerts) => {
                let fresh: HashSet<_> =
                    alerts.iter().map(|alert| (alert.id.clone(), alert.resolved_at.is_some())).collect();
                for alert in &alerts {
                    // What was there when the first reader came, that one has read.
                    let is_known = first || told.contains(&(alert.id.clone(), alert.resolved_at.is_some()));
                    if !is_known && let Ok(data) = serde_json::to_string(alert) {
                        gateway.hub.tell("source_alert", data);
                    }
                }
                (told, first) = (fresh, false);
            }
            Err(error) => tracing::warn!(%error, "events of source alerts wait"),
        }
        tokio::select! {
            () = gateway.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
