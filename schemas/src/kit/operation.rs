//! `/healthz`, `/readyz` and `/metrics`: what machines that watch the watch ask for, of every process alike.

use super::{
    auth::{Caller, MAY_WATCH},
    http::Problem,
    metrics,
    service::Ready,
};
use axum::{
    extract::ConnectInfo,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use std::net::SocketAddr;

/// `GET /healthz`: the process answers.
pub async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: whether what runs in this process can do its work. What it works with elsewhere ([`Ready::elsewhere`]) is
/// told in the same answer, and makes it no less ready: two gateways must not both be taken out because ingest is away.
#[must_use]
pub fn ready(stages: &[(&'static str, Ready)]) -> Response {
    let mut status = StatusCode::OK;
    let mut told = String::new();
    for (stage, ready) in stages {
        if let Err(missing) = ready.check() {
            told.push_str(&format!("{stage}: {missing}\n"));
            if ready.is_own() {
                status = StatusCode::SERVICE_UNAVAILABLE;
            }
        }
    }
    if status == StatusCode::OK {
        told.insert_str(0, "ok\n");
    }
    (status, told).into_response()
}

/// `GET /metrics`: open to this machine, by token elsewhere. `caller` finds out who calls, and is asked only where that
/// matters.
///
/// # Errors
/// When the caller may not see them.
pub async fn metrics(
    head: &Parts,
    caller: impl Future<Output = Result<Option<Caller>, Problem>>,
) -> Result<Response, Problem> {
    if !is_local(head) {
        match caller.await? {
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
