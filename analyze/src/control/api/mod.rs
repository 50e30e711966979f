//! `/api/corrections`, `/api/watch` and `/api/words`: what people set, checked here, on the audit record before it is set.
//!
//! Whoever is answered that it is set can rely on it: posts that come from then on are matched and cut with it, and a correction is found
//! by searches after the archive's next commit.

mod corrections;
mod watch;
mod words;

use super::Controls;
use crate::{
    archive::Archive,
    audit::{append, entry},
    understand::Understanding,
};
use axum::{
    Json, Router,
    extract::rejection::JsonRejection,
    routing::{delete, get, post, put},
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, MAY_CONFIGURE, MAY_WATCH, guard},
        http::Problem,
    },
    log::SharedLog,
    records::{Control, ControlValue, Record},
};
use std::sync::Arc;

#[derive(Clone)]
struct Api {
    controls: Controls,
    archive: Arc<Archive>,
    log: SharedLog,
}

/// The part of the API by which people set what every stage sees.
pub(crate) fn router(controls: Controls, archive: Arc<Archive>, log: SharedLog) -> Router {
    let reads = |route| guard(MAY_WATCH, route);
    let sets = |route| guard(MAY_CONFIGURE, route);
    Router::new()
        .route("/api/corrections", reads(get(corrections::list)).merge(sets(post(corrections::correct))))
        .route("/api/corrections/{post}", sets(delete(corrections::take_back)))
        .route("/api/corrections/choices", reads(get(corrections::choices)))
        .route("/api/watch", reads(get(watch::list)).merge(sets(post(watch::add))))
        .route("/api/watch/{id}", sets(put(watch::change).delete(watch::remove)))
        .route("/api/words", reads(get(words::list)))
        .route("/api/words/{word}", sets(put(words::add).delete(words::remove)))
        .with_state(Api { controls, archive, log })
}

type Body<T> = Result<Json<T>, JsonRejection>;

fn read<T>(body: Body<T>) -> Result<T, Problem> {
    let shape = |rejection: JsonRejection| {
        let message =
            format!("请求内容不对 / the body is not what is wanted: {}; see /api/openapi.json", rejection.body_text());
        Problem::bad_request("bad_body", message)
    };
    body.map(|Json(read)| read).map_err(shape)
}

impl Api {
    fn understanding(&self) -> Arc<Understanding> {
        self.archive.understanding().get()
    }

    /// Puts what somebody sets on the audit record, and makes a record of it. Without the one there is not the other.
    async fn signed(
        &self,
        caller: Caller,
        action: &str,
        object: &str,
        value: ControlValue,
    ) -> Result<Control, Problem> {
        let detail = serde_json::to_string(&value).map_err(|error| Problem::internal(&error))?;
        let who = caller.name.clone();
        append(&self.log, &entry(caller, action, object, detail)).await.map_err(|error| {
            tracing::error!(%error, action, "it could not be put on the audit record: refused");
            Problem::unavailable("无法写入审计记录, 未作更改 / the audit record cannot be written: nothing was changed")
        })?;
        Ok(Control { v: Control::VERSION, at: Timestamp::now(), who, value })
    }
}
