//! A post that was found, as the API shows it.

use super::highlight;
use crate::{
    archive::schema::{FIELDS, native_id},
    understand::fold,
};
use jiff::Timestamp;
use schemas::records::{
    AnalyzedPost, Category, Corrected, Counts, Kind, PlaceFound, Record, Reply, Sentiment, ToneProbability,
    UnitProposed,
};
use serde::Serialize;
use tantivy::{DocAddress, Searcher, TantivyDocument, TantivyError, schema::Value};

/// A post that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)] // The fields are those of a post.
pub struct Hit {
    pub id: String,
    pub source: String,
    pub native_id: String,
    pub kind: Kind,
    pub url: Option<String>,
    pub title: Option<String>,
    pub text: String,
    pub published_at: Timestamp,
    pub date_clamped: bool,
    pub fetched_at: Timestamp,
    pub thread_id: Option<String>,
    pub parent_id: Option<String>,
    #[serde(flatten)]
    pub counts: Counts,
    pub sentiment: Option<Sentiment>,
    pub tones: Vec<ToneProbability>,
    pub category: Option<Category>,
    pub places: Vec<PlaceFound>,
    pub elsewhere: Option<String>,
    pub unit: Option<UnitProposed>,
    pub corrected: Option<Corrected>,
    pub keyphrases: Vec<String>,
    pub topics: Vec<String>,
    pub place: Option<String>,
    pub official: Option<String>,
    pub addressed_to: Option<String>,
    pub gone_at: Option<Timestamp>,
    pub reply: Option<Reply>,
    /// In a search that collapses copies: how many posts this one stands for, itself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<u64>,
    pub highlights: Highlights,
}

/// What matches: ranges of UTF-16 code units, in order, not overlapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Highlights {
    /// In the title.
    pub title: Vec<[usize; 2]>,
    /// In the text.
    pub text: Vec<[usize; 2]>,
}

impl Highlights {
    /// What of a title and a text is one of the terms.
    fn of(title: Option<&str>, text: &str, terms: &[&str]) -> Self {
        let ranges = |text: &str| {
            if terms.is_empty() {
                return Vec::new();
            }
            highlight::ranges(text, &fold(text), terms)
        };
        Self { title: title.map(ranges).unwrap_or_default(), text: ranges(text) }
    }
}

/// Loads a post from its month.
pub(super) fn load(searcher: &Searcher, address: DocAddress) -> Result<AnalyzedPost, TantivyError> {
    let document: TantivyDocument = searcher.doc(address)?;
    let bytes = document.get_first(FIELDS.post).and_then(|value| value.as_bytes()).unwrap_or_default();
    AnalyzedPost::decode(bytes).map_err(|error| TantivyError::SystemError(format!("a stored post: {error}")))
}

impl Hit {
    /// The same with what of it is one of the terms.
    pub(super) fn marked(self, terms: &[&str]) -> Self {
        Self { highlights: Highlights::of(self.title.as_deref(), &self.text, terms), ..self }
    }

    /// A post as a hit, with what of it is one of the terms.
    pub(in crate::archive) fn of(post: AnalyzedPost, terms: &[&str]) -> Self {
        let highlights = Highlights::of(post.title.as_deref(), &post.text, terms);
        Self {
            native_id: native_id(&post).to_owned(),
            id: post.id,
            source: post.source,
            kind: post.kind,
            url: post.url,
            title: post.title,
            text: post.text,
            published_at: post.published_at,
            date_clamped: post.date_clamped,
            fetched_at: post.fetched_at,
            thread_id: post.thread_id,
            parent_id: post.parent_id,
            counts: post.counts,
            sentiment: post.sentiment,
            tones: post.tones,
            category: post.category,
            places: post.places,
            elsewhere: post.elsewhere,
            unit: post.unit,
            corrected: post.corrected,
            keyphrases: post.keyphrases,
            topics: post.topics,
            place: post.place,
            official: post.official,
            addressed_to: post.addressed_to,
            gone_at: post.gone_at,
            reply: post.reply,
            copies: None,
            highlights,
        }
    }
}
