//! Fields of government: all posts of one category, and of one category that concern one unit.
//!
//! A category's rhythm is what its topics are drawn to. A rise in category × unit is told where no watch topic explains it:
//! where most of its recent posts lie in one, that one is the matter.

use super::{moment::Moment, series::MINUTE, topic::Topic};
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use schemas::records::{AnalyzedPost, TopicKind, TopicRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Categories, and pairs of category and unit, beyond so many are not counted.
const MOST_CATEGORIES: usize = 200;
const MOST_PAIRS: usize = 20_000;
/// What is recent fades by half in so many seconds.
const RECENT: f64 = (15 * MINUTE) as f64;
/// Topics that may explain a rise, of each category × unit.
const EXPLAINING: usize = 4;

/// The fields of government.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Fields {
    pub(super) categories: Vec<Topic>,
    pub(super) pairs: Vec<Pair>,
    /// Which pairs need to be looked at with each tick.
    pub(super) awake: BTreeSet<u32>,
}

/// A category × unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) category: u16,
    unit: String,
    pub(super) topic: Topic,
    explained: Explained,
}

/// Which watch topics the recent posts lie in: a few with the most of them (space saving, Metwally et al. 2005).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Explained {
    at: i64,
    all: f32,
    by: Vec<(String, f32)>,
}

impl Explained {
    fn add(&mut self, topics: &[String], now: i64) {
        let keep = 0.5_f64.powf((now - self.at).max(0) as f64 / RECENT) as f32;
        self.at = now;
        self.all = self.all * keep + 1.0;
        self.by.iter_mut().for_each(|(_, weight)| *weight *= keep);
        for topic in topics.iter().take(EXPLAINING) {
            if let Some((_, weight)) = self.by.iter_mut().find(|(known, _)| known == topic) {
                *weight += 1.0;
            } else if self.by.len() < EXPLAINING {
                self.by.push((topic.clone(), 1.0));
            } else if let Some(least) = self.by.iter_mut().min_by(|a, b| a.1.total_cmp(&b.1)) {
                *least = (topic.clone(), 1.0);
            }
        }
    }
}

impl Pair {
    /// Whether most of its recent posts lie in one watch topic: that one rises, or does not, for them.
    pub(super) fn is_explained(&self) -> bool {
        let Explained { all, by, .. } = &self.explained;
        by.iter().any(|(_, weight)| weight * 2.0 >= *all)
    }
}

/// Where to find them, derived from [`Fields`].
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    categories: FxHashMap<String, u16>,
    pairs: FxHashMap<(u16, String), u32>,
}

impl Index {
    pub(super) fn of(fields: &Fields) -> Self {
        let categories = (0..).zip(&fields.categories).map(|(index, topic)| (topic.about.name.clone(), index));
        let pairs = (0..).zip(&fields.pairs).map(|(index, pair)| ((pair.category, pair.unit.clone()), index));
        Self { categories: categories.collect(), pairs: pairs.collect() }
    }
}

impl Fields {
    /// The number of a post's category; known from now on.
    pub(super) fn category(&mut self, post: &AnalyzedPost, index: &mut Index) -> Option<u16> {
        let name = &post.category.as_ref()?.level1;
        if let Some(&number) = index.categories.get(name) {
            return Some(number);
        }
        if self.categories.len() >= MOST_CATEGORIES {
            return None;
        }
        let number = self.categories.len() as u16;
        let about = TopicRef { id: format!("category:{name}"), kind: TopicKind::Category, name: name.clone() };
        self.categories.push(Topic::new(about, None, None));
        index.categories.insert(name.clone(), number);
        Some(number)
    }

    /// The number of a post's category × unit; known from now on.
    pub(super) fn pair(&mut self, category: u16, post: &AnalyzedPost, index: &mut Index, now: i64) -> Option<u32> {
        let unit = post.unit.as_ref()?;
        let key = (category, unit.id.clone());
        if let Some(&number) = index.pairs.get(&key) {
            return Some(number);
        }
        if self.pairs.len() >= MOST_PAIRS {
            return None;
        }
        let name = &self.categories.get(usize::from(category))?.about.name;
        let about = TopicRef {
            id: format!("category:{name}:{}", unit.id),
            kind: TopicKind::Category,
            name: format!("{name} · {}", unit.name),
        };
        let number = self.pairs.len() as u32;
        // What was not posted before its first post tells little of it: it has a day to show what is usual.
        let topic = Topic::new(about, None, Some(now));
        self.pairs.push(Pair { category, unit: unit.id.clone(), topic, explained: Explained::default() });
        index.pairs.insert(key, number);
        Some(number)
    }

    /// Counts a first-seen post of a category × unit.
    pub(super) fn count(&mut self, pair: u32, post: &AnalyzedPost, moment: Moment, source: u16, now: Timestamp) {
        self.awake.insert(pair);
        let Some(pair) = self.pairs.get_mut(pair as usize) else { return };
        pair.explained.add(&post.topics, now.as_second());
        pair.topic.count(post, moment, source, Some(pair.category), now);
    }

    /// All of them: categories, then category × unit.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.categories.iter().chain(self.pairs.iter().map(|pair| &pair.topic))
    }
}
