//! The whole line: posts are pushed, a spike rises, one incident opens, its page arrives, somebody signs.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use support::{
    Site, wait_for,
    watch::{Receiver, fifteen_posts_page_once_and_somebody_signs, push_water},
};

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_posts_in_five_minutes_page_once_and_somebody_signs() {
    let receiver = Receiver::start().await;
    let site = Site::new(&receiver.channel());
    let instance = site.start().await;
    fifteen_posts_page_once_and_somebody_signs(&instance, &receiver).await;
}

/// A page that cannot be delivered is kept, and delivered when the receiver is back, also after a crash in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_survives_a_dead_receiver_and_a_crash() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let site = Site::new(&format!("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://{address}/hook\"\n"));
    let instance = site.start().await;
    push_water(&instance, 0..20).await;
    wait_for("a first try to fail", async || {
        let incidents = instance.get("/api/incidents").await;
        let id = incidents["incidents"][0]["id"].as_str()?.to_owned();
        let file = instance.get(&format!("/api/incidents/{id}")).await;
        (file["deliveries"][0]["attempts"].as_u64()? >= 1).then_some(())
    })
    .await;
    instance.kill();

    let (arrived, mut pages) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().route(
        "/hook",
        post(move |Json(page): Json<Value>| async move {
            let _ = arrived.send(page);
        }),
    );
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let _instance = site.start().await;
    // A page of a higher level may overtake the first one; neither is lost.
    let opened = async {
        while let Some(page) = pages.recv().await {
            if page["reason"] == json!("opened") {
                return;
            }
        }
    };
    tokio::time::timeout(support::SOON, opened).await.expect("the page is not lost");
}
