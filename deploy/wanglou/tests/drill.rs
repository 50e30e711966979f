//! The drill: a backup is taken under load, the instance dies, the backup is restored elsewhere, and the watch goes on.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use schemas::{
    kit::settings::Settings,
    log::{self, Topic},
};
use std::{
    collections::HashSet,
    path::Path,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use support::{Site, line, wait_for};

const BATCH: u64 = 100;
const BEFORE: u64 = 4_000;

fn lines(from: u64, to: u64) -> String {
    let now = jiff::Timestamp::now();
    (from..to).map(|number| line(number, now)).collect()
}

async fn wanglou(site: &Site, arguments: &[&str], folder: &Path) -> Output {
    let mut command = site.command();
    command.args(arguments).arg(folder).arg("--config").arg(site.config());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The records of `posts.raw` in the log of a site that is stopped.
async fn raw_records(site: &Site) -> u64 {
    let log = log::open(&Settings::load(&site.config()).unwrap()).await.unwrap();
    let mut records = 0;
    for partition in 0..log.describe(Topic::PostsRaw).await.unwrap().partitions {
        records += log.bounds(Topic::PostsRaw, partition).await.unwrap().1;
    }
    log.close().await;
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_and_the_watch_goes_on() {
    let site = Site::new("");
    let instance = Arc::new(site.start().await);
    assert_eq!(instance.push(lines(0, BEFORE)).await.unwrap().0, 202);
    let incident = wait_for("an incident", async || {
        instance.get("/api/incidents").await["incidents"][0]["id"].as_str().map(str::to_owned)
    })
    .await;

    // Posts come in all the while.
    let (acknowledged, stop) = (Arc::new(AtomicU64::new(BEFORE)), Arc::new(AtomicBool::new(false)));
    let load = tokio::spawn({
        let (instance, acknowledged, stop) = (instance.clone(), acknowledged.clone(), stop.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                let next = acknowledged.load(Ordering::Relaxed);
                assert_eq!(instance.push(lines(next, next + BATCH)).await.unwrap().0, 202);
                acknowledged.store(next + BATCH, Ordering::Relaxed);
            }
        }
    });
    let under_load = acknowledged.load(Ordering::Relaxed);
    wait_for("load", async || (acknowledged.load(Ordering::Relaxed) > under_load).then_some(())).await;
    let before = acknowledged.load(Ordering::Relaxed);
    let backup = site.path().join("backup");
    let taken = wanglou(&site, &["backup", "--to"], &backup).await;
    assert!(taken.status.success(), "{}", told(&taken));
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    let after = acknowledged.load(Ordering::Relaxed);
    assert!(after > before, "posts came in while the backup was taken");
    Arc::into_inner(instance).unwrap().kill();

    let elsewhere = Site::new("");
    let restored = wanglou(&elsewhere, &["restore", "--from"], &backup).await;
    assert!(restored.status.success(), "{}", told(&restored));
    let posts = raw_records(&elsewhere).await;
    assert!((before..=after).contains(&posts), "{before} ≤ {posts} ≤ {after}");
    let instance = elsewhere.start().await;
    let all_once = async |posts: u64| {
        wait_for("all posts", async || (instance.search_total("").await? == posts).then_some(())).await;
        let ids = instance.all_ids().await;
        assert_eq!(ids.len() as u64, posts);
        let distinct: HashSet<String> = ids.into_iter().collect();
        assert!((0..posts).all(|number| distinct.contains(&number.to_string())));
        wait_for("trend", async || (instance.topic_total("all").await? == posts).then_some(())).await;
        assert_eq!(instance.topic_total("water").await, Some(posts.div_ceil(5)));
    };
    all_once(posts).await;
    let incidents = instance.get("/api/incidents").await;
    let ids: Vec<_> = incidents["incidents"].as_array().unwrap().iter().map(|found| found["id"].as_str()).collect();
    assert!(ids.contains(&Some(&*incident)), "{incidents}");
    let (status, _) = instance.act(&format!("/api/incidents/{incident}/ack"), &serde_json::json!({})).await;
    assert!(status.is_success(), "it can be signed: {status}");

    // Whoever was not answered hands in again; later posts come.
    assert_eq!(instance.push(lines(posts - BATCH, posts + 2 * BATCH)).await.unwrap().0, 202);
    all_once(posts + 2 * BATCH).await;
    assert!(instance.stop().success());

    let refused = wanglou(&elsewhere, &["restore", "--from"], &backup).await;
    assert!(!refused.status.success() && told(&refused).contains("not empty"), "{}", told(&refused));
    let refused = wanglou(&elsewhere, &["backup", "--to"], &backup).await;
    assert!(!refused.status.success() && told(&refused).contains("there already"), "{}", told(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_an_instance_that_stands_still_can_be_copied() {
    let site = Site::new("");
    let instance = site.start().await;
    instance.push(lines(0, 200)).await.unwrap();
    wait_for("all posts", async || (instance.search_total("").await? == 200).then_some(())).await;
    // SIGKILL leaves write-ahead logs behind: the copy holds what is in them.
    instance.kill();
    let backup = site.path().join("backup");
    let taken = wanglou(&site, &["backup", "--to"], &backup).await;
    assert!(taken.status.success(), "{}", told(&taken));
    let file = backup.join("log/posts.raw.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let elsewhere = Site::new("");
    let refused = wanglou(&elsewhere, &["restore", "--from"], &backup).await;
    assert!(!refused.status.success() && told(&refused).contains("posts.raw.db is damaged"), "{}", told(&refused));
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let restored = wanglou(&elsewhere, &["restore", "--from"], &backup).await;
    assert!(restored.status.success(), "{}", told(&restored));
    assert_eq!(raw_records(&elsewhere).await, 200);
}
