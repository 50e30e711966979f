//! A polite pace: a token bucket per host. A host's requests go in the order in which they came, each when there is a token
//! for it; tokens come at the rate of the config, or of the site's own `Crawl-delay`. A site that asks us to wait
//! (`Retry-After`) is left alone until then, whatever its bucket holds.
//!
//! | bucket | who asks at `now` |
//! |---|---|
//! | holds a token | goes at once |
//! | empty | waits for the next token, a pause after the last |
//! | held until a time | waits until then, and then for a token |
//! | has another rate now | is emptied: the next goes a pause of the new rate later |
//!
//! Who would wait longer than its patience is told so at once, with the time, and keeps nobody waiting behind it: a worker
//! must not sleep through it, others need it. Who stops waiting leaves no slot unused.

use governor::{
    Quota, RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use std::{
    num::NonZeroU32,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How fast requests may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Between two, in the long run. Nought: no limit.
    pub(crate) pause: Duration,
    /// How many may go at once after a quiet time.
    pub(crate) burst: NonZeroU32,
}

/// The bucket of a host: pure, with the time passed in.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    made: Instant,
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, Told, NoOpMiddleware<Duration>>>,
    held_until: Option<Instant>,
}

/// A clock that is told what time it is.
#[derive(Debug, Default)]
struct Told(AtomicU64);

impl Clock for Told {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        let quota = Quota::with_period(rate.pause).map(|quota| quota.allow_burst(rate.burst));
        let limiter = quota.map(|quota| RateLimiter::direct_with_clock(quota, Told::default()));
        Self { rate, made: now, limiter, held_until: None }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long there will be none.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        if rate != self.rate {
            let held_until = self.held_until;
            *self = Self { held_until, ..Self::new(rate, now) };
            while self.limiter.as_ref().is_some_and(|limiter| limiter.check().is_ok()) {}
        }
        if let Some(until) = self.held_until {
            if until > now {
                return Err(until - now);
            }
            self.held_until = None;
        }
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let time = now.saturating_duration_since(self.made);
        limiter.clock().0.store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        limiter.check().map_err(|not_until| not_until.earliest_possible().duration_since(time).into())
    }

    /// Leaves the host alone until a time.
    pub(crate) fn hold(&mut self, until: Instant) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// How long who comes now waits at least, with so many before it.
    fn wait(&self, rate: Rate, ahead: u32, now: Instant) -> Duration {
        let held = self.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        held.max(rate.pause.saturating_mul(ahead.saturating_sub(rate.burst.get() - 1)))
    }

    /// Whether the site has asked for a time that is not over.
    pub(crate) fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }
}

/// Who waits for a host, one behind the other, and its bucket.
#[derive(Debug)]
pub(crate) struct Pace {
    bucket: Mutex<Bucket>,
    queue: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
}

impl Pace {
    pub(crate) fn new(rate: Rate) -> Self {
        let bucket = Mutex::new(Bucket::new(rate, Instant::now()));
        Self { bucket, queue: tokio::sync::Mutex::default(), waiting: AtomicU32::new(0) }
    }

    /// Waits for our turn.
    ///
    /// # Errors
    /// How long it would have to wait, where that is beyond `patience`.
    pub(crate) async fn turn(&self, rate: Rate, patience: Duration) -> Result<(), Duration> {
        let began = Instant::now();
        let place = Place::take(&self.waiting);
        let wait = self.bucket().wait(rate, place.ahead, began);
        if wait > patience {
            return Err(wait);
        }
        let _first = self.queue.lock().await;
        loop {
            let now = Instant::now();
            let Err(wait) = self.bucket().take(rate, now) else { return Ok(()) };
            if now - began + wait > patience {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Leaves the host alone until a time.
    pub(crate) fn hold(&self, until: Instant) {
        self.bucket().hold(until);
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && !self.bucket().is_held(now)
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        super::lock(&self.bucket)
    }
}

/// A place in the queue, given back also by who stops waiting.
struct Place<'a> {
    waiting: &'a AtomicU32,
    ahead: u32,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicU32) -> Self {
        Self { waiting, ahead: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(pause: u64, burst: u32) -> Rate {
        Rate { pause: Duration::from_secs(pause), burst: NonZeroU32::new(burst).unwrap() }
    }

    fn take(bucket: &mut Bucket, rate: Rate, now: Instant) -> Result<(), u64> {
        bucket.take(rate, now).map_err(|wait| wait.as_secs())
    }

    #[test]
    fn requests_are_a_pause_apart() {
        let (now, two) = (Instant::now(), rate(2, 1));
        let mut bucket = Bucket::new(two, now);
        assert_eq!(
            [0, 0, 1, 2, 2].map(|at| take(&mut bucket, two, now + SECOND * at)),
            [Ok(()), Err(2), Err(1), Ok(()), Err(2)]
        );
    }

    #[test]
    fn after_a_quiet_time_a_burst_goes_at_once() {
        let (now, burst) = (Instant::now(), rate(2, 3));
        let mut bucket = Bucket::new(burst, now);
        assert_eq!([0; 4].map(|at| take(&mut bucket, burst, now + SECOND * at)), [Ok(()), Ok(()), Ok(()), Err(2)]);
        assert_eq!([4; 3].map(|at| take(&mut bucket, burst, now + SECOND * at)), [Ok(()), Ok(()), Err(2)]);
        assert_eq!(take(&mut bucket, burst, now + SECOND * 1_000), Ok(()));
    }

    #[test]
    fn a_pause_of_nought_is_no_limit() {
        let (now, none) = (Instant::now(), rate(0, 1));
        let mut bucket = Bucket::new(none, now);
        assert_eq!([0; 5].map(|at| take(&mut bucket, none, now + SECOND * at)), [Ok(()); 5]);
    }

    #[test]
    fn a_held_host_waits_for_the_longest_that_was_asked() {
        let (now, two) = (Instant::now(), rate(2, 1));
        let mut bucket = Bucket::new(two, now);
        bucket.hold(now + SECOND * 10);
        bucket.hold(now + SECOND);
        assert!(bucket.is_held(now));
        assert_eq!(
            [0, 9, 10, 11].map(|at| take(&mut bucket, two, now + SECOND * at)),
            [Err(10), Err(1), Ok(()), Err(1)]
        );
        assert!(!bucket.is_held(now + SECOND * 10));
    }

    #[test]
    fn a_new_rate_begins_with_its_pause_and_keeps_the_hold() {
        let (now, slow) = (Instant::now(), rate(10, 1));
        let mut bucket = Bucket::new(rate(0, 1), now);
        assert_eq!([0, 4, 10].map(|at| take(&mut bucket, slow, now + SECOND * at)), [Err(10), Err(6), Ok(())]);
        bucket.hold(now + SECOND * 100);
        assert_eq!(take(&mut bucket, rate(1, 5), now + SECOND * 11), Err(89));
    }

    #[test]
    fn who_would_wait_too_long_is_told_at_once_and_keeps_nobody_waiting() {
        let pace = Pace::new(rate(10, 1));
        let turn = |patience| pace.turn(rate(10, 1), SECOND * patience);
        assert_eq!(turn(15).now_or_never(), Some(Ok(())));
        assert_eq!(turn(5).now_or_never().unwrap().unwrap_err().as_secs(), 9, "the next token is beyond its patience");
        pace.hold(Instant::now() + SECOND * 100);
        assert!(turn(15).now_or_never().unwrap().unwrap_err() > SECOND * 98);
        assert!(!pace.is_idle(Instant::now()));
        assert!(pace.is_idle(Instant::now() + SECOND * 100));
    }

    #[tokio::test]
    async fn who_comes_behind_too_many_is_told_at_once_and_who_gives_up_leaves_his_place() {
        let pace = Pace::new(rate(10, 1));
        assert_eq!(pace.turn(rate(10, 1), SECOND).await, Ok(()));
        {
            let mut first = std::pin::pin!(pace.turn(rate(10, 1), SECOND * 15));
            assert!(futures::poll!(&mut first).is_pending());
            let mut second = std::pin::pin!(pace.turn(rate(10, 1), SECOND * 15));
            assert!(futures::poll!(&mut second).is_pending());
            assert_eq!(pace.turn(rate(10, 1), SECOND * 15).await, Err(SECOND * 20), "two are before it");
            assert!(!pace.is_idle(Instant::now()));
        }
        assert!(pace.is_idle(Instant::now()));
    }

    proptest! {
        /// In no stretch of time go more than its share and a burst, and who waits as long as he is told goes.
        #[test]
        fn the_rate_holds(
            (pause, burst) in (1_u64..50, 1_u32..6),
            steps in prop::collection::vec(0_u64..200, 1..80),
        ) {
            let began = Instant::now();
            let rate = Rate { pause: Duration::from_millis(pause), burst: NonZeroU32::new(burst).unwrap() };
            let mut bucket = Bucket::new(rate, began);
            let (mut at, mut gone) = (Duration::ZERO, Vec::new());
            for step in steps {
                at += Duration::from_millis(step);
                if let Err(wait) = bucket.take(rate, began + at) {
                    prop_assert!(wait <= rate.pause);
                    at += wait;
                    prop_assert_eq!(bucket.take(rate, began + at), Ok(()));
                }
                gone.push(at);
            }
            for (first, &from) in gone.iter().enumerate() {
                for (last, &to) in gone.iter().enumerate().skip(first) {
                    let most = (to - from).as_nanos() / rate.pause.as_nanos() + u128::from(burst) + 1;
                    prop_assert!((last - first + 1) as u128 <= most);
                }
            }
        }
    }
}
