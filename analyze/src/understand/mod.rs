//! One post: normalise, segment, sentiment, keyphrases, watch topics. Pure: no I/O, no clock.
//!
//! A post is folded once ([`fold`]) and cut once ([`Segmenter`]); everything else reads these two. Sentiment is judged
//! on the author's [`mod@own_words`], keyphrases are taken from the original text, and watch topics are matched
//! all at once ([`Matcher`]).

mod keyphrases;
mod marks;
mod normalise;
mod own_words;
pub mod print;
mod segment;
pub mod sentiment;
mod stop_words;

pub use normalise::fold;
pub use own_words::own_words;
pub use segment::Segmenter;

use crate::query::{Facts, Matcher, Names, parse_watch};
use anyhow::Context;
use schemas::{
    kit::settings::Watch,
    records::{RawPost, Sentiment},
};

/// Rises with every change of how a post is normalised, cut, judged or indexed; a new model is seen by itself.
const VERSION: u32 = 1;

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
    /// Keyphrases, the best first.
    pub keyphrases: Vec<String>,
    /// Ids of the watch topics that match.
    pub topics: Vec<String>,
}

/// Everything that understanding needs: dictionary, model, watch topics. Cheap to share behind an `Arc`, used by many threads.
pub struct Understanding {
    segmenter: Segmenter,
    model: &'static sentiment::Model,
    topics: Vec<String>,
    matcher: Matcher,
    version: String,
}

/// A text folded and cut; the cut borrows the folded text.
struct Cut<'t> {
    original: &'t str,
    folded: &'t str,
    tokens: Vec<&'t str>,
}

impl Understanding {
    /// Loads the dictionary and the model that ship with the program.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn new<'a>(watch: impl IntoIterator<Item = &'a Watch>) -> anyhow::Result<Self> {
        Self::with_names(watch, &Names::default())
    }

    /// The same, where watch topics call sources by these names.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn with_names<'a>(watch: impl IntoIterator<Item = &'a Watch>, names: &Names) -> anyhow::Result<Self> {
        let (mut topics, mut queries) = (Vec::new(), Vec::new());
        for Watch { id, query, .. } in watch {
            queries.push(parse_watch(query, names).with_context(|| format!("the query of the watch topic {id:?}"))?);
            topics.push(id.clone());
        }
        Ok(Self {
            segmenter: Segmenter::with_words(queries.iter().flat_map(|query| query.terms())),
            model: sentiment::Model::shipped().context("the sentiment model that was built in")?,
            matcher: Matcher::new(&queries)?,
            topics,
            version: format!("{VERSION}-{:016x}", sentiment::Model::shipped_checksum()),
        })
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

    /// Understands a title (which may be empty) and a text; watch topics ask for `facts` too, to which is added what is understood.
    #[must_use]
    pub fn understand_with(&self, title: &str, text: &str, facts: Facts<'_>) -> Understood {
        let (title_folded, text_folded) = (fold(title), fold(text));
        let title = Cut::new(&self.segmenter, title, &title_folded);
        let text = Cut::new(&self.segmenter, text, &text_folded);
        let title_words = segment::join_words(&title.tokens);
        let text_words = segment::join_words(&text.tokens);
        let sentiment = self.sentiment(&title, &text);
        let keyphrases = keyphrases::keyphrases(&self.segmenter, &[&title, &text]);
        let facts = Facts { sentiment: Some(sentiment.label), ..facts };
        let topics = self.matcher.matches(&title_folded, &text_folded, &facts);
        Understood {
            sentiment,
            keyphrases,
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

    fn sentiment(&self, title: &Cut<'_>, text: &Cut<'_>) -> Sentiment {
        let mut features = Vec::with_capacity(6 * text.folded.len());
        if !title.folded.is_empty() {
            sentiment::features::extract(title.own(), &mut features);
        }
        if !text.folded.is_empty() {
            sentiment::features::extract(text.own(), &mut features);
        }
        self.model.judge(&features)
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
