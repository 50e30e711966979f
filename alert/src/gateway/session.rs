//! `/api/session`: log in, who is logged in, log out.

use super::{Gateway, identity, outage::problem, peer};
use crate::{
    audit,
    engine::desk::random_key,
    password,
    records::{RecordsError, repeat},
};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        http::Problem,
        tokens::hash,
    },
    records::AuditEntry,
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    name: String,
    password: String,
}

#[derive(Debug, Serialize)]
struct Session {
    name: String,
    role: Role,
    timezone: String,
    closes: String,
}

fn shown(gateway: &Gateway, caller: Caller) -> Json<Session> {
    let (timezone, closes) = (gateway.timezone.clone(), gateway.closes.clone());
    Json(Session { name: caller.name, role: caller.role, timezone, closes })
}

/// `GET /api/session`
pub(super) async fn who(State(gateway): State<Arc<Gateway>>, caller: Caller) -> Response {
    shown(&gateway, caller).into_response()
}

/// `POST /api/session`
pub(super) async fn log_in(
    State(gateway): State<Arc<Gateway>>,
    head: Parts,
    body: Result<Json<Login>, JsonRejection>,
) -> Result<Response, Problem> {
    let peer = peer(&head);
    // Another site must not log somebody in under a name of its own choice either.
    if head.headers.contains_key("sec-fetch-site") || head.headers.contains_key(header::ORIGIN) {
        identity::same_site(&head)?;
    }
    let Json(login) = body.map_err(|rejection| unreadable(&rejection))?;
    let now = gateway.desk.now();
    let entered =
        gateway.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).enter(&login.name, peer, now);
    if let Err(seconds) = entered {
        let message = "尝试次数过多, 请稍后再试 / too many tries: wait";
        return Err(Problem {
            retry_after: Some(seconds),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", message)
        });
    }
    let caller = verify(&gateway, login, peer, now).await?;
    gateway.throttle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).succeeded(&caller.name, peer);
    let session = format!("{}{}", random_key(), random_key());
    repeat(RecordsError::is_broken_off, || begin(&gateway, &session, &caller, peer, now))
        .await
        .map_err(|error| problem(&error))?;
    let cookie = cookie(&gateway, &session, gateway.session.as_secs());
    Ok(([(header::SET_COOKIE, cookie)], shown(&gateway, caller)).into_response())
}

/// `DELETE /api/session`
pub(super) async fn log_out(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(session) = identity::session(&headers) {
        let end = async || {
            let mut tx = gateway.desk.records.begin().await?;
            tx.end_session(&hash(session)).await?;
            tx.commit().await
        };
        repeat(RecordsError::is_broken_off, end).await.map_err(|error| problem(&error))?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&gateway, "", 0))]).into_response())
}

async fn verify(gateway: &Gateway, login: Login, peer: Option<IpAddr>, now: Timestamp) -> Result<Caller, Problem> {
    let user = gateway.desk.records.user(&login.name).await.map_err(|error| problem(&error))?;
    // A few at a time: each takes a core and 19 MiB.
    let _turn = gateway.verifying.acquire().await.map_err(|error| Problem::internal(&error))?;
    let stored = user.as_ref().map(|user| user.password.clone());
    let given = login.password;
    let right = given.chars().count() <= password::LONGEST
        && tokio::task::spawn_blocking(move || password::verify(&given, stored.as_deref()))
            .await
            .map_err(|error| Problem::internal(&error))?;
    match user {
        Some(user) if right => Ok(Caller { name: user.name, role: user.role }),
        user => {
            let role = user.map_or(Role::Viewer, |user| user.role);
            let name = crate::message::clean(&login.name, 64);
            let noted = async {
                let mut tx = gateway.desk.records.begin().await?;
                tx.audit(&random_key(), &entry(&name, role, "login_failed", peer, now)).await?;
                tx.commit().await
            };
            noted.await.map_err(|error: RecordsError| problem(&error))?;
            let message = "用户名或密码不对 / wrong name or password";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_password", message))
        }
    }
}

async fn begin(
    gateway: &Gateway,
    session: &str,
    caller: &Caller,
    peer: Option<IpAddr>,
    now: Timestamp,
) -> Result<(), RecordsError> {
    let until = now.checked_add(SignedDuration::try_from(gateway.session).unwrap_or(SignedDuration::MAX));
    let mut tx = gateway.desk.records.begin().await?;
    tx.add_session(&hash(session), &caller.name, until.unwrap_or(Timestamp::MAX), now).await?;
    tx.audit(&random_key(), &entry(&caller.name, caller.role, "login", peer, now)).await?;
    tx.commit().await
}

pub(super) fn entry(name: &str, role: Role, action: &str, peer: Option<IpAddr>, at: Timestamp) -> AuditEntry {
    let detail = peer.map(|peer| peer.to_string()).unwrap_or_default();
    audit::entry(&Caller { name: name.to_owned(), role }, action, "", &detail, at)
}

fn cookie(gateway: &Gateway, value: &str, seconds: u64) -> HeaderValue {
    let secure = if gateway.secure { "; Secure" } else { "" };
    let name = identity::COOKIE;
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// A body that is not what the API describes.
pub(super) fn unreadable(rejection: &JsonRejection) -> Problem {
    let (status, code) = match rejection.status() {
        status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => (status, "not_json"),
        status @ StatusCode::PAYLOAD_TOO_LARGE => (status, "too_large"),
        _ => (StatusCode::BAD_REQUEST, "malformed"),
    };
    Problem::new(status, code, rejection.body_text())
}
