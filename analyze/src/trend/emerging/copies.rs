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

/// The copied texts of the last day: since when each is reckoned, and the titles of those of its copies that were looked at, all hashed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Copies(BTreeMap<u64, (i64, Vec<u64>)>);

impl Copies {
    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.0
            .values()
            .map(|(_, titles)| size_of::<(u64, i64, Vec<u64>)>() + titles.capacity() * size_of::<u64>())
            .sum()
    }

    /// Whether a copy of the text that this post founded is to be looked at.
    pub(super) fn is_looked_at(&mut self, founder: &str, title: Option<&str>, at: i64) -> bool {
        let (text, title) = (xxh3_64(founder.as_bytes()), xxh3_64(title.unwrap_or_default().as_bytes()));
        if let Some((since, titles)) = self.0.get_mut(&text) {
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
        if self.0.len() >= MOST {
            self.0.retain(|_, (since, _)| at - *since < AGAIN);
        }
        let fits = self.0.len() < MOST;
        if fits {
            self.0.insert(text, (at, vec![title]));
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
        assert_eq!((looked_at, copies.0.len()), (MOST, MOST));
        assert!(copies.is_looked_at("forum:again", None, 5 + AGAIN), "a day later there is room");
    }
}
