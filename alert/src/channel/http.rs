//! What all channels over HTTP have in common: the client, the bounded reading of an answer, and what a status means.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx | taken, unless the channel's body says otherwise |
//! | 408, 425, 429, 5xx | not now; `Retry-After` in seconds is heeded |
//! | any other 4xx | never: the address or the message is wrong |
//! | 3xx | never: redirects are not followed, a page must not wander off to another host |
//! | no answer in time, no connection, a broken one | not now: it may have been taken, a repeat bears the same key |

use crate::{message::clean, outbox::Failure};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde_json::Value;
use std::{error::Error, time::Duration};

/// What is read of an answer: enough to say what is wrong.
const MOST_OF_ANSWER: usize = 64 << 10;
/// What is repeated of it, in characters.
const MOST_SAID: usize = 200;

/// A client for channels.
///
/// # Errors
/// When none can be made.
pub(super) fn client(timeout: Duration) -> anyhow::Result<Client> {
    Ok(schemas::kit::http::client()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout / 2)
        .timeout(timeout)
        .user_agent(concat!("wanglou/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

/// An answer, read as far as is worth it.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// When it asked to be tried again.
    pub(super) after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Sends a request and reads the answer.
///
/// # Errors
/// When there is none.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Answer, Failure> {
    let mut response = request.send().await.map_err(broken)?;
    let status = response.status();
    let after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    while body.len() < MOST_OF_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(MOST_OF_ANSWER - body.len())]);
    }
    Ok(Answer { status, after, body })
}

/// No answer. The address is left out: it may hold a key.
fn broken(error: reqwest::Error) -> Failure {
    Failure::ForNow { reason: chain(&error.without_url()), after: None }
}

/// An error with all its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    reason
}

impl Answer {
    /// The body, where it is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The answer in a line, for whoever must act on it.
    pub(super) fn said(&self) -> String {
        let said = clean(&String::from_utf8_lossy(&self.body), MOST_SAID);
        if said.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {said}", self.status) }
    }

    /// What the status says, by the module's table.
    ///
    /// # Errors
    /// Why the message was not taken.
    pub(super) fn by_status(&self) -> Result<(), Failure> {
        let status = self.status;
        if status.is_success() {
            return Ok(());
        }
        let reason = self.said();
        let temporary = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
        Err(if temporary {
            Failure::ForNow { reason, after: self.after }
        } else if status.is_redirection() {
            Failure::ForGood(format!("{reason}; redirects are not followed: put the final address into the config"))
        } else {
            Failure::ForGood(reason)
        })
    }

    /// The number and the words with which a robot answers, where this is such an answer; the first of `keys` that is there.
    pub(super) fn code(&self, keys: &[(&str, &str)]) -> Option<(i64, String)> {
        let body = self.json()?;
        keys.iter().find_map(|(code, words)| {
            let said = body.get(words).and_then(Value::as_str).unwrap_or_default();
            Some((body.get(code)?.as_i64()?, clean(said, MOST_SAID)))
        })
    }

    /// An answer that is not the robot's: somebody else stands between. What its status says; a 2xx is no success without the
    /// robot's own word.
    pub(super) fn of_a_stranger(&self) -> Failure {
        match self.by_status() {
            Err(failure) => failure,
            Ok(()) => Failure::ForNow {
                reason: format!(
                    "{}; 不是机器人的回答, 请核对地址与网络出口 / this is not a robot's answer",
                    self.said()
                ),
                after: None,
            },
        }
    }
}

#[cfg(test)]
pub(super) fn answer(status: u16, body: &str) -> Answer {
    Answer { status: StatusCode::from_u16(status).unwrap(), after: None, body: body.as_bytes().to_vec() }
}
