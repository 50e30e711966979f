//! What a post is known by: the hash of its id, and the hash of its content.
//!
//! A memory of them may forget: analyze alone decides what is new. What it must not do is to take a new post for a known
//! one; a post counts as known only when both hashes agree, of which the second covers the id too. Their seed is a
//! secret of the memory ([`crate::store`]), so that nobody can make up a post that passes for another.

use schemas::records::{Precision, RawPost, Via};
use xxhash_rust::xxh3::Xxh3;

/// A post as the memory knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// The hash of the post's id.
    pub(crate) id: u64,
    /// The hash of all that makes it this state of the post.
    pub(crate) content: u64,
}

/// Makes fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashing {
    seed: u64,
}

impl Hashing {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
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

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::records::Record;

    fn post() -> RawPost {
        RawPost::decode(include_bytes!("../../schemas/fixtures/raw_post.v1.json")).unwrap()
    }

    #[test]
    fn whatever_is_edited_makes_it_another_state() {
        let hashing = Hashing::new(7);
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
        let hashing = Hashing::new(7);
        let known = hashing.fingerprint(&post());
        let mut again = post();
        again.fetched_at = jiff::Timestamp::MAX;
        again.published_at = jiff::Timestamp::UNIX_EPOCH;
        assert_eq!(hashing.fingerprint(&again), known, "it was crawled, and the page states minutes");
        again.published_precision = Precision::Second;
        assert_ne!(hashing.fingerprint(&again), known);
    }
}
