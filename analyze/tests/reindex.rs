//! The archive is built anew while posts arrive and searches go on: none ever misses a post.

#![allow(clippy::unwrap_used, clippy::panic)]

use analyze::{
    archive::{self, corrections::Corrections, reindex},
    understand::Understanding,
};
use axum::body::{Body, to_bytes};
use http::Request;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use schemas::{
    kit::{
        auth::{Caller, Role},
        service::Service,
        settings::{Settings, Watch},
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{Counts, Kind, Precision, RawPost, Record, Via, post_id},
};
use serde_json::Value;
use std::{
    collections::HashSet,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tower::ServiceExt;

/// Times in the month before the last, in the last, and in this one.
static TIMES: LazyLock<[Timestamp; 3]> = LazyLock::new(|| {
    let now = Timestamp::now().to_zoned_datetime(TimeZone::get("Asia/Shanghai").unwrap());
    let tenth = now.first_of_month().unwrap().checked_add(9.days()).unwrap();
    let before = |months: i64| tenth.checked_sub(months.months()).unwrap().timestamp();
    [before(2), before(1), now.timestamp()]
});

/// The names of these months.
fn months() -> [String; 3] {
    TIMES.map(|at| at.to_zoned_datetime(TimeZone::get("Asia/Shanghai").unwrap()).strftime("%Y-%m").to_string())
}

fn post(number: u64, likes: u64) -> RawPost {
    let native_id = number.to_string();
    RawPost {
        v: RawPost::VERSION,
        id: post_id("forum", &native_id),
        source: "forum".into(),
        native_id,
        kind: Kind::Post,
        url: None,
        title: Some(format!("第{number}栋")),
        text: if number.is_multiple_of(2) { "停气了".into() } else { "桂花开了".into() },
        author: None,
        published_at: TIMES[(number % 3) as usize],
        published_precision: Precision::Second,
        fetched_at: Timestamp::now(),
        thread_id: None,
        parent_id: None,
        counts: Counts { likes, ..Counts::default() },
        place: None,
        media: Vec::new(),
        media_alt: Vec::new(),
        reply: None,
        official: None,
        addressed_to: None,
        via: Via::Push,
    }
}

async fn push(log: &SharedLog, posts: impl IntoIterator<Item = RawPost>) {
    let record =
        |post: RawPost| NewRecord { partition: (post.native_id.len() % 4) as u32, key: None, value: post.encode() };
    log.append(Topic::PostsRaw, posts.into_iter().map(record).collect()).await.unwrap();
}

/// An analyze stage in a folder; stages come and go in it.
struct Site {
    folder: TempDir,
    log: SharedLog,
}

struct Running {
    service: Service,
    shutdown: Shutdown,
}

/// A program that knows this watch topic, and calls its understanding by this name.
fn understanding(topic: &str, query: &str, version: &str) -> Arc<Understanding> {
    let watch = Watch { id: topic.into(), name: topic.into(), query: query.into() };
    Arc::new(Understanding::new([&watch]).unwrap().with_version(version))
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        Self { folder, log }
    }

    fn settings(&self) -> Settings {
        Settings { data_dir: self.folder.path().to_owned(), ..Settings::default() }
    }

    async fn start(&self, understanding: Arc<Understanding>, keep_months: u32) -> Running {
        let shutdown = Shutdown::new();
        let mut settings = self.settings();
        settings.archive.commit_every = Duration::from_millis(50);
        settings.archive.keep_months = keep_months;
        let archive = archive::open(&settings, understanding, Corrections::default()).await.unwrap();
        let service = archive::start(&settings, self.log.clone(), archive, shutdown.clone()).await.unwrap();
        Running { service, shutdown }
    }

    fn folders(&self) -> HashSet<String> {
        let entries = std::fs::read_dir(self.folder.path().join("archive")).unwrap();
        // A file beside them is being written anew, again and again.
        entries
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name.starts_with('2') || name.starts_with('.'))
            .collect()
    }
}

impl Running {
    async fn search(&self, parameters: &str) -> Value {
        let mut request = Request::get(format!("/api/search?{parameters}")).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller { name: "somebody".into(), role: Role::Analyst });
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    }

    async fn total(&self, parameters: &str) -> u64 {
        self.search(&format!("limit=0&{parameters}")).await["total"].as_u64().unwrap()
    }

    async fn wait_for(&self, parameters: &str, total: u64) {
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.total(parameters).await;
            if found == total {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{parameters}: {found} of {total}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.service.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_search_misses_a_post_while_posts_arrive_and_the_new_understanding_shows() {
    const BEFORE: u64 = 3_000;
    let site = Site::new();
    let old = site.start(understanding("water", "停水", "1"), 0).await;
    push(&site.log, (0..BEFORE).map(|number| post(number, 0))).await;
    old.wait_for("", BEFORE).await;
    assert_eq!(old.total("topic=gas").await, 0);
    old.stop().await;

    let new = Arc::new(site.start(understanding("gas", "停气", "2"), 0).await);
    assert_eq!(new.total("topic=gas").await, 0, "what is stored is as it was understood");
    reindex::request(site.folder.path(), Timestamp::now()).unwrap();
    // Posts arrive, and old ones are revised, all the while.
    let (pushed, log) = (Arc::new(AtomicU64::new(BEFORE)), site.log.clone());
    let arriving = tokio::spawn({
        let (pushed, data_dir) = (pushed.clone(), site.folder.path().to_owned());
        async move {
            while reindex::progress(&data_dir, "2").unwrap().is_some() {
                let next = pushed.load(Ordering::Relaxed);
                push(&log, (next..next + 20).map(|number| post(number, 0))).await;
                push(&log, (0..5).map(|step| post((next + step * 31) % BEFORE, next))).await;
                pushed.store(next + 20, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let mut least = BEFORE;
    while !arriving.is_finished() {
        let found = new.total("").await;
        assert!(found >= least, "{found} posts are found where {least} were before");
        least = found;
    }
    arriving.await.unwrap();
    let posts = pushed.load(Ordering::Relaxed);
    assert!(posts > BEFORE, "posts arrived meanwhile");
    new.wait_for("", posts).await;
    assert_eq!(new.total("topic=gas").await, posts.div_ceil(2), "old and new");
    assert_eq!(new.total("topic=water").await, 0);
    let hit = new.search("sort=heat&limit=1").await["hits"][0].clone();
    assert!(hit["likes"].as_u64().unwrap() >= BEFORE, "the last revision is there: {hit}");
    assert_eq!(site.folders(), HashSet::from(months().map(|month| format!("{month}.2"))));
    Arc::into_inner(new).unwrap().stop().await;

    // After a restart too, and a replay of everything changes nothing.
    std::fs::remove_file(site.folder.path().join("archive/position.json")).unwrap();
    let again = site.start(understanding("gas", "停气", "2"), 0).await;
    again.wait_for("", posts).await;
    push(&site.log, [post(posts, 0)]).await;
    again.wait_for("", posts + 1).await;
    assert_eq!(again.total("topic=gas").await, (posts + 1).div_ceil(2));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_half_built_is_dropped_and_begun_again() {
    let site = Site::new();
    let old = site.start(understanding("water", "停水", "1"), 0).await;
    push(&site.log, (0..60).map(|number| post(number, 0))).await;
    old.wait_for("", 60).await;
    old.stop().await;
    // As if a process had died half-way: the request stands, and a generation that names nothing.
    reindex::request(site.folder.path(), Timestamp::now()).unwrap();
    std::fs::create_dir(site.folder.path().join("archive").join(format!("{}.2", months()[1]))).unwrap();
    let gone = site.folder.path().join("archive").join(format!(".gone-{}", months()[0]));
    std::fs::create_dir(&gone).unwrap();
    let new = site.start(understanding("gas", "停气", "2"), 0).await;
    assert_eq!(new.total("").await, 60);
    new.wait_for("topic=gas", 30).await;
    new.wait_for("", 60).await;
    new.stop().await;
    assert_eq!(reindex::progress(site.folder.path(), "2").unwrap(), None);
    assert!(!gone.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_archive_is_built_anew_by_whoever_asks() {
    let site = Site::new();
    let old = site.start(understanding("water", "停水", "1"), 0).await;
    push(&site.log, (0..60).map(|number| post(number, 0))).await;
    old.wait_for("", 60).await;
    assert!(reindex::is_in_use(site.folder.path()).unwrap());
    old.stop().await;
    assert!(!reindex::is_in_use(site.folder.path()).unwrap());
    reindex::request(site.folder.path(), Timestamp::now()).unwrap();
    reindex::rebuild(&site.settings(), &site.log, understanding("gas", "停气", "1")).await.unwrap();
    assert_eq!(reindex::progress(site.folder.path(), "1").unwrap(), None);
    let new = site.start(understanding("gas", "停气", "1"), 0).await;
    assert_eq!((new.total("").await, new.total("topic=gas").await), (60, 30));
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_are_no_longer_kept_go_and_do_not_come_back() {
    let site = Site::new();
    let all = site.start(understanding("gas", "停气", "1"), 0).await;
    push(&site.log, (0..60).map(|number| post(number, 0))).await;
    all.wait_for("", 60).await;
    all.stop().await;
    let kept = site.start(understanding("gas", "停气", "1"), 1).await;
    kept.wait_for("", 40).await;
    assert_eq!(site.folders(), HashSet::from_iter(months().into_iter().skip(1)));
    // The same again, revised, and new ones: of what is forgotten nothing comes back, and the rest goes its way.
    push(&site.log, (0..90).map(|number| post(number, 7))).await;
    kept.wait_for("", 60).await;
    assert_eq!(kept.total(&format!("to={}", TIMES[0] + 1.hours())).await, 0);
    kept.stop().await;
    assert!(!site.folders().contains(&months()[0]));
}
