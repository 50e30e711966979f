//! What a post is, beside what it says: what filters ask of it.

use jiff::Timestamp;
use schemas::records::{AnalyzedPost, Counts, Kind, Label};

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
    /// The founding post of the near-copies that it is one of.
    pub cluster: Option<&'p str>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Likes, replies and reposts.
    pub counts: Counts,
}

impl<'p> Facts<'p> {
    /// The facts of an analyzed post.
    ///
    /// The place is the one that the source states, the unit the one that is spoken to. No class is told and no near-copies
    /// are grouped yet: whoever adds them to the record gives them here, and filters, facets and watch topics have them.
    #[must_use]
    pub fn of(post: &'p AnalyzedPost) -> Self {
        Self {
            source: &post.source,
            kind: Some(post.kind),
            sentiment: post.sentiment.map(|sentiment| sentiment.label),
            topics: post.topics.iter().map(String::as_str).collect(),
            category: [None; 3],
            places: post.place.as_deref().into_iter().collect(),
            units: post.addressed_to.as_deref().into_iter().collect(),
            official: post.official.is_some(),
            gone: post.gone_at.is_some(),
            cluster: None,
            published_at: Some(post.published_at),
            counts: post.counts,
        }
    }
}
