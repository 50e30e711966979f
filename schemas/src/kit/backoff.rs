//! How long to wait before the next try: doubling from a first wait up to a longest one, with jitter so that many who
//! failed together do not come back together.

use std::time::Duration;

/// A rule of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first retry.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row (at least one). `jitter`, from 0 to 1, is a random number that the caller
    /// draws: the wait lies between half and the whole of the doubled one ("equal jitter").
    #[must_use]
    pub fn wait(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let waits: Vec<_> = [1, 2, 3, 6, 7, 8, u32::MAX].map(|n| backoff.wait(n, 1.0).as_secs()).into();
        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60]);
        assert_eq!(backoff.wait(3, 0.0), Duration::from_secs(2));
    }
}
