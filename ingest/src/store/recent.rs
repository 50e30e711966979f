//! What was marked or asked for lately, in memory: two generations; when the young one is full the old one goes.

use crate::seen::Fingerprint;
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Ids in one generation. 7/8 of 2^19: the fill at which a table of that many slots doubles. The two hold 900,000 ids in
/// 18 MB.
const GENERATION: usize = (1 << 19) / 8 * 7;

/// Fingerprints by their ids.
#[derive(Debug)]
pub(super) struct Recent {
    young: Generation,
    old: Generation,
    capacity: usize,
}

type Generation = HashMap<u64, u64, BuildHasherDefault<AlreadyHashed>>;

impl Recent {
    pub(super) fn new() -> Self {
        Self::with_capacity(GENERATION)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), capacity }
    }

    /// Whether this very state of the post was seen; `None` when nothing is known of the post here. What is asked for stays
    /// longer.
    pub(super) fn knows(&mut self, post: Fingerprint) -> Option<bool> {
        if let Some(&content) = self.young.get(&post.id) {
            return Some(content == post.content);
        }
        let &content = self.old.get(&post.id)?;
        if content == post.content {
            self.mark(post);
        }
        Some(content == post.content)
    }

    /// Remembers a post, and forgets its state before.
    pub(super) fn mark(&mut self, post: Fingerprint) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&post.id) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(post.id, post.content);
    }

    /// Remembers what was found elsewhere, unless a later state was marked meanwhile.
    pub(super) fn recall(&mut self, post: Fingerprint) {
        if !self.young.contains_key(&post.id) && !self.old.contains_key(&post.id) {
            self.mark(post);
        }
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

    #[test]
    fn it_forgets_the_oldest_and_keeps_what_is_asked_for() {
        let mut recent = Recent::with_capacity(4);
        let print = |id| Fingerprint { id, content: id };
        for id in 0..8 {
            recent.mark(print(id));
            assert_eq!(recent.knows(print(0)), Some(true), "asked for each time: {id}");
        }
        assert_eq!((recent.knows(print(7)), recent.knows(print(1))), (Some(true), None));
        assert!(recent.young.len() + recent.old.len() <= 8);
    }

    #[test]
    fn what_is_recalled_never_replaces_what_was_marked() {
        let mut recent = Recent::with_capacity(4);
        recent.mark(Fingerprint { id: 1, content: 2 });
        recent.recall(Fingerprint { id: 1, content: 1 });
        recent.recall(Fingerprint { id: 2, content: 1 });
        assert_eq!(
            [(1, 1), (1, 2), (2, 1)].map(|(id, content)| recent.knows(Fingerprint { id, content })),
            [Some(false), Some(true), Some(true)]
        );
    }

    proptest! {
        /// It never takes a new state for a known one, and never grows beyond two generations.
        #[test]
        fn it_knows_only_what_was_marked(steps in prop::collection::vec((0u64..20, 0u64..3, any::<bool>()), 0..200)) {
            let mut recent = Recent::with_capacity(5);
            let mut truth = HashMap::new();
            for (id, content, mark) in steps {
                if mark {
                    recent.mark(Fingerprint { id, content });
                    truth.insert(id, content);
                } else if let Some(known) = recent.knows(Fingerprint { id, content }) {
                    prop_assert_eq!(known, truth.get(&id) == Some(&content));
                }
                prop_assert!(recent.young.len() <= 5 && recent.old.len() <= 5);
            }
        }
    }
}
