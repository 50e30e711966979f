//! One post: normalise, segment, sentiment, keyphrases, watch topics. Pure: no I/O, no clock.

use schemas::{
    kit::settings::Watch,
    records::{Label, RawPost, Sentiment},
};

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
    watch: Vec<(String, crate::query::Query)>,
}

impl Understanding {
    /// Loads the dictionary and the model that ship with the program.
    ///
    /// # Errors
    /// When a watch topic's query cannot be parsed.
    pub fn new<'a>(watch: impl IntoIterator<Item = &'a Watch>) -> anyhow::Result<Self> {
        let watch = watch
            .into_iter()
            .map(|w| Ok((w.id.clone(), crate::query::parse(&w.query)?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { watch })
    }

    /// Understands one post.
    #[must_use]
    pub fn understand(&self, post: &RawPost) -> Understood {
        // placeholder
        let fold = |text: &str| Normal { folded: text.to_lowercase(), words: text.to_lowercase() };
        let title = fold(post.title.as_deref().unwrap_or(""));
        let text = fold(&post.text);
        let topics = self
            .watch
            .iter()
            .filter(|(_, q)| q.matches(&title.folded, &text.folded))
            .map(|(id, _)| id.clone())
            .collect();
        let sentiment = Sentiment { label: Label::Neutral, negative: 0.0, neutral: 1.0, positive: 0.0 };
        Understood { title, text, sentiment, keyphrases: Vec::new(), topics }
    }
}
