//! A stage that runs apart: its part of the API for the gateway alone, and what machines ask of every process.
//!
//! | request | outcome |
//! |---|---|
//! | `/healthz`, `/readyz` | answered |
//! | `/metrics` | answered to this machine; elsewhere to bearer tokens that may watch |
//! | under `/api`, with a valid internal token | the route's own guard asks for the caller's role; an unknown path is 404 |
//! | under `/api`, without one | 401, whether there is such a path or not, and whatever else it says of itself |
//! | anything else | 404: the console is the gateway's |

use super::{
    http::{Problem, counted, panicked},
    internal::{self, InternalKey},
    operation,
    service::Service,
    tokens::Tokens,
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use jiff::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;

/// The whole router of a stage that runs apart. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn router(service: &Service, key: InternalKey, tokens: Tokens) -> Router {
    let api = service
        .router
        .clone()
        .route("/api", any(unknown))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .layer(middleware::from_fn_with_state(key, believe));
    let ready = vec![(service.name, service.ready.clone())];
    let outside = Router::new()
        .route("/healthz", get(operation::health))
        .route("/readyz", get(async move || operation::ready(&ready)))
        .route("/metrics", get(metrics))
        .with_state(tokens);
    api.merge(outside).fallback(unknown).layer(CatchPanicLayer::custom(panicked)).layer(middleware::from_fn(counted))
}

async fn unknown() -> Problem {
    Problem::not_found("there is no such path: the console and the API are at the gateway's address")
}

async fn metrics(State(tokens): State<Tokens>, head: Parts) -> Result<Response, Problem> {
    let caller = async { Ok(head.headers.get(header::AUTHORIZATION).and_then(|header| tokens.bearer(header))) };
    operation::metrics(&head, caller).await
}

/// Puts the caller of the internal token into the request, or refuses it.
async fn believe(State(key): State<InternalKey>, mut request: Request, next: Next) -> Response {
    let token = request.headers().get(internal::HEADER).cloned();
    strip(request.headers_mut());
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let caller = token
        .as_ref()
        .ok_or(None)
        .and_then(|token| token.to_str().map_err(|_| Some(internal::TokenError::Malformed)))
        .and_then(|token| key.verify(token, request.method().as_str(), target, Timestamp::now()).map_err(Some));
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            if let Some(error) = error {
                tracing::warn!(%error, path = request.uri().path(), "an internal token is refused");
            }
            Problem::new(StatusCode::UNAUTHORIZED, "internal_only", "call the gateway: this service answers it alone")
                .into_response()
        }
    }
}

/// Takes out whatever a request says of identity: only an internal token that was verified speaks of it.
pub fn strip(headers: &mut HeaderMap) {
    let own: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with("x-wanglou-")).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::{
        auth::{Caller, MAY_PUSH, MAY_WATCH, Role, guard},
        service::Ready,
    };
    use axum::{
        body::{Body, to_bytes},
        extract::ConnectInfo,
        routing::post,
    };
    use std::net::SocketAddr;
    use tower::ServiceExt;

    fn key() -> InternalKey {
        InternalKey::new(&[7; 32]).unwrap()
    }

    fn house() -> Router {
        let who = |caller: Caller, headers: HeaderMap| async move {
            assert!(!headers.keys().any(|name| name.as_str().starts_with("x-wanglou-")), "{headers:?}");
            caller.name
        };
        let boom = || async {
            if true {
                panic!("secret detail");
            }
        };
        let router = Router::new()
            .route("/api/posts", guard(MAY_PUSH, post(who)))
            .route("/api/coverage", guard(MAY_WATCH, get(who)))
            .route("/api/boom", guard(MAY_WATCH, get(boom)));
        let ready = Ready::new(|| Err("it is opening".into()));
        let task = tokio::spawn(std::future::pending());
        let tokens = Tokens::known([
            ("watching".to_owned(), Caller { name: "prometheus".into(), role: Role::Viewer }),
            ("pushing".to_owned(), Caller { name: "feed".into(), role: Role::Push }),
        ]);
        super::router(&Service { name: "ingest", router, ready, task }, key(), tokens)
    }

    async fn send(request: Request) -> (StatusCode, String) {
        let response = house().oneshot(request).await.unwrap();
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
    }

    fn signed(method: &str, target: &str, role: Role) -> Request {
        let token = key().sign(&Caller { name: "王敏".into(), role }, method, target, Timestamp::now());
        Request::builder()
            .method(method)
            .uri(target)
            .header(internal::HEADER, token)
            .header("X-Wanglou-Role", "admin")
            .body(Body::empty())
            .unwrap()
    }

    #[tokio::test]
    async fn a_caller_of_the_gateway_gets_as_far_as_the_role_allows() {
        assert_eq!(send(signed("GET", "/api/coverage?x=1", Role::Viewer)).await, (StatusCode::OK, "王敏".into()));
        assert_eq!(send(signed("POST", "/api/posts", Role::Push)).await.0, StatusCode::OK);
        assert_eq!(send(signed("POST", "/api/posts", Role::Viewer)).await.0, StatusCode::FORBIDDEN);
        assert_eq!(send(signed("GET", "/api/nothing", Role::Admin)).await.0, StatusCode::NOT_FOUND);
        let (status, told) = send(signed("GET", "/api/boom", Role::Admin)).await;
        assert!(status == StatusCode::INTERNAL_SERVER_ERROR && !told.contains("secret"), "{told}");
    }

    #[tokio::test]
    async fn whoever_comes_past_the_gateway_gets_nowhere() {
        for path in ["/api/coverage", "/api/posts", "/api/nothing", "/api", "/api/"] {
            let bare = Request::get(path).header("authorization", "Bearer watching").body(Body::empty()).unwrap();
            assert_eq!(send(bare).await.0, StatusCode::UNAUTHORIZED, "{path}");
        }
        // A token of one request opens no other.
        let mut moved = signed("GET", "/api/coverage", Role::Admin);
        *moved.uri_mut() = "/api/boom".parse().unwrap();
        assert_eq!(send(moved).await.0, StatusCode::UNAUTHORIZED);
        let other = InternalKey::new(&[8; 32]).unwrap();
        let caller = Caller { name: "x".into(), role: Role::Admin };
        let forged = other.sign(&caller, "GET", "/api/coverage", Timestamp::now());
        let forged = Request::get("/api/coverage").header(internal::HEADER, forged).body(Body::empty()).unwrap();
        assert_eq!(send(forged).await.0, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn machines_are_answered() {
        let get = |path: &str| Request::get(path);
        let send_bare = async |request: axum::http::request::Builder| send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(send_bare(get("/healthz")).await.0, StatusCode::OK);
        assert_eq!(
            send_bare(get("/readyz")).await,
            (StatusCode::SERVICE_UNAVAILABLE, "ingest: it is opening\n".into())
        );
        assert_eq!(send_bare(get("/")).await.0, StatusCode::NOT_FOUND);
        let local = ConnectInfo("127.0.0.1:9".parse::<SocketAddr>().unwrap());
        assert_eq!(send_bare(get("/metrics").extension(local)).await.0, StatusCode::OK);
        assert_eq!(send_bare(get("/metrics")).await.0, StatusCode::UNAUTHORIZED);
        let with = |token: &str| get("/metrics").header("authorization", format!("Bearer {token}"));
        assert_eq!(send_bare(with("watching")).await.0, StatusCode::OK);
        assert_eq!(send_bare(with("pushing")).await.0, StatusCode::FORBIDDEN);
        assert_eq!(send_bare(with("wrong")).await.0, StatusCode::UNAUTHORIZED);
    }
}
