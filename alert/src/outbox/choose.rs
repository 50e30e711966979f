//! What is sent now, per channel:
//!
//! | in flight to the channel | waiting | sent now |
//! |---|---|---|
//! | fewer than 4 | any that are due | the most urgent first, then the oldest, up to 4 |
//! | 4 or more | red | red too, up to 4 more: a red one never waits behind others |
//! | 4 or more | none that is red | none |
//! | the same page | | never twice at once |
//!
//! Where the channel has a quota, with room for `n` red pages and, beside those that are due, for `m` others ([`super::quota`]):
//!
//! | due | outcome |
//! |---|---|
//! | red | each alone, up to `n`, before everything else; the rest is held |
//! | others, up to `m` | each alone |
//! | others, more than `m`, and `m` is 0 | held |
//! | others, more than `m` | the most urgent alone, the others in as few digests as hold them; each takes the room of one |
//! | more than `m` digests can hold | `m` full digests; the rest is held |
//! | a digest | alone: it is never put into another; before others that would be merged |
//!
//! In a storm ([`crate::quiet::storm`]), whatever the quota, beside what red and orange pages and digests take:
//!
//! | yellow and blue pages that are due | the channel's last message of these levels, or one under way | outcome |
//! |---|---|---|
//! | one | a minute ago or longer, none | alone |
//! | several | a minute ago or longer, none | one digest, as full as it may be; the rest is held |
//! | any | less than a minute ago, or under way | held |
//!
//! A page in a digest waits with it: it is sent when the digest is, and is not chosen again.

use super::{RED, Room, Waiting};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

const AT_ONCE: usize = 4;

/// What is under way: key and channel.
pub type InFlight = HashSet<(String, String)>;

/// What yellow and blue pages get of a channel now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Minor {
    /// What its quota has for them.
    #[default]
    AsAlways,
    /// In a storm: one message.
    OneMessage,
    /// In a storm: nothing yet.
    Held,
}

/// How much a channel takes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What its quota leaves.
    pub room: Room,
    /// So many pages stand in one digest at most.
    pub digest: usize,
    /// What yellow and blue pages get.
    pub minor: Minor,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self { room: Room::ENDLESS, digest: usize::MAX, minor: Minor::AsAlways };
}

/// From this urgency on a page is merged in a storm: yellow and blue.
const MINOR: u8 = 3;

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Pages to send, the most urgent first.
    pub send: Vec<&'a Waiting>,
    /// Pages to merge, a digest each; all of one channel.
    pub merge: Vec<Vec<&'a Waiting>>,
    /// Pages that are due and have no room in their channel's quota.
    pub held: Vec<&'a Waiting>,
}

/// Chooses. A channel that `limits` does not name has no limit.
#[must_use]
pub fn choose<'a>(
    waiting: &'a [Waiting],
    in_flight: &InFlight,
    limits: &HashMap<String, Limit>,
    now: Timestamp,
) -> Choice<'a> {
    let mut due: BTreeMap<&str, Vec<&Waiting>> = BTreeMap::new();
    for page in waiting {
        if page.next_at <= now && !in_flight.iter().any(|(key, _)| *key == page.key) {
            due.entry(&page.channel).or_default().push(page);
        }
    }
    let mut choice = Choice::default();
    for (channel, mut pages) in due {
        pages.sort_by(|a, b| order(a).cmp(&order(b)));
        let limit = limits.get(channel).copied().unwrap_or(Limit::NONE);
        let mut busy = in_flight.iter().filter(|(_, other)| other == channel).count();
        let minor: Vec<&Waiting> = if limit.minor == Minor::AsAlways {
            Vec::new()
        } else {
            let (minor, others) = pages.into_iter().partition(|page| page.urgency >= MINOR && !page.is_digest);
            pages = others;
            minor
        };
        let others = pages.iter().any(|page| page.is_digest && page.urgency >= MINOR);
        let mut admitted = admit(pages, limit.room, limit.digest, &mut choice);
        let may = limit.minor == Minor::OneMessage && busy == 0 && !others;
        let spare = limit.room.others(0) > admitted.len();
        admitted.extend(calm(minor, may && spare, limit.digest, &mut choice));
        for page in admitted {
            if busy < if page.urgency <= RED { 2 * AT_ONCE } else { AT_ONCE } {
                busy += 1;
                choice.send.push(page);
            }
        }
    }
    choice.send.sort_by(|a, b| order(a).cmp(&order(b)));
    choice
}

/// In a storm: of yellow and blue pages one alone, or one digest; the rest is held.
fn calm<'a>(mut minor: Vec<&'a Waiting>, may: bool, digest: usize, choice: &mut Choice<'a>) -> Option<&'a Waiting> {
    if !may {
        choice.held.extend(minor);
        return None;
    }
    if minor.len() < 2 {
        return minor.pop();
    }
    choice.held.extend(minor.split_off(minor.len().min(digest.max(2))));
    choice.merge.push(minor);
    None
}

fn order(page: &Waiting) -> (u8, Timestamp, &str) {
    (page.urgency, page.created_at, &page.key)
}

/// The pages of a channel that its quota admits, in order; what is merged and held goes into the choice.
fn admit<'a>(pages: Vec<&'a Waiting>, room: Room, digest: usize, choice: &mut Choice<'a>) -> Vec<&'a Waiting> {
    let (mut red, others): (Vec<_>, Vec<_>) = pages.into_iter().partition(|page| page.urgency <= RED);
    choice.held.extend(red.split_off(red.len().min(room.red)));
    let mut left = room.others(red.len());
    if others.len() <= left {
        red.extend(others);
        return red;
    }
    let (mut digests, mut single): (Vec<_>, Vec<_>) = others.into_iter().partition(|page| page.is_digest);
    choice.held.extend(digests.split_off(digests.len().min(left)));
    left -= digests.len();
    red.extend(digests);
    if left == 0 || single.len() <= left {
        let held = single.split_off(single.len().min(left));
        choice.held.extend(held);
    } else {
        // As few digests as hold what has no room of its own.
        let digest = digest.max(2);
        let many = (1..left).find(|many| single.len() - (left - many) <= many * digest).unwrap_or(left);
        let mut merged = single.split_off(left - many);
        choice.held.extend(merged.split_off(merged.len().min(many.saturating_mul(digest))));
        // Evenly, so that none is left with a single page.
        for rest in (1..=many).rev() {
            let of_this = merged.len().div_ceil(rest);
            choice.merge.push(merged.drain(..of_this).collect());
        }
    }
    red.extend(single);
    red
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::tests::{at, page};
    use proptest::prelude::*;

    fn keys(pages: &[&Waiting]) -> Vec<String> {
        pages.iter().map(|page| page.key.clone()).collect()
    }

    fn sent(waiting: &[Waiting], in_flight: &InFlight, now: i64) -> Vec<String> {
        let choice = choose(waiting, in_flight, &HashMap::new(), at(now));
        assert!(choice.merge.is_empty() && choice.held.is_empty(), "{choice:?}");
        keys(&choice.send)
    }

    #[test]
    fn the_most_urgent_first_then_the_oldest() {
        let waiting =
            [page("a", "desk", 4, 1), page("b", "desk", 1, 3), page("c", "desk", 4, 0), page("d", "desk", 3, 2)];
        assert_eq!(sent(&waiting, &InFlight::new(), 9), ["b", "d", "c", "a"]);
    }

    #[test]
    fn a_red_one_never_waits_behind_others() {
        let busy: InFlight = (0..4).map(|n| (format!("blue{n}"), "desk".to_owned())).collect();
        let waiting = [page("blue4", "desk", 4, 0), page("red", "desk", 1, 5), page("other", "phone", 4, 0)];
        assert_eq!(sent(&waiting, &busy, 9), ["red", "other"]);
    }

    #[test]
    fn what_is_not_due_or_under_way_waits() {
        let later = Waiting { next_at: at(10), ..page("later", "desk", 1, 0) };
        let busy: InFlight = [("busy".to_owned(), "desk".to_owned())].into();
        let waiting = [later, page("busy", "desk", 1, 0)];
        assert!(sent(&waiting, &busy, 9).is_empty());
        assert_eq!(sent(&waiting, &busy, 10), ["later"]);
    }

    fn limits(red: usize, kept: usize, digest: usize) -> HashMap<String, Limit> {
        [("desk".to_owned(), Limit { room: Room { red, kept }, digest, minor: Minor::AsAlways })].into()
    }

    /// The module's second table, a row each: how many are sent, merged (by digest) and held.
    #[test]
    fn what_a_quota_lets_through() {
        let look = |reds: usize, others: usize, digests: usize, (red, kept): (usize, usize)| {
            let mut waiting: Vec<Waiting> = (0..reds).map(|n| page(&format!("r{n:02}"), "desk", 1, 0)).collect();
            waiting.extend((0..others).map(|n| page(&format!("o{n:02}"), "desk", 3, 0)));
            waiting.extend((0..digests).map(|n| Waiting { is_digest: true, ..page(&format!("d{n}"), "desk", 4, 0) }));
            let choice = choose(&waiting, &InFlight::new(), &limits(red, kept, 10), at(9));
            let merged: Vec<usize> = choice.merge.iter().map(Vec::len).collect();
            (keys(&choice.send), merged, choice.held.len())
        };
        assert_eq!(look(3, 0, 0, (2, 5)), (vec!["r00".into(), "r01".into()], vec![], 1));
        assert_eq!(look(1, 3, 0, (9, 5)), (vec!["r00".into(), "o00".into(), "o01".into(), "o02".into()], vec![], 0));
        assert_eq!(look(0, 3, 0, (5, 5)), (vec![], vec![], 3), "what is kept for red ones is kept");
        assert_eq!(look(1, 3, 0, (5, 5)), (vec!["r00".into()], vec![], 3));
        assert_eq!(look(0, 8, 0, (8, 5)), (vec!["o00".into(), "o01".into()], vec![6], 0));
        assert_eq!(look(0, 12, 0, (7, 5)), (vec![], vec![6, 6], 0));
        assert_eq!(look(0, 30, 0, (7, 5)), (vec![], vec![10, 10], 10));
        assert_eq!(look(0, 4, 1, (7, 5)), (vec!["d0".into()], vec![4], 0));
        assert_eq!(look(0, 4, 2, (7, 5)), (vec!["d0".into(), "d1".into()], vec![], 4));
        assert_eq!(look(0, 4, 3, (7, 5)), (vec!["d0".into(), "d1".into()], vec![], 5));
        assert_eq!(look(0, 1, 2, (7, 5)), (vec!["d0".into(), "d1".into()], vec![], 1));
    }

    /// The module's third table, a row each, and what stays as it is: what is sent, how many are merged, how many held.
    #[test]
    fn what_a_storm_lets_through() {
        let look = |urgencies: &[u8], minor: Minor, busy: usize| {
            let waiting: Vec<Waiting> =
                urgencies.iter().enumerate().map(|(n, urgency)| page(&n.to_string(), "desk", *urgency, 0)).collect();
            let busy: InFlight = (0..busy).map(|n| (format!("busy{n}"), "desk".to_owned())).collect();
            let limits = [("desk".to_owned(), Limit { minor, digest: 3, ..Limit::NONE })].into();
            let choice = choose(&waiting, &busy, &limits, at(9));
            let merged: Vec<usize> = choice.merge.iter().map(Vec::len).collect();
            (keys(&choice.send), merged, choice.held.len())
        };
        use Minor::{Held, OneMessage};
        assert_eq!(look(&[4], OneMessage, 0), (vec!["0".into()], vec![], 0));
        assert_eq!(look(&[4, 3], OneMessage, 0), (vec![], vec![2], 0));
        assert_eq!(look(&[4, 3, 4, 4, 3], OneMessage, 0), (vec![], vec![3], 2));
        assert_eq!(look(&[4, 3], Held, 0), (vec![], vec![], 2));
        assert_eq!(look(&[4, 3], OneMessage, 1), (vec![], vec![], 2));
        assert_eq!(look(&[2, 4, 1, 4], Held, 0), (vec!["2".into(), "0".into()], vec![], 2));
        assert_eq!(look(&[2, 4, 1, 4], OneMessage, 0), (vec!["2".into(), "0".into()], vec![2], 0));
        // A digest that waits is the one message.
        let digest = Waiting { is_digest: true, ..page("d", "desk", 3, 0) };
        let waiting = [digest, page("a", "desk", 4, 0), page("b", "desk", 4, 0)];
        let limits = [("desk".to_owned(), Limit { minor: OneMessage, ..Limit::NONE })].into();
        let choice = choose(&waiting, &InFlight::new(), &limits, at(9));
        assert_eq!((keys(&choice.send), choice.merge.len(), choice.held.len()), (vec!["d".into()], 0, 2));
    }

    proptest! {
        /// Whatever waits, every channel's most urgent due page is sent unless the channel is full, and nothing twice.
        #[test]
        fn no_channel_starves(pages in proptest::collection::vec((0..3u8, 1..5u8, 0..20i64, 0..20i64), 0..40)) {
            let waiting: Vec<Waiting> = pages.iter().enumerate().map(|(n, &(channel, urgency, created, next))| Waiting {
                next_at: at(next),
                ..page(&n.to_string(), &channel.to_string(), urgency, created)
            }).collect();
            let chosen = choose(&waiting, &InFlight::new(), &HashMap::new(), at(10)).send;
            let mut seen = HashSet::new();
            for page in &chosen {
                prop_assert!(page.next_at <= at(10) && seen.insert(&page.key));
            }
            for channel in ["0", "1", "2"] {
                let due: Vec<_> = waiting.iter().filter(|page| page.channel == channel && page.next_at <= at(10)).collect();
                let most = due.iter().map(|page| page.urgency).min();
                let first = chosen.iter().find(|page| page.channel == channel).map(|page| page.urgency);
                prop_assert_eq!(most, first);
                let red = due.iter().filter(|page| page.urgency == RED).count();
                let sent = chosen.iter().filter(|page| page.channel == channel).count();
                prop_assert_eq!(sent, due.len().min(AT_ONCE.max(red.min(2 * AT_ONCE))));
            }
        }

        /// Of all that is due every page is sent, merged into one digest, held, or waits for a place: never two of these, and never
        /// more than the quota has room for. A red one is never merged, and never held while there is any room.
        #[test]
        fn every_page_is_somewhere_once(
            pages in proptest::collection::vec((1..5u8, 0..20i64, any::<bool>()), 0..80), red in 0..25usize, kept in 0..6usize, digest in 2..31usize,
        ) {
            let waiting: Vec<Waiting> = pages.iter().enumerate().map(|(n, &(urgency, created, is_digest))| Waiting {
                is_digest: is_digest && urgency > RED, ..page(&n.to_string(), "desk", urgency, created)
            }).collect();
            let room = Room { red, kept };
            let choice = choose(&waiting, &InFlight::new(), &limits(red, kept, digest), at(30));
            let mut seen = HashSet::new();
            for page in choice.send.iter().chain(choice.merge.iter().flatten()).chain(&choice.held) {
                prop_assert!(seen.insert(&page.key), "twice: {page:?}");
            }
            let reds = waiting.iter().filter(|page| page.urgency == RED).count();
            let taken = choice.send.len() + choice.merge.len();
            prop_assert!(taken <= red);
            prop_assert!(choice.merge.len() <= room.others(reds.min(red)));
            for merged in &choice.merge {
                prop_assert!((2..=digest).contains(&merged.len()));
                prop_assert!(merged.iter().all(|page| page.urgency > RED && !page.is_digest));
            }
            let red_held = choice.held.iter().filter(|page| page.urgency == RED).count();
            prop_assert_eq!(red_held, reds.saturating_sub(red));
            let red_sent = choice.send.iter().filter(|page| page.urgency == RED).count();
            prop_assert_eq!(red_sent, reds.min(red).min(2 * AT_ONCE));
        }
    }
}
