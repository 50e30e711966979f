//! Two workers share the sources and take over from one another: what one has covered the other goes on from.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

mod common;

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Query, State},
    http::Request,
    response::Html,
    routing::get,
};
use common::{Reports, call, json, line, open_log, posts, serve, settings};
use schemas::{
    kit::{auth::Role, service::Service, shutdown::Shutdown},
    log::{Log, LogError, NewRecord, Position, Reader, Share, SharedLog, Topic, TopicInfo},
    records::{CrawlOutcome, CrawlReport},
};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};

/// The one log of all workers, as one of them has it: what its share is the test says.
struct Shared {
    log: SharedLog,
    told: Mutex<Option<mpsc::UnboundedReceiver<Vec<u32>>>>,
    settled: Arc<watch::Sender<u32>>,
}

struct Told(mpsc::UnboundedReceiver<Vec<u32>>, Arc<watch::Sender<u32>>);

#[async_trait]
impl Share for Told {
    async fn changed(&mut self) -> Result<Vec<u32>, LogError> {
        match self.0.recv().await {
            Some(share) => Ok(share),
            None => std::future::pending().await,
        }
    }

    fn settled(&mut self) {
        self.1.send_modify(|times| *times += 1);
    }
}

#[async_trait]
impl Log for Shared {
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError> {
        self.log.describe(topic).await
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        self.log.append(topic, records).await
    }

    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        self.log.reader(topic, from).await
    }

    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        self.log.bounds(topic, partition).await
    }

    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        Ok(Box::new(Told(self.told.lock().unwrap().take().unwrap(), self.settled.clone())))
    }

    async fn retain(&self, now: jiff::Timestamp) -> Result<(), LogError> {
        self.log.retain(now).await
    }

    async fn close(&self) {}
}

/// A worker with a data folder of its own.
struct Worker {
    service: Service,
    shares: mpsc::UnboundedSender<Vec<u32>>,
    settled: watch::Receiver<u32>,
    shutdown: Shutdown,
    _folder: tempfile::TempDir,
}

impl Worker {
    async fn start(log: &SharedLog, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (shares, told) = mpsc::unbounded_channel();
        let settled = Arc::new(watch::Sender::new(0));
        let shared = Shared { log: log.clone(), told: Mutex::new(Some(told)), settled: settled.clone() };
        let shutdown = Shutdown::new();
        let service =
            ingest::start(&settings(folder.path(), config), Arc::new(shared), shutdown.clone()).await.unwrap();
        Self { service, shares, settled: settled.subscribe(), shutdown, _folder: folder }
    }

    /// Gives it a share, and waits until nothing is under way on what is not in it.
    async fn share(&mut self, partitions: &[u32]) {
        let before = *self.settled.borrow();
        self.shares.send(partitions.to_vec()).unwrap();
        self.settled.wait_for(|times| *times > before).await.unwrap();
    }

    async fn coverage(&self) -> HashMap<String, serde_json::Value> {
        let request = Request::get("/api/coverage").body(axum::body::Body::empty()).unwrap();
        let (_, answer) = json(call(&self.service.router, Some(Role::Viewer), request).await).await;
        let sources = answer["sources"].as_array().unwrap();
        sources.iter().map(|source| (source["id"].as_str().unwrap().to_owned(), source.clone())).collect()
    }

    async fn coverage_until(&self, is_it: impl Fn(&HashMap<String, serde_json::Value>) -> bool) {
        let waiting = async {
            while !is_it(&self.coverage().await) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(common::LONG, waiting).await.expect("the coverage is as it should be");
    }
}

const ALL: &[u32] = &[0, 1, 2, 3];
const ROWS: usize = 4;

/// Threads, the newest first, each of one day without a time: a page that says nothing of how far back it goes.
type Forum = Arc<Mutex<(Vec<u32>, HashMap<String, u32>)>>;

async fn page(State(forum): State<Forum>, Query(query): Query<HashMap<String, usize>>) -> Html<String> {
    let from = query.get("from").copied().unwrap_or(0);
    let mut forum = forum.lock().unwrap();
    *forum.1.entry("list".into()).or_default() += 1;
    let rows = forum.0.iter().skip(from).take(ROWS).map(|id| format!("<li><a href='/t/{id}'>x</a><i>{id}</i>"));
    let rows: String = rows.collect();
    let next = format!("<a class=next href='/?from={}'>more</a>", from + ROWS);
    Html(format!("<ul>{rows}</ul>{}", if forum.0.len() > from + ROWS { next } else { String::new() }))
}

async fn thread(State(forum): State<Forum>, axum::extract::Path(id): axum::extract::Path<u32>) -> Html<String> {
    *forum.lock().unwrap().1.entry(format!("t{id}")).or_default() += 1;
    Html(format!("<h1>第{id}帖</h1><div class=post><p>停水了 {id}</p><i>2026-11-20</i></div>"))
}

async fn forum(id: &str, threads: std::ops::RangeInclusive<u32>) -> (Forum, String) {
    let forum = Forum::default();
    forum.lock().unwrap().0 = threads.rev().collect();
    let router = Router::new().route("/", get(page)).route("/t/{id}", get(thread)).with_state(forum.clone());
    let address = serve(router).await;
    let config = format!(
        r#"
[[source]]
id = "{id}"
kind = "html"
url = "http://{address}/"
every = "1s"
allow_private = true
[source.list]
item = "li"
link = "a@href"
changed = "i"
next = "a.next@href"
pages = 2
[source.thread]
id = '/t/(\d+)'
post = ".post"
title = "h1"
[source.thread.fields]
text = "p"
published_at = "i"
"#
    );
    (forum, config)
}

fn forget_hits(forum: &Forum) {
    forum.lock().unwrap().1.clear();
}

fn hits(forum: &Forum, what: &str) -> u32 {
    forum.lock().unwrap().1.get(what).copied().unwrap_or_default()
}

async fn good(reports: &mut Reports, source: &str) -> CrawlReport {
    let report = reports.until(|report| report.source == source).await;
    assert_eq!((report.outcome, &report.reason), (CrawlOutcome::Ok, &None), "{report:?}");
    report
}

/// The list has more pages than a visit reads, and its threads do not say when they were written: whoever takes over
/// with nothing known could not tell whether anything was missed.
#[tokio::test]
async fn a_source_that_is_taken_over_is_covered_without_a_gap_and_not_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let (forum, config) = forum("forum", 1..=20).await;
    let config = format!("[crawl]\npause = \"0s\"\n{config}");
    let mut first = Worker::start(&log, &config).await;
    let mut second = Worker::start(&log, &config).await;
    second.share(&[]).await;
    first.share(ALL).await;
    good(&mut reports, "forum").await;
    good(&mut reports, "forum").await;

    first.share(&[]).await;
    let last = {
        let all: Vec<CrawlReport> = common::records(&log, Topic::CrawlReports).await;
        all.last().unwrap().clone()
    };
    forget_hits(&forum);
    forum.lock().unwrap().0.insert(0, 21);
    let mut reports = Reports::of(&log).await;
    second.share(ALL).await;
    let taken = good(&mut reports, "forum").await;
    assert_eq!(taken.gap, None, "{taken:?}");
    assert_eq!(taken.covered.map(|covered| covered.from), last.covered.map(|covered| covered.to), "no hole between");
    assert_eq!((hits(&forum, "t21"), hits(&forum, "t20")), (1, 0));
    let stored = posts(&log).await;
    let ids: BTreeSet<&str> = stored.iter().map(|post| post.id.as_str()).collect();
    assert_eq!(ids.len(), stored.len(), "each once");
    assert!(
        (9..=21).contains(&stored.len()),
        "8 rows of two pages, the new one, and the history that there was time for"
    );

    // And back again, to a worker whose own memory is of another time.
    second.share(&[]).await;
    forum.lock().unwrap().0.insert(0, 22);
    let mut reports = Reports::of(&log).await;
    forget_hits(&forum);
    first.share(ALL).await;
    let back = good(&mut reports, "forum").await;
    assert!(back.gap.is_none() && back.new >= 1, "the new thread, and perhaps more of the history: {back:?}");
    assert_eq!((hits(&forum, "t22"), hits(&forum, "t21")), (1, 0));
}

#[tokio::test]
async fn what_was_missed_between_two_workers_is_a_gap_that_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let (forum, config) = forum("forum", 1..=20).await;
    let config = format!("[crawl]\npause = \"0s\"\n{config}");
    let mut first = Worker::start(&log, &config).await;
    first.share(ALL).await;
    good(&mut reports, "forum").await;
    first.share(&[]).await;
    // More than the two pages that a visit reads.
    forum.lock().unwrap().0 = (1..=40).rev().collect();
    let mut reports = Reports::of(&log).await;
    let mut second = Worker::start(&log, &config).await;
    second.share(ALL).await;
    assert!(good(&mut reports, "forum").await.gap.is_some(), "threads 21 to 32 were never seen");
}

#[tokio::test]
async fn each_source_is_one_workers_and_every_worker_knows_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut config = "[crawl]\npause = \"0s\"\n".to_owned();
    let mut forums = Vec::new();
    for n in 0..6 {
        let (forum, source) = forum(&format!("s{n}"), 1..=3).await;
        config.push_str(&source);
        forums.push(forum);
    }
    let mut first = Worker::start(&log, &config).await;
    let mut second = Worker::start(&log, &config).await;
    first.share(&[0, 1]).await;
    second.share(&[2, 3]).await;
    let all_ok = |coverage: &HashMap<String, serde_json::Value>| {
        (0..6).all(|n| coverage.get(&format!("s{n}")).is_some_and(|source| source["state"] == "ok"))
    };
    first.coverage_until(all_ok).await;
    second.coverage_until(all_ok).await;
    assert_eq!(posts(&log).await.len(), 18, "each source was visited by one worker");

    // What is pushed to one is known to both.
    let body = format!("{}\n{}\n", line("feed", "1", "停水"), line("feed", "2", "停水"));
    let request = Request::post("/api/posts").body(axum::body::Body::from(body)).unwrap();
    assert_eq!(call(&first.service.router, Some(Role::Push), request).await.status(), 202);
    let pushed = |coverage: &HashMap<String, serde_json::Value>| {
        coverage.get("feed").is_some_and(|source| source["posts_24h"] == 2 && source["kind"] == "push")
    };
    first.coverage_until(pushed).await;
    second.coverage_until(pushed).await;

    // One stops: what it reported is not lost, and visits of it are counted once.
    first.shutdown.cancel();
    first.service.task.await.unwrap().unwrap();
    second.share(ALL).await;
    let before = second.coverage().await["s0"]["visits_24h"].as_u64().unwrap();
    second.coverage_until(|coverage| coverage["s0"]["visits_24h"].as_u64().unwrap() > before).await;
    let reports: Vec<CrawlReport> = common::records(&log, Topic::CrawlReports).await;
    let counted = |coverage: &HashMap<String, serde_json::Value>| {
        let visits = coverage.values().filter_map(|source| source["visits_24h"].as_u64());
        visits.sum::<u64>() >= reports.len() as u64
    };
    second.coverage_until(counted).await;
}

#[tokio::test]
async fn two_processes_never_share_the_memories_of_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let start = async |path: &Path| ingest::start(&settings(path, ""), log.clone(), Shutdown::new()).await;
    let first = start(folder.path()).await.unwrap();
    let error = start(folder.path()).await.err().unwrap().to_string();
    assert!(error.contains("data_dir of its own"), "{error}");
    drop(first);
}
