//! What is not the API: health, readiness, metrics, the console, and the manners of every answer.

use super::*;

fn from(peer: &str) -> ConnectInfo<SocketAddr> {
    ConnectInfo(peer.parse().unwrap())
}

#[tokio::test]
async fn metrics_are_open_to_this_machine_only() {
    let house = House::open().await;
    let status = async |peer: Option<&str>, forwarded: Option<&str>, role: Option<Role>| {
        let mut request = request(Method::GET, "/metrics", role);
        if let Some(peer) = peer {
            request = request.extension(from(peer));
        }
        if let Some(name) = forwarded {
            request = request.header(name, "192.0.2.1");
        }
        house.send(request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!(status(Some("127.0.0.1:9"), None, None).await, StatusCode::OK);
    assert_eq!(status(Some("[::1]:9"), None, None).await, StatusCode::OK);
    assert_eq!(status(Some("[::ffff:127.0.0.1]:9"), None, None).await, StatusCode::OK);
    assert_eq!(status(Some("127.0.0.1:9"), Some("x-forwarded-for"), None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some("127.0.0.1:9"), Some("forwarded"), None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some("192.0.2.1:9"), None, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(None, None, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(Some("192.0.2.1:9"), None, Some(Role::Viewer)).await, StatusCode::OK);
    assert_eq!(status(Some("192.0.2.1:9"), None, Some(Role::Push)).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let ready =
        vec![("ingest", Ready::new(|| Ok(()))), ("analyze", Ready::new(|| Err("the archive is opening".into())))];
    let house = House::with(ready).await;
    assert_eq!(house.get("/healthz", None).await.status, StatusCode::OK);
    let answer = house.get("/readyz", None).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.text, "analyze: the archive is opening\n");
    assert_eq!(House::open().await.get("/readyz", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_has_manners() {
    let house = House::open().await;
    for path in ["/", "/incidents/20261124-0001", "/healthz", "/api/incidents", "/api/openapi.json", "/nothing.js"] {
        let headers = house.get(path, None).await.headers;
        assert!(
            headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'self';"),
            "{path}"
        );
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(
            path.starts_with("/api"),
            headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store")
        );
    }
}

#[tokio::test]
async fn the_console_answers_its_own_paths_and_misses_no_file() {
    let house = House::open().await;
    for path in ["/", "/login", "/search", "/incidents/20261124-0001"] {
        let answer = house.get(path, None).await;
        assert!(answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"), "{path}");
        assert!(answer.status == StatusCode::OK || answer.text.contains("make console"), "{path}: {}", answer.text);
    }
    for path in ["/assets/missing.js", "/favicon.missing", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert_eq!(house.get(path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let request = request(Method::POST, "/login", None).body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_panic_is_an_answer_that_tells_nothing() {
    let house = House::open().await;
    let answer = house.get("/api/boom", Some(Role::Viewer)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn a_page_that_needs_less_than_the_console_says_so_itself() {
    let headers = House::open().await.get("/api/briefs", Some(Role::Analyst)).await.headers;
    assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "default-src 'none'");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}
