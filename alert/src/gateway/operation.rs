//! `/healthz`, `/readyz` and `/metrics`: what machines that watch the watch ask for.

use super::{Gateway, identity};
use axum::{
    extract::{ConnectInfo, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use schemas::kit::{auth::MAY_WATCH, http::Problem, metrics};
use std::{net::SocketAddr, sync::Arc};

/// `GET /healthz`: the process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: every stage can do its work.
pub(super) async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    let missing: Vec<String> = gateway
        .ready
        .iter()
        .filter_map(|(stage, ready)| Some(format!("{stage}: {}\n", ready.check().err()?)))
        .collect();
    if missing.is_empty() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.concat()).into_response()
    }
}

/// `GET /metrics`: open to this machine, by token elsewhere.
pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>, head: Parts) -> Result<Response, Problem> {
    if !is_local(&head) {
        let caller = identity::find(&gateway, &head).await?;
        match caller {
            Some(caller) if MAY_WATCH.contains(&caller.role) => {}
            Some(_) => return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "your role does not allow this")),
            None => return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "send a bearer token")),
        }
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render()).into_response())
}

/// Whether the request comes from this machine itself, and not through a proxy on it.
fn is_local(head: &Parts) -> bool {
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let forwarded = ["forwarded", "x-forwarded-for"].iter().any(|name| head.headers.contains_key(*name));
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback()) && !forwarded
}
