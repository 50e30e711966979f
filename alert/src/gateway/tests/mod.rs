//! The gateway as its callers see it, without a socket in between.

mod access;
mod acts;
mod login;
mod outside;
mod pins;
mod quiet;
mod roster;
mod searches;
mod sign;
mod stream;

use super::*;
use crate::{
    engine::{Clock, Plan},
    lease::Candidate,
    message::Style,
    records::{Records, User},
};
use axum::{
    body::{self, Body},
    http::{HeaderMap, Method, Request, StatusCode},
};
use jiff::Timestamp;
use schemas::{
    kit::auth::{MAY_CONFIGURE, MAY_EXPORT, MAY_PUSH},
    log::{Embedded, EmbeddedOptions, Identity},
};
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tower::ServiceExt;

const PASSWORD: &str = "a long password";
/// The token of the role unit is somebody of 水务局.
const CONFIG: &str =
    "[http]\npublic_url = \"https://wanglou.example\"\n[[person]]\nname = \"Unit\"\nunit = \"水务局\"\n";

/// A gateway with a token for each role (`token-ROLE`) and one user, the operator 王敏.
struct House {
    gateway: Arc<Gateway>,
    router: Router,
    time: Arc<AtomicI64>,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }
}

fn token(role: Role) -> String {
    format!("token-{role:?}")
}

impl House {
    async fn open() -> Self {
        Self::with(Vec::new()).await
    }

    async fn with(ready: Vec<(&'static str, Ready)>) -> Self {
        Self::of(CONFIG, ready).await
    }

    async fn of(config: &str, ready: Vec<(&'static str, Ready)>) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::parse(config, []).unwrap();
        settings.data_dir = folder.path().to_owned();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let time = Arc::new(AtomicI64::new(crate::samples::moment().as_millisecond()));
        let clock: Clock = {
            let time = Arc::clone(&time);
            Arc::new(move || Timestamp::from_millisecond(time.load(Ordering::SeqCst)).unwrap())
        };
        let style = Style { base: "https://wanglou.example".into(), tz: settings.tz() };
        let records = Records::open(&settings).await.unwrap();
        let keys = crate::link::keys(&records, &|_| None).await.unwrap();
        let links = crate::link::Links::of(&settings, keys, &style.base);
        let desk = Arc::new(Desk::new(records, Plan::of(&settings), style, clock).with_links(links));
        desk.claim(&Candidate::new("house")).await.unwrap();
        let mut gateway = Gateway::new(&settings, desk, log, ready, Shutdown::new()).unwrap();
        gateway.tokens = Tokens::known(Role::ALL.map(|role| (token(role), Caller { name: format!("{role:?}"), role })));
        let gateway = Arc::new(gateway);
        let router = router(&gateway, ingest(), analyze());
        Self { gateway, router, time, _folder: folder }
    }

    async fn add_user(&self) {
        let password = tokio::task::spawn_blocking(|| crate::password::hash(PASSWORD).unwrap()).await.unwrap();
        let mut tx = self.gateway.desk.records.begin().await.unwrap();
        let user = User { name: "王敏".into(), role: Role::Operator, password };
        assert!(tx.add_user(&user, self.gateway.desk.now()).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Opens the incident 20261124-0001.
    async fn add_incident(&self) {
        let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
        self.gateway.desk.take(&[crate::samples::pulse("water")], &identity, 0, 1).await.unwrap();
    }

    fn wait(&self, seconds: i64) {
        self.time.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body::to_bytes(body, 8 << 20).await.unwrap();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str, role: Option<Role>) -> Answer {
        self.send(request(Method::GET, path, role).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, role: Role, body: &Value) -> Answer {
        let request = request(Method::POST, path, Some(role)).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }
}

fn request(method: Method, path: &str, role: Option<Role>) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match role {
        Some(role) => request.header(header::AUTHORIZATION, format!("Bearer {}", token(role))),
        None => request,
    }
}

/// Stands in for ingest: says what it was told of identity.
fn ingest() -> Router {
    let posts = |caller: Caller, headers: HeaderMap, body: body::Bytes| async move {
        assert!(
            !headers.keys().any(|name| name.as_str().starts_with("x-wanglou-")),
            "identity headers were not taken out"
        );
        format!("{} {}", caller.name, body.len())
    };
    Router::new()
        .route("/api/posts", guard(MAY_PUSH, post(posts)))
        .route("/api/coverage", guard(MAY_WATCH, get(|| async { axum::Json(serde_json::json!({ "sources": [] })) })))
}

/// Stands in for analyze.
fn analyze() -> Router {
    let nothing = || async { "{}" };
    let boom = || async {
        if true {
            panic!("secret detail");
        }
    };
    Router::new()
        .route("/api/search", guard(MAY_SEARCH, get(|| async { "{}" })))
        .route("/api/search/export", guard(MAY_EXPORT, get(|| async { "{}" })))
        .route(
            "/api/briefs",
            guard(MAY_EXPORT, get(|| async { ([("content-security-policy", "default-src 'none'")], "{}") })),
        )
        .route("/api/threads", guard(MAY_SEARCH, get(|| async { "{}" })))
        .route("/api/topics", guard(MAY_WATCH, get(|| async { "{}" })))
        .route("/api/topics/hot", guard(MAY_WATCH, get(|| async { "{}" })))
        .route("/api/topics/{id}/pulse", guard(MAY_WATCH, get(|| async { "{}" })))
        .route("/api/topics/{id}/why", guard(MAY_WATCH, get(|| async { "{}" })))
        .route("/api/official", guard(MAY_WATCH, get(|| async { "{}" })))
        .route("/api/corrections", guard(MAY_WATCH, get(nothing)).merge(guard(MAY_CONFIGURE, post(nothing))))
        .route("/api/corrections/{post}", guard(MAY_CONFIGURE, delete(nothing)))
        .route("/api/corrections/choices", guard(MAY_WATCH, get(nothing)))
        .route("/api/corrections/export", guard(MAY_EXPORT, get(nothing)))
        .route("/api/watch", guard(MAY_WATCH, get(nothing)).merge(guard(MAY_CONFIGURE, post(nothing))))
        .route("/api/watch/{id}", guard(MAY_CONFIGURE, put(nothing).delete(nothing)))
        .route("/api/words", guard(MAY_WATCH, get(nothing)))
        .route("/api/words/{word}", guard(MAY_CONFIGURE, put(nothing).delete(nothing)))
        .route("/api/boom", guard(MAY_WATCH, get(boom)))
}
