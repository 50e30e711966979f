//! The whole line: posts are pushed, a spike rises, one incident opens, its page arrives, somebody signs.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use support::{Instance, Site, wait_for};

/// A webhook receiver that keeps what it was sent.
struct Receiver {
    url: String,
    pages: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    async fn start() -> Self {
        let pages = Arc::new(Mutex::new(Vec::new()));
        let kept = pages.clone();
        let router = Router::new().route(
            "/hook",
            post(move |Json(page): Json<Value>| async move {
                kept.lock().unwrap().push(page);
                Json(json!({"ok": true}))
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, pages }
    }

    fn channel(&self) -> String {
        format!("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{}\"\n", self.url)
    }

    fn pages(&self) -> Vec<Value> {
        self.pages.lock().unwrap().clone()
    }
}

async fn push_water(instance: &Instance, numbers: std::ops::Range<u64>) {
    let now = jiff::Timestamp::now();
    let body: String = numbers.map(|number| support::line(number * 5, now)).collect();
    assert_eq!(instance.push(body).await.unwrap().0, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_posts_in_five_minutes_page_once_and_somebody_signs() {
    let receiver = Receiver::start().await;
    let site = Site::new(&receiver.channel());
    let instance = site.start().await;

    push_water(&instance, 0..14).await;
    wait_for("trend to count 14", async || (instance.topic_total("water").await? == 14).then_some(())).await;
    let none = instance.get("/api/incidents").await;
    assert_eq!(none["incidents"], json!([]), "fourteen are not enough");

    push_water(&instance, 14..15).await;
    let page = wait_for("the page", async || receiver.pages().first().cloned()).await;
    let incidents = instance.get("/api/incidents").await["incidents"].clone();
    assert_eq!(incidents.as_array().unwrap().len(), 1);
    let incident = &incidents[0];
    assert_eq!((&incident["topic"]["id"], &incident["state"]), (&json!("water"), &json!("new")));
    assert!(page.to_string().contains("停水"), "{page}");
    assert!(page["key"].is_string(), "{page}");

    // More of the same joins the matter.
    push_water(&instance, 15..60).await;
    let path = format!("/api/incidents/{}", incident["id"].as_str().unwrap());
    wait_for("the incident to grow", async || {
        (instance.get(&path).await["incident"]["count"].as_u64()? >= 60).then_some(())
    })
    .await;
    assert_eq!(instance.get("/api/incidents?state=all").await["incidents"].as_array().unwrap().len(), 1);

    let (status, file) = instance.act(&format!("{path}/ack"), &json!({})).await;
    assert_eq!(status, 200, "{file}");
    assert_eq!(file["incident"]["state"], json!("acked"));
    assert!(file["incident"]["acked_by"].is_string());
    wait_for("the delivery to be marked", async || {
        let file = instance.get(&path).await;
        file["deliveries"].as_array()?.iter().any(|delivery| delivery["state"] == json!("sent")).then_some(())
    })
    .await;
    let file = instance.get(&path).await;
    let actions: Vec<_> = file["history"].as_array().unwrap().iter().map(|event| event["action"].clone()).collect();
    assert!(actions.contains(&json!("opened")) && actions.contains(&json!("acked")), "{actions:?}");
    let opened = receiver.pages().iter().filter(|page| page["reason"] == json!("opened")).count();
    assert_eq!(opened, 1, "one matter, one page");
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
