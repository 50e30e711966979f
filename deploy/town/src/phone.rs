//! The phone of whoever is on duty: it receives the pages that a webhook channel sends, and shows them.
//!
//! `POST /hook` takes a JSON object with `text`, and with `key`, `link` and `sign_link` where the sender has them: of the two links the
//! button leads to the one by which one signs. A page that comes again with the same key is the same page, however often it is sent. `GET /phone` shows the newest fifty.

use crate::site::{escape, time};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;

/// Pages that are kept.
const KEPT: usize = 50;
/// The largest body of a page, in bytes.
const MOST_BYTES: usize = 256 << 10;
/// Characters of a page that are kept.
const MOST_CHARS: usize = 2_000;

/// A page that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What makes it the same page when it comes again; the text where the sender gave no key.
    pub key: String,
    /// What it says, at most some two thousand characters. It may quote outside words: treat it as hostile.
    pub text: String,
    /// Where it leads; http or https.
    pub link: Option<String>,
    /// Whether one signs there.
    pub signs: bool,
    /// When it arrived first.
    pub received_at: Timestamp,
}

/// The phone. Clones are the same phone.
#[derive(Debug, Clone)]
pub struct Phone {
    pages: Arc<Mutex<VecDeque<Page>>>,
    rings: broadcast::Sender<Page>,
}

impl Default for Phone {
    fn default() -> Self {
        Self::new()
    }
}

impl Phone {
    /// A phone without a page.
    #[must_use]
    pub fn new() -> Self {
        Self { pages: Arc::default(), rings: broadcast::Sender::new(KEPT) }
    }

    /// Rings with each new page from now on; a page that comes again does not ring again.
    #[must_use]
    pub fn rings(&self) -> broadcast::Receiver<Page> {
        self.rings.subscribe()
    }

    /// The pages that it keeps, the newest first.
    #[must_use]
    pub fn pages(&self) -> Vec<Page> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Takes a page; whether it is a new one.
    fn take(&self, page: Page) -> bool {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.iter().any(|known| known.key == page.key) {
            return false;
        }
        pages.push_front(page.clone());
        pages.truncate(KEPT);
        drop(pages);
        // Nobody need listen.
        let _ = self.rings.send(page);
        true
    }
}

/// The phone's addresses.
pub(crate) fn routes(phone: Phone) -> Router {
    Router::new()
        .route("/hook", post(hook).layer(DefaultBodyLimit::max(MOST_BYTES)))
        .route("/phone", get(screen))
        .with_state(phone)
}

async fn hook(State(phone): State<Phone>, body: Bytes) -> Response {
    match read(&body, Timestamp::now()) {
        Ok(page) => Json(json!({ "ok": true, "new": phone.take(page) })).into_response(),
        Err(reason) => (StatusCode::BAD_REQUEST, Json(json!({ "ok": false, "error": reason }))).into_response(),
    }
}

/// Reads a page from a body.
fn read(body: &[u8], now: Timestamp) -> Result<Page, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
    let string = |key: &str| {
        value.get(key).and_then(Value::as_str).map(|text| text.chars().take(MOST_CHARS).collect::<String>())
    };
    let text = string("text").filter(|text| !text.trim().is_empty()).ok_or("there is no \"text\" in it")?;
    let web = |key: &str| string(key).filter(|link| link.starts_with("http://") || link.starts_with("https://"));
    let sign_link = web("sign_link");
    let signs = sign_link.is_some();
    let link = sign_link.or_else(|| web("link"));
    Ok(Page {
        key: string("key").filter(|key| !key.is_empty()).unwrap_or_else(|| text.clone()),
        // Where the link stands at the end of the text too, the screen has it once, as a button.
        text: text.trim_end_matches(link.as_deref().unwrap_or_default()).trim().to_owned(),
        link,
        signs,
        received_at: now,
    })
}

async fn screen(State(phone): State<Phone>) -> Html<String> {
    Html(show(&phone.pages()))
}

fn show(pages: &[Page]) -> String {
    let mut list = String::new();
    for page in pages {
        let link = page.link.as_deref().map(escape).map_or_else(String::new, |link| {
            let words = if page.signs { "查看并签收" } else { "查看" };
            format!("<a href=\"{link}\" target=\"_blank\" rel=\"noopener noreferrer\">{words}</a>")
        });
        let _ = writeln!(
            list,
            "<li><header><b>望楼</b><time>{}</time></header><p>{}</p>{link}</li>",
            time(page.received_at.as_second()),
            escape(&page.text),
        );
    }
    if pages.is_empty() {
        list = "<li class=\"none\">暂无消息。有事件升级时，这里会收到推送。</li>".into();
    }
    include_str!("phone.html").replace("{count}", &pages.len().to_string()).replace("{list}", &list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Result<Page, String> {
        read(body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_page_is_read() {
        let read = page(r#"{"key":"i1/1","text":"停水 Ⅱ级","link":"http://127.0.0.1:8080/i/1","level":2}"#).unwrap();
        assert_eq!(
            (read.key.as_str(), read.text.as_str(), read.link.as_deref()),
            ("i1/1", "停水 Ⅱ级", Some("http://127.0.0.1:8080/i/1"))
        );
        assert_eq!(page(r#"{"text":"x"}"#).unwrap().key, "x");
        assert_eq!(page(r#"{"text":"x\nhttp://a/1","link":"http://a/1"}"#).unwrap().text, "x");
        assert_eq!(page(r#"{"text":"x","link":"javascript:alert(1)"}"#).unwrap().link, None);
        let signs = page(r#"{"text":"x\nhttp://h/a/T","link":"http://h/1","sign_link":"http://h/a/T"}"#).unwrap();
        assert_eq!((signs.text.as_str(), signs.link.as_deref(), signs.signs), ("x", Some("http://h/a/T"), true));
        assert!(show(&[signs]).contains("<a href=\"http://h/a/T\""));
        assert!(!page(r#"{"text":"x","link":"http://h/1","sign_link":"javascript:alert(1)"}"#).unwrap().signs);
        assert_eq!(page(&format!(r#"{{"text":"{}"}}"#, "水".repeat(9000))).unwrap().text.chars().count(), MOST_CHARS);
        for bad in ["", "[]", "{}", r#"{"text":7}"#, r#"{"text":" "}"#, "\0"] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_that_comes_again_is_the_same_page() {
        let phone = Phone::new();
        let mut rings = phone.rings();
        let send = |key: usize| phone.take(Page { key: key.to_string(), ..page(r#"{"text":"x"}"#).unwrap() });
        assert!(send(1) && !send(1) && send(2));
        assert_eq!((rings.try_recv().unwrap().key, rings.try_recv().unwrap().key), ("1".into(), "2".into()));
        assert!(rings.try_recv().is_err());
        (3..200).for_each(|key| assert!(send(key)));
        let pages = phone.pages();
        assert_eq!((pages.len(), pages[0].key.as_str()), (KEPT, "199"));
    }

    #[test]
    fn a_page_cannot_leave_its_place() {
        let html = show(&[page(r#"{"text":"<script>alert(1)</script>","link":"http://x/\"onclick=\"y"}"#).unwrap()]);
        assert!(!html.contains("<script>alert") && !html.contains("x/\"onclick"), "{html}");
    }
}
