//! A post as it can be read at a moment: the words and counts of an entry of the chronicle. The pages of the site and the
//! lines of the history are both made from it, so they agree.

use crate::{
    chronicle::{Chronicle, Entry, News, Thread, Topic},
    dice::{Dice, mix},
    speech::{self, Spoken},
};

/// Comments on a page of a thread.
pub(crate) const COMMENTS_PER_PAGE: usize = 10;
/// After this time nobody likes a post any more.
const LIKED_FOR: i64 = 2 * 3600;

/// A post, comment or report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Post {
    /// The id that the site shows: `t…` for a thread, `c…` for a comment (an id within its thread), `n…` for a report.
    pub(crate) native_id: String,
    /// When it was written, in Unix seconds.
    pub(crate) at: i64,
    pub(crate) words: Spoken,
    pub(crate) likes: u64,
    pub(crate) replies: u64,
}

/// The id of a thread's opening post.
pub(crate) fn thread_id(thread: &Thread) -> String {
    format!("t{}", thread.number)
}

/// The opening post of a thread.
pub(crate) fn opening(thread: &Thread, now: i64) -> Post {
    Post {
        native_id: thread_id(thread),
        at: thread.at,
        words: speech::post(&thread.topic, thread.street, thread.seed),
        likes: likes(thread.seed, now - thread.at, &thread.topic),
        replies: thread.comments_at(now).len() as u64,
    }
}

/// A comment of a thread, by its place.
pub(crate) fn comment(thread: &Thread, place: usize, now: i64) -> Post {
    let comment = &thread.comments[place];
    Post {
        native_id: format!("c{}", comment.number),
        at: comment.at,
        words: speech::comment(&thread.topic, comment.street, comment.seed),
        likes: likes(comment.seed, now - comment.at, &thread.topic) / 3,
        replies: 0,
    }
}

/// A report of the feed.
pub(crate) fn report(news: &News) -> Post {
    Post {
        native_id: format!("n{}", news.number),
        at: news.at,
        words: speech::news(&news.topic, news.seed),
        likes: 0,
        replies: 0,
    }
}

/// The address of an entry's page, below the site's.
pub(crate) fn path(chronicle: &Chronicle, entry: Entry) -> String {
    match entry {
        Entry::Post { thread } => thread_path(chronicle.thread_of(thread).number, 1),
        Entry::Comment { thread, comment } => {
            thread_path(chronicle.thread_of(thread).number, comment / COMMENTS_PER_PAGE + 1)
        }
        Entry::News { news } => news_path(chronicle.news_of(news).number),
    }
}

/// The address of a thread's page.
pub(crate) fn thread_path(number: u64, page: usize) -> String {
    format!("/forum/thread-{number}-{page}.html")
}

/// The address of a report's page.
pub(crate) fn news_path(number: u64) -> String {
    format!("/news/{number}.html")
}

/// Likes after a time: quick at first, then slower; far more where there is trouble.
fn likes(seed: u64, age: i64, topic: &Topic) -> u64 {
    let mut dice = Dice::new(mix(seed, 0x6c69_6b65));
    let most = (dice.unit() * 4.0).exp() - 1.0;
    let heat = if matches!(topic, Topic::Everyday(_)) { 1.0 } else { 6.0 };
    let share = (age.clamp(0, LIKED_FOR) as f64 / LIKED_FOR as f64).sqrt();
    (most * heat * share) as u64
}
