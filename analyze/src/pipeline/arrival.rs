//! One raw record: decoded, checked and, if it is a post, understood; or the reason why it is set aside. Pure.

use crate::{
    archive::{
        dates::{self, Dates},
        verdict,
    },
    understand::{Understanding, Understood},
};
use schemas::{
    kit::settings::is_id,
    log::Entry,
    records::{Gone, RawPost, RawRecord, post_id},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The longest id that the archive takes: it is one term of the index.
const LONGEST_ID: usize = 4096;
/// The largest raw record. What is understood of it is added, and both logs take 8 MiB.
const LARGEST_RECORD: usize = 4 << 20;

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// A post, or another state of one.
    Post(Box<Arrival>),
    /// A mark that one is gone.
    Gone(Gone),
}

/// A post that came, and what is understood of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// As it came.
    pub post: RawPost,
    /// What is understood of it.
    pub understood: Understood,
    /// Its times, judged.
    pub dates: Dates,
    /// Hash of its id.
    pub id_hash: u64,
    /// Hash of its title and text, and of the reply that came with it.
    pub content: u64,
}

/// Reads a raw record.
///
/// # Errors
/// Why it is set aside, for the person who must act.
pub fn read(entry: &Entry, understanding: &Understanding) -> Result<Came, String> {
    if entry.value.len() > LARGEST_RECORD {
        return Err(format!("{} bytes; at most {LARGEST_RECORD} are taken", entry.value.len()));
    }
    let post = match RawRecord::decode(&entry.value).map_err(|error| error.to_string())? {
        RawRecord::Post(post) => *post,
        RawRecord::Gone(gone) => {
            check(&gone.source, &gone.native_id, &gone.id)?;
            let dates = dates::judge(gone.gone_at, gone.gone_at, entry.appended_at);
            return Ok(Came::Gone(Gone { gone_at: dates.fetched_at, ..gone }));
        }
    };
    check(&post.source, &post.native_id, &post.id)?;
    // A panic on outside input is a fault to be mended; but it must not stop the stage for all the posts behind it.
    let understood = catch_unwind(AssertUnwindSafe(|| understanding.understand(&post)))
        .map_err(|_| "understanding it panicked: please report this, with the bytes".to_owned())?;
    let dates = dates::judge(post.published_at, post.fetched_at, entry.appended_at);
    let id_hash = verdict::id_hash(&post.id);
    let content = verdict::content_hash(post.title.as_deref(), &post.text);
    let content = verdict::with_reply(content, post.reply.as_ref());
    Ok(Came::Post(Box::new(Arrival { post, understood, dates, id_hash, content })))
}

fn check(source: &str, native_id: &str, id: &str) -> Result<(), String> {
    if !is_id(source) {
        return Err("its source is no id of a source".to_owned());
    }
    if id.len() > LONGEST_ID {
        return Err(format!("its id has {} bytes; at most {LONGEST_ID} are taken", id.len()));
    }
    if native_id.is_empty() || id != post_id(source, native_id) {
        return Err("its id is not made of its source and native_id".to_owned());
    }
    Ok(())
}
