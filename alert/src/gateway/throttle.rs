//! How often somebody may try to log in.
//!
//! Tries are counted before the password is looked at, so that many at once can't slip through:
//!
//! | tries within 15 minutes | outcome |
//! |---|---|
//! | up to 5 of one name from one peer | allowed |
//! | more of one name from one peer | refused until the first of them is 15 minutes old |
//! | up to 30 of one peer | allowed |
//! | more of one peer | refused likewise |
//! | a success | forgets the tries of that name from that peer, and its own of the peer: a shift behind one proxy is no attack |
//!
//! The names that are kept are bounded; when there are too many, those that say the least are forgotten first.

use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

const WITHIN: SignedDuration = SignedDuration::from_mins(15);
const OF_A_NAME: usize = 5;
const OF_A_PEER: usize = 30;
const MOST_KEYS: usize = 10_000;

type Key = (Option<String>, Option<IpAddr>);

/// The tries of late.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    tries: HashMap<Key, VecDeque<Timestamp>>,
}

impl Throttle {
    /// Counts a try; `Err` says after how many seconds the next one is allowed.
    pub(super) fn enter(&mut self, name: &str, peer: Option<IpAddr>, now: Timestamp) -> Result<(), u32> {
        self.forget(now);
        let own = (Some(name.to_owned()), peer);
        let wait = self.wait(&own, OF_A_NAME, now).max(self.wait(&(None, peer), OF_A_PEER, now));
        if let Some(seconds) = wait {
            return Err(seconds);
        }
        for key in [own, (None, peer)] {
            self.tries.entry(key).or_default().push_back(now);
        }
        Ok(())
    }

    /// Forgets the tries of a name from a peer: it has got in.
    pub(super) fn succeeded(&mut self, name: &str, peer: Option<IpAddr>) {
        self.tries.remove(&(Some(name.to_owned()), peer));
        if let Some(tries) = self.tries.get_mut(&(None, peer)) {
            tries.pop_back();
        }
    }

    fn wait(&self, key: &Key, most: usize, now: Timestamp) -> Option<u32> {
        let tries = self.tries.get(key)?;
        let first = tries.iter().rev().nth(most - 1)?;
        let left = WITHIN - now.duration_since(*first);
        (left > SignedDuration::ZERO).then(|| left.as_secs().clamp(0, 3600) as u32 + 1)
    }

    fn forget(&mut self, now: Timestamp) {
        if self.tries.len() < MOST_KEYS {
            return;
        }
        self.tries.retain(|_, tries| {
            tries.retain(|at| now.duration_since(*at) < WITHIN);
            !tries.is_empty()
        });
        // Still too many: keep those that are nearest to being refused.
        for most in 1..OF_A_NAME {
            if self.tries.len() >= MOST_KEYS {
                self.tries.retain(|(name, _), tries| name.is_none() || tries.len() > most);
            }
        }
        if self.tries.len() >= MOST_KEYS {
            self.tries.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    #[test]
    fn the_sixth_try_of_a_name_waits() {
        let mut throttle = Throttle::default();
        for second in 0..5 {
            assert_eq!(throttle.enter("王敏", PEER, at(second)), Ok(()));
        }
        assert_eq!(throttle.enter("王敏", PEER, at(5)), Err(896));
        assert_eq!(throttle.enter("李雷", PEER, at(5)), Ok(()), "another name");
        assert_eq!(throttle.enter("王敏", None, at(5)), Ok(()), "another peer");
        assert_eq!(throttle.enter("王敏", PEER, at(900)), Ok(()));
    }

    #[test]
    fn many_names_from_one_peer_wait_too() {
        let mut throttle = Throttle::default();
        for n in 0..30 {
            assert_eq!(throttle.enter(&n.to_string(), PEER, at(0)), Ok(()));
        }
        assert_eq!(throttle.enter("30", PEER, at(0)), Err(901));
    }

    #[test]
    fn a_success_forgets() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            throttle.enter("王敏", PEER, at(0)).unwrap();
        }
        throttle.succeeded("王敏", PEER);
        assert_eq!(throttle.enter("王敏", PEER, at(1)), Ok(()));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..30_000_u32 {
            let _ = throttle.enter(&n.to_string(), Some(IpAddr::V4(n.into())), at(0));
        }
        assert!(throttle.tries.len() <= MOST_KEYS + 2);
    }
}
