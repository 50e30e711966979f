//! Fetches pages. Each hop goes: robots.txt allows? → the host's breaker is closed? → wait for the host's turn → one request,
//! bounded in time and size; what may pass is tried again, later each time. At most five redirects are followed, each checked
//! like the first address.
//!
//! A source that may be in a private range may reach its own host and port there, and nothing else: a page must not lead into
//! our network. What a source's config trusts it with (headers) goes to its own host and port alone.

use super::{
    address::{self, PublicOnly},
    drift::Drift,
    exchange::{Answer, Limits, exchange},
    hosts::{Host, Hosts},
    lock,
    pace::Rate,
    robots::{self, Known, Robots},
};
pub(crate) use super::{
    drift::Clock,
    error::FetchError,
    request::{Fetched, Page, Request, Validators},
};
use reqwest::{Client, ClientBuilder, RequestBuilder, header, redirect};
use schemas::kit::{backoff::Backoff, metrics, settings::Crawl};
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use url::Url;

pub(super) const MAX_REDIRECTS: usize = 5;
/// How often a request that may pass is made: at one failure in twenty, a visit of sixty pages breaks off once in 2,500.
const TRIES: u32 = 4;
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(5) };
/// How long a host is left alone that says "too many requests" and not for how long.
const TOO_MANY: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(60) };
/// Who would have to wait longer for a host's turn comes back later instead.
const PATIENCE: Duration = Duration::from_secs(60);
/// A site that wants to be left alone longer is asked again after this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Connections that are not used are closed after this: ten thousand sources must not hold ten thousand.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);
const IDLE_PER_HOST: usize = 2;
/// What all headers of an answer may take, over HTTP/2. Over HTTP/1.1 it is a hundred of them.
const MAX_HEADERS: u32 = 64 << 10;

/// Fetches pages for all workers.
#[derive(Debug)]
pub(crate) struct Fetcher {
    public: Client,
    private: Client,
    rate: Rate,
    limits: Limits,
    page_timeout: Duration,
    page_bytes: usize,
    hosts: Hosts,
    drift: Mutex<Drift>,
    /// Of those who wait longer than the patience, for a site with a long pause: no more than half of the workers.
    long_waits: Semaphore,
}

/// One hop on the way to a page.
struct Hop<'a> {
    url: &'a Url,
    host: &'a Host,
    asked: &'a Request<'a>,
    rate: Rate,
    /// The page itself, or its site's robots.txt.
    is_page: bool,
    most_bytes: usize,
}

impl Fetcher {
    /// # Errors
    /// When no client can be made.
    pub(crate) fn new(crawl: &Crawl) -> reqwest::Result<Self> {
        Self::with(crawl, |client| client)
    }

    fn with(crawl: &Crawl, more: impl Fn(ClientBuilder) -> ClientBuilder) -> reqwest::Result<Self> {
        let contact = crawl.contact.as_deref().map(|contact| format!(" (+{contact})")).unwrap_or_default();
        let agent = format!("Wanglou/{}.{}{contact}", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
        let limits = Limits {
            connect: crawl.connect_timeout.min(crawl.timeout),
            first_byte: crawl.first_byte_timeout.min(crawl.timeout),
            idle: crawl.idle_timeout.min(crawl.timeout),
            whole: crawl.timeout,
        };
        let client = || {
            let client = schemas::kit::http::client()
                .user_agent(&agent)
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(limits.connect)
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .http2_max_header_list_size(MAX_HEADERS);
            more(client)
        };
        let rate = Rate { pause: crawl.pause, burst: NonZeroU32::new(crawl.burst).unwrap_or(NonZeroU32::MIN) };
        Ok(Self {
            public: client().dns_resolver(Arc::new(PublicOnly)).build()?,
            private: client().build()?,
            rate,
            limits,
            page_timeout: crawl.page_timeout.max(crawl.timeout),
            page_bytes: crawl.page_bytes,
            hosts: Hosts::new(rate),
            drift: Mutex::default(),
            long_waits: Semaphore::new((crawl.workers / 2).max(1)),
        })
    }

    /// Fetches a page.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn fetch(&self, asked: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut left = self.page_timeout;
        let mut trail = Trail::from(asked.url);
        loop {
            let url = trail.here().clone();
            address::check(&url, asked.allow_private && asked.is_home(&url)).map_err(FetchError::Address)?;
            let host = self.hosts.of(&url);
            let robots = self.robots(&host, &url, asked).await?;
            robots.check(&url).map_err(|reason| match *robots {
                Robots::Nothing(_) => FetchError::RobotsUnreadable(reason),
                _ => FetchError::RobotsDenied(reason),
            })?;
            let rate = self.rate(robots.delay());
            let hop = Hop { url: &url, host: &host, asked, rate, is_page: true, most_bytes: self.page_bytes };
            let before = left;
            let answer = self.persist(&hop, &mut left).await;
            metrics::INGEST_FETCH.observe(before.saturating_sub(left).as_secs_f64());
            if let Ok(answer) = &answer
                && let Some(next) = answer.redirect(&url)?
            {
                trail.follow(next, asked)?;
                continue;
            }
            metrics::INGEST_PAGES.inc();
            return self.judge(answer?, url, trail.is_redirected());
        }
    }

    /// What the servers' clocks say of ours; nothing while none was heard.
    #[allow(dead_code, reason = "for the reports of visits")]
    pub(crate) fn clock(&self) -> Option<Clock> {
        lock(&self.drift).estimate(Instant::now())
    }

    /// How fast a host may be asked: by the config, or slower where the site asks for it.
    fn rate(&self, delay: Option<Duration>) -> Rate {
        match delay {
            Some(delay) if delay > self.rate.pause => Rate { pause: delay, burst: NonZeroU32::MIN },
            _ => self.rate,
        }
    }

    /// What an answer that is no redirect means.
    fn judge(&self, answer: Answer, url: Url, redirected: bool) -> Result<Fetched, FetchError> {
        match answer.status {
            304 => Ok(Fetched::NotModified),
            200..=299 if !answer.whole => Err(FetchError::TooLarge(self.page_bytes)),
            200..=299 => {
                let text = |name| answer.text(name).map(str::to_owned);
                let content_type = text(header::CONTENT_TYPE);
                Ok(Fetched::Page(Box::new(Page {
                    next: answer.next(&url),
                    url,
                    redirected,
                    status: answer.status,
                    charset: content_type.as_deref().and_then(charset_of),
                    content_type,
                    validators: Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) },
                    clock_offset: answer.clock.map(|(offset, _)| offset),
                    body: answer.body,
                })))
            }
            status @ (401 | 407) => Err(FetchError::LoginRequired(status)),
            status => Err(FetchError::Status { status, retry_after: answer.retry_after(MAX_RETRY_AFTER) }),
        }
    }

    /// Makes a request, again when that may help, as long as there is time `left` for it: the time of the requests and of the
    /// waits after failures, not that of waiting for the host's turn.
    async fn persist(&self, hop: &Hop<'_>, left: &mut Duration) -> Result<Answer, FetchError> {
        let mut tries = 1;
        loop {
            let error = match self.once(hop, left, tries).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // Who is told when to come back waits for his turn until then.
            let wait = match error.leave_alone() {
                Some(wait) if wait > PATIENCE => return Err(error),
                Some(_) => Duration::ZERO,
                None => BACKOFF.wait(tries, rand::random()),
            };
            if !error.may_pass() || tries >= TRIES || wait >= *left {
                return Err(error);
            }
            tries += 1;
            metrics::INGEST_RETRIES.inc();
            tracing::debug!(url = %hop.url, %error, tries, "a request is made again");
            tokio::time::sleep(wait).await;
            *left -= wait;
        }
    }

    /// One request, when the host's turn has come.
    async fn once(&self, hop: &Hop<'_>, left: &mut Duration, tries: u32) -> Result<Answer, FetchError> {
        hop.host.may_be_asked()?;
        self.turn(hop).await?;
        hop.host.ask()?;
        let began = Instant::now();
        let limits = Limits { whole: self.limits.whole.min(*left), ..self.limits };
        let answer = exchange(self.request(hop), limits, hop.most_bytes).await.and_then(|answer| {
            self.note_clock(hop.url, &answer);
            if !super::error::is_passing(answer.status) {
                return Ok(answer);
            }
            let too_many = (answer.status == 429).then(|| TOO_MANY.wait(tries, 1.0));
            let retry_after = answer.retry_after(MAX_RETRY_AFTER).or(too_many);
            Err(FetchError::Status { status: answer.status, retry_after })
        });
        *left = left.saturating_sub(began.elapsed());
        match &answer {
            Err(error) if error.is_fault() => hop.host.failed(error),
            _ => hop.host.succeeded(),
        }
        if let Err(FetchError::Status { retry_after: Some(wait), .. }) = &answer {
            hop.host.pace.hold(Instant::now() + *wait);
        }
        answer
    }

    /// Waits for the host's turn.
    async fn turn(&self, hop: &Hop<'_>) -> Result<(), FetchError> {
        let long = hop.rate.pause.saturating_mul(2);
        // Else a few sites with long pauses would hold all workers.
        let permit = (long > PATIENCE).then(|| self.long_waits.try_acquire().ok()).flatten();
        let patience = if permit.is_some() { long } else { PATIENCE };
        hop.host.pace.turn(hop.rate, patience).await.map_err(FetchError::Busy)
    }

    fn request(&self, hop: &Hop<'_>) -> RequestBuilder {
        let asked = hop.asked;
        let is_home = asked.is_home(hop.url);
        let client = if is_home && asked.allow_private { &self.private } else { &self.public };
        let mut request = client.get(hop.url.clone());
        if !hop.is_page {
            return request;
        }
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
        request
    }

    /// What robots.txt says, from memory or from the site.
    async fn robots(&self, host: &Host, url: &Url, asked: &Request<'_>) -> Result<Arc<Robots>, FetchError> {
        let mut known = host.robots.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.until > Instant::now()) {
            return Ok(known.robots.clone());
        }
        let answer = match self.fetch_robots(url, asked).await {
            Ok(robots) => robots,
            // These say nothing about the site's robots.txt.
            Err(error @ (FetchError::Address(_) | FetchError::Busy(_) | FetchError::Broken { .. })) => {
                return Err(error);
            }
            Err(error) => Robots::Nothing(format!("robots.txt: {error}")),
        };
        let now_known = Known::after(known.as_ref(), answer, Instant::now());
        let robots = now_known.robots.clone();
        *known = Some(now_known);
        drop(known);
        self.hosts.bound_rules(robots.bytes());
        Ok(robots)
    }

    async fn fetch_robots(&self, url: &Url, asked: &Request<'_>) -> Result<Robots, FetchError> {
        let no_address = |_| FetchError::Address(format!("{url} has no robots.txt"));
        let mut left = self.page_timeout;
        let mut trail = Trail::from(&url.join("/robots.txt").map_err(no_address)?);
        loop {
            let url = trail.here().clone();
            address::check(&url, asked.allow_private && asked.is_home(&url)).map_err(FetchError::Address)?;
            let host = self.hosts.of(&url);
            let hop =
                Hop { url: &url, host: &host, asked, rate: self.rate, is_page: false, most_bytes: robots::MAX_BYTES };
            let answer = match self.persist(&hop, &mut left).await {
                Ok(answer) => answer,
                Err(FetchError::Status { status, .. }) => return Ok(Robots::from_answer(status, b"")),
                Err(error) => return Err(error),
            };
            match answer.redirect(&url)? {
                Some(next) => {
                    if let Err(FetchError::Redirects(_) | FetchError::Loop(_)) = trail.follow(next, asked) {
                        return Ok(Robots::Everything);
                    }
                }
                None => return Ok(Robots::from_answer(answer.status, &answer.body)),
            }
        }
    }

    /// Compares the server's clock with ours.
    fn note_clock(&self, url: &Url, answer: &Answer) {
        let (Some((offset, uncertainty)), Some(host)) = (answer.clock, url.host_str()) else { return };
        let mut drift = lock(&self.drift);
        let now = Instant::now();
        let changed = drift.note(host, offset, uncertainty, now);
        if let Some(clock) = drift.estimate(now).filter(Clock::is_sure) {
            metrics::INGEST_CLOCK_OFFSET.set(clock.offset.as_secs());
        }
        drop(drift);
        let Some((clock, is_off)) = changed else { return };
        let (seconds, agreeing) = (clock.offset.as_secs(), clock.agreeing);
        if is_off {
            tracing::warn!(
                seconds,
                agreeing,
                "this machine's clock is off: so many sites agree that it must be set by so many seconds; times of posts \
                 are judged by it, so set it, and let NTP keep it"
            );
        } else {
            tracing::info!(seconds, agreeing, "this machine's clock is right again");
        }
    }
}

/// The addresses that redirects have led to.
struct Trail(Vec<Url>);

impl Trail {
    fn from(url: &Url) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self(vec![url])
    }

    fn here(&self) -> &Url {
        &self.0[self.0.len() - 1]
    }

    fn is_redirected(&self) -> bool {
        self.0.len() > 1
    }

    /// Goes on to where a redirect leads.
    fn follow(&mut self, mut next: Url, asked: &Request<'_>) -> Result<(), FetchError> {
        next.set_fragment(None);
        if !asked.is_home(&next) {
            // A name and password that a site puts into an address would be sent along. Where there can be none, there is none.
            let _ = (next.set_username(""), next.set_password(None));
        }
        if self.0.contains(&next) {
            return Err(FetchError::Loop(next.to_string()));
        }
        if self.0.len() > MAX_REDIRECTS {
            return Err(FetchError::Redirects(next.to_string()));
        }
        self.0.push(next);
        Ok(())
    }
}

fn charset_of(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })
}

#[cfg(test)]
mod tests;
