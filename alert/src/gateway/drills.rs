//! `POST /api/drills`: a page is practised. What a drill is says [`crate::engine::drill`].

use super::{Gateway, outage, session::unreadable};
use crate::engine::drill::DrillError;
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::{Incident, Level},
};
use serde::Deserialize;
use std::sync::Arc;

/// A drill as it is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    level: Level,
    #[serde(default)]
    text: String,
}

/// `POST /api/drills`
pub(super) async fn begin(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Incident>), Problem> {
    let Json(wanted) = wanted.map_err(|error| unreadable(&error))?;
    let begun = gateway.desk.drill(wanted.level, &wanted.text, &caller).await.map_err(|error| match error {
        DrillError::Long => Problem::bad_request("text", error.to_string()),
        DrillError::Records(error) => outage::problem(&error),
    })?;
    Ok((StatusCode::CREATED, Json(begun)))
}
