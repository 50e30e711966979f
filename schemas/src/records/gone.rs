//! `posts.raw`: the mark that a post is seen to be gone.
//!
//! A mark lies in `posts.raw` beside the posts, in the partition of the post that it speaks of. It is a record of its own kind
//! and not a post without a text: a program that does not know it cannot take it for a revision. Such an analyze sets it aside in
//! `posts.rejected` and leaves the post as it is; such an ingest passes it over.

use super::{DecodeError, RawPost, Record};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mark: a post that was stored before has been taken down. Its text is kept for as long as retention allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// Version of the record.
    pub v: u16,
    /// The id of the post.
    pub id: String,
    /// The source's id in the config.
    pub source: String,
    /// The source's own id of the post.
    pub native_id: String,
    /// When it was first seen to be gone.
    #[schemars(with = "String")]
    pub gone_at: Timestamp,
    /// By what it was seen, for a person: `HTTP 404`, `missing from the thread, read to its end`.
    pub reason: String,
}

super::record!(Gone, "gone", 1);

/// What `posts.raw` holds.
#[derive(Debug, Clone, PartialEq)]
pub enum RawRecord {
    /// A post, or another state of one.
    Post(Box<RawPost>),
    /// A mark that one is gone.
    Gone(Gone),
}

impl RawRecord {
    /// Reads a record of `posts.raw`.
    ///
    /// # Errors
    /// As [`Record::decode`] of a [`RawPost`], where it is no mark either.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        // Nearly all are posts. What is one is no mark, and the other way round: each lacks keys that the other must have.
        match RawPost::decode(bytes) {
            Ok(post) => Ok(Self::Post(Box::new(post))),
            Err(error) => match Gone::decode(bytes) {
                Ok(gone) => Ok(Self::Gone(gone)),
                Err(DecodeError::TooNew { found, known }) => Err(DecodeError::TooNew { found, known }),
                Err(DecodeError::Malformed(_)) => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &[u8] = include_bytes!("../../fixtures/raw_post.v1.json");
    const GONE: &[u8] = include_bytes!("../../fixtures/gone.v1.json");

    #[test]
    fn posts_and_marks_are_told_apart() {
        assert!(matches!(RawRecord::decode(POST), Ok(RawRecord::Post(post)) if post.id == "forum:t1"));
        assert!(matches!(RawRecord::decode(GONE), Ok(RawRecord::Gone(gone)) if gone.id == "forum:t1"));
        assert!(matches!(RawRecord::decode(b"{\"v\":1}"), Err(DecodeError::Malformed(_))));
        assert_eq!(RawRecord::decode(b"{\"v\":9}"), Err(DecodeError::TooNew { found: 9, known: 1 }));
    }

    /// What an older program does with a mark: it knows posts alone, and a mark is none.
    #[test]
    fn a_reader_of_posts_alone_sets_a_mark_aside() {
        assert!(matches!(RawPost::decode(GONE), Err(DecodeError::Malformed(_))));
    }
}
