//! Which ids a month may hold: a Bloom filter that grows.
//!
//! "No" is certain, and is what nearly every first-seen post gets, for each month, without touching the index. "Maybe" is
//! only ever a reason to look the id up. When a filter has taken what it was made for, a larger one is begun beside it.

use fastbloom::BloomFilter;

/// Of a thousand ids that a month does not hold, one is looked up in vain: 14 bits an id.
const FALSE_POSITIVES: f64 = 0.001;
const SMALLEST: usize = 1 << 14;

/// A growing set of hashes of ids.
pub(super) struct Seen {
    filters: Vec<BloomFilter>,
    // Of the last filter: what it was made for, and what it has taken.
    capacity: usize,
    taken: usize,
}

impl Seen {
    /// Empty, made for `expected` ids and their like again.
    pub(super) fn with_room_for(expected: usize) -> Self {
        let capacity = expected.saturating_mul(2).max(SMALLEST);
        Self { filters: vec![filter(capacity)], capacity, taken: 0 }
    }

    pub(super) fn insert(&mut self, id_hash: u64) {
        if self.taken == self.capacity {
            self.capacity *= 2;
            self.taken = 0;
            self.filters.push(filter(self.capacity));
        }
        if let Some(last) = self.filters.last_mut() {
            last.insert_hash(id_hash);
            self.taken += 1;
        }
    }

    /// `false` is certain.
    pub(super) fn may_hold(&self, id_hash: u64) -> bool {
        self.filters.iter().any(|filter| filter.contains_hash(id_hash))
    }
}

fn filter(capacity: usize) -> BloomFilter {
    BloomFilter::with_false_pos(FALSE_POSITIVES).expected_items(capacity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::verdict::id_hash;

    #[test]
    fn it_forgets_nothing_while_it_grows_and_is_seldom_wrong() {
        let mut seen = Seen::with_room_for(0);
        let hash = |n: usize| id_hash(&format!("forum:{n}"));
        let count = SMALLEST * 4;
        (0..count).for_each(|n| seen.insert(hash(n)));
        assert!(seen.filters.len() > 1, "it has grown");
        assert!((0..count).all(|n| seen.may_hold(hash(n))));
        let wrong = (count..2 * count).filter(|&n| seen.may_hold(hash(n))).count();
        assert!(wrong < count / 100, "{wrong} of {count}");
    }
}
