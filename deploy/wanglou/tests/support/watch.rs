//! The whole line as the people at its two ends see it: whatever process does what.

use super::{Instance, line, wait_for};
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A webhook receiver that keeps what it was sent.
pub struct Receiver {
    pub url: String,
    pages: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    pub async fn start() -> Self {
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

    pub fn channel(&self) -> String {
        format!("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{}\"\n", self.url)
    }

    pub fn pages(&self) -> Vec<Value> {
        self.pages.lock().unwrap().clone()
    }
}

pub async fn push_water(instance: &Instance, numbers: std::ops::Range<u64>) {
    let now = jiff::Timestamp::now();
    let body: String = numbers.map(|number| line(number * 5, now)).collect();
    // A 503 says: send all of it again. It does no harm.
    wait_for("the door to take them", async || (instance.push(body.clone()).await.ok()?.0 == 202).then_some(())).await;
}

/// Posts are pushed, a spike rises, one incident opens, its page arrives, somebody signs.
pub async fn fifteen_posts_page_once_and_somebody_signs(instance: &Instance, receiver: &Receiver) {
    push_water(instance, 0..14).await;
    wait_for("trend to count 14", async || (instance.topic_total("water").await? == 14).then_some(())).await;
    let none = instance.get("/api/incidents").await;
    assert_eq!(none["incidents"], json!([]), "fourteen are not enough");

    push_water(instance, 14..15).await;
    let page = wait_for("the page", async || receiver.pages().first().cloned()).await;
    let incidents = instance.get("/api/incidents").await["incidents"].clone();
    assert_eq!(incidents.as_array().unwrap().len(), 1);
    let incident = &incidents[0];
    assert_eq!((&incident["topic"]["id"], &incident["state"]), (&json!("water"), &json!("new")));
    assert!(page.to_string().contains("停水"), "{page}");
    assert!(page["key"].is_string(), "{page}");

    // More of the same joins the matter.
    push_water(instance, 15..60).await;
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
