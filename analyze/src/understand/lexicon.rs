//! All words that are looked for in a post (keywords of classes, names of places) in one automaton, so that a text is read once for
//! all of them. Who entered a word knows it by its number.

use super::fold;
use aho_corasick::{AhoCorasick, MatchKind};
use anyhow::Context;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The words entered so far.
#[derive(Debug, Default)]
pub(super) struct Terms {
    numbers: FxHashMap<String, u32>,
    texts: Vec<String>,
}

/// The automaton.
#[derive(Debug)]
pub(super) struct Lexicon {
    automaton: Option<AhoCorasick>,
}

/// A word that was found, and where, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) term: u32,
    pub(super) at: Range<usize>,
}

impl Terms {
    /// The number of a word, which is folded; the same word has the same number.
    pub(super) fn number(&mut self, word: &str) -> u32 {
        let word = fold(word.trim());
        if let Some(&number) = self.numbers.get(&word) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(word.clone());
        self.numbers.insert(word, number);
        number
    }

    /// The number of a word, if it was entered.
    pub(super) fn find(&self, word: &str) -> Option<u32> {
        self.numbers.get(&fold(word.trim())).copied()
    }

    /// The folded word of a number.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }

    /// Ends the entering.
    pub(super) fn lexicon(&self) -> anyhow::Result<Lexicon> {
        let automaton = if self.texts.is_empty() {
            None
        } else {
            let build = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&self.texts);
            Some(build.context("the keywords and place names are too many for one automaton")?)
        };
        Ok(Lexicon { automaton })
    }
}

impl Lexicon {
    /// All words in a folded text, by where they begin, at the same place the longest first; they may overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let mut found: Vec<Found> = automaton
            .find_overlapping_iter(text)
            .filter(|found| !found.is_empty())
            .map(|found| Found { term: found.pattern().as_u32(), at: found.range() })
            .collect();
        found.sort_unstable_by_key(|found| (found.at.start, std::cmp::Reverse(found.at.end), found.term));
        found
    }
}

/// Of words found, those that do not overlap: from the left, at each place the longest.
pub(super) fn longest<'f>(found: impl IntoIterator<Item = &'f Found>) -> impl Iterator<Item = &'f Found> {
    let mut end = 0;
    found.into_iter().filter(move |found| {
        let free = found.at.start >= end;
        if free {
            end = found.at.end;
        }
        free
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_words_are_found_and_the_longest_taken() {
        let mut terms = Terms::default();
        let numbers: Vec<u32> =
            ["停水", "自来水", "水压", "自来水压", "ＫＴＶ", "停水"].map(|word| terms.number(word)).into();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 0]);
        assert_eq!(terms.text(4), "ktv");
        let found = terms.lexicon().unwrap().find("自来水压低,停水");
        assert_eq!(found.iter().map(|found| found.term).collect::<Vec<_>>(), [3, 1, 2, 0]);
        assert_eq!(longest(&found).map(|found| found.term).collect::<Vec<_>>(), [3, 0]);
        assert_eq!(Terms::default().lexicon().unwrap().find("停水"), []);
    }
}
