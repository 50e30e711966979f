//! A receiver of webhooks that answers as it is told, and keeps all that it got.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, Response, StatusCode},
    routing::post,
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Instant,
};

/// What a channel answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    With(u16, Vec<(&'static str, String)>, String),
    /// Takes the message and says nothing.
    Silence,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub channel: String,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
    pub at: Instant,
}

impl Message {
    pub fn key(&self) -> String {
        self.body["key"].as_str().unwrap().to_owned()
    }

    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap()
    }

    pub fn text(&self) -> &str {
        self.body["text"].as_str().unwrap()
    }
}

#[derive(Default)]
struct Inner {
    answers: HashMap<String, VecDeque<Answer>>,
    got: Vec<Message>,
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::<Mutex<Inner>>::default();
        let router = Router::new().route("/{channel}", post(receive)).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// What the channel answers to the next messages; success after that.
    pub fn answers(&self, channel: &str, answers: impl IntoIterator<Item = Answer>) {
        self.inner.lock().unwrap().answers.entry(channel.to_owned()).or_default().extend(answers);
    }

    /// Takes the one message of a channel for a reason.
    pub fn take(&self, channel: &str, reason: &str) -> Message {
        let mut inner = self.inner.lock().unwrap();
        let at = inner.got.iter().position(|message| message.channel == channel && message.reason() == reason);
        let left: Vec<String> = inner.got.iter().map(told).collect();
        inner.got.remove(at.unwrap_or_else(|| panic!("{channel} got no message of the reason {reason}, but {left:?}")))
    }

    pub fn take_all(&self) -> Vec<Message> {
        std::mem::take(&mut self.inner.lock().unwrap().got)
    }

    /// The keys of all messages that were not taken away.
    pub fn keys(&self) -> HashSet<String> {
        self.inner.lock().unwrap().got.iter().map(Message::key).collect()
    }

    pub fn left(&self) -> Vec<String> {
        self.inner.lock().unwrap().got.iter().map(told).collect()
    }
}

fn told(message: &Message) -> String {
    format!("{}: {}", message.channel, message.reason())
}

async fn receive(
    State(inner): State<Arc<Mutex<Inner>>>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response<Body> {
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(headers["idempotency-key"].as_bytes(), body["key"].as_str().unwrap().as_bytes());
    let answer = {
        let mut inner = inner.lock().unwrap();
        inner.got.push(Message { channel: channel.clone(), headers, bytes, body, at: Instant::now() });
        inner.answers.get_mut(&channel).and_then(VecDeque::pop_front)
    };
    let (status, headers, text) = match answer {
        None => (200, Vec::new(), String::new()),
        Some(Answer::Status(status)) => (status, Vec::new(), String::new()),
        Some(Answer::With(status, headers, text)) => (status, headers, text),
        Some(Answer::Silence) => return std::future::pending().await,
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
