//! One post: normalise, segment, sentiment, tones, category, places, unit, fingerprint, keyphrases, watch topics. Pure: no I/O, no clock.
//!
//! A post is folded once ([`fold`]) and cut once ([`Segmenter`]); everything else reads these two. Sentiment is judged
//! on the author's [`mod@own_words`], keyphrases are taken from the original text, and watch topics are matched
//! all at once ([`Matcher`]). Keywords of classes ([`category`]) and names of places ([`places`]) stand in one automaton (`lexicon`).

pub mod category;
mod district;
mod fingerprint;
mod keyphrases;
mod lexicon;
mod living;
mod marks;
mod normalise;
mod own_words;
pub mod places;
pub mod print;
mod segment;
pub mod sentiment;
mod stop_words;
mod terms;
pub mod tones;

pub use district::{Choices, District};
pub use fingerprint::Fingerprint;
pub use living::Living;
pub use normalise::fold;
pub use own_words::own_words;
pub use segment::{Segmenter, user_word};

use crate::query::{Facts, Matcher, Names, parse_watch};
use anyhow::Context;
use schemas::{
    kit::settings::{Places, Taxonomy, Watch},
    records::{Category, PlaceFound, RawPost, Sentiment, ToneProbability, UnitProposed},
};
use std::sync::Arc;

/// Rises with every change of how a post is normalised, cut, judged or indexed; a new model is seen by itself.
const VERSION: u32 = 3;

/// A text as it is searched and matched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Normal {
    /// The normalised text: full/half width, case, traditional → simplified folded. Exactly one character for each
    /// character of the original, so that a place in it is a place in the original.
    pub folded: String,
    /// The words of `folded`, in order, separated by single spaces, white space and punctuation left out.
    pub words: String,
}

/// What is understood of one post.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The title, where there is one.
    pub title: Normal,
    /// The text.
    pub text: Normal,
    /// Sentiment of the author's own words.
    pub sentiment: Sentiment,
    /// Tones of the author's own words, the more probable first.
    pub tones: Vec<ToneProbability>,
    /// The class of the matter; none where it is no matter of government.
    pub category: Option<Category>,
    /// The places of ours that it names, the most exact first.
    pub places: Vec<PlaceFound>,
    /// The province, city or district that it is about, when that is not ours.
    pub elsewhere: Option<String>,
    /// The unit that is proposed to answer.
    pub unit: Option<UnitProposed>,
    /// What the author's own words are known by when they come again.
    pub fingerprint: Fingerprint,
    /// Keyphrases, the best first.
    pub keyphrases: Vec<String>,
    /// The words that carry its meaning, each once.
    pub terms: Vec<String>,
    /// Ids of the watch topics that match.
    pub topics: Vec<String>,
}

/// Everything that understanding needs: dictionary, model, watch topics. Cheap to share behind an `Arc`, used by many threads.
pub struct Understanding {
    segmenter: Segmenter,
    model: &'static sentiment::Model,
    tones: Arc<tones::Tones>,
    topics: Vec<String>,
    matcher: Matcher,
    names: Names,
    district: Arc<District>,
    version: String,
}

/// A text folded and cut; the cut borrows the folded text.
struct Cut<'t> {
    original: &'t str,
    folded: &'t str,
    tokens: Vec<&'t str>,
}

impl Understanding {
    /// Loads the dictionary, the model, the taxonomy and the places that ship with the program.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn new<'a>(watch: impl IntoIterator<Item = &'a Watch>) -> anyhow::Result<Self> {
        Self::with(watch, &Names::default(), category::shipped()?, places::shipped()?)
    }

    /// With a district's own taxonomy and places, where watch topics call sources by these names.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn with<'a>(
        watch: impl IntoIterator<Item = &'a Watch>,
        names: &Names,
        taxonomy: &Taxonomy,
        places: &Places,
    ) -> anyhow::Result<Self> {
        let district = Arc::new(District::new(taxonomy, places)?);
        let version = format!("{VERSION}-{:016x}", sentiment::Model::shipped_checksum());
        Self::of(watch, names, &[], district, Arc::new(tones::Tones::new()?), &Segmenter::default(), version)
    }

    /// The same with other watch topics, other names and other words of the user dictionary. What stays is shared: where no word is
    /// new, it takes a millisecond and no memory to speak of; where one is, the dictionary is copied.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn renewed<'a>(
        &self,
        watch: impl IntoIterator<Item = &'a Watch>,
        names: &Names,
        words: &[String],
    ) -> anyhow::Result<Self> {
        let (district, tones) = (self.district.clone(), self.tones.clone());
        Self::of(watch, names, words, district, tones, &self.segmenter, self.version.clone())
    }

    fn of<'a>(
        watch: impl IntoIterator<Item = &'a Watch>,
        names: &Names,
        words: &[String],
        district: Arc<District>,
        tones: Arc<tones::Tones>,
        former: &Segmenter,
        version: String,
    ) -> anyhow::Result<Self> {
        let (mut topics, mut queries) = (Vec::new(), Vec::new());
        for Watch { id, query, .. } in watch {
            queries.push(parse_watch(query, names).with_context(|| format!("the query of the watch topic {id:?}"))?);
            topics.push(id.clone());
        }
        let terms = queries.iter().flat_map(|query| query.terms()).chain(district.names().map(String::as_str));
        Ok(Self {
            segmenter: former.renewed(terms, words.iter().map(String::as_str)),
            model: sentiment::Model::shipped().context("the sentiment model that was built in")?,
            tones,
            matcher: Matcher::new(&queries)?,
            topics,
            names: names.clone(),
            district,
            version,
        })
    }

    /// What sources and watch topics are called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The district: its classes of matters, places and units.
    #[must_use]
    pub fn district(&self) -> &District {
        &self.district
    }

    /// What the shipped dictionary, the shipped model and the way of normalising and cutting are: what another version understood
    /// is better understood again. Watch topics are not part of it; they change all the time.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same under another name, as if it came with another program.
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// Understands one post.
    #[must_use]
    pub fn understand(&self, post: &RawPost) -> Understood {
        let facts = Facts {
            source: &post.source,
            kind: Some(post.kind),
            places: post.place.as_deref().into_iter().collect(),
            units: post.addressed_to.as_deref().into_iter().collect(),
            official: post.official.is_some(),
            ..Facts::default()
        };
        self.understand_with(post.title.as_deref().unwrap_or(""), &post.text, facts)
    }

    /// Understands a title (which may be empty) and a text of which nothing else is known.
    #[must_use]
    pub fn understand_text(&self, title: &str, text: &str) -> Understood {
        self.understand_with(title, text, Facts::default())
    }

    /// Understands a title (which may be empty) and a text of which these facts are stated, its place among them. Watch topics ask for
    /// them too, with what is understood.
    #[must_use]
    pub fn understand_with(&self, title: &str, text: &str, stated: Facts<'_>) -> Understood {
        let (title_folded, text_folded) = (fold(title), fold(text));
        let title = Cut::new(&self.segmenter, title, &title_folded);
        let text = Cut::new(&self.segmenter, text, &text_folded);
        let title_words = segment::join_words(&title.tokens);
        let text_words = segment::join_words(&text.tokens);
        let emotions = self.emotions(&title, &text);
        let tones = self.tones.hear([own_words(title.folded), own_words(text.folded)], &emotions);
        let keyphrases = keyphrases::keyphrases(&self.segmenter, &[&title, &text]);
        let terms = terms::terms(&self.segmenter, &[&title, &text]);
        let district = &*self.district;
        let (in_title, in_text) = (district.lexicon.find(title.folded), district.lexicon.find(text.folded));
        let category = district.classes.judge(&in_title, &in_text, text.folded.len());
        let place_folded = fold(stated.places.first().copied().unwrap_or_default());
        let place = (!place_folded.is_empty())
            .then(|| (Cut::new(&self.segmenter, &place_folded, &place_folded), district.lexicon.find(&place_folded)));
        let located = district.gazetteer.locate(
            &district.terms,
            &self.segmenter,
            [(&title, &in_title), (&text, &in_text)],
            place.as_ref().map(|(cut, found)| (cut, found.as_slice())),
        );
        let unit = district.gazetteer.propose(&located, category.as_ref());
        let sentiment = emotions.sentiment();
        let facts = stated.with(sentiment.label, category.as_ref(), &located.places, unit.as_ref());
        let topics = self.matcher.matches(&title_folded, &text_folded, &facts);
        Understood {
            sentiment,
            tones,
            category,
            places: located.places,
            elsewhere: located.elsewhere,
            unit,
            fingerprint: Fingerprint::of(&title_folded, own_words(&text_folded)),
            keyphrases,
            terms,
            topics: topics.into_iter().map(|number| self.topics[number].clone()).collect(),
            title: Normal { words: title_words, folded: title_folded },
            text: Normal { words: text_words, folded: text_folded },
        }
    }

    /// Normalises a text that is no post, such as a search.
    #[must_use]
    pub fn normalise(&self, text: &str) -> Normal {
        let folded = fold(text);
        let words = segment::join_words(&self.segmenter.cut(&folded));
        Normal { folded, words }
    }

    fn emotions(&self, title: &Cut<'_>, text: &Cut<'_>) -> sentiment::Emotions {
        self.model.emotions(&sentiment::features::features([title.own(), text.own()]))
    }
}

impl<'t> Cut<'t> {
    fn new(segmenter: &Segmenter, original: &'t str, folded: &'t str) -> Self {
        Self { original, folded, tokens: segmenter.cut(folded) }
    }

    /// The author's own words with the tokens that lie within them, and the words passed on.
    fn own(&self) -> sentiment::Piece<'_> {
        let own = own_words(self.folded);
        let mut end = 0;
        let within = self.tokens.iter().take_while(|token| {
            end += token.len();
            end <= own.len()
        });
        sentiment::Piece { own, tokens: &self.tokens[..within.count()], passed_on: &self.folded[own.len()..] }
    }
}

#[cfg(test)]
mod tests;
