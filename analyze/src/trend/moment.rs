//! The moment at which a post is counted.
//!
//! | what the source says | counted at |
//! |---|---|
//! | a time to the second or minute, not after `now` | that time |
//! | a time after `now` | when it was fetched, at most `now`: nothing counts ahead |
//! | an hour or a day, and it was fetched within it | when it was fetched: it is new, and no better time is known |
//! | an hour or a day that was over when it was fetched | within it, spread by the raw offset, so that midnight is no peak |

use super::series::{DAY, HOUR};
use schemas::records::{AnalyzedPost, Precision};

/// When a post is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Seconds since 1970.
    pub(super) at: i64,
    /// Whether the source states it to the minute or better.
    pub(super) exact: bool,
}

impl Moment {
    pub(super) fn of(post: &AnalyzedPost, now: i64) -> Self {
        let (published, fetched) = (post.published_at.as_second(), post.fetched_at.as_second().min(now));
        let span = match post.published_precision {
            Precision::Second | Precision::Minute => {
                let ahead = published > now;
                return Self { at: if ahead { fetched } else { published }, exact: !ahead && !post.date_clamped };
            }
            Precision::Hour => HOUR,
            Precision::Day => DAY,
        };
        let spread = (post.raw.offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as i64 % span;
        let at = if fetched < published + span { fetched } else { published + spread };
        Self { at, exact: false }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::post, *};
    use jiff::Timestamp;

    const NOW: i64 = 1_790_524_800;

    fn at(published: i64, fetched: i64, precision: Precision) -> i64 {
        let time = |second| Timestamp::from_second(second).unwrap();
        let post = AnalyzedPost {
            published_at: time(published),
            fetched_at: time(fetched),
            published_precision: precision,
            ..post(7)
        };
        Moment::of(&post, NOW).at
    }

    #[test]
    fn the_table_holds() {
        use Precision::{Day, Hour, Minute, Second};
        assert_eq!(at(NOW - 90, NOW - 5, Second), NOW - 90);
        assert_eq!(at(NOW - 90, NOW - 5, Minute), NOW - 90);
        assert_eq!(at(NOW + 90, NOW - 5, Second), NOW - 5);
        assert_eq!(at(NOW + 90, NOW + 95, Second), NOW, "not even a wrong clock counts ahead");
        assert_eq!(at(NOW - 1_800, NOW - 5, Hour), NOW - 5);
        assert_eq!(at(NOW - 40_000, NOW - 5, Day), NOW - 5);
        let old = at(NOW - 2 * DAY, NOW - 5, Day);
        assert!((NOW - 2 * DAY..NOW - DAY).contains(&old));
        let old = at(NOW - 2 * HOUR, NOW - 5, Hour);
        assert!((NOW - 2 * HOUR..NOW - HOUR).contains(&old));
    }

    #[test]
    fn absurd_dates_are_survived() {
        for precision in [Precision::Second, Precision::Day] {
            for published in [Timestamp::MIN.as_second(), Timestamp::MAX.as_second()] {
                assert!(at(published, NOW, precision) <= NOW);
            }
        }
    }
}
