//! 不断不漏 on a quiet day: every acknowledged post is found exactly once, and trend's count agrees, after a stop, after posts that
//! come twice and that change. `soak` does the same on a night of kills.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use std::collections::HashSet;
use support::{Instance, Site, line, wait_for};

const BATCH: u64 = 250;

/// Pushes lines `from..to` in batches and returns how many of them the door has acknowledged; ends at the first error.
async fn push_range(instance: &Instance, from: u64, to: u64) -> u64 {
    let mut next = from;
    while next < to {
        let end = (next + BATCH).min(to);
        let now = jiff::Timestamp::now();
        let body: String = (next..end).map(|number| line(number, now)).collect();
        match instance.push(body).await {
            Ok((status, _)) if status == 202 => next = end,
            _ => break,
        }
    }
    next
}

async fn everything_is_there_once(instance: &Instance, posts: u64) {
    wait_for("all posts to be searchable", async || (instance.search_total("").await? == posts).then_some(())).await;
    let ids = instance.all_ids().await;
    assert_eq!(ids.len() as u64, posts);
    let distinct: HashSet<String> = ids.into_iter().collect();
    assert!((0..posts).all(|number| distinct.contains(&number.to_string())));
    let water = posts.div_ceil(5);
    assert_eq!(instance.search_total("&q=停水").await, Some(water));
    wait_for("trend to count all", async || (instance.topic_total("all").await? == posts).then_some(())).await;
    assert_eq!(instance.topic_total("water").await, Some(water));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_loses_nothing() {
    let site = Site::new("");
    let instance = site.start().await;
    let acknowledged = push_range(&instance, 0, 3_000).await;
    assert_eq!(acknowledged, 3_000);
    assert!(instance.stop().success(), "a stop that was asked for is a success");
    everything_is_there_once(&site.start().await, 3_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused_with_the_reason() {
    let site = Site::new("");
    let _first = site.start().await;
    let mut command = site.command();
    command.args(["run", "--config"]).arg(site.config());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("belongs to another running process"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_sent_twice_and_posts_that_changed() {
    let site = Site::new("");
    let instance = site.start().await;
    let now = jiff::Timestamp::now();
    let body: String = (0..50).map(|number| line(number, now)).collect();
    let (_, first) = instance.push(body.clone()).await.unwrap();
    assert_eq!((&first["accepted"], &first["duplicate"]), (&50.into(), &0.into()));
    let (_, second) = instance.push(body).await.unwrap();
    assert_eq!(second["accepted"].as_u64().unwrap() + second["duplicate"].as_u64().unwrap(), 50);
    let changed = line(7, now).replace("很香", "不香");
    instance.push(changed).await.unwrap();
    wait_for("the revision", async || (instance.search_total("&q=不香").await? == 1).then_some(())).await;
    assert_eq!(instance.search_total("").await, Some(50));
    assert_eq!(instance.search_total("&q=第7条").await, Some(1), "the revision replaces what it revises");
    wait_for("trend", async || (instance.topic_total("all").await? == 50).then_some(())).await;
}
