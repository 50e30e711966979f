//! Counts of about the last day: this hour and the 24 before it, in a fixed space.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const HOUR: i64 = 3_600;
const KEPT: i64 = 25;

/// `N` numbers that are counted together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Vec<(i64, Vec<u64>)>", from = "Vec<(i64, Vec<u64>)>")]
pub(crate) struct Lately<const N: usize> {
    hours: [(i64, [u64; N]); KEPT as usize],
}

impl<const N: usize> Default for Lately<N> {
    fn default() -> Self {
        Self { hours: [(i64::MIN, [0; N]); KEPT as usize] }
    }
}

impl<const N: usize> Lately<N> {
    /// Counts something that happened.
    pub(crate) fn add(&mut self, at: Timestamp, counts: [u64; N]) {
        let hour = at.as_second().div_euclid(HOUR);
        let slot = &mut self.hours[hour.rem_euclid(KEPT) as usize];
        if slot.0 > hour {
            // Its place is taken by a later hour: it lies more than a day back.
            return;
        }
        if slot.0 < hour {
            *slot = (hour, [0; N]);
        }
        for (sum, count) in slot.1.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// What happened within about the last day.
    pub(crate) fn sums(&self, now: Timestamp) -> [u64; N] {
        let hour = now.as_second().div_euclid(HOUR);
        let mut sums = [0; N];
        for (_, counts) in self.hours.iter().filter(|(at, _)| (hour - KEPT + 1..=hour).contains(at)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    }
}

/// As it is written down: the hours in which anything happened.
impl<const N: usize> From<Lately<N>> for Vec<(i64, Vec<u64>)> {
    fn from(lately: Lately<N>) -> Self {
        let used = lately.hours.iter().filter(|(hour, _)| *hour > i64::MIN);
        used.map(|(hour, counts)| (*hour, counts.to_vec())).collect()
    }
}

impl<const N: usize> From<Vec<(i64, Vec<u64>)>> for Lately<N> {
    fn from(hours: Vec<(i64, Vec<u64>)>) -> Self {
        let mut lately = Self::default();
        for (hour, counts) in hours {
            // Counts of another number of things are not these.
            if let Ok(counts) = <[u64; N]>::try_from(counts) {
                lately.hours[hour.rem_euclid(KEPT) as usize] = (hour, counts);
            }
        }
        lately
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read() {
        let mut lately = Lately::default();
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        lately.add(at, [3, 1]);
        let written = serde_json::to_string(&lately).unwrap();
        assert_eq!(serde_json::from_str::<Lately<2>>(&written).unwrap().sums(at), [3, 1]);
        assert_eq!(serde_json::from_str::<Lately<3>>(&written).unwrap().sums(at), [0, 0, 0]);
    }

    #[test]
    fn a_day_is_counted_and_then_forgotten() {
        let mut lately = Lately::default();
        let at = |hours: i64| Timestamp::from_second(1_790_000_000 + hours * HOUR).unwrap();
        lately.add(at(0), [3]);
        lately.add(at(1), [4]);
        assert_eq!([1, 24, 25, 26].map(|hour| lately.sums(at(hour))), [[7], [7], [4], [0]]);
        lately.add(at(30), [1]);
        lately.add(at(5), [100]);
        assert_eq!(lately.sums(at(30)), [1], "what lies more than a day back counts no more");
    }
}
