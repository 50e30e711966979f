//! Whose official voice (官方号) a post is. The config of its source says so; a post cannot say it of itself.
//!
//! | `[source.official]` | the post | outcome |
//! |---|---|---|
//! | none | any | no voice |
//! | names a unit | pushed or imported by hand under the source's name | no voice: anybody with a token may push |
//! | names a unit | a post or repost | the unit's |
//! | names a unit | a comment | speaks to the unit |
//! | names a unit, and authors | by one of them, of whatever kind | the unit's |
//! | names a unit, and authors | a comment by somebody else | nothing is said here: whether the thread is the unit's is known only from its opening post, which analyze has |
//! | names a unit, and authors | another post by somebody else | no voice: the site is shared |
//!
//! Reports are handed in to a unit by its own people: they are never its voice.

use schemas::{
    kit::settings::{Official, Settings},
    records::{DoorPost, Kind},
};
use std::collections::HashMap;

/// The official voices of the config, by source.
#[derive(Debug, Default)]
pub(crate) struct Voices(HashMap<String, Official>);

/// What a post is to a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Voice {
    /// The unit whose voice it is.
    pub(crate) official: Option<String>,
    /// The unit that it speaks to.
    pub(crate) addressed_to: Option<String>,
}

impl Voices {
    pub(crate) fn new(settings: &Settings) -> Self {
        let marked = settings.source.iter().filter_map(|source| {
            let source = source.get_ref();
            Some((source.id.clone(), source.official.clone()?))
        });
        Self(marked.collect())
    }

    /// Judges a post that a source of the config has brought, before its author is hashed.
    pub(crate) fn of(&self, post: &DoorPost) -> Voice {
        let Some(Official { unit, author }) = self.0.get(&post.source) else { return Voice::default() };
        let theirs = post.author.as_deref().is_some_and(|name| author.iter().any(|own| own.trim() == name.trim()));
        let official = match post.kind {
            Kind::Report => false,
            Kind::Post | Kind::Repost => author.is_empty() || theirs,
            Kind::Comment => theirs,
        };
        let speaks_to = !official && post.kind == Kind::Comment && author.is_empty();
        Voice { official: official.then(|| unit.clone()), addressed_to: speaks_to.then(|| unit.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
[[source]]
id = "own"
kind = "rss"
url = "https://own.example/"
official = { unit = "水务局" }
[[source]]
id = "shared"
kind = "rss"
url = "https://shared.example/"
official = { unit = "金牛区", author = ["金牛发布", "金牛政务"] }
"#;

    fn voice(source: &str, kind: &str, author: &str) -> (Option<String>, Option<String>) {
        let post = serde_json::json!({
            "source": source, "native_id": "1", "kind": kind, "text": "停水", "author": author, "published_at": "2026-11-24T10:00:00Z",
        });
        let voices = Voices::new(&Settings::parse(CONFIG, []).unwrap());
        let voice = voices.of(&serde_json::from_value(post).unwrap());
        (voice.official, voice.addressed_to)
    }

    #[test]
    fn each_row_of_the_table() {
        let (none, water, district) = ((None, None), Some("水务局".to_owned()), Some("金牛区".to_owned()));
        assert_eq!(voice("forum", "post", "水务局"), none);
        assert_eq!(voice("own", "post", "谁"), (water.clone(), None));
        assert_eq!(voice("own", "repost", "谁"), (water.clone(), None));
        assert_eq!(voice("own", "comment", "谁"), (None, water));
        assert_eq!(voice("own", "report", "谁"), none);
        for kind in ["post", "repost", "comment"] {
            assert_eq!(voice("shared", kind, " 金牛政务 "), (district.clone(), None));
            assert_eq!(voice("shared", kind, "张三"), none);
        }
    }
}
