//! What the API shows of an emerging topic, beside its counts.

use super::{Event, Found};
use jiff::Timestamp;
use serde::Serialize;

/// A place or a unit, and the share of the topic's remembered posts that name it, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// Its name.
    pub name: String,
    /// See there.
    pub share: f64,
}

/// An emerging topic: what it is about, why it was found, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// When it was found.
    pub found_at: Timestamp,
    /// When its first post was published.
    pub first_at: Timestamp,
    /// When its latest post was published.
    pub last_at: Timestamp,
    /// Posts that belonged to it.
    pub posts: u64,
    /// The most voices that it had at once.
    pub voices: u32,
    /// The greatest surprise so far: -log10 of the probability that so many speak of it by chance.
    pub surprise: f64,
    /// Why that is, in words.
    pub why: String,
    /// The terms that it is known by, the weightiest first.
    pub terms: Vec<String>,
    /// The thing whose name its first voices shared; none where they shared words alone.
    pub thing: Option<String>,
    /// The place that most of its posts name.
    pub place: Option<Shared>,
    /// The unit that is proposed for most of its posts.
    pub unit: Option<Shared>,
    /// What happened to it, in order: found, renamed, merged, split, paged.
    pub events: Vec<Event>,
}

impl From<&Found> for Shown {
    fn from(found: &Found) -> Self {
        let time = |second| Timestamp::from_second(second).unwrap_or_default();
        let rounded = |value: f64| (value * 1_000.0).round() / 1_000.0;
        let shared = |(name, share)| Shared { name, share: rounded(share) };
        Self {
            found_at: time(found.born),
            first_at: time(found.first),
            last_at: time(found.last),
            posts: found.posts,
            voices: found.voices,
            surprise: rounded(found.surprise),
            why: found.why.clone(),
            terms: found.terms().map(str::to_owned).collect(),
            thing: found.thing.clone(),
            place: found.place().map(shared),
            unit: found.unit().map(shared),
            events: found.events.clone(),
        }
    }
}
