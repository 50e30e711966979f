//! What a post is, beside what it says: what filters ask of it.

use jiff::Timestamp;
use schemas::records::{AnalyzedPost, Category, Counts, Kind, Label, PlaceFound, UnitProposed};

/// The facts of a post. The archive and the watch topics read the very same ones.
#[derive(Debug, Clone, Default)]
pub struct Facts<'p> {
    /// The source's id.
    pub source: &'p str,
    /// Post, comment, repost or report.
    pub kind: Option<Kind>,
    /// Sentiment of the author's own words.
    pub sentiment: Option<Label>,
    /// Ids of the watch topics that match. Empty while these are being found out.
    pub topics: Vec<&'p str>,
    /// The class of the matter at its first, second and third level.
    pub category: [Option<&'p str>; 3],
    /// Names of the places that it is about.
    pub places: Vec<&'p str>,
    /// Names of the units that it concerns.
    pub units: Vec<&'p str>,
    /// Whether a unit's official voice published it.
    pub official: bool,
    /// Whether it is seen to be gone.
    pub gone: bool,
    /// Whether a person has corrected what was understood of it.
    pub corrected: bool,
    /// The founding post of the near-copies that it is one of.
    pub cluster: Option<&'p str>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Likes, replies and reposts.
    pub counts: Counts,
}

impl<'p> Facts<'p> {
    /// The facts of an analyzed post: what is stated of it, and what was understood.
    #[must_use]
    pub fn of(post: &'p AnalyzedPost) -> Self {
        let facts = Self {
            topics: post.topics.iter().map(String::as_str).collect(),
            // A text that is known again founds a cluster of its own.
            cluster: post.cluster.as_deref().or(post.fingerprint.is_some().then_some(post.id.as_str())),
            ..Self::stated(post)
        };
        match post.sentiment {
            Some(sentiment) => facts.with(sentiment.label, post.category.as_ref(), &post.places, post.unit.as_ref()),
            None => facts,
        }
    }

    /// What is stated of an analyzed post, whatever was understood of it.
    #[must_use]
    pub fn stated(post: &'p AnalyzedPost) -> Self {
        Self {
            source: &post.source,
            kind: Some(post.kind),
            places: post.place.as_deref().into_iter().collect(),
            units: post.addressed_to.as_deref().into_iter().collect(),
            official: post.official.is_some(),
            gone: post.gone_at.is_some(),
            corrected: post.corrected.is_some(),
            published_at: Some(post.published_at),
            counts: post.counts,
            ..Self::default()
        }
    }

    /// The same with what was understood of the post.
    #[must_use]
    pub fn with(
        mut self,
        sentiment: Label,
        category: Option<&'p Category>,
        places: &'p [PlaceFound],
        unit: Option<&'p UnitProposed>,
    ) -> Self {
        self.sentiment = Some(sentiment);
        if let Some(Category { level1, level2, level3, .. }) = category {
            self.category = [Some(level1), level2.as_deref(), level3.as_deref()];
        }
        let add = |known: &mut Vec<&'p str>, name: &'p str| {
            if !known.contains(&name) {
                known.push(name);
            }
        };
        places.iter().for_each(|place| add(&mut self.places, &place.name));
        unit.into_iter().for_each(|unit| add(&mut self.units, &unit.name));
        self
    }
}
