//! Which characters of a text match: ranges of UTF-16 code units, as browsers count them.
//!
//! Terms match the normalised text, which has one character for each character of the original; so a place in the one is a
//! place in the other.

use crate::understand::{Normal, Understanding};
use schemas::records::{Counts, Kind, Precision, RawPost, Record, Via};

/// A text as it was indexed.
pub(super) fn normal(understanding: &Understanding, text: &str) -> Normal {
    let post = RawPost {
        v: RawPost::VERSION,
        id: String::new(),
        source: String::new(),
        native_id: String::new(),
        kind: Kind::Post,
        url: None,
        title: None,
        text: text.to_owned(),
        author: None,
        published_at: jiff::Timestamp::UNIX_EPOCH,
        published_precision: Precision::Second,
        fetched_at: jiff::Timestamp::UNIX_EPOCH,
        thread_id: None,
        parent_id: None,
        counts: Counts::default(),
        place: None,
        media: Vec::new(),
        reply: None,
        via: Via::Push,
    };
    understanding.understand(&post).text
}

/// The ranges `[begin, end)` of `original` where one of the terms matches, in order, not overlapping. `folded` is its
/// normalised form.
#[must_use]
pub fn ranges(original: &str, folded: &str, terms: &[&str]) -> Vec<[usize; 2]> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for term in terms.iter().filter(|term| !term.is_empty()) {
        let step = term.chars().next().map_or(1, char::len_utf8);
        let mut from = 0;
        while let Some(at) = folded[from..].find(term).map(|at| from + at) {
            found.push((at, at + term.len()));
            // The next match may overlap this one.
            from = at + step;
        }
    }
    found.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (begin, end) in found {
        match merged.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((begin, end)),
        }
    }
    in_utf16(original, folded, &merged)
}

/// Byte ranges of `folded` as ranges of UTF-16 code units of `original`.
fn in_utf16(original: &str, folded: &str, ranges: &[(usize, usize)]) -> Vec<[usize; 2]> {
    let mut places = folded.char_indices().map(|(at, _)| at).chain([folded.len()]).zip(
        original
            .chars()
            .scan(0, |units, character| {
                let at = *units;
                *units += character.len_utf16();
                Some(at)
            })
            .chain([original.encode_utf16().count()]),
    );
    let mut unit_at = |byte: usize| places.find(|(at, _)| *at >= byte).map(|(_, unit)| unit);
    let mut converted = Vec::with_capacity(ranges.len());
    for (begin, end) in ranges {
        // Ranges rise and do not touch, so one pass finds all their ends.
        let (Some(begin), Some(end)) = (unit_at(*begin), unit_at(*end)) else { break };
        converted.push([begin, end]);
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_count_utf16_code_units_of_the_original() {
        // The pump is two code units wide; the capital and the wide digit are folded one to one.
        assert_eq!(ranges("🚰停水A区１号,停水", "🚰停水a区1号,停水", &["停水", "a区1"]), [[2, 7], [9, 11]]);
    }

    #[test]
    fn overlapping_and_touching_matches_become_one_range() {
        assert_eq!(ranges("哈哈哈,哈", "哈哈哈,哈", &["哈哈"]), [[0, 3]]);
        assert_eq!(ranges("停水停电", "停水停电", &["停电", "停水"]), [[0, 4]]);
        assert_eq!(ranges("停水", "停水", &["", "电"]), Vec::<[usize; 2]>::new());
    }

    proptest! {
        #[test]
        fn every_range_is_a_match_and_every_match_lies_in_a_range(text in "[a哈🚰é ]{0,30}", term in "[a哈🚰é]{1,3}") {
            let ranges = ranges(&text, &text, &[&term]);
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(ranges.is_empty(), !text.contains(&term));
            prop_assert!(ranges.windows(2).all(|pair| pair[0][1] < pair[1][0]));
            for [begin, end] in ranges {
                let marked = String::from_utf16(&units[begin..end]).unwrap();
                prop_assert!(marked.starts_with(&term) && marked.ends_with(&term));
            }
        }
    }
}
