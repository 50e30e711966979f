//! Where a reading of something ended that grows at its top while it is read: who reads it once more must come down to there,
//! however far what is new has pushed it.

use std::{collections::HashSet, hash::Hash};

/// Rows that are looked for: some of them may be gone.
pub(crate) const ROWS: usize = 3;
/// So many of them must be met: one alone may be an advertisement that stands on every page.
const MET: usize = 2;

/// The last rows of a reading, and those of them that another reading has met.
#[derive(Debug)]
pub(crate) struct Bottom<R> {
    rows: HashSet<R>,
    met: HashSet<R>,
}

impl<R> Default for Bottom<R> {
    fn default() -> Self {
        Self { rows: HashSet::new(), met: HashSet::new() }
    }
}

impl<R: Eq + Hash> Bottom<R> {
    /// The bottom of a reading of these rows.
    pub(crate) fn of(rows: impl DoubleEndedIterator<Item = R>) -> Self {
        Self { rows: rows.rev().take(ROWS).collect(), met: HashSet::new() }
    }

    /// Takes a page of another reading. Returns whether that has come down to the bottom.
    pub(crate) fn passes(&mut self, page: impl Iterator<Item = R>) -> bool {
        self.met.extend(page.filter(|row| self.rows.contains(row)));
        self.met.len() >= MET.min(self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_last_three_tell() {
        let mut bottom = Bottom::of(["a", "b", "c", "d", "e"].into_iter());
        assert!(!bottom.passes(["new", "a", "b", "e"].into_iter()), "e may stand on every page");
        assert!(!bottom.passes(["newer", "b", "e"].into_iter()));
        assert!(bottom.passes(["c"].into_iter()));
        assert!(Bottom::of(["a"].into_iter()).passes(["a"].into_iter()));
        assert!(Bottom::<u32>::default().passes(std::iter::empty()), "there is nothing to come down to");
    }
}
