//! A polite pace: one request to a host at a time slot, with a pause between them that is the longest of what we and the
//! site want. A site that asks us to wait (`Retry-After`) is left alone until then.
//!
//! | host | a request that comes at `now` |
//! |---|---|
//! | unknown, or its pause is over | may go at once |
//! | within its pause | may go when the pause is over, and the next one a pause after it |
//! | held until a time, or its slots are taken for long | waits its turn, or is told to come back when that is beyond its patience |

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
    ///
    /// # Errors
    /// How long it would have to wait, where that is beyond `patience`: a worker must not sleep through it, others need it.
    pub(crate) fn reserve(
        &mut self,
        host: &str,
        pause: Duration,
        patience: Duration,
        now: Instant,
    ) -> Result<Instant, Duration> {
        if self.free.len() >= SWEEP {
            self.free.retain(|_, free| *free > now);
        }
        let slot = self.free.get(host).map_or(now, |&free| free.max(now));
        if slot - now > patience {
            return Err(slot - now);
        }
        self.free.insert(host.to_owned(), slot + pause);
        Ok(slot)
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
    const PATIENCE: Duration = Duration::from_secs(20);

    fn wait(pace: &mut Pace, host: &str, now: Instant) -> Result<u64, u64> {
        let slot = pace.reserve(host, PAUSE, PATIENCE, now);
        slot.map(|slot| (slot - now).as_secs()).map_err(|wait| wait.as_secs())
    }

    #[test]
    fn requests_to_one_host_are_a_pause_apart_and_hosts_do_not_wait_for_each_other() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!([0; 3].map(|_| wait(&mut pace, "a", now)), [Ok(0), Ok(2), Ok(4)]);
        assert_eq!(wait(&mut pace, "b", now), Ok(0));
        assert_eq!(wait(&mut pace, "a", now + PAUSE * 10), Ok(0));
    }

    #[test]
    fn a_held_host_waits() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.hold("a", now + PAUSE * 5);
        pace.hold("a", now + PAUSE);
        assert_eq!([0; 2].map(|_| wait(&mut pace, "a", now)), [Ok(10), Ok(12)]);
    }

    #[test]
    fn who_would_wait_too_long_is_told_to_come_back_and_takes_no_slot() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.hold("a", now + PATIENCE * 2);
        assert_eq!([0; 2].map(|_| wait(&mut pace, "a", now)), [Err(40), Err(40)]);
        assert_eq!(wait(&mut pace, "a", now + PATIENCE), Ok(20));
    }

    #[test]
    fn hosts_whose_pause_is_over_are_forgotten() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for n in 0..SWEEP {
            assert_eq!(wait(&mut pace, &n.to_string(), now), Ok(0));
        }
        assert_eq!(wait(&mut pace, "last", now + PAUSE * 2), Ok(0));
        assert_eq!(pace.free.len(), 1);
    }
}
