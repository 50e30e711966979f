//! The town is crawled as any site is, by the very selectors of its own [[source]] tables, and what is read is compared
//! with the history that was handed in at the door.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use axum::{body::Body, http::Request};
use jiff::Timestamp;
use schemas::{
    kit::settings::{Field, Settings, Source},
    records::DoorPost,
};
use scraper::{ElementRef, Html, Selector};
use std::collections::{BTreeMap, HashMap, HashSet};
use tower::ServiceExt as _;
use town::{Phone, Town, history, router, sources};

const BASE: &str = "http://127.0.0.1:9099";

fn start() -> Timestamp {
    "2026-11-24T18:40:00+08:00".parse().unwrap()
}

fn before_start() -> Timestamp {
    Timestamp::from_second(start().as_second() - 1).unwrap()
}

fn site(town: &Town, now: Timestamp) -> axum::Router {
    router(town.clone(), Phone::new(), move || now)
}

async fn get(site: &axum::Router, url: &str) -> (u16, String, String) {
    let request = Request::get(url.strip_prefix(BASE).unwrap_or(url))
        .header("host", "127.0.0.1:9099")
        .body(Body::empty())
        .unwrap();
    let response = site.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let bytes = axum::body::to_bytes(response.into_body(), 4 << 20).await.unwrap();
    let label = kind.rsplit("charset=").next().unwrap();
    let (text, _, faulty) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().decode(&bytes);
    assert!(!faulty, "{url} is not in {label}");
    (status, kind, text.into_owned())
}

fn select<'a>(within: ElementRef<'a>, css: &str) -> Vec<ElementRef<'a>> {
    within.select(&Selector::parse(css).unwrap()).collect()
}

fn value(within: ElementRef<'_>, field: &Field) -> Option<String> {
    let Field::Selector(field) = field else { panic!("the town's fields are plain selectors") };
    let (css, attribute) = field.split_once('@').map_or((field.as_str(), None), |(css, name)| (css, Some(name)));
    let found = *select(within, css).first()?;
    attribute.map_or_else(|| Some(found.text().collect()), |name| found.attr(name).map(ToOwned::to_owned))
}

fn settings() -> Settings {
    Settings::parse(&sources(BASE), []).unwrap()
}

fn source(settings: &Settings, id: &str) -> Source {
    settings.source.iter().map(|source| source.get_ref()).find(|source| source.id == id).unwrap().clone()
}

/// What a crawler yields of one post or comment.
#[derive(Debug, PartialEq)]
struct Read {
    url: String,
    title: Option<String>,
    text: String,
    author: String,
    published_at: Timestamp,
    thread: String,
    likes: u64,
}

fn read(item: ElementRef<'_>, fields: &BTreeMap<String, Field>, url: &str, format: &str) -> (String, Read) {
    let of = |name: &str| value(item, &fields[name]).unwrap_or_else(|| panic!("{url}: no {name}"));
    let time = jiff::civil::DateTime::strptime(format, of("published_at")).unwrap();
    let read = Read {
        url: url.to_owned(),
        title: None,
        text: of("text"),
        author: of("author"),
        published_at: time.to_zoned_datetime(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()).unwrap().timestamp(),
        thread: String::new(),
        likes: of("likes").parse().unwrap(),
    };
    (of("native_id"), read)
}

/// Reads some list pages and every page of their threads, and says how often each id was met.
async fn crawl(
    site: &axum::Router,
    source: &Source,
    list_pages: usize,
) -> (HashMap<String, Read>, HashMap<String, usize>) {
    let (list, thread) = (source.list.as_ref().unwrap(), source.thread.as_ref().unwrap());
    let comments = thread.comments.as_ref().unwrap();
    let format = thread.time_format.as_ref().unwrap();
    let (mut reads, mut met) = (HashMap::new(), HashMap::new());
    let mut next_list = Some(source.url.clone());
    for _ in 0..list_pages {
        let Some(url) = next_list else { break };
        let (status, kind, html) = get(site, &url).await;
        assert_eq!((status, kind.as_str()), (200, "text/html; charset=gbk"), "{url}");
        let page = Html::parse_document(&html);
        for row in select(page.root_element(), &list.item) {
            assert!(value(row, list.changed.as_ref().unwrap()).is_some());
            let mut next = value(row, list.link.as_ref().unwrap());
            let mut id = String::new();
            let mut pages = 0;
            while let Some(path) = next {
                let url = format!("{BASE}{path}");
                let (status, _, html) = get(site, &url).await;
                assert_eq!(status, 200, "{url}");
                let page = Html::parse_document(&html);
                let root = page.root_element();
                for post in select(root, &thread.post) {
                    let (native, mut post) = read(post, &thread.fields, &url, format);
                    post.title = value(root, thread.title.as_ref().unwrap());
                    id.clone_from(&native);
                    post.thread.clone_from(&id);
                    *met.entry(native.clone()).or_default() += 1;
                    reads.insert(native, post);
                }
                for comment in select(root, &comments.item) {
                    let (native, mut comment) = read(comment, &comments.fields, &url, format);
                    // Wanglou's crawler takes a comment's id as one within its thread.
                    let native = format!("{id}/{native}");
                    comment.thread.clone_from(&id);
                    *met.entry(native.clone()).or_default() += 1;
                    reads.insert(native, comment);
                }
                next = value(root, thread.next.as_ref().unwrap());
                pages += 1;
            }
            assert!(pages <= thread.pages, "a thread has more pages than a visit reads");
        }
        next_list = value(page.root_element(), list.next.as_ref().unwrap()).map(|path| format!("{BASE}{path}"));
    }
    (reads, met)
}

#[tokio::test]
async fn what_is_crawled_is_what_was_laid_in() {
    let town = Town::new(7, start(), 1);
    let lines: HashMap<String, DoorPost> = history(&town, BASE)
        .map(|line| serde_json::from_str::<DoorPost>(&line).unwrap())
        .inspect(|post| post.check().unwrap())
        .map(|post| (post.native_id.clone(), post))
        .collect();
    let (reads, met) = crawl(&site(&town, before_start()), &source(&settings(), "forum"), 8).await;
    assert!(met.values().all(|&times| times == 1), "each post and comment is met once");
    for (id, read) in &reads {
        let line = lines.get(id).unwrap_or_else(|| panic!("{id} is not in the history"));
        let laid_in = Read {
            url: line.url.clone().unwrap(),
            title: line.title.clone(),
            text: line.text.clone(),
            author: line.author.clone().unwrap(),
            published_at: line.published_at,
            thread: line.thread_id.clone().unwrap(),
            likes: line.likes.unwrap(),
        };
        assert_eq!(read, &laid_in);
    }
    let threads: HashSet<&String> = reads.values().map(|read| &read.thread).collect();
    assert_eq!(threads.len(), 160);
    let expected = lines.values().filter(|line| line.thread_id.as_ref().is_some_and(|id| threads.contains(id))).count();
    assert_eq!(reads.len(), expected, "nothing of these threads is missing");
}

#[tokio::test]
async fn the_history_is_in_order_and_before_the_start() {
    let town = Town::new(7, start(), 1);
    let lines: Vec<DoorPost> = history(&town, BASE).map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert!(lines.is_sorted_by_key(|line| line.published_at));
    assert!(lines.iter().all(|line| line.published_at < start()));
    let ids: HashSet<&String> = lines.iter().map(|line| &line.native_id).collect();
    assert_eq!(ids.len(), lines.len());
    assert!(lines.iter().any(|line| line.source == "news"));
    assert!(history(&town, BASE).eq(history(&Town::new(7, start(), 1), BASE)), "the same town says the same");
}

#[tokio::test]
async fn the_feed_is_what_was_laid_in() {
    let town = Town::new(7, start(), 2);
    let lines: HashMap<String, DoorPost> = history(&town, BASE)
        .map(|line| serde_json::from_str::<DoorPost>(&line).unwrap())
        .map(|p| (p.native_id.clone(), p))
        .collect();
    let site = site(&town, before_start());
    let (_, kind, xml) = get(&site, &source(&settings(), "news").url).await;
    assert_eq!(kind, "application/rss+xml; charset=utf-8");
    let feed = feed_rs::parser::parse(xml.as_bytes()).unwrap();
    assert_eq!(feed.entries.len(), 30);
    for entry in feed.entries {
        let line = &lines[&entry.id];
        assert_eq!(line.source, "news");
        assert_eq!(line.title, entry.title.map(|title| title.content));
        assert_eq!(line.text, entry.summary.unwrap().content);
        assert_eq!(line.published_at.as_second(), entry.published.unwrap().timestamp());
        let link = entry.links[0].href.clone();
        assert_eq!(line.url.as_ref(), Some(&link));
        let (status, _, html) = get(&site, &link).await;
        assert!(status == 200 && html.contains(&line.text), "{link}");
    }
}

/// A crawler on the front page meets the scenario while it rises.
#[tokio::test]
async fn the_scenario_is_on_the_front_page() {
    let town = Town::new(7, start(), 1);
    let at = |seconds: i64| Timestamp::from_second(start().as_second() + seconds).unwrap();
    let (reads, _) = crawl(&site(&town, at(180)), &source(&settings(), "forum"), 3).await;
    let water = |read: &&Read| ["停水", "断水", "水压", "爆管"].iter().any(|word| read.text.contains(word));
    let recent: Vec<&Read> = reads.values().filter(|read| read.published_at >= at(120)).collect();
    let hits = recent.iter().copied().filter(water).count();
    assert!((20..=45).contains(&hits), "{hits} of {} in the third minute", recent.len());
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let site = site(&Town::new(7, start(), 1), before_start());
    for path in [
        "/forum/board-1-99999.html",
        "/forum/board-2-1.html",
        "/forum/board-1-0.html",
        "/forum/thread-1-1.html",
        "/forum/thread-99999999999999999999-1.html",
        "/forum/board-1-18446744073709551615.html",
        "/forum/%00",
        "/news/1.html",
        "/admin",
        "/search",
    ] {
        let (status, kind, _) = get(&site, path).await;
        assert_eq!((status, kind.as_str()), (404, "text/html; charset=gbk"), "{path}");
    }
    for path in ["/", "/robots.txt", "/style.css", "/forum/", "/forum/rules.html", "/feed.xml", "/phone"] {
        assert_eq!(get(&site, path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_page_that_is_hooked_rings_and_is_shown() {
    let phone = Phone::new();
    let mut rings = phone.rings();
    let site = router(Town::new(7, start(), 0), phone, before_start);
    let send = |body: &'static str| {
        let request = Request::post("/hook").header("content-type", "application/json").body(Body::from(body)).unwrap();
        site.clone().oneshot(request)
    };
    for _ in 0..2 {
        assert_eq!(send(r#"{"key":"k","text":"停水 <b>","link":"http://127.0.0.1/i"}"#).await.unwrap().status(), 200);
    }
    assert_eq!(rings.recv().await.unwrap().text, "停水 <b>");
    assert!(rings.try_recv().is_err());
    assert_eq!(send("{").await.unwrap().status(), 400);
    let (_, _, html) = get(&site, "/phone").await;
    assert_eq!(html.matches("停水 &lt;b&gt;").count(), 1);
}

#[tokio::test]
async fn it_is_served_and_stops() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let served = tokio::spawn(town::serve(listener, Town::new(7, Timestamp::now(), 0), Phone::new(), shutdown.clone()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /robots.txt HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Disallow: /admin"), "{answer}");
    shutdown.cancel();
    served.await.unwrap().unwrap();
}
