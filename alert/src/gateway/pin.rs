//! `PUT /api/session/pin`: one's own PIN, with which one signs from a group's link.
//!
//! | who asks | outcome |
//! |---|---|
//! | a program, by its token | 409: it has no PIN |
//! | a user whose password is wrong | 403, on the audit record, and throttled as a log-in is |
//! | a user, with a PIN that is none or too easy | 400 |
//! | a user otherwise | 204; the audit record says that it was set, not what it is |

use super::{
    Gateway, identity,
    outage::problem,
    peer,
    session::{entry, unreadable},
};
use crate::{
    engine::desk::random_key,
    password, pin,
    records::{RecordsError, repeat},
};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use schemas::kit::{auth::Caller, http::Problem, tokens::hash};
use serde::Deserialize;
use std::sync::{Arc, PoisonError};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPin {
    password: String,
    pin: String,
}

/// `PUT /api/session/pin`
pub(super) async fn set(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    head: Parts,
    body: Result<Json<NewPin>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(new) = body.map_err(|rejection| unreadable(&rejection))?;
    pin::check(&new.pin).map_err(|error| Problem::bad_request("pin", error.to_string()))?;
    let (records, now, peer) = (&gateway.desk.records, gateway.desk.now(), peer(&head));
    // Only a session is a person's.
    let session = identity::session(&head.headers).map(hash);
    let person = match session {
        Some(session) => records.session(&session, now).await.map_err(|error| problem(&error))?,
        None => None,
    };
    let user = match person {
        Some(person) if person.name == caller.name => {
            records.user(&person.name).await.map_err(|error| problem(&error))?
        }
        _ => None,
    };
    let user = user.ok_or_else(|| {
        Problem::conflict("no_user", "只有登录的用户才有 PIN / only people who log in have a PIN, programs have none")
    })?;
    let entered = gateway.throttle.lock().unwrap_or_else(PoisonError::into_inner).enter(&user.name, peer, now);
    if let Err(seconds) = entered {
        let message = "尝试次数过多, 请稍后再试 / too many tries: wait";
        return Err(Problem {
            retry_after: Some(seconds),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", message)
        });
    }
    let hashed = {
        let _turn = gateway.verifying.acquire().await.map_err(|error| Problem::internal(&error))?;
        let work = move || {
            let right = new.password.chars().count() <= password::LONGEST
                && password::verify(&new.password, Some(&user.password));
            right.then(|| password::hash(&new.pin)).transpose()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
    };
    let hashed = hashed.map_err(|error| Problem::internal(&error))?;
    let action = if hashed.is_some() { "pin_set" } else { "pin_refused" };
    let change = async || {
        let mut tx = records.begin().await?;
        if let Some(hashed) = &hashed {
            tx.set_pin(&caller.name, hashed, now).await?;
        }
        tx.audit(&random_key(), &entry(&caller.name, caller.role, action, peer, now)).await?;
        tx.commit().await
    };
    repeat(RecordsError::is_broken_off, change).await.map_err(|error| problem(&error))?;
    if hashed.is_none() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_password", "密码不对 / the password is wrong"));
    }
    gateway.throttle.lock().unwrap_or_else(PoisonError::into_inner).succeeded(&caller.name, peer);
    Ok(StatusCode::NO_CONTENT)
}
