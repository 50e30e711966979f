//! A forum and a feed on loopback, really crawled.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

mod common;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use common::{Flaky, Reports, open_log, posts, rejected, serve, settings};
use ingest::start;
use schemas::{
    kit::{service::Service, shutdown::Shutdown},
    log::SharedLog,
    records::{CrawlOutcome, Kind, Precision, Via},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

/// A thread of the forum: its number of the last change, and its comments.
#[derive(Clone, Default)]
struct Thread {
    changed: u32,
    comments: Vec<String>,
}

#[derive(Default)]
struct Forum {
    // The newest change first on the list.
    threads: BTreeMap<u32, Thread>,
    hits: HashMap<String, u32>,
    robots: Option<&'static str>,
    time: Option<&'static str>,
    /// This thread is deleted when the list's first page has been served.
    vanish_after_page_one: Option<u32>,
    /// This thread answers with an error.
    broken: Option<u32>,
    /// This thread's page is there and says nothing.
    empty: Option<u32>,
}

type Shared = Arc<Mutex<Forum>>;

fn gbk(text: &str) -> Response {
    let body = encoding_rs::GBK.encode(text).0.into_owned();
    ([(header::CONTENT_TYPE, "text/html; charset=gbk")], body).into_response()
}

const ROWS: usize = 4;
const COMMENTS: usize = 3;

async fn robots(State(forum): State<Shared>) -> Response {
    match forum.lock().unwrap().robots {
        Some("500") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(text) => text.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list(State(forum): State<Shared>, Query(query): Query<HashMap<String, usize>>) -> Response {
    let page = query.get("page").copied().unwrap_or(1);
    let mut forum = forum.lock().unwrap();
    *forum.hits.entry("list".into()).or_default() += 1;
    let mut threads: Vec<_> = forum.threads.iter().collect();
    threads.sort_by_key(|(_, thread)| std::cmp::Reverse(thread.changed));
    let rows: String = threads
        .iter()
        .skip((page - 1) * ROWS)
        .take(ROWS)
        .map(|(id, thread)| {
            format!("<tr class=row><td><a href='/t/{id}'>第{id}帖</a><td class=last>{}</tr>", thread.changed)
        })
        .collect();
    let next = if threads.len() > page * ROWS {
        format!("<a class=next href='/?page={}'>下一页</a>", page + 1)
    } else {
        String::new()
    };
    if page == 1
        && let Some(gone) = forum.vanish_after_page_one.take()
    {
        forum.threads.remove(&gone);
    }
    gbk(&format!("<html><table>{rows}</table>{next}"))
}

async fn thread(
    State(forum): State<Shared>,
    Path(id): Path<u32>,
    Query(query): Query<HashMap<String, usize>>,
) -> Response {
    let page = query.get("page").copied().unwrap_or(1);
    let mut forum = forum.lock().unwrap();
    *forum.hits.entry(format!("t{id}")).or_default() += 1;
    if forum.broken == Some(id) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if forum.empty == Some(id) {
        return gbk("<html><p>抱歉，指定的主题不存在或已被删除");
    }
    let Some(thread) = forum.threads.get(&id) else { return StatusCode::NOT_FOUND.into_response() };
    let post = if page == 1 {
        "<div class=post><b class=who>张三</b><p class=body>抚琴街道停水了，电话138-1234-5678</p><i class=time>2026-11-20 08:30</i></div>"
    } else {
        ""
    };
    let time = forum.time.unwrap_or("5分钟前");
    let comments: String = thread
        .comments
        .iter()
        .enumerate()
        .skip((page - 1) * COMMENTS)
        .take(COMMENTS)
        .map(|(n, text)| {
            format!("<div class=comment data-id={n}><p class=body>{text}</p><i class=time>{time}</i></div>")
        })
        .collect();
    let next = if thread.comments.len() > page * COMMENTS {
        format!("<a class=next href='/t/{id}?page={}'>下一页</a>", page + 1)
    } else {
        String::new()
    };
    gbk(&format!("<html><h1>第{id}帖</h1>{post}{comments}{next}"))
}

async fn forum(threads: u32) -> (Shared, String) {
    let forum = Shared::default();
    for id in 1..=threads {
        forum.lock().unwrap().threads.insert(id, Thread { changed: id, comments: vec!["我家也是".into()] });
    }
    let router = Router::new()
        .route("/robots.txt", get(robots))
        .route("/", get(list))
        .route("/t/{id}", get(thread))
        .with_state(forum.clone());
    let address = serve(router).await;
    let config = format!(
        r#"
[crawl]
pause = "0s"
[[source]]
id = "forum"
name = "锦水论坛"
kind = "html"
url = "http://{address}/"
every = "1s"
allow_private = true
[source.list]
item = "tr.row"
link = "a@href"
changed = ".last"
next = "a.next@href"
pages = 3
[source.thread]
id = '/t/(\d+)'
post = ".post"
title = "h1"
next = "a.next@href"
pages = 2
[source.thread.fields]
text = ".body"
published_at = ".time"
author = ".who"
[source.thread.comments]
item = ".comment"
[source.thread.comments.fields]
native_id = "@data-id"
text = ".body"
published_at = ".time"
"#
    );
    (forum, config)
}

/// A forum that is being crawled.
struct Crawled {
    _folder: tempfile::TempDir,
    log: SharedLog,
    reports: Reports,
    forum: Shared,
    shutdown: Shutdown,
    service: Service,
}

/// Crawls a forum of so many threads, with its config as `edited`.
async fn crawled(threads: u32, edited: impl Fn(String) -> String) -> Crawled {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let reports = Reports::of(&log).await;
    let (forum, config) = forum(threads).await;
    let shutdown = Shutdown::new();
    let settings = settings(folder.path(), &edited(config));
    let service = start(&settings, log.clone(), shutdown.clone()).await.unwrap();
    Crawled { _folder: folder, log, reports, forum, shutdown, service }
}

async fn stop(shutdown: Shutdown, task: tokio::task::JoinHandle<anyhow::Result<()>>) {
    shutdown.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_forum_is_read_whole_and_then_only_where_there_is_news() {
    let Crawled { _folder, log, mut reports, forum, shutdown, service } = crawled(6, |config| config).await;

    let first = reports.next().await;
    assert_eq!((first.outcome, first.found, first.new), (CrawlOutcome::Ok, 12, 12), "{first:?}");
    assert_eq!((first.pages, first.gap, &first.reason), (10, None, &None), "two list pages, twice, and six threads");
    let stored = posts(&log).await;
    let post = stored.iter().find(|post| post.id == "forum:3").unwrap();
    assert_eq!((post.kind, post.via, post.published_precision), (Kind::Post, Via::Crawl, Precision::Minute));
    assert_eq!(post.text, "抚琴街道停水了，电话138-****-****");
    assert_eq!(
        (post.title.as_deref(), post.published_at.to_string().as_str()),
        (Some("第3帖"), "2026-11-20T00:30:00Z")
    );
    assert!(post.author.as_ref().is_some_and(|author| author.len() == 16 && !author.contains("张")));
    let comment = stored.iter().find(|post| post.id == "forum:3/0").unwrap();
    assert_eq!(
        (comment.kind, comment.parent_id.as_deref(), comment.text.as_str()),
        (Kind::Comment, Some("3"), "我家也是")
    );

    let quiet = reports.next().await;
    assert_eq!((quiet.outcome, quiet.new, quiet.pages), (CrawlOutcome::Ok, 0, 1), "the list, and no thread: {quiet:?}");
    assert_eq!(quiet.covered.map(|span| span.from), Some(first.started_at), "gapless since the visit before");

    {
        let mut forum = forum.lock().unwrap();
        let thread = forum.threads.get_mut(&2).unwrap();
        thread.changed = 100;
        thread.comments.push("还没来水".into());
        forum.hits.clear();
    }
    let news = reports.until(|report| report.new > 0).await;
    assert_eq!((news.new, news.gap), (1, None), "{news:?}");
    let hits = forum.lock().unwrap().hits.clone();
    assert_eq!(hits.keys().filter(|key| key.starts_with('t')).collect::<Vec<_>>(), ["t2"], "only the thread with news");
    assert!(posts(&log).await.iter().any(|post| post.id == "forum:2/1" && post.text == "还没来水"));
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn a_long_thread_is_read_to_its_end_over_several_visits() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let (forum, config) = forum(1).await;
    forum.lock().unwrap().threads.get_mut(&1).unwrap().comments = (0..20).map(|n| format!("第{n}条")).collect();
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
    let mut new = 0;
    while new < 21 {
        let report = reports.next().await;
        assert_eq!(report.outcome, CrawlOutcome::Ok, "{report:?}");
        new += report.new;
    }
    assert_eq!((new, posts(&log).await.len()), (21, 21), "each once, although first pages are read again");
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn what_cannot_be_reached_back_to_is_reported_as_a_gap() {
    let Crawled { _folder, log, mut reports, forum, shutdown, service } =
        crawled(4, |config| config.replace("pages = 3", "pages = 1")).await;
    let before = reports.next().await;
    {
        let mut forum = forum.lock().unwrap();
        forum.time = Some("刚刚");
        forum.threads.extend((5..=20).map(|id| (id, Thread { changed: id, comments: vec!["新".into()] })));
    }
    let report = reports.until(|report| report.new > 0).await;
    let gap = report.gap.expect("sixteen new threads do not fit on one page of four");
    assert!(gap.from >= before.started_at && gap.to <= report.finished_at, "{report:?}");
    assert!(report.gap_reason.is_some(), "{report:?}");
    let closing = reports.until(|report| !report.closed.is_empty()).await;
    let closed = &closing.closed[0];
    assert_eq!((closed.from, closed.to), (gap.from, gap.to), "{closing:?}");
    assert!(closed.proof.contains("known before the gap"), "{}", closed.proof);
    for id in 1..=20 {
        assert!(has(&log, &format!("forum:{id}")).await, "thread {id} was read after all");
    }
    stop(shutdown, service.task).await;
}

async fn has(log: &SharedLog, id: &str) -> bool {
    posts(log).await.iter().any(|post| post.id == id)
}

#[tokio::test]
async fn a_row_that_slips_over_the_edge_of_a_page_is_found() {
    let Crawled { _folder, log, mut reports, forum, shutdown, service } = crawled(4, |config| config).await;
    reports.next().await;
    {
        let mut forum = forum.lock().unwrap();
        forum.threads.extend((5..=14).map(|id| (id, Thread { changed: id, comments: vec!["新".into()] })));
        // When the first page has been read (14 to 11), one of its rows goes: 10 slides up to it, and nobody looks there again.
        forum.vanish_after_page_one = Some(13);
    }
    let report = reports.until(|report| report.new > 0).await;
    assert_eq!(report.gap, None, "{report:?}");
    for id in (1..=12).chain([14]) {
        assert!(has(&log, &format!("forum:{id}")).await, "thread {id}");
    }
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn a_thread_that_cannot_be_read_is_a_gap_until_it_can() {
    let Crawled { _folder, log, mut reports, forum, shutdown, service } = crawled(3, |config| config).await;
    let before = reports.next().await;
    {
        let mut forum = forum.lock().unwrap();
        forum.threads.insert(4, Thread { changed: 4, comments: vec!["新".into()] });
        forum.broken = Some(4);
    }
    let trouble = reports.until(|report| report.reason.is_some()).await;
    assert_eq!(trouble.covered, None, "not everything that was listed has been read: {trouble:?}");
    let given_up = reports.until(|report| report.gap.is_some()).await;
    assert!(given_up.gap.unwrap().from >= before.started_at, "{given_up:?}");
    assert!(given_up.gap_reason.as_ref().unwrap().contains("/t/4"), "{given_up:?}");
    forum.lock().unwrap().broken = None;
    // News make it owed again at once; without, it is tried again later and later.
    forum.lock().unwrap().threads.get_mut(&4).unwrap().changed = 5;
    let closing = reports.until(|report| !report.closed.is_empty()).await;
    assert_eq!(closing.closed[0].from, given_up.gap.unwrap().from, "{closing:?}");
    assert!(has(&log, "forum:4").await && has(&log, "forum:4/0").await);
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn a_thread_whose_page_says_nothing_is_owed_until_it_is_taken_for_gone() {
    let Crawled { _folder, log, mut reports, forum, shutdown, service } = crawled(3, |config| config).await;
    reports.next().await;
    let bump = |id: u32, changed: u32| {
        let mut forum = forum.lock().unwrap();
        let thread = forum.threads.entry(id).or_default();
        thread.changed = changed;
        thread.comments.push("新".into());
    };
    forum.lock().unwrap().empty = Some(4);
    bump(4, 4);
    bump(3, 5);
    let owed = reports.until(|report| report.reason.is_some()).await;
    assert_eq!((owed.outcome, owed.covered), (CrawlOutcome::Ok, None), "{owed:?}");
    forum.lock().unwrap().empty = None;
    let read = reports.until(|report| report.covered.is_some()).await;
    assert!(read.new > 0 && has(&log, "forum:4").await, "{read:?}");

    forum.lock().unwrap().empty = Some(2);
    bump(2, 6);
    for changed in 7.. {
        // Another thread shows that the layout is what it was.
        bump(3, changed);
        let report = reports.next().await;
        assert_eq!(report.gap, None, "{report:?}");
        if report.gone > 0 {
            break;
        }
    }
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn a_restart_fetches_and_appends_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let (forum, config) = forum(3).await;
    let settings = settings(folder.path(), &config);
    {
        let log = open_log(folder.path());
        let mut reports = Reports::of(&log).await;
        let shutdown = Shutdown::new();
        let service = start(&settings, log.clone(), shutdown.clone()).await.unwrap();
        reports.next().await;
        reports.next().await;
        stop(shutdown, service.task).await;
        log.close().await;
    }
    forum.lock().unwrap().hits.clear();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let shutdown = Shutdown::new();
    let service = start(&settings, log.clone(), shutdown.clone()).await.unwrap();
    let report = reports.next().await;
    assert_eq!((report.new, report.gap), (0, None));
    assert_eq!(report.covered.map(|span| span.from < report.started_at), Some(true), "gapless over the restart");
    assert_eq!(forum.lock().unwrap().hits.keys().collect::<Vec<_>>(), ["list"]);
    assert_eq!(posts(&log).await.len(), 6);
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn a_visit_that_was_not_told_before_the_end_is_told_after_it_and_its_gap_is_chased() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let flaky = Flaky::new(log.clone());
    let mut reports = Reports::of(&log).await;
    let (forum, config) = forum(4).await;
    let settings = settings(folder.path(), &config.replace("pages = 3", "pages = 1"));
    let shutdown = Shutdown::new();
    let service = start(&settings, flaky.clone() as SharedLog, shutdown.clone()).await.unwrap();
    reports.next().await;
    flaky.set_reports_down(true);
    // The next visit may be under way: the one after it finds all of them.
    let news = (5..=20).map(|id| (id, Thread { changed: id, comments: vec!["新".into()] }));
    forum.lock().unwrap().threads.extend(news);
    while !has(&log, "forum:20").await || flaky.refused() == 0 {
        tokio::task::yield_now().await;
    }
    stop(shutdown, service.task).await;
    drop(service.router);

    let shutdown = Shutdown::new();
    let service = start(&settings, log.clone(), shutdown.clone()).await.unwrap();
    let told = reports.until(|report| report.gap.is_some()).await;
    assert!(told.new > 0 && told.closed.is_empty(), "{told:?}");
    let closing = reports.until(|report| !report.closed.is_empty()).await;
    assert_eq!(Some((closing.closed[0].from, closing.closed[0].to)), told.gap.map(|gap| (gap.from, gap.to)));
    for id in 1..=20 {
        assert!(has(&log, &format!("forum:{id}")).await, "thread {id}");
    }
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn while_the_log_takes_nothing_the_crawl_waits_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let flaky = Flaky::new(log.clone());
    let mut reports = Reports::of(&log).await;
    let (forum, config) = forum(3).await;
    flaky.set_down(true);
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), flaky.clone() as SharedLog, shutdown.clone()).await.unwrap();
    // Until the first thread was fetched, whose posts the log does not take.
    while !forum.lock().unwrap().hits.keys().any(|key| key.starts_with('t')) {
        tokio::task::yield_now().await;
    }
    assert!(posts(&log).await.is_empty());
    flaky.set_down(false);
    let report = reports.next().await;
    assert_eq!((report.outcome, report.new), (CrawlOutcome::Ok, 6));
    stop(shutdown, service.task).await;
}

#[tokio::test]
async fn robots_txt_is_obeyed_and_one_that_cannot_be_read_forbids_all() {
    for (robots, outcome) in [
        ("User-agent: *\nDisallow: /", CrawlOutcome::RobotsDenied),
        ("User-agent: other\nDisallow: /\n\nUser-agent: wanglou\nDisallow: /t/", CrawlOutcome::RobotsDenied),
        ("500", CrawlOutcome::Failed),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let log = open_log(folder.path());
        let mut reports = Reports::of(&log).await;
        let (forum, config) = forum(2).await;
        forum.lock().unwrap().robots = Some(robots);
        let shutdown = Shutdown::new();
        let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
        let report = reports.next().await;
        assert_eq!(report.outcome, outcome, "{report:?}");
        assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("robots.txt")), "{report:?}");
        assert!(!forum.lock().unwrap().hits.keys().any(|key| key.starts_with('t')), "no thread was fetched");
        assert!(posts(&log).await.is_empty());
        stop(shutdown, service.task).await;
    }
}

#[tokio::test]
async fn a_page_whose_times_cannot_be_read_is_set_aside_once_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let (_forum, config) = forum(1).await;
    let config = config.replacen("published_at = \".time\"", "published_at = \".who\"", 1);
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
    let report = reports.next().await;
    assert!(report.reason.as_ref().is_some_and(|reason| reason.contains("time_format")), "{report:?}");
    assert_eq!(posts(&log).await.len(), 1, "the comment beside it is kept");
    let set_aside = rejected(&log).await;
    assert_eq!((set_aside.len(), set_aside[0].origin.as_str()), (1, "source forum"));
    stop(shutdown, service.task).await;
}

async fn feed(State(hits): State<Arc<Mutex<Vec<bool>>>>, headers: HeaderMap) -> Response {
    let is_conditional = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == "\"v1\"");
    hits.lock().unwrap().push(is_conditional);
    if is_conditional {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let feed = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>
        <item><guid>1</guid><title>停水</title><description>抚琴街道</description><pubDate>Tue, 24 Nov 2026 02:05:00 GMT</pubDate></item>
        </channel></rss>"#;
    ([(header::ETAG, "\"v1\""), (header::CONTENT_TYPE, "application/rss+xml")], feed).into_response()
}

#[tokio::test]
async fn a_feed_that_has_not_changed_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let mut reports = Reports::of(&log).await;
    let hits = Arc::new(Mutex::new(Vec::new()));
    let address = serve(Router::new().route("/feed", get(feed)).with_state(hits.clone())).await;
    let config = format!(
        "[crawl]\npause = \"0s\"\n[[source]]\nid = \"feed\"\nkind = \"rss\"\nurl = \"http://{address}/feed\"\nevery = \"1s\"\nallow_private = true\n"
    );
    let shutdown = Shutdown::new();
    let service = start(&settings(folder.path(), &config), log.clone(), shutdown.clone()).await.unwrap();
    let (first, second) = (reports.next().await, reports.next().await);
    assert_eq!((first.outcome, first.new), (CrawlOutcome::Ok, 1));
    assert_eq!((second.outcome, second.new), (CrawlOutcome::NotModified, 0));
    assert_eq!(second.covered.map(|span| span.from), Some(first.started_at));
    assert_eq!(hits.lock().unwrap()[..2], [false, true]);
    stop(shutdown, service.task).await;
}
