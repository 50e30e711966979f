//! Fetches pages: with a time limit, a size limit that holds while the body streams in (so a decompression bomb does not go
//! off), at most five redirects each of which is checked like the first address, and at a polite pace.
//!
//! Each hop goes: address allowed? → robots.txt allows? → wait for the host's slot → request. A source that may be in a
//! private range may reach its own host and port there, and nothing else: a page must not lead into our network.

pub(crate) use super::request::{Fetched, Page, Request, Validators};
use super::{
    address::{self, PrivateAddress, PublicOnly},
    pace::Pace,
    robots::{self, Robots},
};
use bytes::BytesMut;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response, header, redirect};
use schemas::kit::{metrics, settings::Crawl};
use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use url::Url;

const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Who would have to wait longer for a host's slot comes back later instead.
const PATIENCE: Duration = Duration::from_secs(60);
/// A site that wants to be left alone longer is asked again after this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Sites whose robots.txt is remembered.
const MAX_ROBOTS: usize = 1_024;

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
    #[error("the page is larger than [crawl] page_bytes = {0}")]
    TooLarge(usize),
    #[error("more than {MAX_REDIRECTS} redirects, the last to {0}")]
    Redirects(String),
    #[error("{0}")]
    Network(String),
}

/// Fetches pages for all workers.
#[derive(Debug)]
pub(crate) struct Fetcher {
    public: Client,
    private: Client,
    pause: Duration,
    page_bytes: usize,
    pace: Mutex<Pace>,
    robots: Mutex<HashMap<String, (Arc<Robots>, Instant)>>,
}

impl Fetcher {
    /// # Errors
    /// When no client can be made.
    pub(crate) fn new(crawl: &Crawl) -> reqwest::Result<Self> {
        let contact = crawl.contact.as_deref().map(|contact| format!(" (+{contact})")).unwrap_or_default();
        let agent = format!("Wanglou/{}.{}{contact}", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
        let client = || {
            schemas::kit::http::client()
                .user_agent(&agent)
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT.min(crawl.timeout))
                .timeout(crawl.timeout)
                .pool_max_idle_per_host(2)
        };
        Ok(Self {
            public: client().dns_resolver(Arc::new(PublicOnly)).build()?,
            private: client().build()?,
            pause: crawl.pause,
            page_bytes: crawl.page_bytes,
            pace: Mutex::default(),
            robots: Mutex::default(),
        })
    }

    /// Fetches a page. `own` is the host and port that may be in a private range.
    pub(crate) async fn get(
        &self,
        url: &Url,
        own: Option<&Url>,
        validators: &Validators,
    ) -> Result<Fetched, FetchError> {
        let (home, allow_private) = (own.unwrap_or(url), own.is_some());
        self.fetch(&Request { url, home, allow_private, validators, headers: &[], accept: None }).await
    }

    /// Fetches a page.
    pub(crate) async fn fetch(&self, asked: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut url = asked.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let robots = self.robots(&url, asked).await?;
            robots.check(&url).map_err(|reason| match *robots {
                Robots::Nothing(_) => FetchError::RobotsUnreadable(reason),
                _ => FetchError::RobotsDenied(reason),
            })?;
            let began = Instant::now();
            let (response, clock_offset) = self.request(&url, asked, robots.delay(), true).await?;
            if let Some(next) = redirect(&response, &url)? {
                url = next;
                continue;
            }
            let status = response.status().as_u16();
            let fetched = match status {
                304 => Ok(Fetched::NotModified),
                200..=299 => {
                    let redirected = url != *asked.url;
                    let page = self.page(url, response).await;
                    page.map(|page| Fetched::Page(Page { redirected, clock_offset, ..page }))
                }
                401 | 407 => Err(FetchError::LoginRequired(status)),
                _ => Err(self.refused(&url, &response)),
            };
            metrics::INGEST_PAGES.inc();
            metrics::INGEST_FETCH.observe(began.elapsed().as_secs_f64());
            return fetched;
        }
        Err(FetchError::Redirects(url.to_string()))
    }

    /// One request, when the host's slot has come.
    async fn request(
        &self,
        url: &Url,
        asked: &Request<'_>,
        delay: Option<Duration>,
        for_page: bool,
    ) -> Result<(Response, Option<SignedDuration>), FetchError> {
        let is_home = asked.is_home(url);
        let may_be_private = is_home && asked.allow_private;
        address::check(url, may_be_private).map_err(FetchError::Address)?;
        let pause = self.pause.max(delay.unwrap_or_default());
        let slot = lock(&self.pace)
            .reserve(&origin(url), pause, PATIENCE.max(pause.saturating_mul(2)), Instant::now())
            .map_err(FetchError::Busy)?;
        tokio::time::sleep_until(slot.into()).await;
        let mut request = if may_be_private { &self.private } else { &self.public }.get(url.clone());
        if for_page {
            for (name, value) in [
                (header::IF_NONE_MATCH, asked.validators.etag.as_deref()),
                (header::IF_MODIFIED_SINCE, asked.validators.last_modified.as_deref()),
                (header::ACCEPT, asked.accept),
            ] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            for (name, value) in asked.headers.iter().filter(|_| is_home) {
                let mut value = value.clone();
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        let sent = Timestamp::now();
        let began = Instant::now();
        let response = request.send().await.map_err(|error| network(&error))?;
        let offset = clock_offset(&response, sent, began.elapsed());
        Ok((response, offset))
    }

    async fn page(&self, url: Url, response: Response) -> Result<Page, FetchError> {
        let status = response.status().as_u16();
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let validators = Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
        let content_type = text(header::CONTENT_TYPE);
        let charset = content_type.as_deref().and_then(charset_of);
        let (body, whole) = read(response, self.page_bytes).await?;
        if !whole {
            return Err(FetchError::TooLarge(self.page_bytes));
        }
        Ok(Page { url, redirected: false, status, content_type, charset, body, validators, clock_offset: None })
    }

    /// What robots.txt says, from memory or from the site.
    async fn robots(&self, url: &Url, asked: &Request<'_>) -> Result<Arc<Robots>, FetchError> {
        let key = origin(url);
        let now = Instant::now();
        if let Some((robots, until)) = lock(&self.robots).get(&key)
            && *until > now
        {
            return Ok(robots.clone());
        }
        let robots = match self.fetch_robots(url, asked).await {
            Ok(robots) => robots,
            // These say nothing about the site's robots.txt.
            Err(error @ (FetchError::Address(_) | FetchError::Busy(_))) => return Err(error),
            Err(error) => Robots::Nothing(format!("robots.txt: {error}")),
        };
        let robots = Arc::new(robots);
        let mut known = lock(&self.robots);
        if known.len() >= MAX_ROBOTS {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() >= MAX_ROBOTS {
            known.clear();
        }
        known.insert(key, (robots.clone(), now + robots.kept()));
        Ok(robots)
    }

    async fn fetch_robots(&self, url: &Url, asked: &Request<'_>) -> Result<Robots, FetchError> {
        let no_address = |_| FetchError::Address(format!("{url} has no robots.txt"));
        let mut url = url.join("/robots.txt").map_err(no_address)?;
        for _ in 0..=MAX_REDIRECTS {
            let (response, _) = self.request(&url, asked, None, false).await?;
            if let Some(next) = redirect(&response, &url)? {
                url = next;
                continue;
            }
            let status = response.status().as_u16();
            let body = match status {
                200..=299 => read(response, robots::MAX_BYTES).await?.0,
                _ => Vec::new(),
            };
            return Ok(Robots::from_answer(status, &body));
        }
        Err(FetchError::Redirects(url.to_string()))
    }

    /// An answer that is an error; when the site says how long to wait, its host is left alone.
    fn refused(&self, url: &Url, response: &Response) -> FetchError {
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
        if let Some(wait) = retry_after {
            lock(&self.pace).hold(&origin(url), Instant::now() + wait);
        }
        FetchError::Status { status: response.status().as_u16(), retry_after }
    }
}

/// Scheme, host and port: the unit that robots.txt and pace hold for.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where an answer sends us on to.
fn redirect(response: &Response, from: &Url) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location =
        response.headers().get(header::LOCATION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let next = location.and_then(|location| from.join(location).ok());
    next.map(Some)
        .ok_or_else(|| FetchError::Network(format!("HTTP {} without a valid address", response.status().as_u16())))
}

/// The body up to `most` bytes after decompression, and whether that is all of it.
async fn read(response: Response, most: usize) -> Result<(Vec<u8>, bool), FetchError> {
    let mut stream = response.bytes_stream();
    let mut body = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| network(&error))?;
        metrics::INGEST_BYTES.inc_by(piece.len() as u64);
        let room = most - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Ok((body.into(), false));
        }
    }
    Ok((body.into(), true))
}

/// What went wrong, for a person: reqwest hides the cause behind the address.
fn network(error: &reqwest::Error) -> FetchError {
    let mut cause = error.source();
    let mut last = None;
    while let Some(error) = cause {
        if let Some(private) = error.downcast_ref::<PrivateAddress>() {
            return FetchError::Address(private.to_string());
        }
        last = Some(error.to_string());
        cause = error.source();
    }
    let what = match (error.is_timeout(), error.is_connect(), error.is_body() || error.is_decode()) {
        (true, ..) => "no answer in time",
        (_, true, _) => "the site cannot be reached",
        (.., true) => "the answer broke off or cannot be unpacked",
        _ => "the answer broke off, or is no HTTP",
    };
    FetchError::Network(match last {
        Some(last) if !error.is_timeout() => format!("{what}: {last}"),
        _ => what.to_owned(),
    })
}

/// The server's clock less ours. A date is cut off to the second: on average it is half a second later there.
fn clock_offset(response: &Response, sent: Timestamp, took: Duration) -> Option<SignedDuration> {
    let date = httpdate::parse_http_date(response.headers().get(header::DATE)?.to_str().ok()?).ok()?;
    let theirs = Timestamp::try_from(date).ok()?.checked_add(SignedDuration::from_millis(500)).ok()?;
    let middle = sent.checked_add(SignedDuration::try_from(took / 2).ok()?).ok()?;
    Some(theirs.duration_since(middle))
}

fn charset_of(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let wait = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let wait = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("99999999999"), Some(3600));
        assert_eq!(wait("Tue, 24 Nov 2026 10:05:00 GMT"), Some(300));
        assert_eq!(wait("Tue, 24 Nov 2020 10:05:00 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn the_charset_of_a_content_type() {
        assert_eq!(charset_of("text/html; Charset=\"GBK\"").as_deref(), Some("GBK"));
        assert_eq!(charset_of("text/html"), None);
    }
}
