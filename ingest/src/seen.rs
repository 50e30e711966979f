//! The memory of what was seen: post id → content, as hashes. It spares the log what it holds already.
//!
//! It is a saving and never the truth: analyze alone decides what is new. So it may forget (it is bounded, in two
//! generations: when the young one is full the old one is dropped), and it is marked only after the log has acknowledged.
//! What it must not do is to take a new post for a known one; a post counts as known only when both hashes agree, of which
//! the second covers the id too, and their seed is drawn anew by each process.

use schemas::records::{Precision, RawPost, Via};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};
use xxhash_rust::xxh3::Xxh3;

/// Ids in one generation. 7/8 of 2^20: the fill at which a table of that many slots doubles. The two hold 1.8 million ids
/// in 36 MB.
const GENERATION: usize = (1 << 20) / 8 * 7;

/// A post as the memory knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    id: u64,
    content: u64,
}

impl Fingerprint {
    /// The hash of the post's id.
    pub(crate) fn id(self) -> u64 {
        self.id
    }
}

/// The memory.
#[derive(Debug)]
pub(crate) struct Seen {
    young: Generation,
    old: Generation,
    capacity: usize,
}

type Generation = HashMap<u64, u64, BuildHasherDefault<AlreadyHashed>>;

/// Makes fingerprints; a copy of the seed, so that they can be made without the memory's lock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hashing {
    seed: u64,
}

impl Hashing {
    pub(crate) fn new() -> Self {
        Self { seed: rand::random() }
    }

    /// Everything of a post that makes it another post or another state of it: not when it was fetched, and not by which
    /// door. A crawled time that is not exact to the second does not count either: pages say "5 minutes ago", which is
    /// another time at each visit.
    pub(crate) fn fingerprint(self, post: &RawPost) -> Fingerprint {
        let mut hash = Xxh3::with_seed(self.seed);
        let mut text = |text: Option<&str>| match text {
            // The length goes in front, so that two fields never run into one another.
            Some(text) => {
                hash.update(&(text.len() as u64 + 1).to_le_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update(&0u64.to_le_bytes()),
        };
        text(Some(&post.id));
        for field in [&post.url, &post.title, &post.author, &post.thread_id, &post.parent_id, &post.place] {
            text(field.as_deref());
        }
        text(Some(&post.text));
        for link in &post.media {
            text(Some(link));
        }
        if let Some(reply) = &post.reply {
            text(Some(&reply.text));
            text(reply.by.as_deref());
            hash.update(&reply.published_at.map_or(0, |at| at.as_second()).to_le_bytes());
        }
        let counts = post.counts;
        for number in [counts.likes, counts.replies, counts.reposts, post.kind as u64] {
            hash.update(&number.to_le_bytes());
        }
        if post.via != Via::Crawl || post.published_precision == Precision::Second {
            hash.update(&post.published_at.as_second().to_le_bytes());
            hash.update(&post.published_at.subsec_nanosecond().to_le_bytes());
        }
        Fingerprint { id: self.id(&post.id), content: hash.digest() }
    }

    /// The state of a post that is gone: no post has it, so its return is always news.
    pub(crate) fn gone(self, id: &str) -> Fingerprint {
        Fingerprint { id: self.id(id), content: self.hash(b"gone") }
    }

    /// What was set aside, so that it is not set aside at each visit.
    pub(crate) fn rejected(self, source: &str, bytes: &[u8]) -> Fingerprint {
        // No post's id holds two colons in a row before its source does.
        Fingerprint { id: self.id(&format!("::{source}")) ^ self.hash(bytes), content: self.hash(bytes) }
    }

    fn id(self, id: &str) -> u64 {
        self.hash(id.as_bytes())
    }

    fn hash(self, bytes: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(bytes, self.seed)
    }
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self::with_capacity(GENERATION)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), capacity }
    }

    /// Whether this very state of the post was seen. What is asked for stays longer in memory.
    pub(crate) fn knows(&mut self, post: Fingerprint) -> bool {
        if let Some(&content) = self.young.get(&post.id) {
            return content == post.content;
        }
        let known = self.old.get(&post.id) == Some(&post.content);
        if known {
            self.mark(post);
        }
        known
    }

    /// Remembers a post that the log has acknowledged.
    pub(crate) fn mark(&mut self, post: Fingerprint) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&post.id) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(post.id, post.content);
    }
}

/// Keys that are hashes already.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schemas::records::Record;

    fn post() -> RawPost {
        RawPost::decode(include_bytes!("../../schemas/fixtures/raw_post.v1.json")).unwrap()
    }

    #[test]
    fn a_state_is_known_once_it_is_marked() {
        let (mut seen, hashing) = (Seen::new(), Hashing::new());
        let print = hashing.fingerprint(&post());
        assert!(!seen.knows(print));
        seen.mark(print);
        assert!(seen.knows(print));
    }

    #[test]
    fn whatever_is_edited_makes_it_another_state() {
        let hashing = Hashing::new();
        let known = hashing.fingerprint(&post());
        let edits: [fn(&mut RawPost); 9] = [
            |post| post.text.push('!'),
            |post| post.title = None,
            |post| post.counts.likes += 1,
            |post| post.counts.replies += 1,
            |post| post.counts.reposts += 1,
            |post| post.media.clear(),
            |post| post.reply = None,
            |post| post.place = Some("西安路".into()),
            |post| post.author = None,
        ];
        for (index, edit) in edits.into_iter().enumerate() {
            let mut edited = post();
            edit(&mut edited);
            let print = hashing.fingerprint(&edited);
            assert_eq!(print.id, known.id);
            assert_ne!(print.content, known.content, "edit {index}");
        }
    }

    #[test]
    fn when_it_was_fetched_and_a_vague_time_do_not_count() {
        let hashing = Hashing::new();
        let known = hashing.fingerprint(&post());
        let mut again = post();
        again.fetched_at = jiff::Timestamp::MAX;
        again.published_at = jiff::Timestamp::UNIX_EPOCH;
        assert_eq!(hashing.fingerprint(&again), known, "it was crawled, and the page states minutes");
        again.published_precision = Precision::Second;
        assert_ne!(hashing.fingerprint(&again), known);
    }

    #[test]
    fn it_forgets_the_oldest_and_keeps_what_is_asked_for() {
        let mut seen = Seen::with_capacity(4);
        let print = |id| Fingerprint { id, content: id };
        for id in 0..8 {
            seen.mark(print(id));
            assert!(seen.knows(print(0)), "asked for each time: {id}");
        }
        assert!(seen.knows(print(7)));
        assert!(!seen.knows(print(1)));
        assert!(seen.young.len() + seen.old.len() <= 8);
    }

    proptest! {
        /// It never takes a new state for a known one, and never grows beyond two generations.
        #[test]
        fn it_knows_only_what_was_marked(steps in prop::collection::vec((0u64..20, 0u64..3, any::<bool>()), 0..200)) {
            let mut seen = Seen::with_capacity(5);
            let mut truth = HashMap::new();
            for (id, content, mark) in steps {
                if mark {
                    seen.mark(Fingerprint { id, content });
                    truth.insert(id, content);
                } else if seen.knows(Fingerprint { id, content }) {
                    prop_assert_eq!(truth.get(&id), Some(&content));
                }
                prop_assert!(seen.young.len() <= 5 && seen.old.len() <= 5);
            }
        }
    }
}
