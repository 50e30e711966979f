//! Who calls: a bearer token or a session, and whether a browser may have been tricked into it.
//!
//! | request | outcome |
//! |---|---|
//! | a bearer token that is known | its caller |
//! | a bearer token that is not known | 401, whatever cookie came along |
//! | a session that has not ended, safe method | its caller |
//! | a session, other method, of this site, JSON or no body | its caller |
//! | a session, other method, of another site or of none that the browser names | 403: CSRF |
//! | a session, other method, a body that is not JSON | 415: forms of other sites can't send JSON |
//! | neither, an open path | goes on without a caller |
//! | neither, any other path | 401, whether there is such a path or not |
//!
//! Whatever a request says of itself in `X-Wanglou-*` headers is taken out: only the gateway speaks of identity.

use super::{Gateway, outage::problem};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use schemas::kit::{apart::strip, auth::Caller, http::Problem, tokens::hash};
use std::sync::Arc;

/// The cookie's name.
pub(super) const COOKIE: &str = "wanglou_session";

/// Middleware of everything under `/api`.
pub(super) async fn identify(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    strip(&mut head.headers);
    match find(&gateway, &head).await {
        Ok(Some(caller)) => {
            head.extensions.insert(caller);
        }
        Ok(None) if is_open(&head.method, head.uri.path()) => {}
        Ok(None) => return unauthenticated().into_response(),
        Err(problem) => return problem.into_response(),
    }
    next.run(Request::from_parts(head, body)).await
}

/// What needs no caller.
fn is_open(method: &Method, path: &str) -> bool {
    matches!((method, path), (&Method::POST, "/api/session") | (&Method::GET | &Method::HEAD, "/api/openapi.json"))
}

/// Who calls, if anybody says so.
pub(super) async fn find(gateway: &Gateway, head: &Parts) -> Result<Option<Caller>, Problem> {
    let headers = &head.headers;
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return gateway.tokens.bearer(value).map(Some).ok_or_else(unauthenticated);
    }
    let Some(session) = session(headers) else { return Ok(None) };
    let records = &gateway.desk.records;
    let found = records.session(&hash(session), gateway.desk.now()).await.map_err(|error| problem(&error))?;
    if found.is_some() && !is_open(&head.method, head.uri.path()) {
        same_site(head)?;
    }
    Ok(found)
}

/// The session that a request brings.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// Refuses what another site may have made a browser send.
pub(super) fn same_site(head: &Parts) -> Result<(), Problem> {
    if matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let headers = &head.headers;
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let own = match text(header::HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text(header::ORIGIN).zip(text(header::HOST)).is_some_and(|(origin, host)| {
            origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host))
        }),
    };
    if !own {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "请求不是从本站发出的 / this request does not come from this site",
        ));
    }
    let has_body = headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
        || headers.contains_key(header::TRANSFER_ENCODING);
    if has_body && !text(header::CONTENT_TYPE).is_some_and(is_json) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "the body must be application/json"));
    }
    Ok(())
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn unauthenticated() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "请先登录 / log in, or send a bearer token")
}
