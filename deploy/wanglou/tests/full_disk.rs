//! A disk that is full stops intake, with what to do, and costs nothing; when there is room all goes on by itself.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use reqwest::StatusCode;
use std::{collections::HashSet, ops::Range};
use support::{Instance, PUSH, Site, line, wait_for};

fn lines(numbers: Range<u64>) -> String {
    let now = jiff::Timestamp::now();
    numbers.map(|number| line(number, now)).collect()
}

async fn all_are_there_once(instance: &Instance, posts: u64) {
    wait_for("all posts to be searchable", async || (instance.search_total("").await? == posts).then_some(())).await;
    let ids: HashSet<String> = instance.all_ids().await.into_iter().collect();
    assert!((0..posts).all(|number| ids.contains(&number.to_string())) && ids.len() as u64 == posts);
    wait_for("trend to count all", async || (instance.topic_total("all").await? == posts).then_some(())).await;
}

async fn an_incident(instance: &Instance) {
    wait_for("an incident", async || instance.get("/api/incidents").await["incidents"][0]["id"].as_str().map(drop))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_reserve_posts_wait_and_all_else_goes_on() {
    let site = Site::new("[disk]\nreserve_bytes = 33554432\n");
    let Some(disk) = site.small_disk(128) else { return };
    let instance = site.start().await;
    assert_eq!(instance.push(lines(0..500)).await.unwrap().0, StatusCode::ACCEPTED);
    disk.fill(24 << 20);

    let request = instance.client.post(format!("{}/api/posts", instance.base)).bearer_auth(PUSH);
    let refused = request.body(lines(500..1_000)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let told = refused.text().await.unwrap();
    assert!(told.contains("MiB left") && told.contains("reserve_bytes"), "{told}");
    let (status, told) = instance.text("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.contains("ingest: no posts are taken"), "{told}");
    assert!(instance.text("/metrics").await.1.contains("wanglou_disk_intake_stopped 1"));
    // What was taken before goes its way within the reserve, to the incident and its signature.
    all_are_there_once(&instance, 500).await;
    an_incident(&instance).await;

    disk.make_room();
    assert_eq!(instance.push(lines(500..1_000)).await.unwrap().0, StatusCode::ACCEPTED);
    instance.ready().await;
    assert!(instance.text("/metrics").await.1.contains("wanglou_disk_intake_stopped 0"));
    all_are_there_once(&instance, 1_000).await;
    assert!(instance.stop().success());
}

/// Without a reserve the disk runs full under everybody's hands: the log, the archive's commits, the snapshot, the records.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_to_the_last_byte_costs_nothing() {
    let site = Site::new("[disk]\nreserve_bytes = 0\n");
    let Some(disk) = site.small_disk(96) else { return };
    let mut instance = site.start().await;
    assert_eq!(instance.push(lines(0..500)).await.unwrap().0, StatusCode::ACCEPTED);
    let mut acknowledged = 500;
    for round in 0..2 {
        disk.fill(1 << 20);
        // What still fits may be taken; some time nothing is, and what was taken last cannot be committed to the archive.
        wait_for("the door and analyze to meet the full disk", async || {
            let (status, told) = instance.push(lines(acknowledged..acknowledged + 250)).await.unwrap();
            if status == StatusCode::ACCEPTED {
                acknowledged += 250;
                return None;
            }
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
            instance.text("/readyz").await.1.contains("analyze:").then_some(())
        })
        .await;
        if round == 1 {
            // Somebody pulls the plug on it, and it comes back with room.
            instance.kill();
            disk.make_room();
            instance = site.start().await;
        } else {
            disk.make_room();
        }
        let more = acknowledged + 500;
        wait_for("posts to be taken again", async || {
            let (status, _) = instance.push(lines(acknowledged..more)).await.ok()?;
            (status == StatusCode::ACCEPTED).then_some(())
        })
        .await;
        acknowledged = more;
        all_are_there_once(&instance, acknowledged).await;
        an_incident(&instance).await;
        instance.ready().await;
    }
    assert!(instance.stop().success());
}
