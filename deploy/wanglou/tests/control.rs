//! What people set at runtime holds at once, across a crash, and reaches the trainer.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use reqwest::{Method, StatusCode};
use support::{
    Site,
    control::{another_is_counted, call, what_people_set_holds},
    wait_for,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_people_set_holds_at_once_and_after_a_crash() {
    let site = Site::new("");
    let instance = site.start().await;
    let topic = what_people_set_holds(&instance).await;
    // What was corrected a moment ago and is not committed yet, is not lost with the process.
    let said = serde_json::json!({"post": "desk:gas-1", "sentiment": "neutral"});
    wait_for("the second post", async || (instance.search_total("&source=desk").await? == 2).then_some(())).await;
    assert_eq!(call(&instance, Method::POST, "/api/corrections", Some(&said)).await.0, StatusCode::OK);
    instance.kill();

    let instance = site.start().await;
    wait_for("both to be corrected", async || (instance.search_total("&q=更正:是").await? == 2).then_some(())).await;
    assert_eq!(instance.get("/api/corrections").await["total"], 2);
    assert_eq!(instance.get("/api/words").await["words"][0]["word"], "嘎啦巷头");
    another_is_counted(&instance, &topic, 2).await;
    assert_eq!(call(&instance, Method::DELETE, "/api/corrections/desk:gas-1", None).await.0, StatusCode::NO_CONTENT);
    wait_for("one to be taken back", async || (instance.search_total("&q=更正:是").await? == 1).then_some(())).await;

    let mut command = site.command();
    command.args(["corrections", "--config"]).arg(site.config());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = site.path().join("corrections.jsonl");
    std::fs::write(&file, &output.stdout).unwrap();
    let read = analyze::understand::sentiment::data::read_corrections(&file, &mut Default::default()).unwrap();
    assert_eq!(read.len(), 1);
    assert!(read[0].text.contains("停气第0天"));
    assert!(instance.stop().success());
}
