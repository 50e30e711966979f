//! What is known of each host that is asked: its pace, its breaker, its robots.txt. Bounded, for sources by the ten thousand
//! and for links that lead to ever new hosts.

use super::{
    breaker::{Breaker, THRESHOLD},
    error::FetchError,
    lock,
    pace::{Pace, Rate},
    robots::Known,
};
use schemas::kit::metrics;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use url::Url;

/// Hosts that are remembered; beyond it those that were not asked for the longest time are forgotten.
const MOST: usize = 20_000;
/// Bytes of rules of robots.txt that are remembered: some sites' are long, and a hostile one's is as long as can be.
const MOST_RULES: usize = 64 << 20;

/// A scheme, host and port: the unit that robots.txt and pace hold for.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) origin: String,
    pub(crate) pace: Pace,
    breaker: Mutex<(Breaker, String)>,
    /// Locked while it is fetched, so that it is fetched once.
    pub(crate) robots: tokio::sync::Mutex<Option<Known>>,
    asked: Mutex<Instant>,
}

impl Host {
    fn new(origin: String, rate: Rate, now: Instant) -> Self {
        Self {
            origin,
            pace: Pace::new(rate),
            breaker: Mutex::default(),
            robots: tokio::sync::Mutex::default(),
            asked: Mutex::new(now),
        }
    }

    /// Whether a request may join the queue.
    ///
    /// # Errors
    /// That the breaker is open.
    pub(crate) fn may_be_asked(&self) -> Result<(), FetchError> {
        let broken = lock(&self.breaker);
        broken.0.refusal(Instant::now()).map_or(Ok(()), |wait| Err(refused(&broken, wait)))
    }

    /// Whether a request may go. What becomes of it must be told.
    ///
    /// # Errors
    /// That the breaker is open.
    pub(crate) fn ask(&self) -> Result<(), FetchError> {
        let mut broken = lock(&self.breaker);
        let asked = broken.0.ask(Instant::now());
        asked.map_err(|wait| refused(&broken, wait))
    }

    pub(crate) fn succeeded(&self) {
        lock(&self.breaker).0.succeeded();
    }

    pub(crate) fn failed(&self, error: &FetchError) {
        let mut broken = lock(&self.breaker);
        broken.1 = error.to_string();
        if broken.0.failed(Instant::now(), rand::random()) {
            metrics::INGEST_BREAKERS.inc();
            let failures = broken.0.failures();
            tracing::warn!(host = %self.origin, failures, %error, "a site fails again and again: it is spared for a while");
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.pace.is_idle(now) && lock(&self.breaker).0.failures() < THRESHOLD
    }
}

fn refused((breaker, last): &(Breaker, String), wait: Duration) -> FetchError {
    FetchError::Broken { failures: breaker.failures(), last: last.clone(), wait }
}

/// All hosts.
#[derive(Debug)]
pub(crate) struct Hosts {
    rate: Rate,
    most: usize,
    known: Mutex<HashMap<String, Arc<Host>>>,
    /// Bytes of rules that came since they were last counted.
    fresh_rules: AtomicUsize,
}

impl Hosts {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, most: MOST, known: Mutex::default(), fresh_rules: AtomicUsize::new(0) }
    }

    /// The host of an address.
    pub(crate) fn of(&self, url: &Url) -> Arc<Host> {
        let origin = url.origin().ascii_serialization();
        let now = Instant::now();
        let mut known = lock(&self.known);
        if let Some(host) = known.get(&origin) {
            *lock(&host.asked) = now;
            return host.clone();
        }
        if known.len() >= self.most {
            sweep(&mut known, self.most / 4, now);
        }
        let host = Arc::new(Host::new(origin.clone(), self.rate, now));
        known.insert(origin, host.clone());
        host
    }

    /// Is told of a robots.txt that was read. When all together are too long, those of hosts that were not asked for the
    /// longest time are forgotten.
    pub(crate) fn bound_rules(&self, fresh: usize) {
        if self.fresh_rules.fetch_add(fresh, Ordering::Relaxed) + fresh < MOST_RULES / 4 {
            return;
        }
        self.fresh_rules.store(0, Ordering::Relaxed);
        let bytes = |host: &Host| {
            host.robots.try_lock().ok().and_then(|known| known.as_ref().map(|known| known.robots.bytes()))
        };
        let known = lock(&self.known);
        let mut total: usize = known.values().filter_map(|host| bytes(host)).sum();
        if total <= MOST_RULES {
            return;
        }
        for host in oldest_first(&known) {
            if let Ok(mut robots) = host.robots.try_lock() {
                total -= robots.take().map_or(0, |known| known.robots.bytes());
            }
            if total <= MOST_RULES / 2 {
                break;
            }
        }
    }
}

fn oldest_first(known: &HashMap<String, Arc<Host>>) -> Vec<Arc<Host>> {
    let mut hosts: Vec<_> = known.values().map(|host| (*lock(&host.asked), host.clone())).collect();
    hosts.sort_unstable_by_key(|(asked, _)| *asked);
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// Forgets so many of those that were not asked for the longest time. One that is in use, that wants to be left alone, or
/// that is spared, is kept: forgetting it would be impolite.
fn sweep(known: &mut HashMap<String, Arc<Host>>, many: usize, now: Instant) {
    // Held by the map and by the list.
    let forgotten = oldest_first(known).into_iter().filter(|host| Arc::strong_count(host) <= 2 && host.is_idle(now));
    for host in forgotten.take(many) {
        known.remove(&host.origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::robots::Robots;
    use std::num::NonZeroU32;

    fn hosts(most: usize) -> Hosts {
        Hosts { most, ..Hosts::new(Rate { pause: Duration::ZERO, burst: NonZeroU32::MIN }) }
    }

    fn url(host: usize) -> Url {
        Url::parse(&format!("http://h{host}.example/")).unwrap()
    }

    #[test]
    fn a_host_is_one_by_scheme_name_and_port() {
        let hosts = hosts(10);
        let of = |url| Arc::as_ptr(&hosts.of(&Url::parse(url).unwrap()));
        assert_eq!(of("http://a.example/x"), of("http://A.example:80/y?z"));
        assert_ne!(of("http://a.example/"), of("https://a.example/"));
        assert_ne!(of("http://a.example/"), of("http://a.example:8080/"));
    }

    #[test]
    fn the_hosts_are_bounded_and_those_that_must_be_remembered_are() {
        let hosts = hosts(100);
        let used = hosts.of(&url(0));
        hosts.of(&url(1)).pace.hold(Instant::now() + Duration::from_secs(600));
        for _ in 0..THRESHOLD {
            hosts.of(&url(2)).failed(&FetchError::Network("reset".into()));
        }
        for n in 3..1_000 {
            hosts.of(&url(n));
        }
        let known = lock(&hosts.known);
        assert!(known.len() <= 100);
        for kept in [0, 1, 2, 999] {
            assert!(known.contains_key(&url(kept).origin().ascii_serialization()), "{kept}");
        }
        assert!(!known.contains_key(&url(3).origin().ascii_serialization()));
        drop(used);
    }

    #[tokio::test]
    async fn the_rules_of_all_hosts_are_bounded() {
        let hosts = hosts(1_000);
        let long = format!("User-agent: *\n{}", "Disallow: /x\n".repeat(39_000));
        let robots = Robots::from_answer(200, long.as_bytes());
        let most = MOST_RULES / robots.bytes() + 2;
        for n in 0..most {
            *hosts.of(&url(n)).robots.lock().await = Some(Known::after(None, robots.clone(), Instant::now()));
        }
        hosts.bound_rules(1);
        assert!(hosts.of(&url(0)).robots.lock().await.is_some(), "they are not counted each time");
        hosts.bound_rules(MOST_RULES);
        assert!(hosts.of(&url(1)).robots.lock().await.is_none(), "the one that was not asked for the longest time");
        assert!(hosts.of(&url(most - 1)).robots.lock().await.is_some());
    }

    #[test]
    fn an_open_breaker_says_how_often_and_with_what() {
        let host = Host::new("http://h".into(), Rate { pause: Duration::ZERO, burst: NonZeroU32::MIN }, Instant::now());
        for _ in 0..THRESHOLD {
            assert_eq!(host.ask(), Ok(()));
            host.failed(&FetchError::Status { status: 500, retry_after: None });
        }
        let error = host.may_be_asked().unwrap_err();
        assert!(error.to_string().contains("10 times in a row, the last time with: HTTP 500"), "{error}");
        assert!(error.leave_alone().is_some() && host.ask().is_err());
        host.succeeded();
        assert_eq!(host.may_be_asked(), Ok(()));
    }
}
