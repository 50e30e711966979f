//! Which runs are merged, and which go: sizes in, decision out.
//!
//! Runs lie in the order of their age. Marks come as small runs; [`FAN`] of about one size become one of the next, up to a
//! generation, an eighth of the bound, which is merged no more. So a mark is written some four times in its life, a look-up
//! asks some twenty filters, and what is oldest goes by removing a file.
//!
//! | runs, the oldest first | then |
//! |---|---|
//! | [`FAN`] of a tier lie behind the last larger one | merge these, and what is smaller and lies between |
//! | together they hold more than the bound | the oldest goes |
//! | else | nothing to do |

use std::ops::Range;

/// So many runs of about one size become one.
pub(super) const FAN: usize = 8;
/// Marks that wait to be a run, at most: 4 MB.
const LARGEST: u64 = 1 << 18;
/// With so many runs it is better to merge than to write more.
const MANY: usize = 32;
/// Generations within the bound.
const GENERATIONS: u64 = 8;

/// What the bound asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    bound: u64,
}

impl Plan {
    /// Nothing is written.
    pub(super) const MEMORY_ONLY: Self = Self { bound: 0 };

    /// At most so many marks are kept, and no fewer than seven eighths of it are once there were as many.
    pub(super) fn new(bound: u64) -> Self {
        Self { bound }
    }

    /// Marks in a run that is merged no more, at least.
    pub(super) fn generation(self) -> u64 {
        (self.bound / GENERATIONS).max(1)
    }

    /// Marks that are worth a run: so many that whole tiers of them make a generation.
    pub(super) fn smallest(self) -> u64 {
        let mut marks = self.generation().div_ceil(FAN as u64);
        while marks > LARGEST {
            marks = marks.div_ceil(FAN as u64);
        }
        marks
    }

    /// The runs to merge, given the sizes of all, the oldest first.
    pub(super) fn merge(self, sizes: &[u64]) -> Option<Range<usize>> {
        let open = sizes.iter().rposition(|&size| size >= self.generation()).map_or(0, |full| full + 1);
        let (mut from, mut below) = (0, self.smallest().saturating_mul(2));
        loop {
            let begin = sizes[open..].iter().rposition(|&size| size >= below).map_or(open, |larger| open + larger + 1);
            // The eighth of them; what is smaller and lies between goes along.
            let mut of_tier = (begin..sizes.len()).filter(|&at| sizes[at] >= from);
            if let Some(last) = of_tier.nth(FAN - 1) {
                return Some(begin..last + 1);
            }
            if begin == open {
                return None;
            }
            (from, below) = (below, below.saturating_mul(FAN as u64));
        }
    }

    /// Whether more runs may be written before some are merged.
    pub(super) fn takes_more(self, runs: usize) -> bool {
        runs < MANY
    }

    /// How many of the oldest go. The youngest stays, whatever its size.
    pub(super) fn drop(self, sizes: &[u64]) -> usize {
        let mut rest: u64 = sizes.iter().sum();
        let goes = |size: &&u64| {
            let goes = rest > self.bound;
            rest -= **size;
            goes
        };
        sizes.iter().take(sizes.len().saturating_sub(1)).take_while(goes).count()
    }

    /// Whether the oldest run goes before long: what is still asked for is worth another mark.
    pub(super) fn ends_soon(self, sizes: &[u64]) -> bool {
        sizes.iter().sum::<u64>().saturating_add(self.generation()) > self.bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bound of 8 × 64 = 512 marks: runs of 8 at least.
    const PLAN: Plan = Plan { bound: 512 };

    #[test]
    fn the_table() {
        for (sizes, merge, drop) in [
            (&[][..], None, 0),
            (&[8; 7], None, 0),
            (&[8; 8], Some(0..8), 0),
            (&[64, 8, 8, 8, 8, 8, 8, 8], None, 0),
            (&[64, 8, 8, 8, 8, 8, 8, 8, 8], Some(1..9), 0),
            (&[60, 1, 1, 1, 1, 1, 1, 1, 1], Some(1..9), 0),
            (&[60; 8], Some(0..8), 0),
            (&[64, 60, 60, 60, 60, 60, 60, 60, 60], Some(1..9), 1),
            (&[500, 12], None, 0),
            (&[500, 13], None, 1),
            (&[100, 100, 100, 100, 100, 100, 13], None, 2),
            (&[10, 10, 600], None, 2),
            (&[600], None, 0),
        ] {
            assert_eq!((PLAN.merge(sizes), PLAN.drop(sizes)), (merge, drop), "{sizes:?}");
        }
    }

    #[test]
    fn a_hundred_million_marks_are_few_runs_that_were_written_few_times() {
        let (plan, mut sizes) = (Plan::new(100_000_000), Vec::new());
        let (mut marked, mut written, mut most_runs, mut most_marks) = (0, 0, 0, 0);
        while marked < 300_000_000 {
            sizes.push(plan.smallest());
            marked += plan.smallest();
            written += plan.smallest();
            while let Some(range) = plan.merge(&sizes) {
                let merged: u64 = sizes[range.clone()].iter().sum();
                written += merged;
                sizes.splice(range, [merged]);
            }
            sizes.drain(..plan.drop(&sizes));
            most_runs = most_runs.max(sizes.len());
            let marks: u64 = sizes.iter().sum();
            most_marks = most_marks.max(marks);
            assert!(marks >= (plan.bound / 8 * 7).min(marked));
        }
        assert!(most_runs <= 24, "{most_runs} runs");
        assert!(most_marks <= plan.bound, "{most_marks} marks");
        assert!(written <= 4 * marked, "written {} times", written as f64 / marked as f64);
    }

    proptest! {
        #[test]
        fn whatever_the_sizes_it_comes_to_an_end(
            bound in 1u64..5_000, flushes in prop::collection::vec(1u64..60, 0..400)
        ) {
            let (plan, mut sizes) = (Plan::new(bound), Vec::new());
            for flush in flushes {
                sizes.push(flush);
                while let Some(range) = plan.merge(&sizes) {
                    prop_assert!(range.len() >= FAN);
                    let merged: u64 = sizes[range.clone()].iter().sum();
                    sizes.splice(range, [merged]);
                }
                sizes.drain(..plan.drop(&sizes));
                prop_assert!(sizes.iter().sum::<u64>() <= bound || sizes.len() == 1);
                prop_assert!(sizes.len() < 64, "{:?}", sizes);
            }
        }
    }
}
