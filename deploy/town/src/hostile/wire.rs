//! The connection: requests are answered, or met with what their fate is.

use super::{Forum, PER_PAGE, api, board, faults::Fate, feed};
use crate::{hostile::world::World, site::fingerprint};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    serve::Listener,
};
use futures::{StreamExt as _, stream};
use jiff::{Timestamp, fmt::rfc2822};
use serde::Deserialize;
use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A request, as far as it matters.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    /// Which page it asks for, from 1.
    pub(super) page: usize,
    /// The id before which a page by cursor begins.
    pub(super) before: Option<u64>,
    pub(super) newest_first: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    page: Option<usize>,
    paged: Option<usize>,
    max_id: Option<u64>,
    order: Option<String>,
}

impl Request {
    fn new(path: &str, asked: &Asked) -> Self {
        Self {
            path: path.to_owned(),
            page: asked.page.or(asked.paged).unwrap_or(1).max(1),
            before: asked.max_id,
            newest_first: asked.order.as_deref() == Some("new"),
        }
    }

    /// The thread of which it asks for a page.
    pub(super) fn thread(&self) -> Option<u64> {
        self.path.strip_prefix("/thread/")?.parse().ok()
    }

    /// The page's part of a list, and whether there is more behind it.
    pub(super) fn part<'a, T>(&self, list: &'a [T]) -> (&'a [T], bool) {
        let from = (self.page - 1).saturating_mul(PER_PAGE).min(list.len());
        let to = (from + PER_PAGE).min(list.len());
        (&list[from..to], to < list.len())
    }
}

/// A page: its type and text.
pub(super) type Page = (&'static str, String);

pub(super) async fn serve(forum: Forum, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
    let app = Router::new().fallback(answer).with_state((forum.clone(), shutdown.clone()));
    axum::serve(Gate { forum, listener }, app).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// A listener that closes every connection while the site is down.
struct Gate {
    forum: Forum,
    listener: TcpListener,
}

impl Listener for Gate {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = Listener::accept(&mut self.listener).await;
            if !self.forum.lock().faults.down {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn answer(
    State((forum, shutdown)): State<(Forum, CancellationToken)>,
    uri: Uri,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let request = Request::new(uri.path(), &asked);
    let fate = forum.fate(&request);
    let (page, skew) = {
        let state = forum.lock();
        (page(&state.world, &request, Timestamp::now()), state.faults.clock_skew)
    };
    let mut response = match (fate, page) {
        (Fate::Refused(status), _) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        (Fate::TooMany, _) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
        (Fate::Login, _) => Redirect::to("/login").into_response(),
        (Fate::Closed, _) => broken(String::new(), 1, None),
        (_, None) => StatusCode::NOT_FOUND.into_response(),
        (Fate::Reset, Some((_, text))) => broken(half(&text), text.len(), None),
        (Fate::Stall, Some((_, text))) => broken(half(&text), text.len(), Some(shutdown)),
        (Fate::Emptied, Some((kind, _))) => reply(&headers, kind, board::emptied()),
        (Fate::Answer, Some((kind, text))) => reply(&headers, kind, text),
    };
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&(Timestamp::now() + skew)).ok();
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn page(world: &World, request: &Request, now: Timestamp) -> Option<Page> {
    match request.path.as_str() {
        "/robots.txt" => Some(("text/plain", "User-agent: *\nAllow: /\n".into())),
        "/login" => Some(("text/html", board::login())),
        "/board" => Some(("text/html", board::board(world, request))),
        "/new" => Some(("text/html", board::newest(world, request, now))),
        "/feed.xml" => feed::render(world, request),
        "/api/posts" => Some(api::posts(world, request)),
        "/api/timeline" => Some(api::timeline(world, request)),
        _ => Some(("text/html", board::thread(world, request, now)?)),
    }
}

/// The page, or 304 for who has it already.
fn reply(asked: &HeaderMap, kind: &'static str, text: String) -> Response {
    let tag = format!("\"{:016x}\"", fingerprint(text.as_bytes()));
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers = [(header::CONTENT_TYPE, format!("{kind}; charset=utf-8")), (header::ETAG, tag)];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, text).into_response()
}

fn half(text: &str) -> String {
    text[..text.floor_char_boundary(text.len() / 2)].to_owned()
}

/// Promises so many bytes, sends some of them and closes the connection: at once, or not before the end of days.
fn broken(some: String, promised: usize, until: Option<CancellationToken>) -> Response {
    let end = stream::once(async move {
        if let Some(until) = until {
            until.cancelled().await;
        }
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let body = stream::iter([Ok(Bytes::from(some))]).chain(end);
    (
        [(header::CONTENT_TYPE, "text/html".to_owned()), (header::CONTENT_LENGTH, promised.to_string())],
        Body::from_stream(body),
    )
        .into_response()
}
