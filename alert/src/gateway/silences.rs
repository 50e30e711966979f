//! `/api/silences`: what keeps pages back for a while. What may be is in [`crate::quiet::silence`].

use super::{Gateway, limit, outage, session::unreadable};
use crate::{
    engine::quiet::SilenceError,
    quiet::silence::{Scope, Silence, Wanted},
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::Level,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const USUAL: u32 = 100;

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
    Active,
    All,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    silences: Vec<Shown>,
}

/// A silence as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: String,
    topic: Option<String>,
    source: Option<String>,
    below: Option<Level>,
    up_to: Option<Level>,
    from: Timestamp,
    until: Timestamp,
    by: String,
    reason: String,
    red: bool,
    ended_at: Option<Timestamp>,
    ended_by: Option<String>,
    active: bool,
}

impl Shown {
    fn of(silence: Silence, now: Timestamp) -> Self {
        let active = silence.holds(now);
        let (topic, source, below, up_to) = match silence.scope {
            Scope::Topic { id, up_to } => (Some(id), None, None, up_to),
            Scope::Source(source) => (None, Some(source), None, None),
            Scope::Below(level) => (None, None, Some(level), None),
        };
        Self {
            id: silence.n.to_string(),
            topic,
            source,
            below,
            up_to,
            from: silence.from,
            until: silence.until,
            by: silence.by,
            reason: silence.reason,
            red: silence.red,
            ended_at: silence.ended_at,
            ended_by: silence.ended_by,
            active,
        }
    }
}

fn problem(error: &SilenceError) -> Problem {
    match error {
        SilenceError::Unknown => Problem::not_found(error.to_string()),
        SilenceError::Refused(refusal) => Problem::bad_request("silence", refusal.to_string()),
        SilenceError::Records(error) => outage::problem(error),
    }
}

/// `GET /api/silences`
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request("query", error.body_text()))?;
    let (most, only) = (limit(asked.limit, USUAL)?, asked.state == Which::Active);
    let (desk, now) = (&gateway.desk, gateway.desk.now());
    let silences = desk.records.silences(only, most).await.map_err(|error| outage::problem(&error))?;
    let shown = silences.into_iter().map(|silence| Shown::of(silence, now));
    Ok(Json(Answer { silences: shown.filter(|silence| silence.active || !only).collect() }))
}

/// `POST /api/silences`
pub(super) async fn set(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let Json(wanted) = wanted.map_err(|error| unreadable(&error))?;
    let silence = gateway.desk.silence(&wanted, &caller).await.map_err(|error| problem(&error))?;
    Ok((StatusCode::CREATED, Json(Shown::of(silence, gateway.desk.now()))))
}

/// `DELETE /api/silences/{id}`
pub(super) async fn end(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let n = id.parse().map_err(|_| problem(&SilenceError::Unknown))?;
    let silence = gateway.desk.end_silence(n, &caller).await.map_err(|error| problem(&error))?;
    Ok(Json(Shown::of(silence, gateway.desk.now())))
}
