//! What the tests of the stage share: a real log in a folder of its own, sites on loopback, and readers that wait for what is
//! to come instead of sleeping.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "what goes wrong here fails the test")]

use async_trait::async_trait;
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, Role},
        settings::Settings,
    },
    log::{Embedded, EmbeddedOptions, Log, LogError, NewRecord, Position, Reader, Share, SharedLog, Topic, TopicInfo},
    records::{CrawlReport, RawPost, Record, Rejected},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tower::ServiceExt;

/// Longer than anything here takes: who waits so long waits for ever.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn open_log(folder: &Path) -> SharedLog {
    Arc::new(Embedded::open(&EmbeddedOptions::new(folder.join("log"))).unwrap())
}

pub(crate) fn settings(folder: &Path, more: &str) -> Settings {
    Settings::parse(&format!("data_dir = {:?}\n{more}", folder.display().to_string()), []).unwrap()
}

/// Everything in a topic now.
pub(crate) async fn records<T: Record>(log: &SharedLog, topic: Topic) -> Vec<T> {
    let partitions = log.describe(topic).await.unwrap().partitions;
    let mut left = HashMap::new();
    for partition in 0..partitions {
        let (_, end) = log.bounds(topic, partition).await.unwrap();
        if end > 0 {
            left.insert(partition, end);
        }
    }
    let from = left.keys().map(|&partition| Position { partition, offset: 0 }).collect();
    let mut reader = log.reader(topic, from).await.unwrap();
    let mut records = Vec::new();
    while !left.is_empty() {
        let batch = reader.next(1_000, LONG).await.unwrap().expect("the records are there");
        records.extend(batch.entries.iter().map(|entry| T::decode(&entry.value).unwrap()));
        if left.get(&batch.partition).is_some_and(|&end| batch.next >= end) {
            left.remove(&batch.partition);
        }
    }
    records
}

pub(crate) async fn posts(log: &SharedLog) -> Vec<RawPost> {
    let mut posts: Vec<RawPost> = records(log, Topic::PostsRaw).await;
    posts.sort_by(|a, b| a.id.cmp(&b.id));
    posts
}

pub(crate) async fn rejected(log: &SharedLog) -> Vec<Rejected> {
    records(log, Topic::PostsRejected).await
}

/// The reports of visits, as they come.
pub(crate) struct Reports {
    reader: Box<dyn Reader>,
    waiting: Vec<CrawlReport>,
}

impl Reports {
    pub(crate) async fn of(log: &SharedLog) -> Self {
        let (_, end) = log.bounds(Topic::CrawlReports, 0).await.unwrap();
        let from = vec![Position { partition: 0, offset: end }];
        Self { reader: log.reader(Topic::CrawlReports, from).await.unwrap(), waiting: Vec::new() }
    }

    pub(crate) async fn next(&mut self) -> CrawlReport {
        while self.waiting.is_empty() {
            let batch = self.reader.next(100, LONG).await.unwrap().expect("a report within a minute");
            self.waiting.extend(batch.entries.iter().map(|entry| CrawlReport::decode(&entry.value).unwrap()));
        }
        self.waiting.remove(0)
    }

    /// The next report that is as asked for.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&CrawlReport) -> bool) -> CrawlReport {
        for _ in 0..500 {
            let report = self.next().await;
            if is_it(&report) {
                return report;
            }
        }
        panic!("500 reports, and none as asked for");
    }
}

/// Serves a site on loopback.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Calls the stage's API in a role.
pub(crate) async fn call(router: &Router, role: Option<Role>, request: Request<Body>) -> Response<Body> {
    let router = match role {
        Some(role) => router.clone().layer(Extension(Caller { name: "test".into(), role })),
        None => router.clone(),
    };
    router.oneshot(request).await.unwrap()
}

pub(crate) async fn json(response: Response<Body>) -> (StatusCode, serde_json::Value) {
    let status = response.status();
    let body = to_bytes(response.into_body(), 64 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

pub(crate) fn line(source: &str, id: &str, text: &str) -> String {
    serde_json::json!({
        "source": source, "native_id": id, "kind": "post", "text": text, "published_at": "2026-11-24T10:05:00+08:00",
    })
    .to_string()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The real log, with a disk that can fill up.
pub(crate) struct Flaky {
    inner: SharedLog,
    down: AtomicBool,
    reports_down: AtomicBool,
    refused: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new(inner: SharedLog) -> Arc<Self> {
        Arc::new(Self {
            inner,
            down: AtomicBool::new(false),
            reports_down: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        })
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Reports are refused, and everything else is taken.
    pub(crate) fn set_reports_down(&self, down: bool) {
        self.reports_down.store(down, Ordering::SeqCst);
    }

    /// How many appends were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Log for Flaky {
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError> {
        self.inner.describe(topic).await
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        let reports_down = self.reports_down.load(Ordering::SeqCst) && topic == Topic::CrawlReports;
        if self.down.load(Ordering::SeqCst) || reports_down {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(LogError::Unavailable("the disk is full".into()));
        }
        self.inner.append(topic, records).await
    }

    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        self.inner.reader(topic, from).await
    }

    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        self.inner.bounds(topic, partition).await
    }

    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        self.inner.share().await
    }

    async fn retain(&self, now: Timestamp) -> Result<(), LogError> {
        self.inner.retain(now).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
