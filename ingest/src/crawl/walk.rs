//! A walk back through a newest-first list, page by page. It decides when to stop, and whether what was read can be believed.
//!
//! | the page | the walk |
//! |---|---|
//! | its last rows are known from before | has reached the known: everything behind them is known too |
//! | has no further page | has reached the end |
//! | holds only rows that this walk has met already, twice in a row | has reached the end: sites show the last page for any number beyond it |
//! | any other | goes on |
//!
//! The first rows of a page say nothing (pinned threads stand there), and neither do rows that stood on an earlier page of
//! the same walk (advertisements stand on every one). A list moves while it is read: new rows push older ones down, which
//! does no harm, and deleted ones pull older ones up, over the edge of a page that was read already. So a walk over several
//! pages is walked again until nothing comes up that it had not met, and each time down to what it had.

use crate::source::listing::Row;
use std::collections::HashSet;
use url::Url;

/// So many rows at the end of a page must be known: one alone may be an advertisement.
const TRAILING: usize = 3;
/// So many pages with nothing but what was met are the end.
const REPEATED: u32 = 2;
/// So often a walk is walked again, before it is left to a later visit.
const AGAIN: u32 = 2;

/// Where a walk has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// A row that was known before, by its key.
    Known(String),
    /// The end of the list.
    End,
    /// More is to come, on this page.
    More(Url),
}

/// A walk under way.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The rows that it met, in their order.
    pub(crate) rows: Vec<Row>,
    /// So many of them stand in the order of the list: what came up when it was read once more stands behind.
    in_order: usize,
    met: HashSet<(String, Option<String>)>,
    /// Rows of the first page.
    pub(crate) first_page: usize,
    pub(crate) pages: u32,
    repeated: u32,
    again: u32,
    /// Pages of the reading under way that is not the first.
    pages_again: u32,
    /// Whether rows may have moved past that reading unmet.
    moved: bool,
}

impl Walk {
    /// Takes a page. `is_known` says whether a row was known, in its state, before the walk.
    pub(crate) fn take(&mut self, rows: Vec<Row>, next: Option<Url>, is_known: impl Fn(&Row) -> bool) -> Reached {
        if self.pages == 0 {
            self.first_page = rows.len();
        }
        self.pages += 1;
        let fresh = self.meet(rows);
        self.in_order = self.rows.len();
        self.repeated = if fresh == 0 { self.repeated + 1 } else { 0 };
        let trailing = &self.rows[self.rows.len().saturating_sub(TRAILING)..];
        match (trailing.last(), next) {
            (Some(last), _) if fresh > 0 && trailing.iter().all(is_known) => Reached::Known(last.key.clone()),
            (_, Some(next)) if self.repeated < REPEATED => Reached::More(next),
            _ => Reached::End,
        }
    }

    /// Takes a page that is read once more. Returns whether it ends in rows that were met or known before: new rows may have
    /// pushed what was met down beyond the pages that were read, and what stands between them must be met too.
    pub(crate) fn take_again(&mut self, rows: Vec<Row>, is_known: impl Fn(&Row) -> bool) -> bool {
        let met = |row: &Row| self.met.contains(&(row.key.clone(), row.changed.clone())) || is_known(row);
        let reached = rows.iter().rev().take(TRAILING).all(met);
        let fresh = self.meet(rows);
        self.pages_again += 1;
        // News on the first page alone did not reach its edge, so nothing unmet can have slid over it.
        self.moved |= if self.pages_again == 1 { !reached } else { fresh > 0 };
        reached
    }

    /// Whether its pages are to be read once more, before what was read is believed. Asked after each reading of them all.
    pub(crate) fn is_to_be_walked_again(&mut self) -> bool {
        if self.again >= AGAIN || self.is_believable() {
            return false;
        }
        self.again += 1;
        (self.pages_again, self.moved) = (0, false);
        true
    }

    /// Whether everything that stands on its pages was met: a reading of them all met nothing that can have moved meanwhile.
    pub(crate) fn is_believable(&self) -> bool {
        self.pages < 2 || (self.again > 0 && !self.moved)
    }

    /// The keys of the rows in the order of the list.
    pub(crate) fn order(&self) -> Vec<&str> {
        self.rows.iter().take(self.in_order).map(|row| row.key.as_str()).collect()
    }

    /// How many of the rows were not known before.
    pub(crate) fn news(&self, is_known: impl Fn(&Row) -> bool) -> u32 {
        self.rows.iter().filter(|row| !is_known(row)).count() as u32
    }

    fn meet(&mut self, rows: Vec<Row>) -> usize {
        let before = self.rows.len();
        for row in rows {
            if self.met.insert((row.key.clone(), row.changed.clone())) {
                self.rows.push(row);
            }
        }
        self.rows.len() - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(key: u32) -> Row {
        Row { key: key.to_string(), changed: None, published_at: None, thread: None, posts: Vec::new() }
    }

    fn rows(keys: impl IntoIterator<Item = u32>) -> Vec<Row> {
        keys.into_iter().map(row).collect()
    }

    fn next() -> Option<Url> {
        Url::parse("https://forum.example/?page=2").ok()
    }

    fn up_to(limit: u32) -> impl Fn(&Row) -> bool {
        move |row| row.key.parse::<u32>().unwrap() <= limit
    }

    #[test]
    fn each_row_of_the_table() {
        let more = Reached::More(next().unwrap());
        let mut walk = Walk::default();
        assert_eq!(walk.take(rows([99, 40, 39, 38]), next(), up_to(30)), more);
        assert_eq!(walk.take(rows([99, 31, 30, 29, 28]), next(), up_to(30)), Reached::Known("28".into()));
        assert_eq!(Walk::default().take(rows([3, 2]), None, up_to(0)), Reached::End);
        let mut walk = Walk::default();
        walk.take(rows([3, 2]), next(), up_to(0));
        assert_eq!(walk.take(rows([3, 2]), next(), up_to(0)), more);
        assert_eq!(walk.take(rows([3, 2]), next(), up_to(0)), Reached::End);
    }

    #[test]
    fn neither_pinned_rows_nor_advertisements_end_a_walk() {
        // 1 to 3 are pinned, 7 stands at the foot of every page.
        let known = |row: &Row| matches!(row.key.as_str(), "1" | "2" | "3" | "7");
        let mut walk = Walk::default();
        for page in 0..4_u32 {
            let page = [vec![1, 2, 3], (0..5).map(|n| 100 - page * 5 - n).collect(), vec![7]].concat();
            assert!(matches!(walk.take(rows(page), next(), known), Reached::More(_)));
        }
    }

    #[test]
    fn one_known_row_below_many_that_were_met_does_not_end_a_walk() {
        let mut walk = Walk::default();
        walk.take(rows([9, 8, 7, 6]), next(), up_to(1));
        // Three new rows have pushed the page down, and an advertisement stands at its foot.
        assert!(matches!(walk.take(rows([8, 7, 6, 1]), next(), up_to(1)), Reached::More(_)));
        assert_eq!(walk.order(), ["9", "8", "7", "6", "1"]);
    }

    #[test]
    fn a_row_in_another_state_is_news() {
        let mut walk = Walk::default();
        let bumped = Row { changed: Some("2".into()), ..row(1) };
        let known = |row: &Row| row.changed.is_none();
        assert!(matches!(walk.take(vec![row(3), row(2), bumped], next(), known), Reached::More(_)));
        assert_eq!(walk.news(known), 1);
    }

    #[test]
    fn a_walk_over_one_page_is_believed_at_once() {
        let mut walk = Walk::default();
        walk.take(rows([3, 2, 1]), next(), up_to(2));
        assert!(!walk.is_to_be_walked_again());
    }

    #[test]
    fn a_walk_is_walked_again_down_to_what_it_met() {
        let mut walk = Walk::default();
        walk.take(rows([9, 8, 7, 6]), next(), up_to(0));
        walk.take(rows([5, 4, 3, 2]), next(), up_to(5));
        assert!(walk.is_to_be_walked_again());
        // A burst of three pages came meanwhile.
        assert!(!walk.take_again(rows([21, 20, 19, 18]), up_to(5)));
        assert!(!walk.take_again(rows([17, 16, 15, 14]), up_to(5)));
        assert!(!walk.take_again(rows([13, 12, 11, 10]), up_to(5)));
        assert!(walk.take_again(rows([9, 8, 7, 6]), up_to(5)));
        assert!(!walk.is_believable());
    }

    #[test]
    fn news_on_the_first_page_alone_is_no_reason_to_walk_again() {
        let mut walk = Walk::default();
        walk.take(rows([9, 8, 7, 6]), next(), up_to(0));
        walk.take(rows([5, 4, 3, 2]), next(), up_to(5));
        assert!(!walk.is_believable() && walk.is_to_be_walked_again());
        assert!(walk.take_again(rows([10, 9, 8, 7]), up_to(5)));
        assert!(walk.take_again(rows([6, 5, 4, 3]), up_to(5)));
        assert!(walk.is_believable() && !walk.is_to_be_walked_again());
    }

    #[test]
    fn a_list_that_never_stands_still_is_not_believed() {
        let mut walk = Walk::default();
        let mut top = 100;
        walk.take(rows([9, 8, 7, 6]), next(), up_to(0));
        walk.take(rows([5, 4, 3, 2]), next(), up_to(5));
        while walk.is_to_be_walked_again() {
            top += 10;
            walk.take_again(rows((top..top + 4).rev()), up_to(5));
            walk.take_again(rows([5, 4, 3, 2]), up_to(5));
        }
        assert!(!walk.is_believable());
    }

    proptest! {
        /// A list that loses rows between the pages of a walk: whatever still stands in it at the end was met, provided that it
        /// stands still for one walk out of three.
        #[test]
        fn nothing_slips_over_the_edge_of_a_page(deleted in prop::collection::vec((0usize..4, prop::collection::hash_set(0usize..60, 0..4)), 0..3)) {
            const PAGE: usize = 10;
            let mut list: Vec<u32> = (0..60).rev().collect();
            let mut deleted: Vec<_> = deleted;
            let mut walk = Walk::default();
            let mut first = true;
            loop {
                for page in 0..4 {
                    let shown: Vec<u32> = list.iter().copied().skip(page * PAGE).take(PAGE).collect();
                    if first {
                        walk.take(rows(shown), next(), up_to(20));
                    } else {
                        walk.take_again(rows(shown), up_to(20));
                    }
                    if let Some(at) = deleted.iter().position(|(after, _)| *after == page) {
                        let (_, gone) = deleted.remove(at);
                        let mut index = 0;
                        list.retain(|_| { index += 1; !gone.contains(&(index - 1)) });
                    }
                }
                first = false;
                if !walk.is_to_be_walked_again() {
                    break;
                }
            }
            let met: HashSet<&str> = walk.rows.iter().map(|row| row.key.as_str()).collect();
            let still = list.iter().take(4 * PAGE - 12).map(u32::to_string);
            for key in still {
                prop_assert!(met.contains(key.as_str()), "{} was missed", key);
            }
        }
    }
}
