//! The stage as the binary starts it: over a socket, with its own tasks and the clock on the wall.

use crate::support::{Night, Receiver, until};
use alert::{Upstreams, users};
use axum::{Json, Router, routing::get};
use futures::StreamExt;
use schemas::{
    kit::{
        auth::{MAY_WATCH, Role, guard},
        service::{Ready, Service},
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{AuditEntry, CrawlOutcome, CrawlReport, Phase, Pulse, Record},
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tempfile::TempDir;

struct Stage {
    url: String,
    client: reqwest::Client,
    log: SharedLog,
    settings: Settings,
    shutdown: Shutdown,
    service: Service,
    server: tokio::task::JoinHandle<()>,
    _folder: TempDir,
}

impl Stage {
    async fn start(hook: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n");
        let mut settings = Settings::parse(&config, []).unwrap();
        settings.data_dir = folder.path().to_owned();
        settings.records.url = crate::support::records_url().await;
        users::add(&settings, "王敏", Role::Operator, "a long password").await.unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let source = json!({ "at": "2026-11-24T03:04:05Z", "sources": [{ "id": "forum", "state": "ok" }] });
        let coverage = guard(MAY_WATCH, get(move || async move { Json(source) }));
        let upstreams = Upstreams {
            ingest: Router::new().route("/api/coverage", coverage),
            analyze: Router::new(),
            ready: vec![("ingest", Ready::new(|| Ok(())))],
        };
        let shutdown = Shutdown::new();
        let service = alert::start(&settings, log.clone(), upstreams, shutdown.clone()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = service.router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let stop = shutdown.clone().cancelled_owned();
        let server =
            tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stop).await.unwrap() });
        let client = schemas::kit::http::client().build().unwrap();
        Self { url, client, log, settings, shutdown, service, server, _folder: folder }
    }

    async fn log_in(&self) -> String {
        let body = json!({ "name": "王敏", "password": "a long password" });
        let answer = self.client.post(format!("{}/api/session", self.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    async fn append(&self, topic: Topic, value: bytes::Bytes) {
        self.log.append(topic, vec![NewRecord { partition: 0, key: None, value }]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_pulse_to_the_page_the_stream_and_the_signature() {
    let receiver = Receiver::start().await;
    let stage = Stage::start(&receiver.url).await;
    let cookie = stage.log_in().await;
    let get = |path: &str| stage.client.get(format!("{}{path}", stage.url)).header("cookie", &cookie);
    assert_eq!(get("/readyz").send().await.unwrap().text().await.unwrap(), "ok\n");

    let stream = get("/api/events").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut frames = stream.bytes_stream();
    // The readers begin at the ends of their topics; what is said before they stand there is nobody's.
    let night = Night::begin("").await;
    let now = jiff::Timestamp::now();
    let report =
        CrawlReport { pages: 1, found: 1, new: 1, ..CrawlReport::of("forum", "锦水论坛", CrawlOutcome::Ok, now) };
    let mut heard = String::new();
    let all = ["event: pulse\n", "event: incident\n", "event: source\n"];
    while !all.iter().all(|name| heard.contains(name)) {
        // Again and again, with more posts each time: the readers may not stand at the ends of their topics yet.
        let count = 18 + heard.len() as u64 % 7;
        let at = jiff::Timestamp::now();
        stage
            .append(Topic::TopicsPulse, Pulse { at, ..night.make("water", "s1", count, Phase::Rising) }.encode())
            .await;
        stage.append(Topic::CrawlReports, report.encode()).await;
        if let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(200), frames.next()).await {
            heard.push_str(&String::from_utf8_lossy(&frame.unwrap()));
        }
    }
    let id = until(async || {
        let answer: Value = get("/api/incidents").send().await.unwrap().json().await.unwrap();
        Some(answer["incidents"][0]["id"].as_str()?.to_owned())
    })
    .await;
    until(async || receiver.left().first().cloned()).await;
    let page = receiver.take("desk", "opened");
    assert_eq!(page.body["incident"]["id"], id.as_str());
    assert_eq!(receiver.left(), Vec::<String>::new());

    let answer = stage
        .client
        .post(format!("{}/api/incidents/{id}/ack", stage.url))
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin")
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let file: Value = answer.json().await.unwrap();
    assert_eq!(file["incident"]["acked_by"], "王敏");
    until(async || {
        let file: Value = get(&format!("/api/incidents/{id}")).send().await.unwrap().json().await.unwrap();
        (file["deliveries"][0]["state"] == "sent").then_some(())
    })
    .await;
    // The signature comes over the stream too.
    while !heard.contains("\"acked\"") {
        heard.push_str(&String::from_utf8_lossy(&frames.next().await.unwrap().unwrap()));
    }

    stage.shutdown.cancel();
    stage.service.task.await.unwrap().unwrap();
    stage.server.await.unwrap();
    assert!(stage.service.ready.check().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_stages_audit_entries_are_kept() {
    let receiver = Receiver::start().await;
    let stage = Stage::start(&receiver.url).await;
    let entry = AuditEntry {
        v: AuditEntry::VERSION,
        at: "2026-11-24T03:04:05Z".parse().unwrap(),
        who: "分析员".into(),
        role: Role::Analyst,
        action: "search".into(),
        object: String::new(),
        detail: "停水".into(),
    };
    stage.append(Topic::Audit, entry.encode()).await;
    stage.append(Topic::Audit, "no entry".into()).await;
    let records = alert::records::Records::open(&stage.settings).await.unwrap();
    until(async || records.audit_entries(9).await.unwrap().contains(&entry).then_some(())).await;
    until(async || (stage.log.bounds(Topic::PostsRejected, 0).await.unwrap().1 == 1).then_some(())).await;
    stage.shutdown.cancel();
    stage.service.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn users_are_added_listed_and_changed() {
    let folder = TempDir::new().unwrap();
    let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
    settings.records.url = crate::support::records_url().await;
    users::add(&settings, "王敏", Role::Operator, "a long password").await.unwrap();
    users::add(&settings, "李雷", Role::Viewer, "a long password").await.unwrap();
    let names = users::list(&settings).await.unwrap();
    assert_eq!(names, [("李雷".to_owned(), Role::Viewer), ("王敏".to_owned(), Role::Operator)]);
    users::set_password(&settings, "王敏", "another password").await.unwrap();
    for (error, words) in [
        (users::add(&settings, "王敏", Role::Admin, "a long password").await, "already"),
        (users::add(&settings, " x", Role::Admin, "a long password").await, "name"),
        (users::add(&settings, "x", Role::Admin, "too short").await, "10 to 256"),
        (users::set_password(&settings, "x", "a long password").await, "no user"),
    ] {
        assert!(error.unwrap_err().to_string().contains(words));
    }
}

#[tokio::test]
async fn pins_are_set_for_users_and_for_whom_the_config_names() {
    let folder = TempDir::new().unwrap();
    let config = "[[channel]]\nid = \"c\"\nkind = \"webhook\"\nurl = \"http://h/\"\n[[person]]\nname = \"韩梅梅\"\n[[duty]]\nid = \"d\"\n\
        [[duty.shift]]\nfrom = \"08:00\"\nto = \"20:00\"\nperson = \"王敏\"\nchannels = [\"c\"]\n\
        [duty.escalation]\nafter = \"5m\"\nperson = \"张主任\"\nchannels = [\"c\"]\n";
    let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::parse(config, []).unwrap() };
    settings.records.url = crate::support::records_url().await;
    users::add(&settings, "李雷", Role::Operator, "a long password").await.unwrap();
    for name in ["李雷", "韩梅梅", "王敏", "张主任"] {
        users::set_pin(&settings, name, "480513").await.unwrap();
    }
    for (name, pin, words) in [
        ("路人", "480513", "neither a user"),
        ("", "480513", "neither"),
        ("王敏", "123456", "choose"),
        ("王敏", "48", "six digits"),
    ] {
        let error = users::set_pin(&settings, name, pin).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let records = alert::records::Records::open(&settings).await.unwrap();
    let mut wanted = ["李雷", "韩梅梅", "王敏", "张主任"].map(str::to_owned);
    wanted.sort();
    assert_eq!(records.with_pin().await.unwrap(), wanted);
    assert!(records.pin("王敏").await.unwrap().unwrap().starts_with("$argon2id$"));
}
