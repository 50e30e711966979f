//! Why an address yields nothing, in words for whoever reads the report, and whether trying again may help.

use super::{address::PrivateAddress, fetch::MAX_REDIRECTS};
use std::{error::Error as _, time::Duration};

/// Why an address yields nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{0}")]
    Address(String),
    #[error("{0}")]
    RobotsDenied(String),
    #[error("{0}")]
    RobotsUnreadable(String),
    #[error("the site asks for a log-in (HTTP {0})")]
    LoginRequired(u16),
    #[error("HTTP {status}{}", retry_after.map(|wait| format!(", try again after {} s", wait.as_secs())).unwrap_or_default())]
    Status { status: u16, retry_after: Option<Duration> },
    #[error("the site is to be left alone for another {} s", .0.as_secs())]
    Busy(Duration),
    /// The breaker is open.
    #[error("the site has failed {failures} times in a row, the last time with: {last}; it is asked again in {} s", wait.as_secs())]
    Broken { failures: u32, last: String, wait: Duration },
    #[error("the page is larger than [crawl] page_bytes = {0}")]
    TooLarge(usize),
    #[error("more than {MAX_REDIRECTS} redirects, the last to {0}")]
    Redirects(String),
    #[error("a loop of redirects, back to {0}")]
    Loop(String),
    /// No answer, or half of one.
    #[error("{0}")]
    Network(String),
    /// An answer that is none by the rules of HTTP.
    #[error("{0}")]
    NoHttp(String),
}

impl FetchError {
    /// Whether the same request may succeed a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Status { status, .. } => is_passing(*status),
            _ => false,
        }
    }

    /// Whether it is a fault of the server, for its breaker. One that says how long to wait is alive and is obeyed.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Status { status, retry_after } => *status >= 500 && retry_after.is_none(),
            _ => false,
        }
    }

    /// How long the site is to be left alone: the rest of a visit would fare no better.
    pub(crate) fn leave_alone(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Busy(wait) | Self::Broken { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// What went wrong, for a person: reqwest hides the cause behind the address.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut cause = error.source();
        let mut last = None;
        while let Some(error) = cause {
            if let Some(private) = error.downcast_ref::<PrivateAddress>() {
                return Self::Address(private.to_string());
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>() {
                if error.is_parse_too_large() {
                    return Self::NoHttp("the answer has too many or too long headers".into());
                }
                if error.is_parse() {
                    return Self::NoHttp(format!("the answer is no HTTP: {error}"));
                }
            }
            last = Some(error.to_string());
            cause = error.source();
        }
        let what = match (error.is_timeout(), error.is_connect(), error.is_body() || error.is_decode()) {
            (true, ..) => "no answer in time: no connection",
            (_, true, _) => "the site cannot be reached",
            (.., true) => "the answer broke off or cannot be unpacked",
            _ => "the answer broke off",
        };
        Self::Network(match last {
            Some(last) if !error.is_timeout() => format!("{what}: {last}"),
            _ => what.to_owned(),
        })
    }
}

/// Statuses that say: not now. 501, 505 and 511 will say the same tomorrow.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599) && !matches!(status, 501 | 505 | 511)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_stays_is_not() {
        let status = |status, retry_after| FetchError::Status { status, retry_after };
        for passing in [status(500, None), status(503, None), status(429, None), FetchError::Network(String::new())] {
            assert!(passing.may_pass(), "{passing:?}");
        }
        for lasting in [status(404, None), status(403, None), status(501, None), FetchError::TooLarge(1)] {
            assert!(!lasting.may_pass() && lasting.leave_alone().is_none(), "{lasting:?}");
        }
        assert!(status(500, None).is_fault() && !status(429, None).is_fault());
        assert!(!status(503, Some(Duration::from_secs(5))).is_fault(), "it says when to come back");
    }
}
