//! Copies that may be voices.
//!
//! A copy is no voice; but a text that is sent again on another day, or under a title of its own, is one ([`mod@super::voices`]). Which of the
//! copies of a text are looked at, so that a flood of them costs nothing:
//!
//! | a copy | is looked at |
//! |---|---|
//! | of a text of which none came within [`AGAIN`] | yes |
//! | under another title than those that came within it, while they are fewer than [`RETITLED`] | yes |
//! | any other, or any while [`MOST`] texts are copied within that time | no |

use super::voices::{AGAIN, RETITLED};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Copied texts that are remembered.
const MOST: usize = 4_096;

/// The copied texts of the last day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Copies {
    /// Since when each is reckoned, and the titles of those of its copies that were looked at, all hashed.
    texts: BTreeMap<u64, (i64, Vec<u64>)>,
    /// None is reckoned from before this second, where that was looked up: until a day after it a full table is not searched for what may go.
    #[serde(skip)]
    oldest: Option<i64>,
}

/// What was looked up says nothing of its own.
impl PartialEq for Copies {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl Copies {
    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.texts
            .values()
            .map(|(_, titles)| size_of::<(u64, i64, Vec<u64>)>() + titles.capacity() * size_of::<u64>())
            .sum()
    }

    /// Whether a copy of the text that this post founded is to be looked at.
    pub(super) fn is_looked_at(&mut self, founder: &str, title: Option<&str>, at: i64) -> bool {
        let (text, title) = (xxh3_64(founder.as_bytes()), xxh3_64(title.unwrap_or_default().as_bytes()));
        if let Some((since, titles)) = self.texts.get_mut(&text) {
            if at - *since >= AGAIN {
                (*since, *titles) = (at, vec![title]);
                return true;
            }
            let looks = titles.len() < RETITLED && !titles.contains(&title);
            if looks {
                titles.push(title);
            }
            return looks;
        }
        if self.texts.len() >= MOST && self.oldest.is_none_or(|oldest| at - oldest >= AGAIN) {
            self.texts.retain(|_, (since, _)| at - *since < AGAIN);
            self.oldest = self.texts.values().map(|(since, _)| *since).min();
        }
        let fits = self.texts.len() < MOST;
        if fits {
            self.texts.insert(text, (at, vec![title]));
            self.oldest = self.oldest.map(|oldest| oldest.min(at));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds() {
        let mut copies = Copies::default();
        let looks = |copies: &mut Copies, title: &str, at| copies.is_looked_at("forum:1", Some(title), at);
        assert!(looks(&mut copies, "一", 0));
        assert!(!looks(&mut copies, "一", 1));
        assert!(looks(&mut copies, "二", 2) && looks(&mut copies, "三", 3));
        assert!(!looks(&mut copies, "四", 4), "titles are cheap");
        assert!(looks(&mut copies, "一", AGAIN), "it comes again on another day");
    }

    #[test]
    fn a_flood_of_copied_texts_is_passed_over() {
        let mut copies = Copies::default();
        let looked_at = (0..2 * MOST).filter(|text| copies.is_looked_at(&format!("forum:{text}"), None, 5)).count();
        assert_eq!((looked_at, copies.texts.len()), (MOST, MOST));
        assert!(!copies.is_looked_at("forum:more", None, 4 + AGAIN));
        assert!(copies.is_looked_at("forum:again", None, 5 + AGAIN), "a day later there is room");
    }

    #[test]
    fn what_came_late_leaves_no_later_than_its_time() {
        let mut copies = Copies::default();
        (0..MOST).for_each(|text| assert!(copies.is_looked_at(&format!("forum:{text}"), None, 100)));
        assert!(!copies.is_looked_at("forum:more", None, 99 + AGAIN));
        assert!(copies.is_looked_at("forum:more", None, 100 + AGAIN), "all others have left");
        assert!(copies.is_looked_at("forum:late", None, 50), "one that was long under way");
        (2..MOST).for_each(|text| assert!(copies.is_looked_at(&format!("forum:again{text}"), None, 100 + AGAIN)));
        assert!(!copies.is_looked_at("forum:one", None, 100 + AGAIN - 60));
        assert!(copies.is_looked_at("forum:one", None, 100 + AGAIN), "the late one has left");
    }
}
