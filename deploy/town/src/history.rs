//! The days before the start, as lines for the door: the same ids, texts and times that the site shows.
//!
//! A crawler that later reads an old page finds what the archive knows already. Each line says that it was fetched a few
//! seconds after it was written, as if somebody had watched all along: so a learned lag is that of a crawler at work.

use crate::{
    Town,
    chronicle::Entry,
    post,
    sources::{FORUM, NEWS},
    timestamp,
};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    native_id: String,
    kind: &'a str,
    url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    text: &'a str,
    author: &'a str,
    published_at: Timestamp,
    fetched_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    likes: u64,
    replies: u64,
}

/// The history of a town in the order of time, a line of JSON for each post, comment and report; addresses begin with
/// `base_url`.
pub fn history(town: &Town, base_url: &str) -> impl Iterator<Item = String> + use<> {
    let (town, base) = (town.clone(), base_url.trim_end_matches('/').to_owned());
    let start = town.chronicle(Timestamp::MIN).start();
    let count = town.chronicle(timestamp(start - 1)).arrivals_at(start - 1).len();
    (0..count).map(move |place| {
        let chronicle = town.chronicle(Timestamp::MIN);
        let entry = chronicle.arrivals_at(start - 1)[place].entry;
        let (source, kind, thread, post) = match entry {
            Entry::Post { thread } => {
                let thread = chronicle.thread_of(thread);
                (FORUM, "post", Some(thread), post::opening(thread, start - 1))
            }
            Entry::Comment { thread, comment } => {
                let thread = chronicle.thread_of(thread);
                (FORUM, "comment", Some(thread), post::comment(thread, comment, start - 1))
            }
            Entry::News { news } => (NEWS, "post", None, post::report(chronicle.news_of(news))),
        };
        let thread_id = thread.map(post::thread_id);
        // A crawler takes a comment's id as one within its thread.
        let (native_id, parent_id) = match (&thread_id, entry) {
            (Some(thread), Entry::Comment { .. }) => (format!("{thread}/{}", post.native_id), Some(thread.clone())),
            _ => (post.native_id, None),
        };
        let line = Line {
            source,
            native_id,
            kind,
            url: format!("{base}{}", post::path(&chronicle, entry)),
            title: &post.words.title,
            text: &post.words.text,
            author: &post.words.author,
            published_at: timestamp(post.at),
            fetched_at: timestamp(post.at + 3 + post.at % 5),
            thread_id,
            parent_id,
            likes: post.likes,
            replies: post.replies,
        };
        serde_json::to_string(&line).unwrap_or_default()
    })
}
