//! A circuit breaker per host: a site that fails again and again is spared, and our workers with it. A failure is no
//! answer, or one that says that the server is at fault; any other answer is a success.
//!
//! | state | asked | told of a success | told of a failure |
//! |---|---|---|---|
//! | closed, n failures in a row | goes | closed, none | closed, n + 1; at [`THRESHOLD`] open |
//! | open until a time, before it | refused, with the time left | closed (an answer to an earlier request) | as it was |
//! | open, the time is over | goes as the probe: half open | closed | as it was |
//! | half open | refused, while the probe may still be out ([`PROBE`]) | closed | open, twice as long |

use schemas::kit::backoff::Backoff;
use std::time::{Duration, Instant};

/// Failures in a row that open it: more than one page that is broken for good can cause with all its tries.
pub(crate) const THRESHOLD: u32 = 10;
/// How long it stays open: longer each time that the probe fails too.
const OPEN: Backoff = Backoff { first: Duration::from_secs(30), longest: Duration::from_secs(600) };
/// A probe of which nothing was heard for so long was given up by whoever made it.
const PROBE: Duration = Duration::from_secs(60);

/// The breaker of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    /// Failures in a row.
    failures: u32,
    /// How often it was opened since it was last closed.
    opened: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        since: Instant,
    },
}

impl Breaker {
    /// For how long nothing may go.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Duration> {
        let until = match self.state {
            State::Closed => return None,
            State::Open { until } => until,
            State::HalfOpen { since } => since + PROBE,
        };
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Asks whether a request may go. What becomes of it must be told.
    ///
    /// # Errors
    /// For how long it may not.
    pub(crate) fn ask(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(left) = self.refusal(now) {
            return Err(left);
        }
        if self.state != State::Closed {
            self.state = State::HalfOpen { since: now };
        }
        Ok(())
    }

    /// The site has answered.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It has not. Returns whether this has opened the breaker. `jitter`, from 0 to 1, is a random number.
    pub(crate) fn failed(&mut self, now: Instant, jitter: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            State::Closed => self.failures >= THRESHOLD,
            State::Open { .. } => false,
            State::HalfOpen { .. } => true,
        };
        if opens {
            self.opened = self.opened.saturating_add(1);
            self.state = State::Open { until: now + OPEN.wait(self.opened, jitter) };
        }
        opens
    }

    /// Failures in a row so far.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for n in 1..=THRESHOLD {
            assert_eq!(breaker.ask(now), Ok(()));
            assert_eq!(breaker.failed(now, 1.0), n == THRESHOLD);
        }
        breaker
    }

    #[test]
    fn closed_it_counts_failures_in_a_row() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            for _ in 1..THRESHOLD {
                assert!(!breaker.failed(now, 1.0));
            }
            breaker.succeeded();
        }
        assert_eq!((breaker.ask(now), breaker.failures()), (Ok(()), 0));
    }

    #[test]
    fn open_it_refuses_with_the_time_left() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + SECOND), Err(SECOND * 29));
        assert!(!breaker.failed(now + SECOND, 1.0), "an earlier request: it stays open as long");
        assert_eq!(breaker.ask(now + SECOND), Err(SECOND * 29));
        breaker.succeeded();
        assert_eq!(breaker.ask(now + SECOND), Ok(()), "an answer to an earlier request");
    }

    #[test]
    fn one_probe_goes_when_the_time_is_over() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + SECOND * 30), Ok(()));
        assert_eq!(breaker.ask(now + SECOND * 30), Err(PROBE), "the probe is out");
        let mut healed = breaker.clone();
        healed.succeeded();
        assert_eq!(healed, Breaker::default());
        assert_eq!(breaker.ask(now + SECOND * 30 + PROBE), Ok(()), "the probe was given up");
    }

    #[test]
    fn each_probe_that_fails_doubles_the_time_up_to_the_longest() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        let waits: Vec<_> = (0..7)
            .map(|_| {
                let left = breaker.refusal(now).unwrap();
                now += left;
                assert_eq!(breaker.ask(now), Ok(()));
                assert!(breaker.failed(now, 1.0));
                left.as_secs()
            })
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask,
        Succeed,
        Fail,
        Wait(u64),
    }

    proptest! {
        /// Whatever happens: a success closes it; it never opens before the threshold; it never refuses for longer than the
        /// longest; while it is not closed, no two requests go within the time of a probe.
        #[test]
        fn its_promises_hold(steps in prop::collection::vec(prop_oneof![
            3 => Just(Step::Ask), 1 => Just(Step::Succeed), 6 => Just(Step::Fail), 2 => (0_u64..400).prop_map(Step::Wait)
        ], 0..200)) {
            let (mut breaker, mut now) = (Breaker::default(), Instant::now());
            let (mut in_a_row, mut last_probe) = (0, None::<Instant>);
            for step in steps {
                match step {
                    Step::Wait(seconds) => now += SECOND * seconds as u32,
                    Step::Succeed => {
                        breaker.succeeded();
                        (in_a_row, last_probe) = (0, None);
                        prop_assert_eq!(breaker.refusal(now), None);
                    }
                    Step::Fail => {
                        in_a_row += 1;
                        if breaker.failed(now, 0.5) {
                            prop_assert!(in_a_row >= THRESHOLD);
                            last_probe = None;
                        }
                    }
                    Step::Ask => {
                        let was_closed = breaker.state == State::Closed;
                        match breaker.ask(now) {
                            Ok(()) if !was_closed => {
                                prop_assert!(last_probe.is_none_or(|at| now - at >= PROBE));
                                last_probe = Some(now);
                            }
                            Ok(()) => prop_assert!(in_a_row < THRESHOLD),
                            Err(left) => prop_assert!(left <= OPEN.longest && !was_closed),
                        }
                    }
                }
            }
        }
    }
}
