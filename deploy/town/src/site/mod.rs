//! The site: pages of the world at the moment of the request.
//!
//! | address | what |
//! |---|---|
//! | `/` | the portal |
//! | `/robots.txt` | what may be crawled |
//! | `/forum/board-1-N.html` | threads, the one that was answered last first, twenty a page |
//! | `/forum/thread-ID-N.html` | a thread, ten comments a page |
//! | `/feed.xml`, `/news/ID.html` | the reports |
//! | `/phone`, `POST /hook` | the [`Phone`] |

mod board;
mod html;
mod news;
mod reply;
mod thread;

pub(crate) use html::{escape, time};
pub(crate) use reply::fingerprint;

use crate::{Phone, Town, phone::routes};
use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use reply::{Body, not_found, reply};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A clock: the site shows the world at the moment that it tells.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

#[derive(Clone)]
struct Site {
    town: Town,
    clock: Clock,
}

/// Serves the town, with its phone, until `shutdown` is set and the last answer is out.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    town: Town,
    phone: Phone,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let app = router(town, phone, Timestamp::now);
    axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// The town's router; `clock` tells which moment the pages show.
pub fn router(town: Town, phone: Phone, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Router {
    let site = Site { town, clock: Arc::new(clock) };
    Router::new()
        .route("/", get(portal))
        .route("/robots.txt", get(robots))
        .route("/style.css", get(style))
        .route("/forum/", get(front_page))
        .route("/forum/rules.html", get(rules))
        .route("/forum/{page}", get(forum_page))
        .route("/feed.xml", get(feed))
        .route("/news/{page}", get(news_page))
        .fallback(async || not_found())
        .with_state(site)
        .merge(routes(phone))
}

async fn portal(headers: HeaderMap) -> Response {
    reply(&headers, Body::Utf8("text/html", include_str!("portal.html").into()), None)
}

async fn style(headers: HeaderMap) -> Response {
    reply(&headers, Body::Utf8("text/css", include_str!("style.css").into()), None)
}

async fn robots(headers: HeaderMap) -> Response {
    reply(&headers, Body::Utf8("text/plain", include_str!("robots.txt").into()), None)
}

async fn rules(headers: HeaderMap) -> Response {
    reply(&headers, Body::Gbk(html::page("版规", include_str!("rules.html"))), None)
}

async fn front_page(state: State<Site>, headers: HeaderMap) -> Response {
    forum_page(state, Path("board-1-1.html".into()), headers).await
}

/// `board-1-N.html` or `thread-ID-N.html`.
async fn forum_page(State(site): State<Site>, Path(page): Path<String>, headers: HeaderMap) -> Response {
    let now = (site.clock)();
    let Some((kind, number, page)) = address(&page) else { return not_found() };
    let chronicle = site.town.chronicle(now);
    let rendered = match kind {
        "board" if number == 1 => board::render(&chronicle, page, now.as_second()),
        "thread" => thread::render(&chronicle, number, page, now.as_second()),
        _ => None,
    };
    drop(chronicle);
    match rendered {
        Some((html, modified)) => reply(&headers, Body::Gbk(html), Some(modified)),
        None => not_found(),
    }
}

async fn feed(State(site): State<Site>, headers: HeaderMap) -> Response {
    let now = (site.clock)();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let (xml, modified) = news::feed(&site.town.chronicle(now), host, now.as_second());
    reply(&headers, Body::Utf8("application/rss+xml", xml), modified)
}

async fn news_page(State(site): State<Site>, Path(page): Path<String>, headers: HeaderMap) -> Response {
    let now = (site.clock)();
    let number = page.strip_suffix(".html").and_then(|number| number.parse().ok());
    let rendered = number.and_then(|number| news::render(&site.town.chronicle(now), number, now.as_second()));
    match rendered {
        Some((html, modified)) => reply(&headers, Body::Utf8("text/html", html), Some(modified)),
        None => not_found(),
    }
}

/// Takes `kind-number-page.html` apart.
fn address(name: &str) -> Option<(&str, u64, usize)> {
    let mut parts = name.strip_suffix(".html")?.split('-');
    let (kind, number, page) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (parts.next().is_none() && page >= 1).then_some((kind, number, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(address("thread-48210000123-2.html"), Some(("thread", 48_210_000_123, 2)));
        for bad in
            ["thread-1-0.html", "thread-1.html", "thread-1-1-1.html", "thread-x-1.html", "thread-1-1", "-.html", ""]
        {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
