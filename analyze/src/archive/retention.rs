//! Which months the archive keeps.
//!
//! | `[archive] keep_months` | now | kept |
//! |---|---|---|
//! | 0 | any | all |
//! | n | in month m | m and the n months before it |
//!
//! So a post is kept for n months at least, to the day. A post of a month that is no longer kept is not stored, however
//! often it comes again: it is counted (`wanglou_analyze_posts_total{verdict="expired"}`) and left alone; setting it aside would
//! keep what is not to be kept.

use super::dates::Month;

/// The first month that is kept, given the month that it is now; `None` when all are.
#[must_use]
pub fn oldest_kept(keep_months: u32, now: Month) -> Option<Month> {
    (keep_months > 0).then(|| now.before(keep_months))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let month = |name: &str| name.parse::<Month>().unwrap();
        assert_eq!(oldest_kept(0, month("2026-11")), None);
        for (keep, oldest) in [(1, "2026-10"), (10, "2026-01"), (11, "2025-12"), (36, "2023-11")] {
            assert_eq!(oldest_kept(keep, month("2026-11")), Some(month(oldest)));
        }
        assert_eq!(oldest_kept(u32::MAX, month("2026-11")), Some(month("0001-01")));
    }
}
