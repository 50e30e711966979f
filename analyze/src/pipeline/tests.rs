//! The pipeline over the real embedded log: what comes out, what is set aside, and what failures leave behind.

use super::{Options, Pipeline};
use crate::{
    archive::{
        Archive,
        search::{Page, Search},
    },
    query::Query,
    understand::Understanding,
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use jiff::Timestamp;
use schemas::{
    kit::shutdown::Shutdown,
    log::{
        Embedded, EmbeddedOptions, Log, LogError, NewRecord, Position, Reader, Share, SharedLog, Topic, TopicInfo,
        partition_of,
    },
    records::{AnalyzedPost, Counts, Gone, Kind, Precision, RawPost, Record, Rejected, Reply, Verdict, Via, post_id},
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(60);
const FETCHED: &str = "2026-11-24T08:00:00Z";

fn post(native_id: &str, text: &str) -> RawPost {
    RawPost {
        v: RawPost::VERSION,
        id: post_id("forum", native_id),
        source: "forum".into(),
        native_id: native_id.into(),
        kind: Kind::Post,
        url: Some("https://forum.example/1".into()),
        title: Some("求助".into()),
        text: text.into(),
        author: None,
        published_at: "2026-11-24T07:00:00Z".parse().unwrap(),
        published_precision: Precision::Minute,
        fetched_at: FETCHED.parse().unwrap(),
        thread_id: Some("7".into()),
        parent_id: None,
        counts: Counts::default(),
        place: None,
        media: Vec::new(),
        media_alt: Vec::new(),
        reply: None,
        official: None,
        addressed_to: None,
        via: Via::Push,
    }
}

/// A log and an archive in a folder of their own.
struct Fixture {
    folder: TempDir,
    log: SharedLog,
    options: Options,
}

/// A pipeline at work.
struct Running {
    archive: Arc<Archive>,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let options = Options {
            writer_bytes: 15_000_000,
            commit_every: Duration::from_millis(20),
            commit_posts: 1_000,
            tz: jiff::tz::TimeZone::UTC,
            keep_months: 0,
        };
        Self { folder, log, options }
    }

    async fn push(&self, records: impl IntoIterator<Item = (&str, Bytes)>) {
        let partitions = self.log.describe(Topic::PostsRaw).await.unwrap().partitions;
        let records = records
            .into_iter()
            .map(|(id, value)| NewRecord { partition: partition_of(id, partitions), key: None, value })
            .collect();
        self.log.append(Topic::PostsRaw, records).await.unwrap();
    }

    async fn push_posts(&self, posts: &[RawPost]) {
        self.push(posts.iter().map(|post| (post.id.as_str(), post.encode()))).await;
    }

    fn archive(&self) -> Arc<Archive> {
        let understanding = Arc::new(Understanding::new([]).unwrap());
        Arc::new(Archive::open(self.folder.path(), understanding).unwrap())
    }

    async fn pipeline(&self, archive: Arc<Archive>, log: SharedLog) -> Pipeline {
        let info = log.describe(Topic::PostsRaw).await.unwrap();
        Pipeline::open(archive, log, info, self.options.clone()).await.unwrap()
    }

    async fn start(&self) -> Running {
        let archive = self.archive();
        let pipeline = self.pipeline(archive.clone(), self.log.clone()).await;
        Running::start(archive, pipeline)
    }

    /// Waits for so many records of a topic, from the start.
    async fn records<R: Record>(&self, topic: Topic, count: usize) -> Vec<(Position, R)> {
        let info = self.log.describe(topic).await.unwrap();
        let mut reader = self.log.reader(topic, info.resume(None).unwrap()).await.unwrap();
        let mut records = Vec::new();
        while records.len() < count {
            let batch = reader.next(10_000, SOON).await.unwrap().expect("records that are written can be read");
            records.extend(batch.entries.iter().map(|entry| {
                (Position { partition: batch.partition, offset: entry.offset }, R::decode(&entry.value).unwrap())
            }));
        }
        records
    }

    async fn analyzed(&self, count: usize) -> Vec<AnalyzedPost> {
        self.records(Topic::PostsAnalyzed, count).await.into_iter().map(|(_, post)| post).collect()
    }
}

impl Running {
    fn start(archive: Arc<Archive>, pipeline: Pipeline) -> Self {
        let shutdown = Shutdown::new();
        Self { archive, task: tokio::spawn(pipeline.run(shutdown.clone())), shutdown }
    }

    /// Stops when all that was pushed so far is done: a record behind it, which cannot be read, is set aside.
    async fn stop_when_read(self, fixture: &Fixture) -> Arc<Archive> {
        let before = fixture.log.bounds(Topic::PostsRejected, 0).await.unwrap().1 as usize;
        let partitions = fixture.log.describe(Topic::PostsRaw).await.unwrap().partitions;
        let ends =
            (0..partitions).map(|partition| NewRecord { partition, key: None, value: Bytes::from_static(b"end") });
        fixture.log.append(Topic::PostsRaw, ends.collect()).await.unwrap();
        fixture.records::<Rejected>(Topic::PostsRejected, before + partitions as usize).await;
        self.stop().await
    }

    async fn stop(self) -> Arc<Archive> {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
        self.archive
    }
}

fn everything(archive: &Archive) -> Page {
    let search = Search { limit: 200, ..Search::new(Query::All) };
    archive.search(&search, Instant::now() + SOON).unwrap()
}

fn ids(archive: &Archive) -> Vec<String> {
    let mut ids: Vec<String> = everything(archive).hits.into_iter().map(|hit| hit.native_id).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_gets_its_verdict_in_its_place() {
    let fixture = Fixture::new();
    let first = post("1", "停水了");
    let liked = RawPost { counts: Counts { likes: 3, ..Counts::default() }, ..first.clone() };
    fixture.push_posts(&[first.clone(), first.clone(), liked.clone()]).await;
    let running = fixture.start().await;
    let analyzed = fixture.analyzed(3).await;
    let (partition, verdicts): (Vec<_>, Vec<_>) = analyzed.iter().map(|post| (post.raw, post.verdict)).unzip();
    let at = partition_of(&first.id, 4);
    assert_eq!(partition, [0, 1, 2].map(|offset| Position { partition: at, offset }));
    assert_eq!(verdicts, [Verdict::First, Verdict::Duplicate, Verdict::Revision]);
    assert_eq!((analyzed[0].text.as_str(), analyzed[0].previous), ("停水了", None));
    assert!(analyzed[0].sentiment.is_some());
    assert_eq!((analyzed[1].text.as_str(), &analyzed[1].title, analyzed[1].sentiment), ("", &None, None));
    assert_eq!((analyzed[2].previous, analyzed[2].counts.likes), (Some(Counts::default()), 3));
    let page = everything(&*running.stop().await);
    assert_eq!((page.total, page.hits[0].counts.likes, page.hits[0].native_id.as_str()), (1, 3, "1"));
    assert_eq!(page.hits[0].title.as_deref(), Some("求助"));
    assert_eq!(page.hits[0].thread_id.as_deref(), Some("7"));
}

/// The same text again is of the cluster of the first; a restart does not forget it, nor does a crash that loses the archive's position.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_of_the_cluster_of_the_first_whatever_happens_between_them() {
    const TEXT: &str = "昨天下午抚琴西路的自来水管又爆了，路面全是水，打了三次电话都说马上来，到现在也没有人来修";
    let fixture = Fixture::new();
    let first = post("1", TEXT);
    fixture.push_posts(std::slice::from_ref(&first)).await;
    fixture.start().await.stop_when_read(&fixture).await;
    let copy = post("2", &TEXT.replace("三次", "五次"));
    let repost = RawPost { kind: Kind::Repost, parent_id: Some("2".into()), ..post("3", "说得对") };
    let other = post("4", "小区门口的幼儿园下个月开学，学费涨了八百块，家长群里都在问为什么没有提前通知");
    let placed = |mut posts: Vec<AnalyzedPost>| {
        posts.sort_by(|one, next| (&one.id, one.raw).cmp(&(&next.id, next.raw)));
        posts.into_iter().map(|post| (post.id, post.cluster)).collect::<Vec<_>>()
    };
    let running = fixture.start().await;
    fixture.push_posts(std::slice::from_ref(&copy)).await;
    fixture.analyzed(2).await;
    // Partitions are read in no order among each other, so each is waited for.
    fixture.push_posts(&[repost, other]).await;
    let posts = placed(fixture.analyzed(4).await);
    let of = |cluster: Option<&str>| cluster.map(str::to_owned);
    assert_eq!(
        posts,
        [
            ("forum:1".to_owned(), None),
            ("forum:2".to_owned(), of(Some("forum:1"))),
            ("forum:3".to_owned(), of(Some("forum:1"))),
            ("forum:4".to_owned(), None),
        ]
    );
    running.stop().await;
    std::fs::remove_dir_all(fixture.folder.path().join("archive")).unwrap();
    let running = fixture.start().await;
    let again = placed(fixture.analyzed(8).await);
    running.stop().await;
    let twice: Vec<_> = posts.into_iter().flat_map(|post| [post.clone(), post]).collect();
    assert_eq!(again, twice);
}

/// A hotline hands a report in, and again when it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_answered_shows_its_answer() {
    let fixture = Fixture::new();
    let asked = RawPost { kind: Kind::Report, ..post("1", "停水了") };
    let reply = Reply { text: "已派人抢修".into(), published_at: None, by: Some("水务局".into()) };
    let answered = RawPost { reply: Some(reply.clone()), ..asked.clone() };
    fixture.push_posts(&[asked, answered.clone(), answered]).await;
    let running = fixture.start().await;
    let verdicts: Vec<_> = fixture.analyzed(3).await.iter().map(|post| post.verdict).collect();
    assert_eq!(verdicts, [Verdict::First, Verdict::Revision, Verdict::Duplicate]);
    let page = everything(&*running.stop().await);
    assert_eq!((page.total, page.hits[0].reply.as_ref()), (1, Some(&reply)));
}

fn mark(native_id: &str, gone_at: &str) -> Gone {
    Gone {
        v: Gone::VERSION,
        id: post_id("forum", native_id),
        source: "forum".into(),
        native_id: native_id.into(),
        gone_at: gone_at.parse().unwrap(),
        reason: "HTTP 404".into(),
    }
}

/// A mark, a mark again, one of a post that nobody knows, one that comes late; then the post is back. All of it in one go, so that
/// the post is not committed when its mark comes; and again with a restart before each.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_gone_keeps_its_text_until_it_is_back() {
    const GONE: &str = "2026-11-24T09:00:00Z";
    let (there, id) = (post("1", "停水了"), post_id("forum", "1"));
    let raw = [
        there.encode(),
        mark("1", "2026-11-24T07:59:59Z").encode(),
        mark("1", GONE).encode(),
        mark("1", "2026-11-24T09:30:00Z").encode(),
    ];
    for restarts in [false, true] {
        let fixture = Fixture::new();
        let mut running = fixture.start().await;
        for record in &raw {
            fixture.push([(id.as_str(), record.clone())]).await;
            if restarts {
                // What comes behind it in its partition tells that it is done.
                drop(running.stop_when_read(&fixture).await);
                running = fixture.start().await;
            }
        }
        let archive = running.stop_when_read(&fixture).await;
        let page = everything(&archive);
        let hit = &page.hits[0];
        assert_eq!((page.total, hit.text.as_str(), hit.gone_at), (1, "停水了", Some(GONE.parse().unwrap())));
        drop(archive);
        let analyzed = fixture.analyzed(2).await;
        assert_eq!(analyzed.iter().map(|post| post.verdict).collect::<Vec<_>>(), [Verdict::First, Verdict::Gone]);
        assert_eq!((analyzed[1].text.as_str(), analyzed[1].gone_at), ("", Some(GONE.parse().unwrap())));
        fixture.push([("nobody", mark("nobody", GONE).encode()), (id.as_str(), there.encode())]).await;
        let running = fixture.start().await;
        let archive = running.stop_when_read(&fixture).await;
        let page = everything(&archive);
        assert_eq!((page.total, page.hits[0].gone_at), (1, None), "it is back");
        assert_eq!(fixture.analyzed(3).await[2].verdict, Verdict::Revision);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_the_archive_stands() {
    let fixture = Fixture::new();
    let posts: Vec<RawPost> = (0..40).map(|n| post(&n.to_string(), "停水")).collect();
    fixture.push_posts(&posts[..20]).await;
    let running = fixture.start().await;
    fixture.analyzed(20).await;
    drop(running.stop().await);
    fixture.push_posts(&posts[10..]).await;
    let running = fixture.start().await;
    let analyzed = fixture.analyzed(50).await;
    let firsts = analyzed.iter().filter(|post| post.verdict == Verdict::First).count();
    assert_eq!((firsts, analyzed.len()), (40, 50));
    assert_eq!(ids(&*running.stop().await).len(), 40);
    for partition in 0..4 {
        let raw: Vec<u64> = analyzed
            .iter()
            .map(|post| post.raw)
            .filter(|raw| raw.partition == partition)
            .map(|raw| raw.offset)
            .collect();
        assert_eq!(raw, (0..raw.len() as u64).collect::<Vec<_>>(), "in order, each once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_set_aside_and_what_can_goes_on() {
    let fixture = Fixture::new();
    let value = |change: &dyn Fn(&mut serde_json::Value)| -> Bytes {
        let mut value = serde_json::to_value(post("bad", "停水")).unwrap();
        change(&mut value);
        serde_json::to_vec(&value).unwrap().into()
    };
    let unreadable: Vec<Bytes> = vec![
        Bytes::from_static(b"not JSON \xff\x00\x1b[31m"),
        Bytes::new(),
        Bytes::from("[".repeat(100_000)),
        value(&|post| post["v"] = 9_999.into()),
        value(&|post| post["id"] = "forum:another".into()),
        value(&|post| post["source"] = "a:b".into()),
        value(&|post| post["native_id"] = "".into()),
        value(&|post| {
            let long = "x".repeat(70_000);
            post["id"] = format!("forum:{long}").into();
            post["native_id"] = long.into();
        }),
        value(&|post| post["published_at"] = "yesterday".into()),
        value(&|post| post["published_at"] = "99999-01-01T00:00:00Z".into()),
        value(&|post| post["text"] = "水".repeat((4 << 20) / 3).into()),
    ];
    let absurd = |id: &str, at: Timestamp| RawPost { published_at: at, fetched_at: at, ..post(id, "日期") };
    let readable = [
        post("nul", "a\0b\u{1b}[2J"),
        post("word", &"长".repeat(350_000)),
        RawPost { title: None, ..post("empty", "") },
        absurd("ancient", Timestamp::MIN),
        absurd("remote", Timestamp::MAX),
    ];
    // One bad record after each good one, all in one partition.
    let mixed = unreadable.iter().cloned().zip(readable.iter().cycle());
    fixture.push(mixed.flat_map(|(bad, good)| [("x", good.encode()), ("x", bad)])).await;
    let running = fixture.start().await;
    let rejected = fixture.records::<Rejected>(Topic::PostsRejected, unreadable.len()).await;
    let analyzed = fixture.analyzed(unreadable.len()).await;
    for ((_, rejected), bytes) in rejected.iter().zip(&unreadable) {
        let kept = bytes.len().min(4 << 20);
        assert_eq!(BASE64.decode(&rejected.bytes).unwrap(), bytes[..kept], "{}", rejected.reason);
        assert!(rejected.origin.starts_with("posts.raw partition "), "{}", rejected.origin);
        assert_eq!(rejected.stage, "analyze");
    }
    assert_eq!(analyzed.iter().filter(|post| post.verdict == Verdict::First).count(), readable.len());
    let archive = running.stop().await;
    assert_eq!(ids(&archive), ["ancient", "empty", "nul", "remote", "word"]);
    for hit in everything(&archive).hits.iter().filter(|hit| ["ancient", "remote"].contains(&&*hit.native_id)) {
        assert!(hit.date_clamped);
        assert!(hit.published_at.duration_until(Timestamp::now()).as_secs().abs() < 3_600, "the time of appending");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_fails_is_opened_again_and_holds_each_post_once() {
    // One commit, of three months and the position. The first life ends at each of its steps in turn.
    for fuse in 0..4 {
        let mut fixture = Fixture::new();
        fixture.options.commit_every = Duration::from_secs(3_600);
        fixture.options.commit_posts = 60;
        let months = ["2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"];
        let posts: Vec<RawPost> = (0..60)
            .map(|n| RawPost { published_at: months[n % 3].parse().unwrap(), ..post(&n.to_string(), "停水") })
            .collect();
        fixture.push_posts(&posts).await;
        let archive = fixture.archive();
        let mut pipeline = fixture.pipeline(archive.clone(), fixture.log.clone()).await;
        let health = pipeline.health();
        pipeline.first.fuse = Some(fuse);
        let running = Running::start(archive, pipeline);
        while health.check().is_ok() {
            tokio::task::yield_now().await;
        }
        fixture.push_posts(&[post("last", "来水")]).await;
        let again = 20 * (3 - fuse as usize);
        let analyzed = fixture.analyzed(60 + again + 1).await;
        assert_eq!(analyzed.len(), 60 + again + 1, "only what no month has committed comes again");
        assert!(analyzed.iter().all(|post| post.verdict == Verdict::First));
        assert_eq!(analyzed.iter().map(|post| post.raw).collect::<HashSet<_>>().len(), 61);
        let held = ids(&*running.stop().await);
        assert_eq!((held.len(), held.iter().collect::<HashSet<_>>().len()), (61, 61), "fuse {fuse}");
    }
}

/// A log that cannot take appends to posts.analyzed at first.
struct Failing {
    log: SharedLog,
    failures: AtomicU32,
}

#[async_trait]
impl Log for Failing {
    async fn describe(&self, topic: Topic) -> Result<TopicInfo, LogError> {
        self.log.describe(topic).await
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<Vec<Position>, LogError> {
        let left = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if topic == Topic::PostsAnalyzed && left.is_ok() {
            return Err(LogError::Unavailable("the disk is full".into()));
        }
        self.log.append(topic, records).await
    }

    async fn reader(&self, topic: Topic, from: Vec<Position>) -> Result<Box<dyn Reader>, LogError> {
        self.log.reader(topic, from).await
    }

    async fn bounds(&self, topic: Topic, partition: u32) -> Result<(u64, u64), LogError> {
        self.log.bounds(topic, partition).await
    }

    async fn share(&self) -> Result<Box<dyn Share>, LogError> {
        self.log.share().await
    }

    async fn retain(&self, now: Timestamp) -> Result<(), LogError> {
        self.log.retain(now).await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_log_is_waited_for() {
    let fixture = Fixture::new();
    let posts: Vec<RawPost> = (0..10).map(|n| post(&n.to_string(), "停水")).collect();
    fixture.push_posts(&posts).await;
    let failing = Arc::new(Failing { log: fixture.log.clone(), failures: AtomicU32::new(2) });
    let archive = fixture.archive();
    let pipeline = fixture.pipeline(archive.clone(), failing).await;
    let running = Running::start(archive, pipeline);
    assert!(fixture.analyzed(10).await.iter().all(|post| post.verdict == Verdict::First));
    assert_eq!(ids(&*running.stop().await).len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_never_comes_back_does_not_hold_up_a_stop() {
    let fixture = Fixture::new();
    fixture.push_posts(&[post("1", "停水")]).await;
    let failing = Arc::new(Failing { log: fixture.log.clone(), failures: AtomicU32::new(u32::MAX) });
    let archive = fixture.archive();
    let pipeline = fixture.pipeline(archive.clone(), failing).await;
    let health = pipeline.health();
    let running = Running::start(archive, pipeline);
    while health.check().is_ok() {
        tokio::task::yield_now().await;
    }
    running.shutdown.cancel();
    assert!(running.task.await.unwrap().unwrap_err().to_string().contains("the disk is full"));
    drop(running.archive);
    // What was not done then is done by the next life.
    let running = fixture.start().await;
    fixture.analyzed(1).await;
    assert_eq!(ids(&*running.stop().await), ["1"]);
}
