//! What people corrected of stored posts, and how a post comes to bear it.
//!
//! `control` holds the corrections; here they lie over the archive: wherever a document is made (a new post, a revision, a mark that one
//! is gone, a month that is built anew), the correction that stands is applied, and what the program had judged is kept beside it. A
//! correction that comes later is queued for the writing thread, which makes the document anew
//! ([`ArchiveWriter::correct`](super::writer::ArchiveWriter::correct)); when a life of the writing side begins, all are queued, and those
//! that are borne already cost a look.
//!
//! | the post bears | there stands | it becomes |
//! |---|---|---|
//! | nothing | nothing | as it is |
//! | nothing | a correction | corrected, with what was judged beside it |
//! | a correction | the same | as it is |
//! | a correction | another | as judged, then corrected by the other |
//! | a correction | nothing: it was taken back | as judged |
//!
//! Watch topics are those that matched when the post came: a correction does not match them again.

use jiff::Timestamp;
use schemas::records::{
    AnalyzedPost, Category, Corrected, CorrectedField, Correction, Judged, Label, Sentiment, UnitNamed, UnitProposed,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// A correction that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What is corrected.
    pub correction: Correction,
    /// Who corrected it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The corrections of an archive, shared by whoever reads `control` and whoever makes documents.
#[derive(Clone, Default)]
pub struct Corrections(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    queued: Notify,
}

#[derive(Default)]
struct State {
    // `None`: one was taken back.
    of_post: HashMap<Box<str>, Option<Arc<Standing>>>,
    queue: VecDeque<Box<str>>,
}

impl Corrections {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one insertion: a holder that panicked has left it whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this correction of the post stands, or none.
    pub fn set(&self, post: &str, standing: Option<Standing>) {
        let mut state = self.state();
        state.of_post.insert(post.into(), standing.map(Arc::new));
        state.queue.push_back(post.into());
        self.0.queued.notify_one();
    }

    /// The correction of a post that stands.
    #[must_use]
    pub fn of(&self, post: &str) -> Option<Arc<Standing>> {
        self.state().of_post.get(post).cloned().flatten()
    }

    /// All that stand, the newest first.
    #[must_use]
    pub fn standing(&self) -> Vec<Arc<Standing>> {
        let mut standing: Vec<Arc<Standing>> = self.state().of_post.values().flatten().cloned().collect();
        standing.sort_unstable_by(|a, b| b.at.cmp(&a.at).then_with(|| a.correction.post.cmp(&b.correction.post)));
        standing
    }

    /// Queues every post that was ever corrected: nobody knows which of them bear it.
    pub fn queue_all(&self) {
        let state = &mut *self.state();
        state.queue = state.of_post.keys().cloned().collect();
        self.0.queued.notify_one();
    }

    /// The next posts to be corrected, at most `most`; waits for one. Nothing is lost when it is no longer waited for.
    pub async fn next(&self, most: usize) -> Vec<Box<str>> {
        loop {
            let ids = self.take(most);
            if !ids.is_empty() {
                return ids;
            }
            self.0.queued.notified().await;
        }
    }

    /// The next posts to be corrected, at most `most`; none when none wait.
    pub(super) fn take(&self, most: usize) -> Vec<Box<str>> {
        let queue = &mut self.state().queue;
        let count = queue.len().min(most);
        queue.drain(..count).collect()
    }

    /// Makes a post bear what stands.
    pub fn apply(&self, post: &mut AnalyzedPost) {
        correct(post, self.of(&post.id).as_deref());
    }

    /// Whether a post bears what stands.
    #[must_use]
    pub fn is_borne_by(&self, post: &AnalyzedPost) -> bool {
        bears(post, self.of(&post.id).as_deref())
    }
}

/// Makes a post bear a correction, or none.
pub fn correct(post: &mut AnalyzedPost, standing: Option<&Standing>) {
    if let Some(Corrected { judged, .. }) = post.corrected.take() {
        let Judged { sentiment, category, places, elsewhere, unit } = judged;
        (post.sentiment, post.category, post.places, post.elsewhere, post.unit) =
            (sentiment, category, places, elsewhere, unit);
    }
    let Some(Standing { correction, by, at }) = standing else { return };
    let judged = Judged {
        sentiment: post.sentiment,
        category: post.category.clone(),
        places: post.places.clone(),
        elsewhere: post.elsewhere.clone(),
        unit: post.unit.clone(),
    };
    if let Some(label) = correction.sentiment {
        post.sentiment = Some(certain(label));
    }
    if let Some(category) = &correction.category {
        post.category = category.as_deref().map(class);
    }
    if let Some(places) = &correction.places {
        post.places.clone_from(places);
        if !places.is_empty() {
            post.elsewhere = None;
        }
    }
    if let Some(unit) = &correction.unit {
        post.unit = unit.as_ref().map(|UnitNamed { id, name }| UnitProposed {
            id: id.clone(),
            name: name.clone(),
            confidence: 1.0,
            candidates: Vec::new(),
        });
    }
    let note = correction.note.clone();
    post.corrected = Some(Corrected { by: by.clone(), at: *at, note, fields: fields(correction), judged });
}

/// Whether a post bears this correction, or none.
fn bears(post: &AnalyzedPost, standing: Option<&Standing>) -> bool {
    match (&post.corrected, standing) {
        (None, None) => true,
        (Some(borne), Some(Standing { correction, by, at })) => {
            (&borne.by, borne.at, &borne.note) == (by, *at, &correction.note) && borne.fields == fields(correction)
        }
        _ => false,
    }
}

fn fields(correction: &Correction) -> Vec<CorrectedField> {
    [
        (correction.sentiment.is_some(), CorrectedField::Sentiment),
        (correction.category.is_some(), CorrectedField::Category),
        (correction.places.is_some(), CorrectedField::Places),
        (correction.unit.is_some(), CorrectedField::Unit),
    ]
    .into_iter()
    .filter_map(|(is, field)| is.then_some(field))
    .collect()
}

/// What a person says is certain.
fn certain(label: Label) -> Sentiment {
    let is = |other| f32::from(u8::from(label == other));
    Sentiment { label, negative: is(Label::Negative), neutral: is(Label::Neutral), positive: is(Label::Positive) }
}

/// `一级/二级/三级`, as a person names it.
fn class(path: &str) -> Category {
    let mut levels = path.splitn(3, '/').map(str::to_owned);
    Category {
        level1: levels.next().unwrap_or_default(),
        level2: levels.next(),
        level3: levels.next(),
        confidence: 1.0,
    }
}

/// A correction that comes, with what it leaves standing of the one before.
#[must_use]
pub fn merged(former: Option<&Correction>, new: Correction) -> Correction {
    let Some(former) = former.cloned() else { return new };
    Correction {
        post: new.post,
        sentiment: new.sentiment.or(former.sentiment),
        category: new.category.or(former.category),
        places: new.places.or(former.places),
        unit: new.unit.or(former.unit),
        note: new.note.or(former.note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::records::Record;

    fn post() -> AnalyzedPost {
        let text = include_str!("../../../schemas/fixtures/analyzed_post.v1.json");
        AnalyzedPost { corrected: None, ..AnalyzedPost::decode(text.as_bytes()).unwrap() }
    }

    fn standing(correction: Correction, second: i64) -> Standing {
        let at = Timestamp::from_second(second).unwrap();
        Standing { correction: Correction { post: post().id, ..correction }, by: "分析员".into(), at }
    }

    #[test]
    fn the_table() {
        let judged = post();
        let sentiment = standing(Correction { sentiment: Some(Label::Positive), ..Correction::default() }, 1);
        let none =
            Correction { category: Some(None), unit: Some(None), places: Some(Vec::new()), ..Correction::default() };
        let none = standing(none, 2);
        let mut corrected = judged.clone();
        correct(&mut corrected, None);
        assert_eq!(corrected, judged);

        correct(&mut corrected, Some(&sentiment));
        assert!(bears(&corrected, Some(&sentiment)) && !bears(&corrected, Some(&none)) && !bears(&corrected, None));
        assert_eq!(corrected.sentiment.unwrap().label, Label::Positive);
        assert_eq!((&corrected.category, &corrected.unit), (&judged.category, &judged.unit), "not corrected");
        let borne = corrected.corrected.clone().unwrap();
        assert_eq!((borne.judged.sentiment, borne.fields), (judged.sentiment, vec![CorrectedField::Sentiment]));
        let once = corrected.clone();
        correct(&mut corrected, Some(&sentiment));
        assert_eq!(corrected, once, "twice is once");

        correct(&mut corrected, Some(&none));
        assert_eq!(corrected.sentiment, judged.sentiment, "another correction begins from what was judged");
        assert_eq!((&corrected.category, &corrected.unit, corrected.places.len()), (&None, &None, 0));
        assert_eq!(corrected.elsewhere, judged.elsewhere, "none of ours is not yet ours");

        correct(&mut corrected, None);
        assert_eq!(corrected, judged);
        assert!(bears(&corrected, None) && !bears(&corrected, Some(&none)));
    }

    #[test]
    fn a_class_has_its_levels_and_a_place_of_ours_is_not_elsewhere() {
        let mut corrected = post();
        let places = Some(corrected.places[..1].to_vec());
        let category = Some(Some("城乡建设/供水".to_owned()));
        correct(&mut corrected, Some(&standing(Correction { category, places, ..Correction::default() }, 1)));
        let category = corrected.category.unwrap();
        assert_eq!(
            (category.level1.as_str(), category.level2.as_deref(), category.level3),
            ("城乡建设", Some("供水"), None)
        );
        assert_eq!(corrected.elsewhere, None);
    }

    #[test]
    fn what_comes_leaves_standing_what_it_does_not_name() {
        let former = Correction { sentiment: Some(Label::Negative), category: Some(None), ..Correction::default() };
        let new =
            Correction { category: Some(Some("交通".into())), note: Some("改类".into()), ..Correction::default() };
        let both = merged(Some(&former), new.clone());
        assert_eq!(both, Correction { sentiment: Some(Label::Negative), ..new.clone() });
        assert_eq!(merged(None, new.clone()), new);
    }

    #[tokio::test]
    async fn each_change_is_queued_once_and_all_are_when_a_life_begins() {
        let corrections = Corrections::default();
        corrections.set("forum:1", Some(standing(Correction::default(), 1)));
        corrections.set("forum:2", None);
        assert_eq!(corrections.next(1).await, ["forum:1".into()]);
        assert_eq!(corrections.next(9).await, ["forum:2".into()]);
        assert_eq!(corrections.standing().len(), 1, "one that was taken back does not stand");
        corrections.queue_all();
        assert_eq!(corrections.next(9).await.len(), 2, "its post may still bear it");
    }
}
