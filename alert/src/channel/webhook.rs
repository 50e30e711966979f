//! The generic webhook: the page as JSON by HTTP POST.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx | taken |
//! | 408, 425, 429, 5xx | not now; `Retry-After` in seconds is heeded |
//! | any other 4xx | never: the address or the message is wrong |
//! | 3xx | never: redirects are not followed, a page must not wander off to another host |
//! | no answer in time, no connection, a broken one | not now: it may have been taken, a repeat bears the same key |
//!
//! With a key, `X-Wanglou-Signature: sha256=HEX` is the HMAC-SHA256 of `X-Wanglou-Timestamp`, a full stop and the body:
//! a receiver that checks both can't be fed forged pages, nor old ones again.

use crate::{message::clean, outbox::Failure, records::Page};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderValue},
};
use sha2::Sha256;
use std::{error::Error, time::Duration};

/// What is read of an answer: enough to say what is wrong.
const MOST_OF_ANSWER: usize = 64 << 10;

/// A webhook.
pub struct Webhook {
    client: Client,
    url: String,
    key: Option<String>,
}

impl Webhook {
    /// A webhook at an address; messages are signed with the key, if there is one.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: String, key: Option<String>, timeout: Duration) -> anyhow::Result<Self> {
        let client = schemas::kit::http::client()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout / 2)
            .timeout(timeout)
            .user_agent(concat!("wanglou/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url, key })
    }

    /// Posts a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page, now: Timestamp) -> Result<(), Failure> {
        let timestamp = now.as_second().to_string();
        let mut request = self
            .client
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header("Idempotency-Key", header_value(&page.key))
            .header("X-Wanglou-Timestamp", &timestamp);
        if let Some(key) = &self.key {
            request = request.header("X-Wanglou-Signature", sign(key, &timestamp, &page.body));
        }
        let response = request.body(page.body.clone()).send().await.map_err(broken)?;
        judge(response).await
    }
}

/// A header's value; ids may be Chinese, so it is UTF-8.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static(""))
}

/// The value of the signature's header.
fn sign(key: &str, timestamp: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

async fn judge(mut response: Response) -> Result<(), Failure> {
    let status = response.status();
    let after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut answer = Vec::new();
    while answer.len() < MOST_OF_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        answer.extend_from_slice(&chunk[..chunk.len().min(MOST_OF_ANSWER - answer.len())]);
    }
    if status.is_success() {
        return Ok(());
    }
    let said = clean(&String::from_utf8_lossy(&answer), 200);
    let reason = if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
    let temporary = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if temporary {
        Err(Failure::ForNow { reason, after })
    } else if status.is_redirection() {
        Err(Failure::ForGood(format!("{reason}; redirects are not followed: put the final address into the config")))
    } else {
        Err(Failure::ForGood(reason))
    }
}

/// No answer. The address is left out: it may hold a key.
fn broken(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    Failure::ForNow { reason, after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac: `hmac.new(b"SECtest", b'1599360473.{"key":"k"}', "sha256").hexdigest()`.
    #[test]
    fn signatures_are_those_of_another_implementation() {
        assert_eq!(
            sign("SECtest", "1599360473", "{\"key\":\"k\"}"),
            "sha256=5e7a34398a8097172f43261eb85cba006ac33de9e1011558e39145bd97fde981"
        );
    }
}
