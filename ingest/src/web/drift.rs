//! Whether our own clock is right, by the `Date` of the servers that are visited. One server may lie or be badly kept, so
//! what counts is the median over hosts, and that enough of them agree with it.
//!
//! | hosts heard within the hour | their median | said |
//! |---|---|---|
//! | fewer than three, or no more than half of them agree | any | nothing can be said: no alarm begins |
//! | three or more agree | beyond [`ALARM`] | our clock is off |
//! | three or more agree | within [`CALM`] | our clock is right |
//! | three or more agree | between the two | what was said before |
//!
//! To agree is to lie within [`AGREE`] of the median. A date has whole seconds and the way to a server takes time, so that no
//! offset is exact to better than half a second; one that is worse than [`COARSE`] is not counted.

use jiff::SignedDuration;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Our clock is off beyond this: times such as 刚刚 would be read wrong by as much.
pub(crate) const ALARM: SignedDuration = SignedDuration::from_secs(5);
/// It is right again within this.
const CALM: SignedDuration = SignedDuration::from_secs(3);
const AGREE: SignedDuration = SignedDuration::from_secs(2);
const COARSE: Duration = Duration::from_secs(2);
/// Hosts that must agree.
const QUORUM: usize = 3;
const RECENT: Duration = Duration::from_secs(3600);
/// Hosts that are remembered: a sample, the latest.
const MOST: usize = 128;

/// What the servers' clocks say of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Theirs less ours, the median over hosts: right to about a second.
    pub(crate) offset: SignedDuration,
    /// Hosts heard of late.
    pub(crate) hosts: usize,
    /// Those of them that agree.
    pub(crate) agreeing: usize,
}

impl Clock {
    /// Whether enough agree for something to be said.
    pub(crate) fn is_sure(&self) -> bool {
        self.agreeing >= QUORUM && self.agreeing * 2 > self.hosts
    }
}

/// The latest offset of each host.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    hosts: HashMap<String, (SignedDuration, Instant)>,
    is_off: bool,
}

impl Drift {
    /// Takes what one answer says. Returns the clock when its being right has changed.
    pub(crate) fn note(
        &mut self,
        host: &str,
        offset: SignedDuration,
        uncertainty: Duration,
        now: Instant,
    ) -> Option<(Clock, bool)> {
        if uncertainty > COARSE {
            return None;
        }
        if self.hosts.len() >= MOST && !self.hosts.contains_key(host) {
            let oldest = self.hosts.iter().min_by_key(|(_, (_, at))| *at).map(|(host, _)| host.clone());
            oldest.and_then(|oldest| self.hosts.remove(&oldest));
        }
        self.hosts.insert(host.to_owned(), (offset, now));
        let clock = self.estimate(now).filter(Clock::is_sure)?;
        let is_off = clock.offset.unsigned_abs() > if self.is_off { CALM } else { ALARM }.unsigned_abs();
        let changed = is_off != self.is_off;
        self.is_off = is_off;
        changed.then_some((clock, is_off))
    }

    /// What the servers' clocks say of ours; nothing while none was heard.
    pub(crate) fn estimate(&self, now: Instant) -> Option<Clock> {
        let recent = |at: Instant| now.saturating_duration_since(at) <= RECENT;
        let mut offsets: Vec<_> =
            self.hosts.values().filter(|(_, at)| recent(*at)).map(|(offset, _)| *offset).collect();
        offsets.sort_unstable();
        let offset = *offsets.get(offsets.len() / 2)?;
        let agrees = |other: &&SignedDuration| {
            other.checked_sub(offset).is_some_and(|apart| apart.unsigned_abs() <= AGREE.unsigned_abs())
        };
        Some(Clock { offset, hosts: offsets.len(), agreeing: offsets.iter().filter(agrees).count() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FINE: Duration = Duration::from_millis(600);

    /// What is said after these offsets in seconds, each of a host of its own.
    fn said(drift: &mut Drift, offsets: &[i64], now: Instant) -> Vec<bool> {
        let notes = offsets.iter().enumerate().filter_map(|(host, &seconds)| {
            drift.note(&format!("h{host}"), SignedDuration::from_secs(seconds), FINE, now)
        });
        notes.map(|(_, is_off)| is_off).collect()
    }

    #[test]
    fn three_that_agree_raise_the_alarm_once_and_end_it_once() {
        let (mut drift, now) = (Drift::default(), Instant::now());
        assert_eq!(said(&mut drift, &[-60, -61], now), [false; 0], "two are not enough");
        assert_eq!(said(&mut drift, &[-60, -61, -59, -60, -60], now), [true]);
        assert_eq!(said(&mut drift, &[-4, -4, -4, -4, -4], now), [false; 0], "not yet within what is calm");
        assert_eq!(said(&mut drift, &[0, 0, 1, 0, 0], now), [false]);
    }

    #[test]
    fn liars_do_not_alarm() {
        let now = Instant::now();
        assert_eq!(said(&mut Drift::default(), &[0, 0, 86_400, 1, -1], now), [false; 0]);
        assert_eq!(said(&mut Drift::default(), &[100, 2_000, 30_000, 0, -50], now), [false; 0], "none agree");
        let mut drift = Drift::default();
        for n in 0..1_000 {
            assert_eq!(drift.note("liar", SignedDuration::from_secs(n), FINE, now), None, "one host, however often");
        }
    }

    #[test]
    fn what_is_old_or_coarse_does_not_count() {
        let (mut drift, now) = (Drift::default(), Instant::now());
        said(&mut drift, &[60, 60, 60], now);
        assert_eq!(drift.estimate(now).map(|clock| clock.agreeing), Some(3));
        assert_eq!(drift.estimate(now + RECENT * 2), None);
        assert_eq!(drift.note("slow", SignedDuration::from_secs(9), COARSE * 2, now + RECENT * 2), None);
        assert_eq!(drift.estimate(now + RECENT * 2), None);
    }

    #[test]
    fn the_memory_of_hosts_is_bounded() {
        let (mut drift, now) = (Drift::default(), Instant::now());
        for n in 0..10_000_u32 {
            drift.note(&n.to_string(), SignedDuration::ZERO, FINE, now + Duration::from_millis(n.into()));
        }
        assert_eq!(drift.hosts.len(), MOST);
        assert!(drift.hosts.contains_key("9999"));
    }

    proptest! {
        /// Honest servers in the majority, however wild the others: the estimate is theirs.
        #[test]
        fn the_honest_majority_decides(
            truth in -100_000_i64..100_000,
            honest in prop::collection::vec(-900_i64..900, 3..40),
            wild in prop::collection::vec(any::<i64>(), 0..40),
        ) {
            let (mut drift, now) = (Drift::default(), Instant::now());
            let wild = &wild[..wild.len().min(honest.len() - 1)];
            let honest = honest.iter().map(|noise| SignedDuration::from_millis(truth * 1_000 + noise));
            for (n, offset) in honest.chain(wild.iter().map(|&seconds| SignedDuration::from_secs(seconds))).enumerate() {
                drift.note(&n.to_string(), offset, FINE, now);
            }
            let clock = drift.estimate(now).unwrap();
            let apart = (clock.offset - SignedDuration::from_secs(truth)).abs();
            prop_assert!(clock.is_sure() && apart < SignedDuration::from_secs(1), "{:?}", clock);
        }
    }
}
