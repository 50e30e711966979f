//! `GET /api/official`: each unit with an official voice: what people said to it, and how long they waited for an answer.

use super::{
    Official,
    measure::{UnitState, units},
};
use axum::{Json, Router, extract::State, routing::get};
use jiff::Timestamp;
use schemas::kit::auth::{MAY_WATCH, guard};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The threads, shared by the worker that takes posts and the handler that looks.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Shared(Arc<Mutex<Official>>);

impl Shared {
    pub(in super::super) fn new(official: Official) -> Self {
        Self(Arc::new(Mutex::new(official)))
    }

    /// Never held across an await.
    pub(in super::super) fn lock(&self) -> MutexGuard<'_, Official> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Answer {
    at: Timestamp,
    units: Vec<UnitState>,
}

pub(in super::super) fn router(official: Shared) -> Router {
    Router::new().route("/api/official", guard(MAY_WATCH, get(show))).with_state(official)
}

async fn show(State(official): State<Shared>) -> Json<Answer> {
    let at = Timestamp::now();
    Json(Answer { at, units: units(&official.lock(), at.as_second()) })
}
