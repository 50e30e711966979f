//! Which posts are the same text again: copies and light edits of one text are its spread (转发量), one voice and not as many.
//!
//! | the post | its cluster |
//! |---|---|
//! | was seen before (another state of it) | as it was |
//! | is a repost of a post that is known | the one that the passed-on post belongs to |
//! | is a repost of a post that is not known | that post |
//! | says in its own words what a post of the last seven days said ([`WINDOW`]) | the first of them |
//! | has fewer than [`LEAST`] characters that count | none: 支持 from a thousand people are a thousand voices |
//! | anything else | none; it founds one |
//!
//! Two texts are the same when of the shorter one more than half is in the other, by five common hashes at least
//! ([`Fingerprint::contained`]). Only founders are compared with, so that a cluster does not wander from text to text. Founders are found by
//! the smallest hashes of their sketch. Bounded: the newest [`MOST`] founders that are not older than the window. Pure: the time is the
//! posts' own, and a restart reads the end of `posts.analyzed` again (founders by [`Clusters::restore`], then [`Clusters::rejoin`]).

use super::tally::Tally;
use crate::understand::{Fingerprint, fold, own_words};
use rustc_hash::FxHashMap;
use schemas::records::{AnalyzedPost, Kind, Verdict, post_id};
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// Founders that are remembered.
pub const MOST: usize = 50_000;
/// For so long a text is remembered, in seconds of the posts' own time.
pub const WINDOW: i64 = 7 * 24 * 3600;
/// The shortest text that can be a copy, in characters that count.
pub const LEAST: usize = 12;

/// Hashes of a founder by which it is found: of a text of which two thirds are cut off, one in 25 is missed.
const INDEXED: usize = 8;
/// Common hashes, and their share of the shorter text, that make a copy.
const COMMON: usize = 5;
const SHARE: f64 = 0.55;
/// Founders that one hash leads to, the newest of them: what stands in every text tells none from another.
const OF_HASH: usize = 64;
/// Founders that one post is compared with.
const COMPARED: usize = 16;
/// Copies of one founder that are remembered by their ids.
const MEMBERS: usize = 20_000;

/// The posts that founded clusters.
#[derive(Debug)]
pub struct Clusters {
    /// Founders that are remembered.
    most: usize,
    founders: VecDeque<Founder>,
    /// The number of the first founder; the others follow.
    first: u64,
    by_hash: FxHashMap<u32, Vec<u64>>,
    /// Founders of posts, by the hash of the posts' ids; the founders themselves among them.
    members: FxHashMap<u64, u64>,
    latest: i64,
    tally: Tally,
}

#[derive(Debug)]
struct Founder {
    id: Box<str>,
    at: i64,
    fingerprint: Fingerprint,
    members: Vec<u64>,
}

/// A post whose cluster is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Coming<'p> {
    /// Its id.
    pub id: &'p str,
    /// When it was published, in seconds.
    pub at: i64,
    /// The fingerprint of its own words.
    pub fingerprint: &'p Fingerprint,
    /// In a repost, the id of the post that is passed on.
    pub passes_on: Option<&'p str>,
}

impl Default for Clusters {
    fn default() -> Self {
        Self::holding(MOST)
    }
}

impl Clusters {
    /// None so far, and so many founders at most.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        let (founders, by_hash, members) = (VecDeque::new(), FxHashMap::default(), FxHashMap::default());
        Self { most, founders, first: 0, by_hash, members, latest: i64::MIN / 2, tally: Tally::default() }
    }

    /// The id of the post that founded the cluster of this one; none when it is no copy. Remembers it.
    pub fn place(&mut self, post: Coming<'_>) -> Option<String> {
        self.tidy(post.at);
        let id = xxh3_64(post.id.as_bytes());
        if let Some(founder) = self.members.get(&id).and_then(|&number| self.founder(number)) {
            return (&*founder.id != post.id).then(|| founder.id.to_string());
        }
        if let Some(parent) = post.passes_on {
            return match self.members.get(&xxh3_64(parent.as_bytes())).copied() {
                Some(number) => self.join(number, id),
                None => Some(parent.to_owned()),
            };
        }
        match self.find(post.fingerprint, post.at) {
            Some(number) => self.join(number, id),
            None => {
                self.found(post.id, id, post.at, post.fingerprint.clone());
                None
            }
        }
    }

    /// The id of the founder that a text is a copy of.
    #[must_use]
    pub fn copied(&mut self, fingerprint: &Fingerprint, at: i64) -> Option<&str> {
        self.find(fingerprint, at).and_then(|number| self.founder(number)).map(|founder| &*founder.id)
    }

    /// Remembers a founder of an earlier life. Yields the copies, which are to rejoin when all founders are known: partitions are
    /// read in no order among each other.
    pub fn restore(&mut self, post: AnalyzedPost) -> Option<(String, String)> {
        if !matches!(post.verdict, Verdict::First | Verdict::Revision) {
            return None;
        }
        if let Some(founder) = post.cluster {
            return Some((post.id, founder));
        }
        let (at, id) = (post.published_at.as_second(), xxh3_64(post.id.as_bytes()));
        self.tidy(at);
        if !self.members.contains_key(&id) {
            let (title, text) = (fold(post.title.as_deref().unwrap_or_default()), fold(&post.text));
            self.found(&post.id, id, at, Fingerprint::of(&title, own_words(&text)));
        }
        None
    }

    /// Remembers a copy of an earlier life by its id and its founder's.
    pub fn rejoin(&mut self, id: &str, founder: &str) {
        let id = xxh3_64(id.as_bytes());
        if let Some(&number) = self.members.get(&xxh3_64(founder.as_bytes()))
            && !self.members.contains_key(&id)
        {
            self.join(number, id);
        }
    }

    /// Founders that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.founders.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.founders.is_empty()
    }

    fn founder(&self, number: u64) -> Option<&Founder> {
        self.founders.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn join(&mut self, number: u64, id: u64) -> Option<String> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let founder = self.founders.get_mut(place)?;
        if founder.members.len() < MEMBERS {
            founder.members.push(id);
            self.members.insert(id, number);
        }
        Some(founder.id.to_string())
    }

    fn found(&mut self, id: &str, hash: u64, at: i64, fingerprint: Fingerprint) {
        if fingerprint.length() < LEAST {
            return;
        }
        let number = self.first + self.founders.len() as u64;
        for &hash in fingerprint.sketch().iter().take(INDEXED) {
            let numbers = self.by_hash.entry(hash).or_default();
            if numbers.len() == OF_HASH {
                numbers.remove(0);
            }
            numbers.push(number);
        }
        self.members.insert(hash, number);
        self.founders.push_back(Founder { id: id.into(), at, fingerprint, members: vec![hash] });
        if self.founders.len() > self.most {
            self.forget_first();
        }
    }

    fn find(&mut self, fingerprint: &Fingerprint, at: i64) -> Option<u64> {
        if fingerprint.length() < LEAST {
            return None;
        }
        let met = fingerprint.sketch().iter().filter_map(|hash| self.by_hash.get(hash)).flatten();
        let met = met.filter_map(|number| u32::try_from(number.checked_sub(self.first)?).ok());
        // Those met most often first, of equal ones the oldest.
        let met = self.tally.most_often(met, COMPARED);
        let mut best: Option<(f64, u64)> = None;
        for number in met.into_iter().map(|place| self.first + u64::from(place)) {
            let Some(founder) = self.founder(number).filter(|founder| (founder.at - at).abs() <= WINDOW) else {
                continue;
            };
            let (common, of) = fingerprint.contained(&founder.fingerprint);
            let share = common as f64 / of.max(1) as f64;
            if common >= COMMON && share >= SHARE && best.is_none_or(|(most, _)| share > most) {
                best = Some((share, number));
            }
        }
        best.map(|(_, number)| number)
    }

    fn tidy(&mut self, at: i64) {
        self.latest = self.latest.max(at);
        while self.founders.front().is_some_and(|founder| founder.at < self.latest - WINDOW) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(founder) = self.founders.pop_front() else { return };
        for hash in founder.fingerprint.sketch().iter().take(INDEXED) {
            if let Some(numbers) = self.by_hash.get_mut(hash) {
                // They are in order, and none is older.
                if numbers.first() == Some(&self.first) {
                    numbers.remove(0);
                }
                if numbers.is_empty() {
                    self.by_hash.remove(hash);
                }
            }
        }
        for member in founder.members {
            self.members.remove(&member);
        }
        self.first += 1;
    }
}

/// The id of the post that a repost passes on.
#[must_use]
pub fn passed_on(kind: Kind, source: &str, parent: Option<&str>) -> Option<String> {
    parent.filter(|_| kind == Kind::Repost).map(|parent| post_id(source, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "昨天下午抚琴西路的自来水管又爆了，路面全是水，打了三次电话都说马上来，到现在也没有人来修";
    const OTHER: &str = "小区门口的幼儿园下个月开学，学费涨了八百块，家长群里都在问为什么没有提前通知";
    const DAY: i64 = 24 * 3600;

    fn of(text: &str) -> Fingerprint {
        Fingerprint::of("", &fold(text))
    }

    fn place(clusters: &mut Clusters, id: &str, text: &str, at: i64) -> Option<String> {
        clusters.place(Coming { id, at, fingerprint: &of(text), passes_on: None })
    }

    #[test]
    fn copies_and_light_edits_are_of_one_cluster() {
        let mut clusters = Clusters::default();
        assert_eq!(place(&mut clusters, "s:1", TEXT, 0), None);
        assert_eq!(place(&mut clusters, "s:other", OTHER, 0), None);
        let half: String = TEXT.chars().take(24).collect();
        for (number, text) in [
            TEXT.to_owned(),
            TEXT.replace("三次", "五次"),
            half,
            format!("转给大家看看！{TEXT}😭😭 http://t.cn/x"),
            "到现在也没有人来修，打了三次电话都说马上来，昨天下午抚琴西路的自来水管又爆了，路面全是水".to_owned(),
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(place(&mut clusters, &format!("s:c{number}"), text, 60).as_deref(), Some("s:1"), "{text}");
        }
        assert_eq!(clusters.len(), 2);
    }

    #[test]
    fn short_words_of_many_people_are_many_voices() {
        let mut clusters = Clusters::default();
        for id in ["s:1", "s:2", "s:3"] {
            assert_eq!(place(&mut clusters, id, "支持！太好了", 0), None);
        }
    }

    #[test]
    fn a_repost_belongs_to_what_it_passes_on() {
        let mut clusters = Clusters::default();
        place(&mut clusters, "s:1", TEXT, 0);
        place(&mut clusters, "s:2", TEXT, 1);
        let mut repost = |id: &str, parent: &str| {
            clusters.place(Coming { id, at: 2, fingerprint: &of("说得对"), passes_on: Some(parent) })
        };
        assert_eq!(repost("s:3", "s:1").as_deref(), Some("s:1"));
        assert_eq!(repost("s:4", "s:2").as_deref(), Some("s:1"), "a copy passed on is the first one passed on");
        assert_eq!(repost("s:5", "s:4").as_deref(), Some("s:1"), "a repost passed on too");
        assert_eq!(repost("s:6", "s:unknown").as_deref(), Some("s:unknown"));
        assert_eq!(passed_on(Kind::Repost, "s", Some("9")).as_deref(), Some("s:9"));
        assert_eq!(passed_on(Kind::Comment, "s", Some("9")), None);
    }

    #[test]
    fn another_state_of_a_post_stays_where_it_was() {
        let mut clusters = Clusters::default();
        place(&mut clusters, "s:1", TEXT, 0);
        place(&mut clusters, "s:2", TEXT, 0);
        assert_eq!(place(&mut clusters, "s:1", OTHER, 5), None, "a founder is no copy of itself");
        assert_eq!(place(&mut clusters, "s:2", OTHER, 5).as_deref(), Some("s:1"));
    }

    #[test]
    fn what_is_old_is_forgotten_by_the_time_of_the_posts() {
        let mut clusters = Clusters::default();
        place(&mut clusters, "s:1", TEXT, 0);
        assert_eq!(place(&mut clusters, "s:2", TEXT, 6 * DAY).as_deref(), Some("s:1"));
        assert_eq!(place(&mut clusters, "s:3", TEXT, 8 * DAY), None);
        assert_eq!((clusters.len(), clusters.members.len(), clusters.by_hash.len()), (1, 1, INDEXED));
        assert_eq!(place(&mut clusters, "s:4", TEXT, -DAY), None, "of another week");
    }

    #[test]
    fn the_number_of_founders_is_bounded() {
        let mut clusters = Clusters::holding(100);
        for number in 0..1_000_u32 {
            let text: String = (0..20).filter_map(|at| char::from_u32(0x4e00 + number * 20 + at)).collect();
            assert_eq!(place(&mut clusters, &number.to_string(), &text, 0), None);
        }
        assert_eq!((clusters.len(), clusters.members.len()), (100, 100));
        assert!(clusters.by_hash.values().all(|numbers| !numbers.is_empty()));
        assert!(clusters.members.values().all(|&number| number >= clusters.first));
    }
}
