//! A walk back through a newest-first list, page by page. It decides when to stop, and whether what was read can be believed.
//!
//! | the page | the walk |
//! |---|---|
//! | its last rows are known from before | has reached the known: everything behind them is known too |
//! | has no further page | has reached the end |
//! | is the page before once more, and that twice in a row | has reached the end: sites show the last page for any number beyond it |
//! | any other | goes on |
//!
//! The first rows of a page say nothing (pinned threads stand there), and neither do rows that stood on an earlier page of
//! the same walk (advertisements stand on every one).
//!
//! A list moves while it is read. New rows and rows that rise push others down: they are read twice, which does no harm. Rows that
//! go, or fall, pull others up, over the edge of a page that was read already. So a walk over several pages is walked again: a
//! reading is believed when the next one, down to where it ended, still met all of its rows, and none of them had fallen. What is not
//! seen so is a row that comes and goes again between two pages of one reading.

use super::{
    bottom::{self, Bottom},
    frontier::hash,
    order,
};
use crate::source::listing::Row;
use std::collections::HashSet;
use url::Url;

/// So many rows at the end of a page must be known: one alone may be an advertisement.
const TRAILING: usize = 3;
/// So often the same page once more is the end. Other pages of what was met are not: new rows push them down.
const REPEATED: u32 = 2;
/// So often a walk is walked again, before it is left to a later visit.
const AGAIN: u32 = 2;

/// So many rows tell where a walk ended: some of them may rise or go before anybody reads on.
const LAST: usize = 10;

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
    /// The rows that it met, in the order in which they were met.
    pub(crate) rows: Vec<Row>,
    met: HashSet<(String, Option<String>)>,
    /// Rows of the first page.
    pub(crate) first_page: usize,
    pub(crate) pages: u32,
    /// The keys of the page before, and how often it was shown once more.
    page: Vec<String>,
    repeated: u32,
    /// The keys that the reading under way met, in the order of the list, with their states; and those of the reading before.
    reading: Vec<String>,
    states: Vec<u32>,
    /// The last rows of the reading that is believed, in their states.
    last: Vec<u32>,
    before: Vec<String>,
    /// So many rows were met before the reading under way.
    met_before: usize,
    /// Where the reading before ended.
    bottom: Bottom<u32>,
    again: u32,
    stood_still: bool,
}

impl Walk {
    /// Takes a page. `is_known` says whether a row was known, in its state, before the walk.
    pub(crate) fn take(&mut self, rows: Vec<Row>, next: Option<Url>, is_known: impl Fn(&Row) -> bool) -> Reached {
        if self.pages == 0 {
            self.first_page = rows.len();
        }
        self.pages += 1;
        let page: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
        self.repeated = if page == self.page { self.repeated + 1 } else { 0 };
        self.page = page;
        let fresh = self.meet(rows);
        let trailing = &self.rows[self.rows.len().saturating_sub(TRAILING)..];
        match (trailing.last(), next) {
            (Some(last), _) if fresh > 0 && trailing.iter().all(is_known) => Reached::Known(last.key.clone()),
            (_, Some(next)) if self.repeated < REPEATED => Reached::More(next),
            _ => Reached::End,
        }
    }

    /// Takes a page that is read once more. Returns whether this reading has come down to where the one before ended, or to what was
    /// known: new rows may have pushed that down beyond the pages that were read.
    pub(crate) fn take_again(&mut self, rows: Vec<Row>, is_known: impl Fn(&Row) -> bool) -> bool {
        let reaches_the_known = !rows.is_empty() && rows.iter().rev().take(TRAILING).all(is_known);
        let passes_the_bottom = self.bottom.passes(rows.iter().map(state));
        self.meet(rows);
        reaches_the_known || passes_the_bottom
    }

    /// Whether its pages are to be read once more, before what was read is believed. Asked after each reading.
    pub(crate) fn is_to_be_walked_again(&mut self) -> bool {
        // What goes from its bottom has nothing above it that it could pull up.
        let above = &self.before[..self.before.len().saturating_sub(bottom::ROWS)];
        self.stood_still = self.again > 0 && order::only_rose(above, &self.reading);
        // One that rows at its bottom have led astray, for they rose to the top, is no measure for another.
        let is_short = 2 * self.reading.len() < self.before.len();
        if self.again >= AGAIN || is_short || self.is_believable() {
            return false;
        }
        self.again += 1;
        self.before = std::mem::take(&mut self.reading);
        self.met_before = self.rows.len();
        let states = std::mem::take(&mut self.states);
        self.last = states[states.len().saturating_sub(LAST)..].to_vec();
        self.bottom = Bottom::of(states.into_iter());
        true
    }

    /// Whether everything that stood on its pages was met.
    pub(crate) fn is_believable(&self) -> bool {
        self.pages < 2 || self.stood_still
    }

    /// The rows below which nothing was left out. What the last reading alone has met is not among them: it stands above, and that reading
    /// may have missed something beside it.
    pub(crate) fn sure(&self) -> &[Row] {
        if self.stood_still { &self.rows[..self.met_before] } else { &self.rows }
    }

    /// The last of these rows, in their states.
    pub(crate) fn last(&self) -> &[u32] {
        if self.stood_still { &self.last } else { &self.states[self.states.len().saturating_sub(LAST)..] }
    }

    /// Whether one of these rows was met in its state.
    pub(crate) fn has_met(&self, rows: &[u32]) -> bool {
        self.rows.iter().any(|row| rows.contains(&state(row)))
    }

    /// The keys of the list in its order, as the reading met it that is believed.
    pub(crate) fn order(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let reading = if self.stood_still { &self.before } else { &self.reading };
        reading.iter().map(String::as_str).filter(|key| seen.insert(*key)).collect()
    }

    /// How many of the rows were not known before.
    pub(crate) fn news(&self, is_known: impl Fn(&Row) -> bool) -> u32 {
        self.rows.iter().filter(|row| !is_known(row)).count() as u32
    }

    fn meet(&mut self, rows: Vec<Row>) -> usize {
        let before = self.rows.len();
        self.reading.extend(rows.iter().map(|row| row.key.clone()));
        self.states.extend(rows.iter().map(state));
        for row in rows {
            if self.met.insert((row.key.clone(), row.changed.clone())) {
                self.rows.push(row);
            }
        }
        self.rows.len() - before
    }
}

fn state(row: &Row) -> u32 {
    hash(&row.key, row.changed.as_deref())
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
        let mut walk = Walk::default();
        for page in [[9, 8], [7, 6], [9, 8], [7, 6], [9, 8]] {
            assert_eq!(walk.take(rows(page), next(), up_to(0)), more, "new rows push down what was met");
        }
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
        assert!(
            !walk.take_again(rows([9, 8, 7, 6]), up_to(5)),
            "what slid away between these and the next is on none of these pages"
        );
        assert!(walk.take_again(rows([5, 4, 3, 2]), up_to(5)));
        assert!(!walk.is_believable());
    }

    #[test]
    fn news_are_no_reason_to_walk_again() {
        let mut walk = Walk::default();
        walk.take(rows([9, 8, 7, 6]), next(), up_to(0));
        walk.take(rows([5, 4, 3, 2]), next(), up_to(5));
        assert!(!walk.is_believable() && walk.is_to_be_walked_again());
        assert!(!walk.take_again(rows([10, 9, 8, 7]), up_to(5)));
        assert!(walk.take_again(rows([6, 5, 4, 3]), up_to(5)));
        assert!(!walk.is_to_be_walked_again() && walk.is_believable());
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

    /// What happens to a list between two of its pages: rows come in on top, rise to the top, and go.
    #[derive(Debug, Clone)]
    struct Move {
        new: u32,
        risen: Vec<usize>,
        gone: Vec<usize>,
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let new = prop_oneof![4 => Just(0), 2 => 1..4_u32, 1 => 10..31_u32];
        let some = || prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(0..60_usize, 1..5)];
        let moves = (new, some(), some()).prop_map(|(new, risen, gone)| Move { new, risen, gone });
        prop::collection::vec(moves, 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// However a list moves between the pages of a walk: if the walk can be believed, no row that it is not sure of, and that was not
        /// known before, stands below one that it is sure of. Rows that come and go again within one walk are left out: nobody can
        /// tell of them.
        #[test]
        fn nothing_slips_over_the_edge_of_a_page(moves in moves(), unknown in 1u32..50) {
            const PAGE: usize = 10;
            const KNOWN: u32 = 40;
            type Shown = (u32, u32);
            let known = |row: &Row| row.changed.as_deref() == Some("0") && row.key.parse::<u32>().unwrap() < KNOWN;
            let row = |(key, changed): Shown| Row { changed: Some(changed.to_string()), ..row(key) };
            let mut list: Vec<Shown> = (0..KNOWN + unknown).rev().map(|key| (key, 0)).collect();
            let (mut top, mut bumps) = (KNOWN + unknown, 0);
            let mut moves = moves.into_iter();
            let mut page = |number: usize, list: &mut Vec<Shown>| {
                let shown = list.iter().copied().skip((number - 1) * PAGE).take(PAGE).map(row).collect();
                if let Some(Move { new, risen, gone }) = moves.next() {
                    let stays = |row: &Shown| row.0 >= KNOWN + unknown || row.1 > 0;
                    let gone: HashSet<Shown> = gone.iter().filter_map(|place| list.get(*place).copied()).collect();
                    list.retain(|row| !gone.contains(row) || stays(row));
                    for place in risen.into_iter().filter(|place| *place < list.len()).collect::<Vec<_>>() {
                        let (key, _) = list.remove(place);
                        bumps += 1;
                        list.insert(0, (key, bumps));
                    }
                    for _ in 0..new {
                        list.insert(0, (top, 0));
                        top += 1;
                    }
                }
                shown
            };
            let mut walk = Walk::default();
            let mut number = 1;
            let reached = loop {
                match walk.take(page(number, &mut list), next(), known) {
                    Reached::More(_) => number += 1,
                    reached => break reached,
                }
            };
            // The same page three times is the end, also where rows came in by exactly a page, twice.
            prop_assume!(reached != Reached::End);
            let most = number + 5;
            let mut broke = false;
            while !broke && walk.is_to_be_walked_again() {
                for number in 1.. {
                    broke = number > most;
                    if broke || walk.take_again(page(number, &mut list), known) {
                        break;
                    }
                }
            }
            if !broke && walk.is_believable() {
                let sure: HashSet<(String, Option<String>)> =
                    walk.sure().iter().map(|row| (row.key.clone(), row.changed.clone())).collect();
                let is_sure = |row: &Row| sure.contains(&(row.key.clone(), row.changed.clone()));
                let below = list.iter().copied().map(row).skip_while(|row| !is_sure(row));
                let missed: Vec<Row> = below.filter(|row| !is_sure(row) && !known(row)).collect();
                prop_assert!(missed.is_empty(), "{missed:?} were missed");
            }
        }
    }
}
