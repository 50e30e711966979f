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
//! PINs are six digits only, and are given with a link that many may have:
//!
//! | tries of a PIN within 15 minutes | outcome |
//! |---|---|
//! | up to 5 of one name, from wherever; up to 5 with one link; up to 30 of one peer | allowed |
//! | more of any of these | refused until the first of them is 15 minutes old |
//! | a success | forgets the tries of that name, and its own of the link and the peer |
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
        self.enter_all([((Some(name.to_owned()), peer), OF_A_NAME), ((None, peer), OF_A_PEER)], now)
    }

    /// Counts a try of a PIN; `Err` says after how many seconds the next one is allowed.
    pub(super) fn enter_pin(
        &mut self,
        name: &str,
        link: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), u32> {
        let [name, link] = [pin_of(name), pin_with(link)];
        self.enter_all([(name, OF_A_NAME), (link, OF_A_NAME), ((None, peer), OF_A_PEER)], now)
    }

    /// Forgets the tries of a name's PIN: it was right.
    pub(super) fn pin_was_right(&mut self, name: &str, link: &str, peer: Option<IpAddr>) {
        self.tries.remove(&pin_of(name));
        for key in [pin_with(link), (None, peer)] {
            if let Some(tries) = self.tries.get_mut(&key) {
                tries.pop_back();
            }
        }
    }

    fn enter_all<const N: usize>(&mut self, keys: [(Key, usize); N], now: Timestamp) -> Result<(), u32> {
        self.forget(now);
        if let Some(seconds) = keys.iter().filter_map(|(key, most)| self.wait(key, *most, now)).max() {
            return Err(seconds);
        }
        for (key, _) in keys {
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

fn pin_of(name: &str) -> Key {
    (Some(format!("pin of {name}")), None)
}

fn pin_with(link: &str) -> Key {
    (Some(format!("pin with {link}")), None)
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
    fn pins_are_tried_five_times_by_name_and_by_link() {
        let other = |n: u32| Some(IpAddr::V4(n.into()));
        let mut throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(
                throttle.enter_pin("王敏", &format!("link {n}"), other(n), at(0)),
                Ok(()),
                "each with another link"
            );
        }
        assert_eq!(throttle.enter_pin("王敏", "link 9", other(9), at(0)), Err(901), "the name");
        let mut throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(throttle.enter_pin(&n.to_string(), "link", other(n), at(0)), Ok(()), "each another name");
        }
        assert_eq!(throttle.enter_pin("王敏", "link", other(9), at(0)), Err(901), "the link");
        assert_eq!(throttle.enter_pin("王敏", "link", other(9), at(900)), Ok(()));
        let mut throttle = Throttle::default();
        for n in 0..30 {
            assert_eq!(throttle.enter_pin(&n.to_string(), &n.to_string(), PEER, at(0)), Ok(()));
        }
        assert_eq!(throttle.enter_pin("王敏", "link", PEER, at(0)), Err(901), "the peer");
    }

    #[test]
    fn a_right_pin_forgets() {
        let mut throttle = Throttle::default();
        for _ in 0..4 {
            throttle.enter_pin("王敏", "link", PEER, at(0)).unwrap();
        }
        throttle.enter_pin("王敏", "link", PEER, at(0)).unwrap();
        throttle.pin_was_right("王敏", "link", PEER);
        assert_eq!(throttle.enter_pin("王敏", "link", PEER, at(1)), Ok(()), "it was the fifth with this link");
        assert_eq!(throttle.enter_pin("王敏", "link", PEER, at(1)), Err(900));
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
