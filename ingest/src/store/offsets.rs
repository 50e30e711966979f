//! Which records of a partition are remembered: all before `next`, and some beyond it. Only `next` is kept on disk: it is
//! where a start begins to catch up.
//!
//! Records lie beyond `next` when appends are acknowledged in another order than they were stored in, when another
//! worker appends to the same partition, or when the log has stored what it could not acknowledge. The first mends
//! itself; for the others whoever follows the topic reads what is missing ([`Covered::holds`]).

use std::{collections::BTreeMap, ops::Range};

/// Ranges beyond `next` that are remembered; when nobody follows the topic, the oldest hole is given up.
const MAX_ISLANDS: usize = 10_000;

/// What is remembered of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Covered {
    next: u64,
    /// Begin → end, apart from each other and from `next`.
    islands: BTreeMap<u64, u64>,
}

impl Covered {
    /// All before `next`.
    pub(super) fn up_to(next: u64) -> Self {
        Self { next, islands: BTreeMap::new() }
    }

    /// The first record that may not be remembered.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether all of these are remembered.
    pub(super) fn holds(&self, range: Range<u64>) -> bool {
        let from = range.start.max(self.next);
        from >= range.end || self.islands.range(..=from).next_back().is_some_and(|(_, &end)| range.end <= end)
    }

    /// These are remembered from now on.
    pub(super) fn add(&mut self, range: Range<u64>) {
        let (mut start, mut end) = (range.start, range.end);
        if start >= end {
            return;
        }
        if start > self.next {
            // One that it touches or overlaps on its left, and those on its right.
            if let Some((&left, &left_end)) = self.islands.range(..start).next_back()
                && left_end >= start
            {
                (start, end) = (left, end.max(left_end));
            }
            while let Some((&right, &right_end)) = self.islands.range(start..=end).next() {
                self.islands.remove(&right);
                end = end.max(right_end);
            }
            self.islands.insert(start, end);
            if self.islands.len() > MAX_ISLANDS
                && let Some((_, end)) = self.islands.pop_first()
            {
                self.next = end;
            }
            return;
        }
        self.next = self.next.max(end);
        while let Some(island) = self.islands.first_entry().filter(|island| *island.key() <= self.next) {
            self.next = self.next.max(island.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn appends_that_are_acknowledged_out_of_order_mend_themselves() {
        let mut covered = Covered::up_to(10);
        covered.add(20..30);
        assert_eq!(covered.next(), 10);
        assert!(covered.holds(22..30) && !covered.holds(19..21) && covered.holds(0..10));
        covered.add(10..20);
        assert_eq!(covered, Covered::up_to(30));
    }

    #[test]
    fn where_nobody_fills_the_holes_the_oldest_is_given_up() {
        let mut covered = Covered::default();
        for n in 1..=MAX_ISLANDS as u64 + 1 {
            covered.add(n * 2..n * 2 + 1);
        }
        assert_eq!((covered.next(), covered.islands.len()), (3, MAX_ISLANDS));
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_offsets(ranges in prop::collection::vec((0u64..60, 0u64..8), 0..40)) {
            let (mut covered, mut model) = (Covered::up_to(5), (0..5).collect::<BTreeSet<u64>>());
            for (from, length) in ranges {
                covered.add(from..from + length);
                model.extend(from..from + length);
                let next = (0..).find(|offset| !model.contains(offset)).unwrap();
                prop_assert_eq!(covered.next(), next);
                for from in 0..70 {
                    for length in 1..5 {
                        let all = (from..from + length).all(|offset| model.contains(&offset));
                        prop_assert_eq!(covered.holds(from..from + length), all, "{}+{}", from, length);
                    }
                }
            }
        }
    }
}
