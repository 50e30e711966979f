//! The gateway's way to services that run apart, over real sockets on loopback.

use super::*;
use axum::{
    body::{Body, Bytes, to_bytes},
    http::Request,
    routing::any,
};
use futures::StreamExt;
use schemas::kit::{
    apart,
    auth::Role,
    service::{Ready, Service},
    tokens::Tokens,
};
use std::net::SocketAddr;
use tokio::sync::oneshot;
use tower::ServiceExt;

fn key() -> InternalKey {
    InternalKey::new(&[7; 32]).unwrap()
}

fn upstream(addresses: &[String]) -> Upstream {
    Upstream {
        name: "ingest",
        title: "采集服务",
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        client: client().connect_timeout(CONNECT).no_gzip().no_brotli().build().unwrap(),
        key: key(),
    }
}

/// Serves a stage on loopback, apart.
async fn serve(router: Router, key: InternalKey) -> String {
    let task = tokio::spawn(std::future::pending());
    let service = Service { name: "ingest", router, ready: Ready::new(|| Ok(())), task };
    let router = apart::router(&service, key, Tokens::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    format!("http://{address}")
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Says what arrives of a request.
fn mirror() -> Router {
    let told = |caller: Caller, request: Request<Body>| async move {
        let (head, body) = request.into_parts();
        let mut names: Vec<_> = head.headers.keys().map(ToString::to_string).collect();
        names.sort();
        let body = to_bytes(body, 1 << 30).await.unwrap();
        let told = format!("{} {} {} {}", caller.name, head.uri, names.join(","), body.len());
        ([("x-kept", "1"), ("x-hop", "1"), ("connection", "x-hop")], told)
    };
    [
        "/api/posts",
        "/api/coverage",
        "/api/search",
        "/api/search/export",
        "/api/briefs",
        "/api/threads",
        "/api/topics",
        "/api/topics/hot",
        "/api/topics/{id}/pulse",
        "/api/topics/{id}/why",
        "/api/official",
        "/api/corrections",
        "/api/corrections/{post}",
        "/api/corrections/choices",
        "/api/corrections/export",
        "/api/watch",
        "/api/watch/{id}",
        "/api/words",
        "/api/words/{word}",
    ]
    .into_iter()
    .fold(Router::new(), |router, path| router.route(path, guard(&Role::ALL, any(told))))
}

fn caller() -> Caller {
    Caller { name: "王敏".into(), role: Role::Operator }
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn get_request(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_request_arrives_with_its_caller_and_without_what_is_not_for_others() {
    let stage = upstream(&[serve(mirror(), key()).await]);
    let request = Request::post("/api/posts?a=%E5%81%9C&b=c")
        .header("cookie", "wanglou_session=secret")
        .header("authorization", "Bearer secret")
        .header("x-wanglou-role", "admin")
        .header("x-wanglou-internal", "1.9999999999.e30.AAAA")
        .header("x-own", "1")
        .header("x-hop", "1")
        .header("connection", "close, x-hop")
        .header("keep-alive", "1")
        .body(Body::from("abc"))
        .unwrap();
    let response = stage.pass(&caller(), request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    assert!(headers.contains_key("x-kept") && !headers.contains_key("x-hop") && !headers.contains_key("connection"));
    let told = text(response).await;
    assert!(told.starts_with("王敏 /api/posts?a=%E5%81%9C&b=c accept,host,"), "{told}");
    assert!(told.contains("x-own") && told.ends_with(" 3"), "{told}");
    for gone in ["cookie", "authorization", "x-hop", "keep-alive", "x-wanglou-role"] {
        assert!(!told.contains(gone), "{gone}: {told}");
    }
}

#[tokio::test]
async fn addresses_arrive_as_they_came_in_or_not_at_all() {
    let stage = upstream(&[serve(mirror(), key()).await]);
    for path in ["/api/topics/停水/pulse?x=停", "/api/topics/a%20b/pulse", "/api/search?q=a'b%22|{}"] {
        let Ok(uri) = Uri::try_from(path.as_bytes()) else { panic!("{path}") };
        let mut request = get_request("/");
        *request.uri_mut() = uri;
        assert_eq!(stage.pass(&caller(), request).await.unwrap().status(), StatusCode::OK, "{path}");
    }
    for path in ["/api/topics/%2e%2E/pulse", "/api/../metrics", "/api/topics/.%2e/x", "/api/topics/./x"] {
        let problem = stage.pass(&caller(), get_request(path)).await.err().unwrap();
        assert_eq!(problem.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn one_that_is_away_is_named_and_another_asked() {
    let away = nobody().await;
    let stage = upstream(std::slice::from_ref(&away));
    let problem = stage.pass(&caller(), get_request("/api/coverage")).await.err().unwrap();
    assert_eq!((problem.status, problem.retry_after), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
    assert!(problem.message.contains("采集服务") && problem.message.contains("ingest"), "{}", problem.message);

    let both = upstream(&[away, serve(mirror(), key()).await]);
    assert_eq!(both.pass(&caller(), get_request("/api/coverage")).await.unwrap().status(), StatusCode::OK);
    let posts = Request::post("/api/posts").body(Body::from_stream(pieces(10))).unwrap();
    let told = text(both.pass(&caller(), posts).await.unwrap()).await;
    assert!(told.ends_with(" 655360"), "the whole body, though the first was away: {told}");
}

/// So many pieces of 64 KiB.
fn pieces(count: usize) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    futures::stream::repeat_with(|| Ok(Bytes::from(vec![b'x'; 64 << 10]))).take(count)
}

#[tokio::test]
async fn posts_that_were_under_way_are_handed_to_nobody_else() {
    // Takes the head and a first piece, and breaks off.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let breaking = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut first = vec![0; 64 << 10];
        tokio::io::AsyncReadExt::read_exact(&mut socket, &mut first).await.unwrap();
    });
    let both = upstream(&[breaking, serve(mirror(), key()).await]);
    let posts = Request::post("/api/posts").body(Body::from_stream(pieces(200))).unwrap();
    assert_eq!(both.pass(&caller(), posts).await.err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_gateway_that_is_not_believed_says_that_it_is_the_services_trouble() {
    let other = InternalKey::new(&[8; 32]).unwrap();
    let stage = upstream(&[serve(mirror(), other).await]);
    let problem = stage.pass(&caller(), get_request("/api/coverage")).await.err().unwrap();
    assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE, "a caller who is logged in must not be told to log in");
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_too_long_is_the_callers_trouble() {
    let stage = upstream(&[serve(mirror(), key()).await]);
    let broken = pieces(3).chain(futures::stream::once(async { Err(std::io::Error::other("gone")) }));
    let request = Request::post("/api/posts").body(Body::from_stream(broken)).unwrap();
    assert_eq!(stage.pass(&caller(), request).await.err().unwrap().code, "broken_off");
    let request = Request::post("/api/posts").body(Body::from_stream(pieces(1_025))).unwrap();
    assert_eq!(stage.pass(&caller(), request).await.err().unwrap().status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Fulfils its promise when it is dropped.
struct Dropped(Option<oneshot::Sender<()>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            let _ = told.send(());
        }
    }
}

#[tokio::test]
async fn whoever_goes_away_is_followed_upstream() {
    let (begun, has_begun) = oneshot::channel();
    let (dropped, is_dropped) = oneshot::channel();
    let once = Arc::new(std::sync::Mutex::new(Some((begun, Dropped(Some(dropped))))));
    let slow = move || {
        let once = once.clone();
        async move {
            let Some((begun, held)) = once.lock().unwrap().take() else { return };
            begun.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        }
    };
    let router = Router::new().route("/api/search", guard(&Role::ALL, get(slow)));
    let stage = Arc::new(upstream(&[serve(router, key()).await]));
    let asking = tokio::spawn(async move { stage.pass(&caller(), get_request("/api/search")).await.map(drop) });
    has_begun.await.unwrap();
    asking.abort();
    is_dropped.await.expect("the handler upstream is dropped");
}

#[tokio::test]
async fn readiness_is_unknown_then_known() {
    let shutdown = Shutdown::new();
    let (_, away) = ready::watch(&Arc::new(upstream(&[nobody().await])), &shutdown);
    assert!(away.check().unwrap_err().starts_with("unknown") && !away.is_own());
    let (_, there) = ready::watch(&Arc::new(upstream(&[serve(mirror(), key()).await])), &shutdown);
    let settled = async {
        while there.check().is_err() || away.check().unwrap_err().starts_with("unknown") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.unwrap();
    assert!(away.check().unwrap_err().ends_with("does not answer"));
}

#[tokio::test]
async fn the_routes_are_those_of_the_description() {
    let api: serde_json::Value = serde_json::from_str(schemas::OPENAPI).unwrap();
    let stage = Arc::new(upstream(&[serve(mirror(), key()).await]));
    let (ingest, analyze) = routes(stage.clone(), stage);
    let both = ingest.merge(analyze);
    for (path, methods) in api["paths"].as_object().unwrap() {
        let is_theirs = ["/api/posts", "/api/coverage", "/api/search", "/api/threads", "/api/topics", "/api/official", "/api/corrections", "/api/watch", "/api/words"].iter().any(|of| path.starts_with(of))
                // Those are the gateway's own.
                && !["/api/coverage/alerts", "/api/topics/{id}/paged"].contains(&path.as_str())
                && !path.starts_with("/api/searches");
        for method in methods.as_object().unwrap().keys().filter(|_| is_theirs) {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(
                    path.replace("{id}", "water")
                        .replace("{post}", "forum%3A1")
                        .replace("{word}", "%E8%83%8C%E8%A1%97"),
                )
                .extension(Caller { name: "x".into(), role: Role::Admin })
                .body(Body::empty())
                .unwrap();
            assert_eq!(both.clone().oneshot(request).await.unwrap().status(), StatusCode::OK, "{method} {path}");
        }
    }
}
