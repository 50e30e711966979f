//! The generic webhook: the page as JSON by HTTP POST. An answer's status says what became of it ([`super::http`]).
//!
//! With a key, `X-Wanglou-Signature: sha256=HEX` is the HMAC-SHA256 of `X-Wanglou-Timestamp`, a full stop and the body:
//! a receiver that checks both can't be fed forged pages, nor old ones again.

use super::http;
use crate::{outbox::Failure, records::Page};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{
    Client,
    header::{self, HeaderValue},
};
use sha2::Sha256;
use std::time::Duration;

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
        Ok(Self { client: http::client(timeout)?, url, key })
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
        http::exchange(request.body(page.body.clone())).await?.by_status()
    }
}

/// A header's value; ids may be Chinese, so it is UTF-8.
pub(super) fn header_value(text: &str) -> HeaderValue {
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
