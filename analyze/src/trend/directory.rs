//! Which topic has which id: the number of a topic by the hash of its id, for a million ids kept twice would be a hundred megabytes.

use super::topic::Topic;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

/// The numbers of topics.
#[derive(Debug, Clone, Default)]
pub(super) struct Directory {
    by_hash: FxHashMap<u64, u32>,
    /// Those whose hash another one had before.
    others: Vec<u32>,
}

impl Directory {
    /// Of these topics.
    pub(super) fn of(topics: &[Topic]) -> Self {
        let mut directory = Self { by_hash: FxHashMap::default(), others: Vec::new() };
        directory.by_hash.reserve(topics.len());
        for (number, topic) in (0..).zip(topics) {
            let before = *directory.by_hash.entry(hash(&topic.about.id)).or_insert(number);
            if before != number {
                directory.others.push(number);
            }
        }
        directory
    }

    /// The number of the topic with this id, among the same topics.
    pub(super) fn number(&self, id: &str, topics: &[Topic]) -> Option<u32> {
        let is = |number: &u32| topics.get(*number as usize).is_some_and(|topic| topic.about.id == id);
        let first = self.by_hash.get(&hash(id)).copied()?;
        if is(&first) { Some(first) } else { self.others.iter().copied().find(is) }
    }
}

fn hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::records::{TopicKind, TopicRef};

    #[test]
    fn each_is_found_even_where_hashes_clash() {
        let topic =
            |id: &str| Topic::new(TopicRef { id: id.into(), kind: TopicKind::Watch, name: id.into() }, None, None);
        let topics: Vec<Topic> = ["water", "school", "road"].map(topic).into();
        let mut directory = Directory::of(&topics);
        let found = |directory: &Directory, id: &str| directory.number(id, &topics);
        assert_eq!(
            ["water", "school", "road", "air"].map(|id| found(&directory, id)),
            [Some(0), Some(1), Some(2), None]
        );
        // As if "road" had the hash of "water".
        directory.by_hash.insert(hash("road"), 0);
        directory.others.push(2);
        assert_eq!(found(&directory, "road"), Some(2));
    }
}
