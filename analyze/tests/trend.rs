//! Trend on the embedded log: from `posts.analyzed` to `topics.pulse`, over restarts.

#![allow(clippy::unwrap_used, clippy::panic)]

use analyze::trend;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        service::Service,
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, Position, SharedLog, Topic},
    records::{AnalyzedPost, Counts, Kind, Phase, Precision, Pulse, Record, Rejected, Verdict},
};
use std::{path::Path, sync::Arc, time::Duration};
use tower::ServiceExt;

const SOON: Duration = Duration::from_secs(60);

fn settings(folder: &Path) -> Settings {
    let text = format!(
        "data_dir = {folder:?}\n[[watch]]\nid = \"water\"\nname = \"停水\"\nquery = \"停水\"\n[[watch]]\nid = \"roads\"\nname = \"道路\"\nquery = \"道路\"\n"
    );
    Settings::parse(&text, []).unwrap()
}

fn open(folder: &Path) -> SharedLog {
    Arc::new(Embedded::open(&EmbeddedOptions { partitions: 2, ..EmbeddedOptions::new(folder.join("log")) }).unwrap())
}

fn post(partition: u32, offset: u64, published_at: Timestamp) -> AnalyzedPost {
    AnalyzedPost {
        v: AnalyzedPost::VERSION,
        raw: Position { partition, offset },
        verdict: Verdict::First,
        id: format!("forum:{partition}-{offset}"),
        source: "forum".into(),
        kind: Kind::Post,
        url: None,
        title: None,
        text: format!("第 {offset} 栋停水了"),
        published_at,
        published_precision: Precision::Second,
        date_clamped: false,
        fetched_at: published_at,
        thread_id: None,
        parent_id: None,
        counts: Counts::default(),
        previous: None,
        sentiment: None,
        tones: vec![],
        keyphrases: vec![],
        terms: vec![],
        topics: vec!["water".into()],
        place: None,
        category: None,
        places: Vec::new(),
        elsewhere: None,
        unit: None,
        fingerprint: None,
        cluster: None,
        official: None,
        addressed_to: None,
        corrected: None,
        gone_at: None,
        reply: None,
    }
}

fn record(post: &AnalyzedPost) -> NewRecord {
    NewRecord { partition: post.raw.partition, key: None, value: post.encode() }
}

/// Records of both partitions, raw offsets from `from` up to `to`.
async fn append(log: &SharedLog, from: u64, to: u64) {
    let now = Timestamp::now() - SignedDuration::from_secs(2);
    let records =
        (from..to).flat_map(|offset| [record(&post(0, offset, now)), record(&post(1, offset, now))]).collect();
    log.append(Topic::PostsAnalyzed, records).await.unwrap();
}

/// Waits for a pulse that fits, reading from the start.
async fn pulse(log: &SharedLog, fits: impl Fn(&Pulse) -> bool) -> Pulse {
    let mut reader = log.reader(Topic::TopicsPulse, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    loop {
        let batch = reader.next(100, SOON).await.unwrap().expect("the pulse comes");
        for entry in batch.entries {
            let pulse = Pulse::decode(&entry.value).unwrap();
            assert_eq!(entry.key.as_deref(), Some(pulse.topic.id.as_bytes()));
            if fits(&pulse) {
                return pulse;
            }
        }
    }
}

struct Running {
    service: Service,
    shutdown: Shutdown,
}

async fn start(folder: &Path, log: &SharedLog) -> Running {
    let shutdown = Shutdown::new();
    let service = trend::start(&settings(folder), Arc::clone(log), shutdown.clone()).await.unwrap();
    assert_eq!(service.ready.check(), Ok(()));
    Running { service, shutdown }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.service.task.await.unwrap().unwrap();
        assert!(self.service.ready.check().is_err());
    }

    /// As a crash would: nothing is finished, nothing is saved.
    async fn kill(self) {
        self.service.task.abort();
        let _ = self.service.task.await;
    }

    async fn get(&self, path: &str) -> serde_json::Value {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller { name: "test".into(), role: Role::Viewer });
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        assert!(response.status().is_success());
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    }
}

fn water(total: u64) -> impl Fn(&Pulse) -> bool {
    move |pulse| pulse.topic.id == "water" && pulse.total == total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rise_is_told_and_restarts_count_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());

    let running = start(folder.path(), &log).await;
    append(&log, 0, 10).await;
    let risen = pulse(&log, |pulse| pulse.spike.is_some()).await;
    assert_eq!((risen.topic.id.as_str(), risen.phase), ("water", Phase::Rising));
    pulse(&log, water(20)).await;
    running.stop().await;

    // The records come again, as after a crash of the stage before, and then new ones.
    append(&log, 0, 12).await;
    let running = start(folder.path(), &log).await;
    let later = pulse(&log, water(24)).await;
    assert_eq!(later.spike.unwrap().id, risen.spike.unwrap().id, "the rise goes on over the restart");
    assert_eq!(later.through, [Position { partition: 0, offset: 11 }, Position { partition: 1, offset: 11 }]);
    let body = running.get("/api/topics/water/pulse").await;
    assert_eq!((body["total"].as_u64(), body["pulse"]["topic"]["name"].as_str()), (Some(24), Some("停水")));
    running.kill().await;

    // Killed: it goes on from the last snapshot, and what was not in it is read again.
    append(&log, 12, 13).await;
    let running = start(folder.path(), &log).await;
    pulse(&log, water(26)).await;
    assert_eq!(running.get("/api/topics").await["topics"][2]["pulse"]["total"], 26);
    running.stop().await;
}

/// An official post, two comments, an answer to one of them; then a crash, and all of it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_under_official_posts_survive_a_crash_and_are_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let now = Timestamp::now();
    let at = |offset: u64, kind: Kind, ago: i64| AnalyzedPost {
        kind,
        thread_id: Some("t".into()),
        ..post(0, offset, now - SignedDuration::from_secs(ago))
    };
    let unit = || Some("水务局".to_owned());
    let posts = [
        AnalyzedPost { official: unit(), ..at(0, Kind::Post, 1_000) },
        AnalyzedPost { addressed_to: unit(), ..at(1, Kind::Comment, 900) },
        AnalyzedPost { addressed_to: unit(), ..at(2, Kind::Comment, 800) },
        AnalyzedPost { official: unit(), parent_id: Some("0-1".into()), ..at(3, Kind::Comment, 600) },
    ];
    let hand_on = async |posts: &[AnalyzedPost]| {
        log.append(Topic::PostsAnalyzed, posts.iter().map(record).collect()).await.unwrap();
    };
    let running = start(folder.path(), &log).await;
    hand_on(&posts[..3]).await;
    pulse(&log, water(3)).await;
    running.kill().await;
    hand_on(&posts).await;
    let running = start(folder.path(), &log).await;
    pulse(&log, water(4)).await;
    running.stop().await;
    let running = start(folder.path(), &log).await;
    let answer = running.get("/api/official").await;
    let day = &answer["units"][0]["windows"][0];
    assert_eq!((&answer["units"][0]["unit"], &day["hours"]), (&"水务局".into(), &24.into()));
    assert_eq!(
        (&day["comments"], &day["answered"], &day["answered_by_name"]),
        (&2.into(), &1.into(), &1.into()),
        "{day}"
    );
    assert_eq!((&day["median_seconds"], &day["oldest_unanswered"]["id"]), (&300.into(), &"forum:0-2".into()), "{day}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_set_aside_and_does_not_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let garbage = NewRecord { partition: 0, key: None, value: "{\"v\":1".into() };
    log.append(Topic::PostsAnalyzed, vec![garbage]).await.unwrap();
    append(&log, 0, 1).await;
    let running = start(folder.path(), &log).await;
    pulse(&log, water(2)).await;
    running.stop().await;
    let mut reader = log.reader(Topic::PostsRejected, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    let rejected = Rejected::decode(&batch.entries[0].value).unwrap();
    assert_eq!((rejected.origin.as_str(), rejected.bytes.as_str()), ("posts.analyzed 0/0", "eyJ2Ijox"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snapshot_of_another_log_is_refused_with_what_to_do() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(folder.path());
    let running = start(folder.path(), &log).await;
    append(&log, 0, 1).await;
    pulse(&log, water(2)).await;
    running.stop().await;
    let outcome = trend::start(&settings(folder.path()), open(other.path()), Shutdown::new()).await;
    let error = format!("{:#}", outcome.err().unwrap());
    assert!(error.contains("trend/snapshot") && error.contains("move the state that holds it aside"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_rebuilt_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let running = start(folder.path(), &log).await;
    append(&log, 0, 3).await;
    pulse(&log, water(6)).await;
    running.stop().await;
    std::fs::write(folder.path().join("trend/snapshot"), "wanglou-trend 1\nrubbish, and more of it").unwrap();
    append(&log, 3, 4).await;
    let running = start(folder.path(), &log).await;
    pulse(&log, water(8)).await;
    running.stop().await;
}
