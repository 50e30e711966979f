//! `POST /api/posts`: the door for programs.
//!
//! A body is read as a whole before its first line is: when it breaks off, all of it is refused and nothing is taken, so
//! that a program that was cut off simply hands it in again. Bodies under way share a budget of memory; when it is used up,
//! or the log cannot take posts, the answer is 503 with `Retry-After`.

use super::{Accepted, Door};
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use schemas::{
    kit::{
        auth::{self, MAY_PUSH},
        http::Problem,
    },
    log::LogError,
    records::Via,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body.
const MAX_BODY_BYTES: usize = 64 << 20;
/// What all bodies under way may hold together.
const MAX_HELD_BYTES: usize = 256 << 20;
/// The longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);
/// The budget is counted in pieces of this many bytes.
const PIECE: usize = 64 << 10;

#[derive(Clone)]
struct Push {
    door: Door,
    budget: Arc<Semaphore>,
}

/// `POST /api/posts`.
pub(crate) fn router(door: Door) -> Router {
    let state = Push { door, budget: Arc::new(Semaphore::new(MAX_HELD_BYTES / PIECE)) };
    Router::new().route("/api/posts", auth::guard(MAY_PUSH, post(push))).with_state(state)
}

async fn push(State(Push { door, budget }): State<Push>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "encoding",
            "Content-Encoding is not taken: send plain NDJSON",
        ));
    }
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let (body, _held) = collect(body, stated.unwrap_or(0) as usize, &budget).await?;
    let accepted = door.take_lines(body, Via::Push).await.map_err(|error| not_taken(&error))?;
    Ok((StatusCode::ACCEPTED, Json::<Accepted>(accepted)).into_response())
}

/// The whole body, and the share of the budget that it holds.
async fn collect(
    body: Body,
    stated: usize,
    budget: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
    let mut stream = body.into_data_stream();
    let mut collected = BytesMut::with_capacity(stated.min(PIECE));
    let mut held: Option<OwnedSemaphorePermit> = None;
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next()).await.map_err(|_| {
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                format!("nothing came for {} seconds; nothing was taken: send it again", SILENCE.as_secs()),
            )
        })?;
        let Some(piece) = next else { break };
        let piece = piece
            .map_err(|_| Problem::bad_request("broken_off", "the body broke off; nothing was taken: send it again"))?;
        if collected.len() + piece.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        collected.extend_from_slice(&piece);
        let wanted = collected.len().div_ceil(PIECE);
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if wanted > has {
            // Never waits: two bodies that wait for one another would wait for ever.
            let more = budget.clone().try_acquire_many_owned((wanted - has) as u32).map_err(|_| {
                Problem::unavailable("too much is being handed in at once; nothing was taken: send it again")
            })?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
    }
    Ok((collected.freeze(), held))
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("the body is larger than {} MiB: hand it in in parts", MAX_BODY_BYTES >> 20),
    )
}

fn not_taken(error: &LogError) -> Problem {
    match error {
        // A record that will never fit is our fault: the door takes nothing that is too large for the log.
        LogError::Refused(_) => Problem::internal(error),
        LogError::Unavailable(_) | LogError::Closed => {
            tracing::warn!(%error, "posts cannot be taken");
            Problem::unavailable(format!("{error}: send all of it again; what was taken already does no harm"))
        }
    }
}
