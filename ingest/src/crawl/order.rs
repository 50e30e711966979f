//! The order of a list, and what rose in it since the last visit. A board puts the thread that was answered last on top, so a
//! row that rose has news, also where its state cannot tell: where it states none, or a time to the minute, and the
//! second answer came within that minute.
//!
//! | a known row | rose |
//! |---|---|
//! | kept its place among those that were listed before | no |
//! | fell: it was unpinned | no |
//! | stands above others that stood above it | yes |
//! | was not listed the last time, and stands above one that was, or above a new one | yes |
//! | more have moved than have not | no: the list is not in the order of time |

use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// Rows whose place is remembered.
const MAX: usize = 500;

/// The rows of a list in their order, each as a hash of its key.
pub(crate) type Order = Vec<u32>;

/// The order of these rows.
pub(crate) fn of<'a>(keys: impl Iterator<Item = &'a str>) -> Order {
    keys.take(MAX).map(hash).collect()
}

/// The rows that rose since a list was in the order `before`, of those that `is_known` says were listed at any time. `now` are
/// the keys of its rows.
pub(crate) fn risen<'a>(before: &[u32], now: &[&'a str], is_known: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let place: HashMap<u32, usize> = before.iter().enumerate().map(|(place, row)| (*row, place)).collect();
    let places: Vec<Option<usize>> = now.iter().map(|key| place.get(&hash(key)).copied()).collect();
    let kept = longest_rise(&places);
    // The highest former place of those below that kept theirs, and whether a new one stands below.
    let (mut highest, mut above_new) = (None::<usize>, false);
    let mut risen = Vec::new();
    for (row, key) in now.iter().enumerate().rev() {
        match places[row] {
            Some(place) if kept[row] => highest = Some(highest.map_or(place, |highest| highest.min(place))),
            Some(place) => {
                if highest.is_some_and(|highest| highest < place) {
                    risen.push(*key);
                }
            }
            None if !is_known(key) => above_new = true,
            None => {
                if highest.is_some() || (above_new && !before.is_empty()) {
                    risen.push(*key);
                }
            }
        }
    }
    let stayed = kept.iter().filter(|kept| **kept).count();
    if places.iter().flatten().count() > 2 * stayed {
        return Vec::new();
    }
    risen.reverse();
    risen
}

/// Whether of these rows all are there still, and none has fallen: rows may have come, and risen. Of rows that stand there twice
/// the first counts.
pub(crate) fn only_rose(before: &[String], now: &[String]) -> bool {
    let mut place: HashMap<&str, usize> = HashMap::new();
    for key in before {
        let next = place.len();
        place.entry(key).or_insert(next);
    }
    let mut seen = HashSet::new();
    let places: Vec<Option<usize>> =
        now.iter().filter(|key| seen.insert(key.as_str())).map(|key| place.get(key.as_str()).copied()).collect();
    let kept = longest_rise(&places);
    let mut highest = usize::MAX;
    for (place, kept) in places.iter().zip(kept).rev() {
        let Some(place) = *place else { continue };
        if kept {
            highest = highest.min(place);
        } else if highest > place {
            return false;
        }
    }
    places.iter().flatten().count() == place.len()
}

/// Which of the places belong to the longest sequence that rises from top to bottom: these rows kept their order, and as few as
/// can be have moved.
fn longest_rise(places: &[Option<usize>]) -> Vec<bool> {
    // For each length, the row that ends a sequence of it with the least place; and for each row the one before it.
    let (mut ends, mut before): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), vec![None; places.len()]);
    for (row, place) in places.iter().enumerate().filter(|(_, place)| place.is_some()) {
        let length = ends.partition_point(|&end| places[end] < *place);
        before[row] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(row);
        } else {
            ends[length] = row;
        }
    }
    let mut kept = vec![false; places.len()];
    let mut next = ends.last().copied();
    while let Some(row) = next {
        kept[row] = true;
        next = before[row];
    }
    kept
}

fn hash(key: &str) -> u32 {
    xxh3_64(key.as_bytes()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moved(before: &str, now: &str) -> String {
        let keys = |rows: &str| rows.chars().map(String::from).collect::<Vec<_>>();
        let (before, now) = (keys(before), keys(now));
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        // Capitals are new.
        risen(&of(before.iter().map(String::as_str)), &now, |key| key.chars().all(char::is_lowercase)).concat()
    }

    #[test]
    fn each_row_of_the_table() {
        assert_eq!(moved("abcdef", "abcdef"), "");
        assert_eq!(moved("abcdef", "Aabcde"), "", "a new row pushes the others down");
        assert_eq!(moved("abcdef", "acdefg"), "", "one is gone, and one slides in from the next page");
        assert_eq!(moved("abcdef", "bcdeaf"), "", "one was unpinned");
        assert_eq!(moved("abcdef", "dabcef"), "d");
        assert_eq!(moved("abcdef", "xabcde"), "x");
        assert_eq!(moved("abcdef", "pxABCDE"), "px", "a burst has pushed all that were listed to the next page");
        assert_eq!(moved("abcdef", "fedcba"), "");
        assert_eq!(moved("", "abc"), "");
        assert_eq!(moved("", "aBc"), "", "nothing is known of a list that was never in order");
    }

    #[test]
    fn rows_that_go_or_fall_are_told_from_those_that_come_or_rise() {
        let only_rose = |before: &str, now: &str| {
            let keys = |rows: &str| rows.chars().map(String::from).collect::<Vec<_>>();
            super::only_rose(&keys(before), &keys(now))
        };
        for now in ["abcd", "xabcd", "dabc", "xcxabcdy", "axbxcxd", "abcabcd"] {
            assert!(only_rose("abcd", now), "{now}");
        }
        for now in ["abc", "bcd", "bcda", "xabd", ""] {
            assert!(!only_rose("abcd", now), "{now}");
        }
        assert!(only_rose("", "abc"));
    }

    #[test]
    fn pinned_rows_stay_where_they_are() {
        assert_eq!(moved("pqabcd", "pqcAabd"), "c");
        assert_eq!(moved("pqabcd", "qabcd"), "");
    }

    proptest! {
        /// A board of rows that are all known: one of them is answered, whichever it is, and no other.
        #[test]
        fn whoever_is_answered_rises(length in 4usize..60, place in 1usize..60) {
            let place = place % length;
            prop_assume!(place > 0);
            let before: Vec<String> = (0..length).map(|row| row.to_string()).collect();
            let mut now: Vec<&str> = before.iter().map(String::as_str).collect();
            let answered = now.remove(place);
            now.insert(0, answered);
            let rose = risen(&of(before.iter().map(String::as_str)), &now, |_| true);
            prop_assert_eq!(rose, [answered]);
        }
    }
}
