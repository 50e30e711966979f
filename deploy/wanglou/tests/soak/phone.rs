//! Who takes the pages: a webhook receiver that keeps what it was sent, takes its time to answer, so that kills fall between a page's
//! being sent and its being marked, and one time in ten says that it cannot take it.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The messages of one key: those that were taken, and those that were turned away.
#[derive(Debug, Default, Clone)]
pub struct Messages {
    pub taken: Vec<Bytes>,
    pub refused: Vec<Bytes>,
}

#[derive(Clone)]
pub struct Phone {
    url: String,
    received: Arc<Mutex<HashMap<String, Messages>>>,
}

impl Phone {
    pub async fn start(seed: u64) -> Self {
        let received: Arc<Mutex<HashMap<String, Messages>>> = Arc::default();
        let kept = Arc::clone(&received);
        let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
        let hook = move |headers: HeaderMap, body: Bytes| async move {
            let key = String::from_utf8(headers["idempotency-key"].as_bytes().to_vec()).unwrap();
            let (is_refused, pause) = {
                let mut dice = dice.lock().unwrap();
                (dice.random_ratio(1, 10), Duration::from_millis(dice.random_range(0..500)))
            };
            {
                let mut kept = kept.lock().unwrap();
                let messages = kept.entry(key).or_default();
                if is_refused { &mut messages.refused } else { &mut messages.taken }.push(body);
            }
            tokio::time::sleep(pause).await;
            if is_refused { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(hook))).await });
        Self { url, received }
    }

    /// The channel's part of the config.
    pub fn channel(&self) -> String {
        format!("[[channel]]\nid = \"phone\"\nkind = \"webhook\"\nurl = \"{}\"\n", self.url)
    }

    /// All that came, by key.
    pub fn received(&self) -> HashMap<String, Messages> {
        self.received.lock().unwrap().clone()
    }
}
