//! A post at the door: one line of `POST /api/posts`, an import file or a file source.
//!
//! The doors are strict where the log is lenient: an unknown key is refused and named, so that a misspelt key is told
//! to the program that sent it instead of losing its value in silence.

use super::{Counts, Kind, Precision};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest line that a door takes, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// The longest text, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 256 << 10;
const MAX_TITLE_BYTES: usize = 4 << 10;
const MAX_ID_BYTES: usize = 256;
const MAX_SOURCE_BYTES: usize = 64;
const MAX_URL_BYTES: usize = 4 << 10;
const MAX_MEDIA: usize = 64;

/// An official response as it is handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorReply {
    /// What was answered.
    pub text: String,
    /// When (RFC 3339).
    #[schemars(with = "Option<String>")]
    pub published_at: Option<Timestamp>,
    /// The body that answered.
    pub by: Option<String>,
}

/// A post as it is handed in. Required: source, native_id, kind, text, published_at. Times are RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorPost {
    /// Letters, digits, `.`, `_` and `-`, at most 64.
    pub source: String,
    /// The source's own id of the post, at most 256 bytes, no control characters.
    pub native_id: String,
    /// Post, comment, repost or report.
    pub kind: Kind,
    /// Where a person can read it; http or https.
    pub url: Option<String>,
    /// Title, where it has one.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// The author's name or id; only a keyed hash of it is kept.
    pub author: Option<String>,
    /// When it was published.
    #[schemars(with = "String")]
    pub published_at: Timestamp,
    /// How exactly the source states that time; to the second when it is missing.
    pub published_precision: Option<Precision>,
    /// When it was fetched; the moment of handing in when it is missing.
    #[schemars(with = "Option<String>")]
    pub fetched_at: Option<Timestamp>,
    /// The thread that it belongs to.
    pub thread_id: Option<String>,
    /// The post that it answers or passes on.
    pub parent_id: Option<String>,
    /// Likes as last seen.
    pub likes: Option<u64>,
    /// Replies as last seen.
    pub replies: Option<u64>,
    /// Reposts as last seen.
    pub reposts: Option<u64>,
    /// The place that the source itself states.
    pub place: Option<String>,
    /// Pictures and videos, as links.
    #[serde(default)]
    pub media: Vec<String>,
    /// The words that stand for each of `media`, in the same order; empty ones where there are none.
    #[serde(default)]
    pub media_alt: Vec<String>,
    /// An official response that came with it.
    pub reply: Option<DoorReply>,
}

/// What is wrong with a field of a line that a door refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FieldFault {
    /// The key.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl DoorPost {
    /// Likes, replies and reposts, nought where they are missing.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            likes: self.likes.unwrap_or(0),
            replies: self.replies.unwrap_or(0),
            reposts: self.reposts.unwrap_or(0),
        }
    }

    /// Checks what the types cannot say: lengths, ids, schemes.
    ///
    /// # Errors
    /// The first field that is wrong, with what would be right.
    pub fn check(&self) -> Result<(), FieldFault> {
        let fault = |field, reason: String| Err(FieldFault { field, reason });
        if !is_source_id(&self.source) {
            return fault("source", format!("must be 1 to {MAX_SOURCE_BYTES} letters, digits, '.', '_' or '-'"));
        }
        for (field, id) in [
            ("native_id", Some(&self.native_id)),
            ("thread_id", self.thread_id.as_ref()),
            ("parent_id", self.parent_id.as_ref()),
        ] {
            if let Some(id) = id
                && (id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control))
            {
                return fault(field, format!("must be 1 to {MAX_ID_BYTES} bytes without control characters"));
            }
        }
        if self.text.trim().is_empty() && self.title.as_deref().is_none_or(|title| title.trim().is_empty()) {
            return fault("text", "is empty, and there is no title either".into());
        }
        for (field, text, most) in [
            ("text", Some(&self.text), MAX_TEXT_BYTES),
            ("title", self.title.as_ref(), MAX_TITLE_BYTES),
            ("author", self.author.as_ref(), MAX_ID_BYTES),
            ("place", self.place.as_ref(), MAX_ID_BYTES),
            ("reply.text", self.reply.as_ref().map(|reply| &reply.text), MAX_TEXT_BYTES),
            ("reply.by", self.reply.as_ref().and_then(|reply| reply.by.as_ref()), MAX_ID_BYTES),
        ] {
            if let Some(text) = text
                && text.len() > most
            {
                return fault(field, format!("is {} bytes long; at most {most} are taken", text.len()));
            }
        }
        if self.media.len() > MAX_MEDIA {
            return fault("media", format!("has {} links; at most {MAX_MEDIA} are taken", self.media.len()));
        }
        if self.media_alt.len() > self.media.len() || self.media_alt.iter().any(|alt| alt.len() > MAX_TITLE_BYTES) {
            let reason = format!("must be at most one text of at most {MAX_TITLE_BYTES} bytes for each of media");
            return fault("media_alt", reason);
        }
        for (field, link) in
            self.url.iter().map(|url| ("url", url)).chain(self.media.iter().map(|link| ("media", link)))
        {
            if !is_web_link(link) {
                return fault(field, format!("must be an http or https address of at most {MAX_URL_BYTES} bytes"));
            }
        }
        Ok(())
    }
}

/// Whether `id` can name a source: it goes into file names, metric labels and post ids.
#[must_use]
fn is_source_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_SOURCE_BYTES
        && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Whether a link is an http or https address that may be shown. Crawled links are hostile: a `javascript:` address must
/// never reach a page or a message.
#[must_use]
pub fn is_web_link(link: &str) -> bool {
    link.len() <= MAX_URL_BYTES
        && !link.chars().any(|c| c.is_control() || c.is_whitespace())
        && url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn door(mut value: serde_json::Value, key: &str, with: serde_json::Value) -> serde_json::Result<DoorPost> {
        value[key] = with;
        serde_json::from_value(value)
    }

    fn least() -> serde_json::Value {
        json!({"source": "forum", "native_id": "1", "kind": "post", "text": "停水了", "published_at": "2026-01-02T03:04:05+08:00"})
    }

    #[test]
    fn the_smallest_line_is_taken() {
        let post: DoorPost = serde_json::from_value(least()).unwrap();
        assert_eq!(post.check(), Ok(()));
        assert_eq!(post.counts(), Counts::default());
    }

    #[test]
    fn an_unknown_key_is_refused_and_named() {
        let error = door(least(), "lkes", json!(3)).unwrap_err().to_string();
        assert!(error.contains("unknown field `lkes`"), "{error}");
    }

    #[test]
    fn every_required_key_is_required() {
        for key in ["source", "native_id", "kind", "text", "published_at"] {
            let mut line = least();
            line.as_object_mut().unwrap().remove(key);
            let error = serde_json::from_value::<DoorPost>(line).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{key}`")), "{error}");
        }
    }

    #[test]
    fn what_the_types_cannot_say_is_checked() {
        for (key, bad) in [
            ("source", json!("a:b")),
            ("source", json!("")),
            ("native_id", json!("")),
            ("native_id", json!("a\u{0}b")),
            ("thread_id", json!("x".repeat(257))),
            ("text", json!("  \n")),
            ("text", json!("长".repeat(MAX_TEXT_BYTES / 3 + 1))),
            ("title", json!("x".repeat(MAX_TITLE_BYTES + 1))),
            ("url", json!("javascript:alert(1)")),
            ("url", json!("http://")),
            ("media", json!(["ftp://host/x"])),
            ("media", json!(vec!["https://h/x"; MAX_MEDIA + 1])),
        ] {
            let fault = door(least(), key, bad).unwrap().check().unwrap_err();
            assert_eq!(fault.field, key, "{fault}");
        }
    }
}
