//! Two processes over one log and one PostgreSQL database: one is active, the other takes over when that one dies, hangs or
//! stops. No page is lost, and a repeat bears the same key. Each process is a runtime on a thread of its own, so that it can be
//! killed (all its tasks end where they stand) or frozen (nothing in it runs, though its connections stay open).

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use alert::{Upstreams, users};
use axum::Router;
use schemas::{
    kit::{auth::Role, settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{Phase, Pulse, Record},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use support::{Night, Receiver, postgres, until};
use tempfile::TempDir;

/// A process, as far as the other one can tell.
struct Process {
    url: String,
    shutdown: Shutdown,
    runtime: Option<tokio::runtime::Runtime>,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    _folder: TempDir,
}

impl Process {
    async fn start(pair: &Pair) -> Self {
        Self::start_in(pair, TempDir::new().unwrap()).await
    }

    async fn start_in(pair: &Pair, folder: TempDir) -> Self {
        // One thread: what freezes one task freezes all of them.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..pair.settings.clone() };
        let (log, shutdown) = (pair.log.clone(), Shutdown::new());
        let stop = shutdown.clone();
        let started = runtime.spawn(async move {
            let upstreams = Upstreams { ingest: Router::new(), analyze: Router::new(), ready: Vec::new() };
            let service = alert::start(&settings, log, upstreams, stop).await.unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let app = service.router.into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move { axum::serve(listener, app).await });
            (url, service.task)
        });
        let (url, task) = started.await.unwrap();
        Self { url, shutdown, runtime: Some(runtime), task, _folder: folder }
    }

    /// Ends it where it stands; what is left of it is its data folder.
    fn kill(mut self) -> TempDir {
        self.runtime.take().unwrap().shutdown_background();
        std::mem::replace(&mut self._folder, TempDir::new().unwrap())
    }

    /// Nothing in it runs until the sender is dropped.
    async fn freeze(&self) -> mpsc::Sender<()> {
        let (thaw, frozen) = mpsc::channel::<()>();
        let (tell, begun) = tokio::sync::oneshot::channel();
        self.runtime.as_ref().unwrap().spawn(async move {
            tell.send(()).unwrap();
            // Blocks the one worker: that is the point.
            let _ = frozen.recv();
        });
        begun.await.unwrap();
        thaw
    }

    async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What `/readyz` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Standby,
    /// The database cannot be used.
    Away,
}

/// What both processes share, and who watches them.
struct Pair {
    settings: Settings,
    log: SharedLog,
    receiver: Receiver,
    client: reqwest::Client,
    shape: Night,
    pulses: u32,
    _folder: TempDir,
}

impl Pair {
    async fn new() -> Self {
        let (receiver, folder) = (Receiver::start().await, TempDir::new().unwrap());
        let config = format!("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{}/desk\"\n", receiver.url);
        let mut settings = Settings::parse(&config, []).unwrap();
        settings.records.url = postgres::database().await;
        settings.data_dir = folder.path().to_owned();
        users::add(&settings, "王敏", Role::Operator, "a long password").await.unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let client = schemas::kit::http::client().timeout(Duration::from_secs(20)).build().unwrap();
        Self { settings, log, receiver, client, shape: Night::begin("").await, pulses: 0, _folder: folder }
    }

    /// Something new rises.
    async fn rise(&mut self) {
        self.pulses += 1;
        let pulse = self.shape.make(&format!("t{}", self.pulses), "s1", 18, Phase::Rising);
        let value = Pulse { at: jiff::Timestamp::now(), ..pulse }.encode();
        self.log.append(Topic::TopicsPulse, vec![NewRecord { partition: 0, key: None, value }]).await.unwrap();
    }

    /// Waits until everything that rose has been paged.
    async fn all_paged(&self) {
        until(async || (self.receiver.keys().len() == self.pulses as usize).then_some(())).await;
    }

    async fn get(&self, process: &Process, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", process.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until a process says of itself that it is so.
    async fn becomes(&self, process: &Process, what: State) {
        until(async || {
            let (status, text) = self.get(process, "/readyz").await;
            let state = match (status, text.as_str()) {
                (200, _) => State::Active,
                (503, text) if text.starts_with("alert: standby: another process is active") => State::Standby,
                (503, text) if text.starts_with("alert: the records database cannot be used") => State::Away,
                answer => panic!("{answer:?}"),
            };
            (state == what).then_some(())
        })
        .await;
    }

    async fn log_in(&self, process: &Process) -> String {
        let body = json!({ "name": "王敏", "password": "a long password" });
        let answer = self.client.post(format!("{}/api/session", process.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    async fn note(&self, process: &Process, cookie: &str, id: &str) -> (u16, Value) {
        let answer = self
            .client
            .post(format!("{}/api/incidents/{id}/note", process.url))
            .header("cookie", cookie)
            .header("sec-fetch-site", "same-origin")
            .json(&json!({ "text": "已致电" }))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Every matter was paged, under one key, and each repeat was the same message to the byte.
    fn told_once_each(&self) {
        let mut bodies: HashMap<String, Vec<bytes::Bytes>> = HashMap::new();
        for message in self.receiver.take_all() {
            bodies.entry(message.key()).or_default().push(message.bytes);
        }
        assert_eq!(bodies.len(), self.pulses as usize);
        assert!(bodies.values().all(|same| same.iter().all(|body| *body == same[0])), "a repeat differs");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_killed_and_the_other_takes_over() {
    let mut pair = Pair::new().await;
    let first = Process::start(&pair).await;
    pair.becomes(&first, State::Active).await;
    let second = Process::start(&pair).await;
    pair.becomes(&second, State::Standby).await;
    for _ in 0..5 {
        pair.rise().await;
    }
    pair.all_paged().await;
    for _ in 0..5 {
        pair.rise().await;
    }
    // In the middle of whatever it does.
    let (folder, killed) = (first.kill(), Instant::now());
    for _ in 0..5 {
        pair.rise().await;
    }
    pair.becomes(&second, State::Active).await;
    println!("killed: another was active after {:.1?}", killed.elapsed());
    pair.all_paged().await;
    // Back again, it stands by.
    let first = Process::start_in(&pair, folder).await;
    pair.becomes(&first, State::Standby).await;
    pair.becomes(&second, State::Active).await;
    second.stop().await;
    pair.becomes(&first, State::Active).await;
    pair.rise().await;
    pair.all_paged().await;
    first.stop().await;
    pair.told_once_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hangs_and_is_fenced_when_it_wakes() {
    let mut pair = Pair::new().await;
    let first = Process::start(&pair).await;
    pair.becomes(&first, State::Active).await;
    let second = Process::start(&pair).await;
    pair.rise().await;
    pair.all_paged().await;
    let (thaw, frozen) = (first.freeze().await, Instant::now());
    pair.rise().await;
    pair.becomes(&second, State::Active).await;
    println!("frozen: another was active after {:.1?}", frozen.elapsed());
    pair.rise().await;
    pair.all_paged().await;
    drop(thaw);
    pair.becomes(&first, State::Standby).await;
    pair.rise().await;
    pair.all_paged().await;
    pair.becomes(&second, State::Active).await;
    second.stop().await;
    pair.becomes(&first, State::Active).await;
    pair.rise().await;
    pair.all_paged().await;
    first.stop().await;
    pair.told_once_each();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_shows_and_lets_in_but_changes_nothing() {
    let mut pair = Pair::new().await;
    let first = Process::start(&pair).await;
    pair.becomes(&first, State::Active).await;
    let second = Process::start(&pair).await;
    pair.rise().await;
    pair.all_paged().await;
    let cookie = pair.log_in(&second).await;
    let list = pair.client.get(format!("{}/api/incidents", second.url)).header("cookie", &cookie).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    let id = list["incidents"][0]["id"].as_str().unwrap().to_owned();
    let (status, problem) = pair.note(&second, &cookie, &id).await;
    assert_eq!((status, problem["error"]["code"].as_str().unwrap()), (503, "standby"), "{problem}");
    assert!(problem["error"]["message"].as_str().unwrap().contains("备机"));
    // The session is good with both.
    let (status, file) = pair.note(&first, &cookie, &id).await;
    assert_eq!((status, file["history"].as_array().unwrap().last().unwrap()["text"].as_str()), (200, Some("已致电")));
    first.stop().await;
    pair.becomes(&second, State::Active).await;
    assert_eq!(pair.note(&second, &cookie, &id).await.0, 200);
    second.stop().await;
}

/// Without the database nothing is done, nothing is lost, and everybody is told why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_away_for_a_while() {
    let mut pair = Pair::new().await;
    let process = Process::start(&pair).await;
    pair.rise().await;
    pair.all_paged().await;
    let cookie = pair.log_in(&process).await;
    postgres::close(&pair.settings.records.url).await;
    pair.becomes(&process, State::Away).await;
    let (status, problem) = pair.note(&process, &cookie, "20261124-0001").await;
    assert_eq!((status, problem["error"]["code"].as_str().unwrap()), (503, "unavailable"), "{problem}");
    pair.rise().await;
    postgres::open(&pair.settings.records.url).await;
    pair.all_paged().await;
    pair.becomes(&process, State::Active).await;
    pair.rise().await;
    pair.all_paged().await;
    process.stop().await;
    pair.told_once_each();
}
