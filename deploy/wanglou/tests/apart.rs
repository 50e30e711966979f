//! Services apart, over a real broker: three processes do what one does, and workers of ingest take over from one another.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use axum::{Router, extract::Path, http::header, response::IntoResponse, routing::get};
use reqwest::StatusCode;
use schemas::{
    kit::{
        auth::{Caller, Role},
        internal::{self, InternalKey},
        settings::Settings,
    },
    log::{Position, Topic, broker::Broker},
    records::{CrawlReport, Record},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use support::{
    Instance, Site, VIEWER,
    control::{another_is_counted, what_people_set_holds},
    line, wait_for,
    watch::{Receiver, fifteen_posts_page_once_and_somebody_signs},
};

/// Several processes and a broker are enough for two cores: one house at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
const KEY: &str = "an internal key for tests only, long enough";

/// A site over a log of its own on the broker that all tests here share.
fn site(more: &str) -> Site {
    let log = Broker::shared().settings();
    let text = format!(
        "kind = \"kafka\"\nbrokers = \"{}\"\npartitions = {}\nreplication = 1\nprefix = \"{}\"",
        log.brokers.unwrap(),
        log.partitions,
        log.prefix
    );
    Site::over(&text, more)
}

/// One stage of a site in a process of its own, with a data folder of its own.
fn stage(site: &Site, stage: &str, folder: &str) -> Command {
    let mut command = site.command();
    command
        .args([stage, "--config"])
        .arg(site.config())
        .env("WANGLOU__DATA_DIR", site.path().join(folder))
        .env("WANGLOU_INTERNAL_KEY", KEY)
        .env("WANGLOU_AUTHOR_KEY", "an author key for tests only");
    command
}

async fn start(site: &Site, name: &str, folder: &str) -> Instance {
    let command = stage(site, name, folder);
    let instance = tokio::task::spawn_blocking(move || Instance::spawn(command, "http://")).await.unwrap();
    instance.ready().await;
    instance
}

/// The gateway, which knows where the others are.
async fn gateway(site: &Site, ingest: &[&Instance], analyze: &Instance) -> Instance {
    let ingest: Vec<&str> = ingest.iter().map(|instance| instance.base.as_str()).collect();
    let mut command = stage(site, "alert", "alert");
    command
        .env("WANGLOU__HTTP__UPSTREAM__INGEST", format!("{ingest:?}"))
        .env("WANGLOU__HTTP__UPSTREAM__ANALYZE", format!("{:?}", analyze.base));
    let gateway = tokio::task::spawn_blocking(move || Instance::spawn(command, "http://")).await.unwrap();
    wait_for("the gateway to find the others", async || (readiness(&gateway).await? == "ok\n").then_some(())).await;
    gateway
}

async fn readiness(instance: &Instance) -> Option<String> {
    instance.client.get(format!("{}/readyz", instance.base)).send().await.ok()?.text().await.ok()
}

async fn metric(instance: &Instance, name: &str) -> Option<f64> {
    let text = instance.client.get(format!("{}/metrics", instance.base)).send().await.ok()?.text().await.ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_do_what_one_does() {
    let _turn = TURN.lock().await;
    let receiver = Receiver::start().await;
    let site = site(&receiver.channel());
    let (ingest, analyze) = tokio::join!(start(&site, "ingest", "ingest"), start(&site, "analyze", "analyze"));
    let gateway = gateway(&site, &[&ingest], &analyze).await;

    fifteen_posts_page_once_and_somebody_signs(&gateway, &receiver).await;
    wait_for("search to find them", async || (gateway.search_total("&q=停水").await? == 60).then_some(())).await;
    let coverage = gateway.get("/api/coverage").await;
    assert_eq!(coverage["sources"][0]["id"], json!("feed"), "{coverage}");

    // What is set goes through the broker to the process that reads and searches.
    let topic = what_people_set_holds(&gateway).await;
    another_is_counted(&gateway, &topic, 2).await;

    roles_hold(&gateway).await;
    nothing_goes_past_the_gateway(&ingest, &analyze).await;
    posts_are_imported_beside_it(&site, &gateway).await;

    // A service that is away is named; the rest of the gateway goes on.
    assert!(analyze.stop().success(), "a stop that was asked for is a success");
    let answer =
        gateway.client.get(format!("{}/api/search", gateway.base)).bearer_auth(support::ADMIN).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let told: Value = answer.json().await.unwrap();
    assert!(told["error"]["message"].as_str().unwrap().contains("analyze"), "{told}");
    gateway.get("/api/incidents").await;
    wait_for("the gateway to tell of it", async || readiness(&gateway).await?.contains("analyze: ").then_some(()))
        .await;
    gateway.ready().await;
}

async fn roles_hold(gateway: &Instance) {
    let call = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
    let posts = format!("{}/api/posts", gateway.base);
    let push = gateway.client.post(&posts).body(line(1, jiff::Timestamp::now()));
    assert_eq!(call(push.try_clone().unwrap().bearer_auth(VIEWER)).await, StatusCode::FORBIDDEN);
    assert_eq!(call(push).await, StatusCode::UNAUTHORIZED);
    let get = |path: &str| gateway.client.get(format!("{}{path}", gateway.base));
    assert_eq!(call(get("/api/search").bearer_auth(VIEWER)).await, StatusCode::FORBIDDEN);
    assert_eq!(call(get("/api/topics").bearer_auth(VIEWER)).await, StatusCode::OK);
    assert_eq!(call(get("/api/topics").header("X-Wanglou-Role", "admin")).await, StatusCode::UNAUTHORIZED);
}

async fn nothing_goes_past_the_gateway(ingest: &Instance, analyze: &Instance) {
    let admin = Caller { name: "somebody".into(), role: Role::Admin };
    let forged = InternalKey::new(b"a key that somebody has made up for it").unwrap();
    let real = InternalKey::new(KEY.as_bytes()).unwrap();
    let now = jiff::Timestamp::now();
    for (instance, path) in [(analyze, "/api/search"), (ingest, "/api/coverage"), (analyze, "/api/nothing")] {
        let bare = || instance.client.get(format!("{}{path}", instance.base)).bearer_auth(support::ADMIN);
        assert_eq!(bare().send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{path}");
        for token in [
            forged.sign(&admin, "GET", path, now),
            real.sign(&admin, "GET", "/api/other", now),
            real.sign(&admin, "GET", path, now - jiff::SignedDuration::from_mins(5)),
        ] {
            let answer = bare().header(internal::HEADER, token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
    }
    let token = real.sign(&admin, "GET", "/api/search", now);
    let request = analyze.client.get(format!("{}/api/search", analyze.base)).header(internal::HEADER, token);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "the gateway's own key opens it");
}

async fn posts_are_imported_beside_it(site: &Site, gateway: &Instance) {
    let before = gateway.search_total("").await.unwrap();
    let file = site.path().join("posts.jsonl");
    let now = jiff::Timestamp::now();
    std::fs::write(&file, (10_000..10_030).map(|number| line(number, now)).collect::<String>()).unwrap();
    let mut command = stage(site, "import", "import");
    command.arg(&file);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_for("the import", async || (gateway.search_total("").await? == before + 30).then_some(())).await;
}

#[test]
fn a_stage_alone_says_what_it_needs() {
    let told = |site: &Site, stage: &str, key: Option<&str>| {
        let mut command = site.command();
        command.args([stage, "--config"]).arg(site.config());
        if let Some(key) = key {
            command.env("WANGLOU_INTERNAL_KEY", key);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let embedded = Site::new("");
    let kafka = Site::over("kind = \"kafka\"\nbrokers = \"127.0.0.1:9\"", "");
    for stage in ["ingest", "analyze", "alert"] {
        assert!(told(&embedded, stage, Some(KEY)).contains("belongs to one process"));
        assert!(told(&kafka, stage, None).contains("set WANGLOU_INTERNAL_KEY"));
        assert!(told(&kafka, stage, Some("short")).contains("5 bytes"));
    }
    let missing = told(&kafka, "alert", Some(KEY));
    assert!(missing.contains("set [http.upstream] ingest"), "{missing}");
}

/// Feeds on loopback, each with as many items as there are now.
async fn feeds(count: usize, items: &Arc<AtomicU32>) -> String {
    let items = items.clone();
    let feed = move |Path(feed): Path<String>| {
        let items = items.load(Ordering::SeqCst);
        async move {
            let items: String = (0..items)
                .rev()
                .map(|item| {
                    let at = jiff::Timestamp::from_second(1_790_000_000 + i64::from(item)).unwrap();
                    let at = at.strftime("%a, %d %b %Y %H:%M:%S GMT");
                    format!(
                        "<item><guid>{feed}-{item}</guid><title>公告 {item}</title><description>停气通知第{item}期 \
                         {feed}</description><pubDate>{at}</pubDate></item>"
                    )
                })
                .collect();
            let text = format!("<rss version=\"2.0\"><channel><title>{feed}</title>{items}</channel></rss>");
            ([(header::CONTENT_TYPE, "application/rss+xml")], text).into_response()
        }
    };
    let router = Router::new().route("/feed/{feed}", get(feed));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (0..count)
        .map(|n| {
            format!(
                "[[source]]\nid = \"s{n}\"\nkind = \"rss\"\nurl = \"http://{address}/feed/s{n}\"\nevery = \"1s\"\n\
                 allow_private = true\n"
            )
        })
        .collect::<String>()
        + "[crawl]\npause = \"0s\"\n"
}

/// Every report of the log, by source, in order.
async fn reports(site: &Site) -> BTreeMap<String, Vec<CrawlReport>> {
    let settings = Settings::load(&site.config()).unwrap();
    let log = schemas::log::open(&settings).await.unwrap();
    let (from, end) = log.bounds(Topic::CrawlReports, 0).await.unwrap();
    let mut reader = log.reader(Topic::CrawlReports, vec![Position { partition: 0, offset: from }]).await.unwrap();
    let (mut next, mut reports) = (from, BTreeMap::<String, Vec<CrawlReport>>::new());
    while next < end {
        let batch = reader.next(1_000, Duration::from_secs(10)).await.unwrap().expect("the reports are there");
        next = batch.next;
        for report in batch.entries.iter().map(|entry| CrawlReport::decode(&entry.value).unwrap()) {
            reports.entry(report.source.clone()).or_default().push(report);
        }
    }
    drop(reader);
    log.close().await;
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_takes_over_from_one_that_is_killed() {
    let _turn = TURN.lock().await;
    const SOURCES: usize = 6;
    let items = Arc::new(AtomicU32::new(3));
    let site = site(&feeds(SOURCES, &items).await);
    let (first, second, analyze) =
        tokio::join!(start(&site, "ingest", "one"), start(&site, "ingest", "two"), start(&site, "analyze", "analyze"));
    let gateway = gateway(&site, &[&first, &second], &analyze).await;
    wait_for("the sources to be shared", async || {
        let shares =
            [metric(&first, "wanglou_ingest_sources").await?, metric(&second, "wanglou_ingest_sources").await?];
        (shares.iter().all(|share| *share > 0.0) && shares.iter().sum::<f64>() == SOURCES as f64).then_some(())
    })
    .await;
    let all_ok = async || {
        let sources = gateway.get("/api/coverage").await["sources"].clone();
        let sources = sources.as_array()?;
        let is_ok = |source: &Value| source["state"] == json!("ok") && source["visits_24h"].as_u64() > Some(1);
        (sources.len() == SOURCES && sources.iter().all(is_ok)).then_some(())
    };
    wait_for("all to be covered", all_ok).await;

    first.kill();
    items.store(5, Ordering::SeqCst);
    wait_for("the other to take over", async || {
        (metric(&second, "wanglou_ingest_sources").await? == SOURCES as f64).then_some(())
    })
    .await;
    let wanted = SOURCES as u64 * 5;
    wait_for("what came meanwhile", async || (gateway.search_total("").await? == wanted).then_some(())).await;
    // The gateway passes on to the one that is left.
    let (status, answer) = gateway.push(line(1, jiff::Timestamp::now())).await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    wait_for("all to be covered again", all_ok_beside_what_is_pushed(&gateway, SOURCES)).await;

    for (source, reports) in reports(&site).await {
        let mut covered_to = None;
        for report in reports {
            assert_eq!(report.gap, None, "nothing was missed: {report:?}");
            let Some(covered) = report.covered else { continue };
            assert!(
                covered_to.is_none_or(|to| covered.from <= to),
                "{source}: a hole that nobody reported: {report:?}"
            );
            covered_to = covered_to.max(Some(covered.to));
        }
        assert!(covered_to.is_some(), "{source}");
    }
}

fn all_ok_beside_what_is_pushed(gateway: &Instance, count: usize) -> impl AsyncFnMut() -> Option<()> {
    async move || {
        let answer = gateway.get("/api/coverage").await;
        let sources = answer["sources"].as_array()?;
        let crawled: Vec<_> = sources.iter().filter(|source| source["kind"] == json!("rss")).collect();
        let pushed = sources.iter().any(|source| source["id"] == json!("feed"));
        (pushed && crawled.len() == count && crawled.iter().all(|source| source["state"] == json!("ok"))).then_some(())
    }
}
