//! `/readyz` and `/metrics` of the gateway: what every process answers, with the gateway's own way to find out who calls.

use super::{Gateway, identity};
use axum::{extract::State, http::request::Parts, response::Response};
use schemas::kit::{http::Problem, operation};
use std::sync::Arc;

/// `GET /readyz`
pub(super) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    operation::ready(&gateway.ready)
}

/// `GET /metrics`
pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>, head: Parts) -> Result<Response, Problem> {
    operation::metrics(&head, identity::find(&gateway, &head)).await
}
