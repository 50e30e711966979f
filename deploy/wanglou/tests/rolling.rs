//! Versions roll: what a newer stage wrote is read by this one, and what it would misunderstand is set aside, never lost.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use schemas::{
    kit::settings::Settings,
    log::{self, NewRecord, SharedLog, Topic},
};
use serde_json::{Value, json};
use std::collections::HashSet;
use support::{Site, wait_for};

fn fixture(name: &str) -> Value {
    let path = format!("{}/../../schemas/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn append(log: &SharedLog, topic: Topic, records: impl IntoIterator<Item = Value>) {
    let record = |value: Value| NewRecord { partition: 0, key: None, value: value.to_string().into() };
    log.append(topic, records.into_iter().map(record).collect()).await.unwrap();
}

/// A raw post as tomorrow's ingest may write it.
fn newer_post(number: u64) -> Value {
    let mut post = fixture("raw_post.v1.json");
    post["native_id"] = number.to_string().into();
    post["id"] = format!("{}:{number}", post["source"].as_str().unwrap()).into();
    post["published_at"] = jiff::Timestamp::now().to_string().into();
    post["fetched_at"] = post["published_at"].clone();
    post["text"] = format!("小区停水了 第{number}条").into();
    post["mood"] = json!({"anger": 0.7});
    post
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_stage_and_this_one_work_side_by_side() {
    let site = Site::new("");
    // The first start makes the stages' positions; the newer stage writes while this one is away.
    assert!(site.start().await.stop().success());
    let log = log::open(&Settings::load(&site.config()).unwrap()).await.unwrap();
    let mut too_new = newer_post(100);
    too_new["v"] = 2.into();
    let posts = (0..30).map(newer_post);
    append(&log, Topic::PostsRaw, posts.chain([too_new.clone()]).chain((30..40).map(newer_post))).await;
    let mut pulse = fixture("pulse.v1.json");
    pulse["at"] = jiff::Timestamp::now().to_string().into();
    pulse["spike"]["since"] = pulse["at"].clone();
    pulse["outlook"] = json!([1, 2, 3]);
    pulse["windows"][0]["median"] = 0.5.into();
    let mut pulse_too_new = pulse.clone();
    pulse_too_new["v"] = 2.into();
    append(&log, Topic::TopicsPulse, [pulse_too_new, pulse]).await;
    log.close().await;
    drop(log);

    let instance = site.start().await;
    wait_for("all posts that can be read", async || (instance.search_total("").await? == 40).then_some(())).await;
    let ids: HashSet<String> = instance.all_ids().await.into_iter().collect();
    assert!((0..40).all(|number| ids.contains(&number.to_string())));
    wait_for("trend", async || (instance.topic_total("all").await? == 40).then_some(())).await;
    wait_for("an incident", async || instance.get("/api/incidents").await["incidents"][0]["id"].as_str().map(drop))
        .await;
    // Set aside with the reason and the bytes: an upgraded stage can be given them again.
    let rejected = wait_for("what is too new", async || {
        let rejected = instance.get("/api/rejected").await["rejected"].as_array().unwrap().clone();
        (rejected.len() == 2).then_some(rejected)
    })
    .await;
    let of = |stage: &str| rejected.iter().find(|record| record["stage"] == stage).unwrap();
    for stage in ["analyze", "alert"] {
        let reason = of(stage)["reason"].as_str().unwrap();
        assert!(reason.contains("version 2 is newer") && reason.contains("upgrade this stage"), "{reason}");
    }
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(of("analyze")["bytes"].as_str().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), too_new);
    assert!(instance.stop().success());
}
