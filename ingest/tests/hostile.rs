//! Sites that mean harm, or are broken: a clear reason in the report, never a panic, never a worker that is stuck.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

mod common;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base64::Engine;
use common::{Reports, call, json, open_log, posts, serve, settings};
use flate2::{Compression, write::GzEncoder};
use futures::StreamExt;
use ingest::start;
use schemas::{
    kit::{auth::Role, shutdown::Shutdown},
    records::CrawlOutcome,
};
use std::{collections::HashMap, fmt::Write as _, io::Write as _, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn html(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body.into()).into_response()
}

/// 100 MB of nothing in 100 KB.
fn bomb() -> Response {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..100 {
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    ([(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/html")], packed.finish().unwrap())
        .into_response()
}

/// 100 MiB of nothing in 91 bytes.
fn brotli_bomb() -> Response {
    let packed = "z///fwAkQOKxQHLv//n//w+ABEAcFoDu/T////8BkACIwwLQvf/n//8/ABIAcVgAuvf//P//B0ACIA4LQPf+n////wBIAMRhAeje/+f//w8A\
                  CYA4LADd+x8=";
    let packed = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
    ([(header::CONTENT_ENCODING, "br"), (header::CONTENT_TYPE, "text/html")], packed).into_response()
}

fn no_gzip() -> Response {
    ([(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/html")], "<html>not packed").into_response()
}

/// A piece at a time, each in good time, without end.
fn drip() -> Response {
    let pieces = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"<p>")), ()))
    });
    html(Body::from_stream(pieces))
}

/// A site that speaks bytes, not HTTP: has no robots.txt, and says this for everything else, as often as asked; then it
/// hangs up.
async fn serve_raw(head: &'static [u8], again: &'static [u8], times: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whom we hang up on is not our concern.
            tokio::spawn(async move { say(stream, head, again, times).await });
        }
    });
    address
}

async fn say(mut stream: TcpStream, head: &[u8], again: &[u8], times: usize) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    if request.starts_with(b"GET /robots.txt") {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    }
    stream.write_all(head).await?;
    for _ in 0..times {
        stream.write_all(again).await?;
    }
    stream.shutdown().await
}

fn endless() -> Response {
    html(Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'<'; 4096])))))
}

fn silent() -> Response {
    let begin = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"<html>"))]);
    html(Body::from_stream(begin.chain(futures::stream::pending())))
}

/// A good page with headers that state impossible times.
const ODD_DATES: &[u8] =
    b"HTTP/1.1 200 OK\r\nDate: Thu, 99 Foo 99999 25:61:61 GMT\r\nDate: \xff\xfe\r\nAge: -99999999999999999999\r\n\
    Last-Modified: never\r\nExpires: 0\r\nContent-Type: text/html; charset=\r\nContent-Length: 12\r\n\r\n<html>hello!";

fn broken_off() -> Response {
    let pieces = [Ok(Bytes::from_static(b"<html>")), Err(std::io::Error::other("cut"))];
    html(Body::from_stream(futures::stream::iter(pieces)))
}

/// To the same site by a name: it is not the address that the source is allowed to have.
fn by_name(headers: &HeaderMap) -> Redirect {
    let port = headers[header::HOST].to_str().unwrap().rsplit(':').next().unwrap();
    Redirect::temporary(&format!("http://localhost:{port}/other"))
}

fn site() -> Router {
    let formatting: String = (0..900).fold(String::new(), |mut text, n| {
        let _ = write!(text, "<b id={n}>");
        text
    });
    let exploding = format!("<p>{formatting}</p>{}", "<p>x</p>".repeat(300_000));
    Router::new()
        .route("/large", get(|| async { html(vec![b'x'; 10 << 20]) }))
        .route("/bomb", get(|| async { bomb() }))
        .route("/brotli", get(|| async { brotli_bomb() }))
        .route("/nogzip", get(|| async { no_gzip() }))
        .route("/drip", get(|| async { drip() }))
        .route("/endless", get(|| async { endless() }))
        .route("/silent", get(|| async { silent() }))
        .route("/broken", get(|| async { broken_off() }))
        .route("/deep", get(|| async { html("<div>".repeat(100_000)) }))
        .route("/exploding", get(move || async { html(exploding) }))
        .route("/loop", get(|| async { Redirect::temporary("/loop/back") }))
        .route("/loop/back", get(|| async { Redirect::permanent("/loop") }))
        .route("/far", get(|| async { Redirect::temporary("/far/x") }))
        .route("/far/{way}", get(|Path(way): Path<String>| async move { Redirect::temporary(&format!("/far/{way}x")) }))
        .route("/nowhere", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "http://")]) }))
        .route("/dns", get(|headers: HeaderMap| async move { by_name(&headers) }))
        .route("/metadata", get(|| async { Redirect::temporary("http://169.254.169.254/latest/") }))
        .route("/inside", get(|| async { Redirect::temporary("http://127.0.0.1:1/") }))
        .route("/file", get(|| async { Redirect::temporary("file:///etc/passwd") }))
        .route("/busy", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "600")]) }))
        .route("/wall", get(|| async { StatusCode::UNAUTHORIZED }))
        .route("/forbidden", get(|| async { StatusCode::FORBIDDEN }))
        .route("/gone", get(|| async { StatusCode::NOT_FOUND }))
        .route("/other", get(|| async { html("<html><p>改版了") }))
        .route("/empty", get(|| async { html("") }))
        .route("/odd", get(odd_list))
        .route("/odd/1", get(odd_thread))
        .route("/deepfeed", get(|| async { format!("<rss version=\"2.0\">{}", "<a>".repeat(100_000)) }))
        .route("/nofeed", get(|| async { html("<html>x") }))
}

async fn odd_list() -> Response {
    html(
        "<li><a href='/odd/1'>x</a></li><li><a href='javascript:alert(1)'>y</a></li><li><a href='/odd/deep'>z</a></li>",
    )
}

/// Says UTF-8 and is GBK, with NUL bytes, an escape code and absurd dates.
async fn odd_thread() -> Response {
    let page = "<div class=p><p>停\u{0}水\u{1b}[2J了，抚琴街道居民反映</p><time>9999-12-01 10:00</time></div>
        <div class=c id=1><p>年代久远</p><time>0001-01-01</time></div><div class=c id=2><p>没有时间</p><time>很久以前</time></div>
        <div class=c id=3><p>太大的数</p><time>99999999999999</time></div>";
    html(encoding_rs::GBK.encode(page).0.into_owned())
}

#[tokio::test]
async fn hostile_sites_are_reported_and_stop_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let cases = [
        ("large", CrawlOutcome::Failed, "page_bytes"),
        ("bomb", CrawlOutcome::Failed, "page_bytes"),
        ("endless", CrawlOutcome::Failed, "page_bytes"),
        ("silent", CrawlOutcome::Failed, "no answer in time"),
        ("broken", CrawlOutcome::Failed, "broke off"),
        ("deep", CrawlOutcome::Failed, "nests"),
        ("exploding", CrawlOutcome::Failed, "elements"),
        ("brotli", CrawlOutcome::Failed, "page_bytes"),
        ("nogzip", CrawlOutcome::Failed, "cannot be unpacked"),
        ("drip", CrawlOutcome::Failed, "too slowly"),
        ("loop", CrawlOutcome::Failed, "a loop of redirects"),
        ("far", CrawlOutcome::Failed, "more than 5 redirects"),
        ("nowhere", CrawlOutcome::Failed, "without a valid address"),
        ("dns", CrawlOutcome::Failed, "private"),
        ("nonsense", CrawlOutcome::Failed, "no HTTP"),
        ("status", CrawlOutcome::Failed, "no HTTP"),
        ("flood", CrawlOutcome::Failed, "too many or too long headers"),
        ("longhead", CrawlOutcome::Failed, "too many or too long headers"),
        ("endlesshead", CrawlOutcome::Failed, "too many or too long headers"),
        ("continues", CrawlOutcome::Failed, "no answer in time"),
        ("short", CrawlOutcome::Failed, "broke off"),
        ("chunks", CrawlOutcome::Failed, "broke off"),
        ("hangup", CrawlOutcome::Failed, "broke off"),
        ("dates", CrawlOutcome::LayoutChanged, "selectors"),
        ("metadata", CrawlOutcome::Failed, "private"),
        ("inside", CrawlOutcome::Failed, "private"),
        ("file", CrawlOutcome::Failed, "http or https"),
        ("busy", CrawlOutcome::Failed, "HTTP 503, try again after 600 s"),
        ("wall", CrawlOutcome::LoginRequired, "log-in"),
        ("forbidden", CrawlOutcome::Failed, "refuses us"),
        ("gone", CrawlOutcome::Failed, "HTTP 404"),
        ("other", CrawlOutcome::LayoutChanged, "selectors"),
        ("empty", CrawlOutcome::LayoutChanged, "selectors"),
        ("odd", CrawlOutcome::Ok, "could not be read"),
        ("deepfeed", CrawlOutcome::LayoutChanged, "nests"),
        ("nofeed", CrawlOutcome::LayoutChanged, "no feed"),
    ];
    let mut config =
        "[crawl]\npause = \"0s\"\ntimeout = \"3s\"\nidle_timeout = \"1s\"\npage_timeout = \"3s\"\nworkers = 64\n"
            .to_owned();
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    for (id, ..) in cases {
        // Each on a host of its own: what is learnt of one must not change what is said of another.
        let address = match id {
            "nonsense" => serve_raw(b"220 mail.example ESMTP\r\n", b"", 0).await,
            "status" => serve_raw(b"HTTP/1.1 99999 Odd\r\n\r\n", b"", 0).await,
            "flood" => serve_raw(OK, b"X-Header: nothing\r\n", 100_000).await,
            "longhead" => serve_raw(b"HTTP/1.1 200 OK\r\nX-Long: ", b"0123456789", 100_000).await,
            "endlesshead" => serve_raw(b"HTTP/1.1 200 ", b"O", 1_000_000).await,
            "continues" => serve_raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n", usize::MAX).await,
            "short" => serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html>", b"", 0).await,
            "chunks" => serve_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n<html>", b"", 0).await,
            "hangup" => serve_raw(b"", b"", 0).await,
            "dates" => serve_raw(ODD_DATES, b"", 0).await,
            _ => serve(site()).await,
        };
        let kind = if id.ends_with("feed") { "rss" } else { "html" };
        write!(
            config,
            "[[source]]\nid = \"{id}\"\nkind = \"{kind}\"\nurl = \"http://{address}/{id}\"\nevery = \"600s\"\nallow_private = true\n"
        )
        .unwrap();
        if kind == "html" {
            config.push_str(
                "[source.list]\nitem = \"li\"\nlink = \"a@href\"\n[source.thread]\npost = \".p\"\n\
                 fields = { text = \"p\", published_at = \"time\" }\n[source.thread.comments]\nitem = \".c\"\n\
                 fields = { native_id = \"@id\", text = \"p\", published_at = \"time\" }\n",
            );
        }
    }
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
    let mut found = HashMap::new();
    while found.len() < cases.len() {
        let report = reports.next().await;
        found.insert(report.source.clone(), report);
    }
    let wrong: Vec<_> = cases
        .into_iter()
        .filter(|(id, outcome, reason)| {
            let report = &found[*id];
            report.outcome != *outcome || !report.reason.as_ref().is_some_and(|told| told.contains(reason))
        })
        .map(|(id, ..)| &found[id])
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let busy = &found["busy"];
    assert!(busy.next_visit_at.duration_since(busy.finished_at).as_secs() >= 600, "the site is left alone: {busy:?}");

    let stored = posts(&log).await;
    let texts: Vec<_> = stored.iter().map(|post| post.text.as_str()).collect();
    assert_eq!(texts, ["停水[2J了，抚琴街道居民反映", "年代久远"], "read as GBK, whatever the header says");

    let request = axum::http::Request::get("/api/coverage").body(Body::empty()).unwrap();
    let (_, coverage) = json(call(&service.router, Some(Role::Viewer), request).await).await;
    let states: HashMap<_, _> = coverage["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (source["id"].as_str().unwrap(), source["state"].as_str().unwrap()))
        .collect();
    assert_eq!((states["odd"], states["bomb"], states["other"]), ("ok", "failing", "failing"));
    shutdown.cancel();
    service.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_source_in_a_private_range_must_be_allowed_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let address = serve(site()).await;
    let config = format!(
        "[[source]]\nid = \"ip\"\nkind = \"rss\"\nurl = \"http://{address}/nofeed\"\n\
         [[source]]\nid = \"name\"\nkind = \"rss\"\nurl = \"http://localhost:{}/nofeed\"\n",
        address.port()
    );
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
    for _ in 0..2 {
        let report = reports.next().await;
        assert_eq!(report.outcome, CrawlOutcome::Failed);
        assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("allow_private")), "{report:?}");
    }
    shutdown.cancel();
    service.task.await.unwrap().unwrap();
}
