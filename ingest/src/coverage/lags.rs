//! How long posts took from being published to being stored: counts by bucket, for the last day and the last thirty.
//!
//! The last day is counted by the hour, what is older by the day; empty buckets take no space. A percentile is stated as the
//! upper bound of the bucket that it falls into ([`schemas::records::LAG_BOUNDS`]): never less than the true one, and less than
//! twice as much.

use schemas::records::{LAG_BOUNDS, LagCount};
use serde::{Deserialize, Serialize};

const HOUR: u32 = 3_600;
const A_DAY: u32 = 24;
/// Hours that are kept.
const KEPT: u32 = 31 * A_DAY;

/// The counts of a source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Lags {
    /// Hour, bucket, posts: in the order of hours and buckets. An hour that is older than a day stands for its day.
    counts: Vec<(u32, u8, u32)>,
    /// The hour up to which older ones stand for their days.
    folded: u32,
}

/// What the lags of a time come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Percentiles {
    /// Half of the posts came within this many seconds; none when it was longer than is measured.
    pub(super) p50: Option<u32>,
    /// 99 of 100 did.
    pub(super) p99: Option<u32>,
    /// Of so many posts.
    pub(super) posts: u64,
}

impl Lags {
    /// Counts what a visit found.
    pub(super) fn add(&mut self, at: u32, lags: &[LagCount], now: u32) {
        let hour = at.min(now) / HOUR;
        for lag in lags.iter().filter(|lag| lag.posts > 0) {
            // A bound that is none of ours belongs to the bucket that it falls into.
            let bucket = LAG_BOUNDS.partition_point(|&bound| bound < lag.up_to_seconds) as u8;
            self.count(hour, bucket, lag.posts);
        }
        self.fold(now / HOUR);
    }

    fn count(&mut self, hour: u32, bucket: u8, posts: u32) {
        match self.counts.binary_search_by_key(&(hour, bucket), |&(hour, bucket, _)| (hour, bucket)) {
            Ok(place) => self.counts[place].2 = self.counts[place].2.saturating_add(posts),
            Err(place) => self.counts.insert(place, (hour, bucket, posts)),
        }
    }

    /// Joins the hours of days gone by, and forgets what is too old. Once an hour.
    fn fold(&mut self, now: u32) {
        if self.folded >= now {
            return;
        }
        self.folded = now;
        for (hour, bucket, posts) in std::mem::take(&mut self.counts) {
            if hour + KEPT > now {
                let hour = if hour + A_DAY < now { hour - hour % A_DAY } else { hour };
                self.count(hour, bucket, posts);
            }
        }
    }

    /// Of the last `seconds`, to the hour.
    pub(super) fn percentiles(&self, seconds: u32, now: u32) -> Option<Percentiles> {
        let from = now.saturating_sub(seconds) / HOUR;
        let mut sums = [0_u64; LAG_BOUNDS.len()];
        for &(_, bucket, posts) in self.counts.iter().filter(|(hour, ..)| *hour >= from) {
            sums[usize::from(bucket)] += u64::from(posts);
        }
        let posts: u64 = sums.iter().sum();
        let at = |hundredths: u64| {
            let rank = (posts * hundredths).div_ceil(100);
            let mut seen = 0;
            let bucket = sums.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            bucket.map(|bucket| LAG_BOUNDS[bucket]).filter(|&bound| bound < u32::MAX)
        };
        (posts > 0).then(|| Percentiles { p50: at(50), p99: at(99), posts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schemas::records::lag_bucket;

    const NOW: u32 = 1_795_000_000;

    fn of(lags: &[i64]) -> Vec<LagCount> {
        lags.iter().map(|&lag| LagCount { up_to_seconds: lag_bucket(lag), posts: 1 }).collect()
    }

    #[test]
    fn a_day_and_a_month_are_told_apart() {
        let mut lags = Lags::default();
        lags.add(NOW - 10 * 86_400, &of(&[4_000; 9]), NOW - 10 * 86_400);
        lags.add(NOW - 100, &of(&[20, 20, 20, 50]), NOW);
        let day = Percentiles { p50: Some(30), p99: Some(60), posts: 4 };
        assert_eq!(lags.percentiles(86_400, NOW), Some(day));
        let month = Percentiles { p50: Some(7_200), p99: Some(7_200), posts: 13 };
        assert_eq!(lags.percentiles(30 * 86_400, NOW), Some(month));
        assert_eq!(Lags::default().percentiles(86_400, NOW), None);
        assert_eq!(lags.percentiles(30 * 86_400, NOW + 40 * 86_400), None);
    }

    #[test]
    fn what_is_longer_than_is_measured_has_no_figure() {
        let mut lags = Lags::default();
        lags.add(NOW, &of(&[1, 40 * 86_400, 40 * 86_400]), NOW);
        assert_eq!(lags.percentiles(86_400, NOW), Some(Percentiles { p50: None, p99: None, posts: 3 }));
    }

    proptest! {
        /// The percentile is never less than the true one, and less than twice as much.
        #[test]
        fn percentiles_are_off_by_less_than_twice(mut seconds in prop::collection::vec(1..2_592_000_i64, 1..200)) {
            let mut lags = Lags::default();
            lags.add(NOW, &of(&seconds), NOW);
            seconds.sort_unstable();
            let found = lags.percentiles(86_400, NOW).unwrap();
            for (hundredths, stated) in [(50, found.p50), (99, found.p99)] {
                let truly = seconds[(seconds.len() * hundredths).div_ceil(100) - 1];
                let stated = i64::from(stated.unwrap());
                prop_assert!(stated >= truly && stated < 2 * truly.max(1) + 1, "{} for {}", stated, truly);
            }
        }

        #[test]
        fn any_report_is_counted_within_bounds(
            reports in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()), 0..200),
        ) {
            let mut lags = Lags::default();
            for (at, up_to_seconds, posts, now) in reports {
                lags.add(at, &[LagCount { up_to_seconds, posts }], now);
            }
            lags.fold(u32::MAX / HOUR);
            prop_assert!(lags.counts.len() <= (2 * 24 + 31) * LAG_BOUNDS.len());
        }
    }
}
