//! `wanglou reindex` beside a running instance, and without one.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use std::path::Path;
use support::{Site, line, wait_for};

async fn reindex(site: &Site) {
    let mut command = site.command();
    command.args(["reindex", "--config"]).arg(site.config());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("the archive was built anew"), "{told}");
}

/// Whether every month of the archive is of this generation, and nothing is left of others.
fn all_are_of_generation(archive: &Path, number: u32) -> bool {
    let entries = std::fs::read_dir(archive).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let months: Vec<String> = names.filter(|name| name.starts_with("20") || name.starts_with(".gone")).collect();
    !months.is_empty() && months.iter().all(|name| name.ends_with(&format!(".{number}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_is_built_anew_by_command() {
    let site = Site::new("");
    let archive = site.path().join("data/archive");
    let instance = site.start().await;
    let now = jiff::Timestamp::now();
    let body: String = (0..500).map(|number| line(number, now)).collect();
    assert_eq!(instance.push(body).await.unwrap().0, 202);
    wait_for("all posts", async || (instance.search_total("").await? == 500).then_some(())).await;
    reindex(&site).await;
    assert!(all_are_of_generation(&archive, 2), "by the running instance");
    assert_eq!(instance.search_total("&q=停水").await, Some(100));
    assert!(instance.text("/metrics").await.1.contains("wanglou_analyze_archive_outdated_months 0"));
    assert_eq!(instance.push(line(500, now)).await.unwrap().0, 202);
    wait_for("a later post", async || (instance.search_total("").await? == 501).then_some(())).await;
    assert!(instance.stop().success());
    reindex(&site).await;
    assert!(all_are_of_generation(&archive, 3), "by the command itself");
    let instance = site.start().await;
    assert_eq!(instance.search_total("").await, Some(501));
    assert!(instance.stop().success());
}
