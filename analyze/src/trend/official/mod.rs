//! People talk to a unit under its official posts (政务微博大厅); this measures how long they wait for an answer.
//!
//! What a post is here:
//!
//! | the post | outcome |
//! |---|---|
//! | official, and opens a thread | the thread is that unit's |
//! | official, within a thread | an answer in it |
//! | a comment that speaks to a unit (`addressed_to`) | waits for that unit |
//! | a comment of a source on which a unit was seen to speak | waits, if its thread is or becomes a unit's |
//! | a comment that is gone | still counts, marked: taking complaints down is no answer |
//! | anything else, and every duplicate | nothing |
//!
//! Everything is kept by the id of the post, and what is told is worked out from it when somebody asks ([`measure`]). So the
//! order in which posts come does not matter, nor does one that comes twice: after a restart the posts since the last
//! snapshot come again, and count once. The file is written before the trend's own, whose position says where reading goes
//! on; it may know more than that position, never less.
//!
//! Memory is bounded: comments older than [`KEPT`] are forgotten; of more than [`MOST_COMMENTS`] the threads that have been silent longest
//! are; of one thread no more than [`MOST_IN_THREAD`] are measured, the rest only counted.

mod api;
mod file;
mod measure;

pub(super) use api::{Shared, router};
pub(super) use file::{load, save};

use schemas::records::{AnalyzedPost, Kind, Precision, Verdict, post_id};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400;
/// How long a comment is remembered: the longest window that is told, and a day.
const KEPT: i64 = 31 * DAY;
/// How long a thread is remembered of which nobody knows yet whose it is.
const UNKNOWN_KEPT: i64 = 2 * DAY;
const MOST_COMMENTS: usize = 200_000;
const MOST_THREADS: usize = 50_000;
const MOST_IN_THREAD: usize = 20_000;

/// The threads of all units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Official {
    /// Sources on which a unit was seen to speak.
    sources: BTreeSet<String>,
    /// By source and thread.
    threads: BTreeMap<String, Thread>,
    /// Comments and answers in all threads.
    kept: usize,
    swept: i64,
}

/// A thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Thread {
    unit: Option<String>,
    /// Ids of what an answer to nobody in particular may name: the thread, and its opening post.
    opening: BTreeSet<String>,
    /// By the id of the post.
    comments: BTreeMap<String, Comment>,
    answers: BTreeMap<String, Answer>,
    /// Comments beyond those that are measured.
    unmeasured: u64,
    /// When something was last published in it.
    last: i64,
}

/// A comment that waits, or waited, for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Comment {
    at: i64,
    /// Whether its time is exact to the minute.
    exact: bool,
    gone: bool,
}

/// What the unit wrote in a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answer {
    at: i64,
    exact: bool,
    /// The id of the post that it answers, where the site says that.
    to: Option<String>,
}

impl Official {
    /// Takes a post, and returns whether anything has changed.
    pub(super) fn observe(&mut self, post: &AnalyzedPost, now: i64) -> bool {
        let concerns = post.official.is_some() || post.addressed_to.is_some() || self.sources.contains(&post.source);
        if !concerns || post.verdict == Verdict::Duplicate {
            return false;
        }
        let at = post.published_at.as_second().min(now);
        if at < now - KEPT {
            return false;
        }
        self.sweep(now);
        if post.official.is_some() && !self.sources.contains(&post.source) {
            self.sources.insert(post.source.clone());
        }
        let Some(name) = thread_of(post) else { return false };
        let thread = self.threads.entry(format!("{}:{name}", post.source)).or_default();
        thread.last = thread.last.max(at);
        let exact = matches!(post.published_precision, Precision::Second | Precision::Minute) && !post.date_clamped;
        let before = thread.len();
        match (&post.official, post.kind) {
            (Some(unit), Kind::Post | Kind::Repost) => {
                thread.unit = Some(unit.clone());
                thread.opening.insert(post.id.clone());
                thread.opening.insert(post_id(&post.source, name));
            }
            (Some(_), _) if before < MOST_IN_THREAD => {
                let to = post.parent_id.as_deref().map(|parent| post_id(&post.source, parent));
                thread.answers.insert(post.id.clone(), Answer { at, exact, to });
            }
            (None, Kind::Comment) => {
                if thread.unit.is_none() {
                    thread.unit.clone_from(&post.addressed_to);
                }
                let gone = post.verdict == Verdict::Gone;
                if let Some(known) = thread.comments.get_mut(&post.id) {
                    known.gone = gone;
                } else if before < MOST_IN_THREAD {
                    thread.comments.insert(post.id.clone(), Comment { at, exact, gone });
                } else {
                    thread.unmeasured += 1;
                }
            }
            _ => {}
        }
        self.kept += thread.len() - before;
        self.give_way();
        true
    }

    /// Forgets what is too old, once an hour.
    fn sweep(&mut self, now: i64) {
        if now - self.swept < 3_600 {
            return;
        }
        self.swept = now;
        self.threads.retain(|_, thread| {
            thread.comments.retain(|_, comment| comment.at >= now - KEPT);
            thread.answers.retain(|_, answer| answer.at >= now - KEPT);
            thread.last >= now - if thread.unit.is_some() { KEPT } else { UNKNOWN_KEPT }
        });
        self.kept = self.threads.values().map(Thread::len).sum();
    }

    /// Forgets the threads that have been silent longest, a tenth at a time.
    fn give_way(&mut self) {
        if self.kept <= MOST_COMMENTS && self.threads.len() <= MOST_THREADS {
            return;
        }
        let mut silent: Vec<_> =
            self.threads.iter().map(|(key, thread)| (thread.unit.is_some(), thread.last, key.clone())).collect();
        silent.sort_unstable();
        for (_, _, key) in silent.drain(..self.threads.len().div_ceil(10)) {
            if let Some(thread) = self.threads.remove(&key) {
                self.kept -= thread.len();
            }
        }
    }
}

impl Thread {
    fn len(&self) -> usize {
        self.comments.len() + self.answers.len()
    }
}

/// The thread that a post belongs to, by the source's own id.
fn thread_of(post: &AnalyzedPost) -> Option<&str> {
    let own = || post.id.strip_prefix(post.source.as_str()).and_then(|rest| rest.strip_prefix(':'));
    match post.kind {
        Kind::Comment => post.thread_id.as_deref().or(post.parent_id.as_deref()),
        _ => post.thread_id.as_deref().or_else(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trend::testing::post as any_post;
    use jiff::Timestamp;
    use proptest::prelude::*;

    pub(super) const NOW: i64 = 1_795_492_800;

    pub(super) fn post(kind: Kind, id: &str, ago: i64) -> AnalyzedPost {
        AnalyzedPost {
            id: post_id("hall", id),
            source: "hall".into(),
            kind,
            thread_id: Some("t".into()),
            parent_id: None,
            published_at: Timestamp::from_second(NOW - ago).unwrap(),
            published_precision: Precision::Second,
            date_clamped: false,
            verdict: Verdict::First,
            ..any_post(0)
        }
    }

    pub(super) fn by(unit: &str, post: AnalyzedPost) -> AnalyzedPost {
        AnalyzedPost { official: Some(unit.into()), ..post }
    }

    pub(super) fn to(unit: &str, post: AnalyzedPost) -> AnalyzedPost {
        AnalyzedPost { addressed_to: Some(unit.into()), ..post }
    }

    fn kept(official: &Official) -> (usize, usize) {
        let count = |of: fn(&Thread) -> usize| official.threads.values().map(of).sum();
        (count(|thread| thread.comments.len()), count(|thread| thread.answers.len()))
    }

    #[test]
    fn each_row_of_the_table() {
        let mut official = Official::default();
        assert!(!official.observe(&post(Kind::Comment, "0", 9), NOW), "nobody speaks there");
        assert!(official.observe(&by("水务局", post(Kind::Post, "t", 100)), NOW));
        assert!(official.observe(&post(Kind::Comment, "1", 90), NOW), "the thread is a unit's");
        assert!(official.observe(&by("水务局", post(Kind::Comment, "2", 80)), NOW));
        assert_eq!(kept(&official), (1, 1));
        let mut copy = to("水务局", post(Kind::Comment, "3", 70));
        copy.verdict = Verdict::Duplicate;
        assert!(!official.observe(&copy, NOW));
        assert!(official.observe(&AnalyzedPost { verdict: Verdict::Gone, ..post(Kind::Comment, "1", 90) }, NOW));
        let thread = official.threads.values().next().unwrap();
        assert!(thread.comments["hall:1"].gone && thread.unit.as_deref() == Some("水务局"));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut official = Official::default();
        official.observe(&by("水务局", post(Kind::Post, "t", 100)), NOW);
        official.observe(&post(Kind::Comment, "1", 90), NOW);
        assert!(!official.observe(&post(Kind::Comment, "2", KEPT + 1), NOW));
        let later = NOW + KEPT + DAY;
        official.observe(
            &by("水务局", AnalyzedPost { thread_id: Some("u".into()), ..post(Kind::Post, "u", -KEPT) }),
            later,
        );
        assert_eq!((official.threads.len(), official.kept), (1, 0));
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut official = Official::default();
        for number in 0..MOST_IN_THREAD + 10 {
            official.observe(&to("水务局", post(Kind::Comment, &number.to_string(), 5)), NOW);
        }
        assert_eq!((official.kept, official.threads["hall:t"].unmeasured), (MOST_IN_THREAD, 10));
        for number in 0..MOST_THREADS + 10 {
            let thread_id = Some(number.to_string());
            official.observe(&to("水务局", AnalyzedPost { thread_id, ..post(Kind::Comment, "x", 4) }), NOW);
        }
        assert!(official.threads.len() <= MOST_THREADS && official.kept <= MOST_COMMENTS);
        assert_eq!(official.kept, official.threads.values().map(Thread::len).sum::<usize>());
    }

    proptest! {
        /// In whatever order they come, and however often: the same is known.
        #[test]
        fn order_and_repetition_do_not_matter(order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(), again in prop::collection::vec(0usize..8, 0..8)) {
            let posts = [
                by("水务局", post(Kind::Post, "t", 1_000)),
                to("水务局", post(Kind::Comment, "1", 900)),
                to("水务局", post(Kind::Comment, "2", 800)),
                by("水务局", AnalyzedPost { parent_id: Some("1".into()), ..post(Kind::Comment, "3", 700) }),
                by("水务局", post(Kind::Comment, "4", 600)),
                to("水务局", post(Kind::Comment, "5", 500)),
                to("水务局", AnalyzedPost { thread_id: Some("u".into()), ..post(Kind::Comment, "6", 400) }),
                by("水务局", AnalyzedPost { thread_id: Some("u".into()), ..post(Kind::Post, "u", 1_100) }),
            ];
            let all = |order: &mut dyn Iterator<Item = usize>| {
                let mut official = Official::default();
                for index in order {
                    official.observe(&posts[index], NOW);
                }
                official
            };
            prop_assert_eq!(all(&mut order.iter().copied().chain(again)), all(&mut (0..8)));
        }
    }
}
