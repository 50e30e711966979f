//! A post as a page states it, before it is known whether it can be one: all values are texts.

use super::media::Media;
use crate::{door::Rejectable, times};
use jiff::{Timestamp, tz::TimeZone};
use schemas::records::{DoorPost, Kind, Precision, is_web_link};
use serde::Serialize;

/// Longer ids are shortened, keeping what tells them apart.
const MAX_ID_BYTES: usize = 240;
const MAX_AUTHOR_BYTES: usize = 256;

/// What a page states of a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Draft {
    pub(crate) native_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) published_at: Option<String>,
    pub(crate) likes: Option<String>,
    pub(crate) replies: Option<String>,
    pub(crate) reposts: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) media: Vec<Media>,
}

impl Draft {
    /// The post, as of `now`.
    ///
    /// # Errors
    /// What is missing or cannot be read, with the draft.
    pub(crate) fn finish(
        self,
        source: &str,
        kind: Kind,
        time_format: Option<&str>,
        now: Timestamp,
        tz: &TimeZone,
    ) -> Result<DoorPost, Rejectable> {
        let stated = match (&self.published_at, time_format) {
            (None, _) => Err("published_at: its selector matches nothing".to_owned()),
            (Some(text), Some(format)) => times::read_as(format, text, now, tz)
                .or_else(|| times::read(text, now, tz))
                .ok_or_else(|| format!("published_at: {text:?} is not written as time_format says")),
            (Some(text), None) => times::read(text, now, tz)
                .ok_or_else(|| format!("published_at: {text:?} is no time that is understood: set thread.time_format")),
        };
        let (published_at, precision) = match stated {
            Ok(stated) => stated,
            Err(reason) => return Err(Rejectable::new(&reason, &self)),
        };
        let Some(native_id) = self.native_id.as_deref().map(short_id).filter(|id| !id.is_empty()) else {
            return Err(Rejectable::new("native_id: its selector matches nothing", &self));
        };
        Ok(DoorPost {
            source: source.to_owned(),
            native_id,
            kind,
            url: self.url.filter(|url| is_web_link(url)),
            title: self.title.map(|title| clipped(title, 4 << 10)),
            text: self.text.unwrap_or_default(),
            author: self.author.map(|author| clipped(author, MAX_AUTHOR_BYTES)),
            published_at,
            published_precision: Some(precision),
            fetched_at: Some(now),
            thread_id: self.thread_id.as_deref().map(short_id),
            parent_id: self.parent_id.as_deref().map(short_id),
            likes: self.likes.as_deref().and_then(count),
            replies: self.replies.as_deref().and_then(count),
            reposts: self.reposts.as_deref().and_then(count),
            place: self.place.map(|place| clipped(place, 256)),
            media: self.media.iter().map(|media| media.link.clone()).filter(|link| is_web_link(link)).collect(),
            media_alt: self.media.into_iter().filter(|media| is_web_link(&media.link)).map(|media| media.alt).collect(),
            reply: None,
        })
    }
}

/// When a source does not say when: now, and not exactly.
pub(crate) fn unstated(now: Timestamp) -> times::Stated {
    (now, Precision::Day)
}

/// An id that a post can have: without control characters, and where it is too long cut, with a hash of all of it.
pub(crate) fn short_id(id: &str) -> String {
    let id: String = id.chars().filter(|c| !c.is_control()).collect();
    let id = id.trim();
    if id.len() <= MAX_ID_BYTES {
        return id.to_owned();
    }
    let kept = id.floor_char_boundary(MAX_ID_BYTES - 17);
    // A fixed seed: the id must be the same for ever.
    format!("{}~{:016x}", &id[..kept], xxhash_rust::xxh3::xxh3_64(id.as_bytes()))
}

fn clipped(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
    }
    text
}

/// A number as pages write it: `35`, `1,234`, `赞(35)`, `1.2万`.
fn count(text: &str) -> Option<u64> {
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[begin..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','))).unwrap_or(rest.len());
    let digits = rest[..end].replace(',', "");
    let digits = digits.trim_end_matches('.');
    let times = match rest[end..].trim_start().chars().next() {
        Some('万' | 'w' | 'W') => 1e4,
        Some('亿') => 1e8,
        Some('k' | 'K' | '千') => 1e3,
        _ => return digits.split('.').next()?.parse().ok(),
    };
    // Rounded: 1.15 times 10,000 is not quite 11,500 in floating point.
    digits.parse::<f64>().ok().map(|number| (number * times).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_as_pages_write_them() {
        for (text, expected) in [
            ("35", Some(35)),
            ("1,234", Some(1_234)),
            ("赞(35)", Some(35)),
            ("1.2万", Some(12_000)),
            ("1.15w+", Some(11_500)),
            ("2亿", Some(200_000_000)),
            ("3.", Some(3)),
            ("赞", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }

    #[test]
    fn long_ids_stay_apart() {
        let (a, b) = (short_id(&format!("{}a", "长".repeat(200))), short_id(&format!("{}b", "长".repeat(200))));
        assert!(a != b && a.len() <= 256);
        assert_eq!(short_id(" t\u{0}1 "), "t1");
    }

    #[test]
    fn what_cannot_be_a_post_is_set_aside_with_the_reason() {
        let now = "2026-11-24T10:05:00+08:00".parse().unwrap();
        let finish = |draft: Draft| draft.finish("forum", Kind::Post, None, now, &TimeZone::UTC);
        let good = Draft {
            native_id: Some("1".into()),
            text: Some("停水".into()),
            published_at: Some("5分钟前".into()),
            ..Draft::default()
        };
        assert_eq!(finish(good.clone()).unwrap().published_precision, Some(Precision::Minute));
        let reason = finish(Draft { published_at: Some("很久以前".into()), ..good.clone() }).unwrap_err().reason;
        assert!(reason.contains("很久以前"), "{reason}");
        assert!(finish(Draft { native_id: None, ..good }).unwrap_err().reason.contains("native_id"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            let _ = count(&text);
            prop_assert!(short_id(&text).len() <= 256);
        }
    }
}
