//! A polite pace: one request to a host at a time slot, with a pause between them that is the longest of what we and the
//! site want. A site that asks us to wait (`Retry-After`) is left alone until then.
//!
//! | host | a request that comes at `now` |
//! |---|---|
//! | unknown, or its pause is over | may go at once |
//! | within its pause | may go when the pause is over, and the next one a pause after it |
//! | held until a time | may go at that time |

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Hosts that are remembered before those whose pause is over are swept out.
const SWEEP: usize = 1_024;

/// When each host may be asked again.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    free: HashMap<String, Instant>,
}

impl Pace {
    /// Takes the next slot of a host: the request may go at the time returned.
    pub(crate) fn reserve(&mut self, host: &str, pause: Duration, now: Instant) -> Instant {
        if self.free.len() >= SWEEP {
            self.free.retain(|_, free| *free > now);
        }
        let slot = self.free.get(host).map_or(now, |&free| free.max(now));
        self.free.insert(host.to_owned(), slot + pause);
        slot
    }

    /// Leaves a host alone until a time.
    pub(crate) fn hold(&mut self, host: &str, until: Instant) {
        let free = self.free.entry(host.to_owned()).or_insert(until);
        *free = (*free).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(2);

    #[test]
    fn requests_to_one_host_are_a_pause_apart_and_hosts_do_not_wait_for_each_other() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let waits: Vec<_> = (0..3).map(|_| pace.reserve("a", PAUSE, now) - now).collect();
        assert_eq!(waits, [Duration::ZERO, PAUSE, PAUSE * 2]);
        assert_eq!(pace.reserve("b", PAUSE, now), now);
        let later = now + PAUSE * 10;
        assert_eq!(pace.reserve("a", PAUSE, later), later);
    }

    #[test]
    fn a_held_host_waits() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.hold("a", now + PAUSE * 5);
        pace.hold("a", now + PAUSE);
        assert_eq!(pace.reserve("a", PAUSE, now), now + PAUSE * 5);
        assert_eq!(pace.reserve("a", PAUSE, now), now + PAUSE * 6);
    }

    #[test]
    fn hosts_whose_pause_is_over_are_forgotten() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for n in 0..SWEEP {
            pace.reserve(&n.to_string(), PAUSE, now);
        }
        pace.reserve("last", PAUSE, now + PAUSE * 2);
        assert_eq!(pace.free.len(), 1);
    }
}
