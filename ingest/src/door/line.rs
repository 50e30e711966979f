//! From a line to a record: what every door does with a post, and nothing that needs I/O.
//!
//! | line | outcome |
//! |---|---|
//! | longer than [`MAX_LINE_BYTES`] | refused |
//! | no UTF-8, no JSON, no object, nested too deeply | refused, with the column |
//! | an unknown key, a missing one, a wrong type | refused, the key named |
//! | a field that [`DoorPost::check`] refuses | refused, the field named |
//! | fetched before the year 2000 | refused: later stages clamp absurd dates to this one |
//! | fetched in the future | taken, as fetched now |
//! | control characters in texts | taken without them; line breaks and tabs stay |
//! | personal data | taken, masked |

use crate::privacy::{AuthorKey, mask};
use jiff::Timestamp;
use schemas::records::{DoorPost, MAX_LINE_BYTES, RawPost, Record, Reply, Via, post_id};
use std::borrow::Cow;

/// 2000-01-01T00:00:00Z.
const EARLIEST_FETCH: i64 = 946_684_800;
/// A reason quotes what was handed in, which may be long and hold anything.
const MAX_REASON_CHARS: usize = 300;

/// Reads a line.
///
/// # Errors
/// What is wrong with it, for the person who sent it.
pub(crate) fn read(line: &[u8]) -> Result<DoorPost, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("the line is {} bytes long; at most {MAX_LINE_BYTES} are taken", line.len()));
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("the line is not UTF-8: byte {} is wrong", error.valid_up_to() + 1))?;
    // serde would take a list of values in the order of the fields too.
    if !text.trim_start().starts_with('{') {
        return Err("the line is no JSON object: {\"source\":…}".into());
    }
    serde_json::from_str(text).map_err(|error| readable(&error.to_string()))
}

/// Makes the record of a post.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn admit(mut post: DoorPost, via: Via, now: Timestamp, key: &AuthorKey) -> Result<RawPost, String> {
    clean(&mut post.text);
    for text in [&mut post.title, &mut post.place].into_iter().flatten().chain(&mut post.media_alt) {
        clean(text);
    }
    if let Some(reply) = &mut post.reply {
        clean(&mut reply.text);
        if let Some(by) = &mut reply.by {
            clean(by);
        }
    }
    post.check().map_err(|fault| readable(&fault.to_string()))?;
    let fetched_at = post.fetched_at.unwrap_or(now).min(now);
    if fetched_at.as_second() < EARLIEST_FETCH {
        return Err(format!("fetched_at: {fetched_at} lies before the year 2000"));
    }
    Ok(RawPost {
        v: RawPost::VERSION,
        id: post_id(&post.source, &post.native_id),
        counts: post.counts(),
        source: post.source,
        native_id: post.native_id,
        kind: post.kind,
        url: post.url,
        title: post.title.filter(|title| !title.trim().is_empty()).map(masked),
        text: masked(post.text),
        author: post.author.and_then(|author| key.hash(&author)),
        published_at: post.published_at,
        published_precision: post.published_precision.unwrap_or_default(),
        fetched_at,
        thread_id: post.thread_id,
        parent_id: post.parent_id,
        place: post.place.filter(|place| !place.trim().is_empty()),
        media: post.media,
        media_alt: if post.media_alt.iter().all(String::is_empty) {
            Vec::new()
        } else {
            post.media_alt.into_iter().map(masked).collect()
        },
        reply: post.reply.map(|reply| Reply {
            text: masked(reply.text),
            published_at: reply.published_at,
            by: reply.by,
        }),
        official: None,
        addressed_to: None,
        via,
    })
}

/// Takes control characters out, but for line breaks and tabs: a NUL or an escape code has no place in a text.
fn clean(text: &mut String) {
    let is_out = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.chars().any(is_out) {
        text.retain(|c| !is_out(c));
    }
}

fn masked(text: String) -> String {
    match mask(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text,
    }
}

/// A reason that can be shown: serde's words with ours for "field", no control characters, not too long.
pub(crate) fn readable(reason: &str) -> String {
    let reason = reason.replace("unknown field", "unknown key").replace("missing field", "missing key");
    // A line is one line: only the column helps.
    let reason = reason.replace(" at line 1 column ", ", column ");
    let mut short: String = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect();
    if short.len() < reason.len() && reason.chars().count() > MAX_REASON_CHARS {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> AuthorKey {
        AuthorKey::new(b"a key for tests only").unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn take(line: &[u8]) -> Result<RawPost, String> {
        read(line).and_then(|post| admit(post, Via::Push, now(), &key()))
    }

    fn line(more: &str) -> Vec<u8> {
        format!(
            r#"{{"source":"forum","native_id":"1","kind":"post","published_at":"2026-11-24T10:00:00+08:00"{more}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_line_becomes_a_record_without_personal_data() {
        let post = take(&line(
            r#","title":"找13812345678","text":"我叫张三，电话138-1234-5678","author":"张三","reply":{"text":"请拨028-87654321"}"#,
        ))
        .unwrap();
        assert_eq!(post.id, "forum:1");
        assert_eq!(post.title.as_deref(), Some("找138********"));
        assert_eq!(post.text, "我叫张三，电话138-****-****");
        assert_eq!(post.reply.unwrap().text, "请拨028-********");
        assert_eq!(post.author, key().hash("张三"));
        assert_eq!((post.fetched_at, post.via), (now(), Via::Push));
    }

    #[test]
    fn control_characters_go_and_breaks_stay() {
        let post = take(&line(r#","text":"停\u0000水\u001b[31m了\r\n\t\u0085""#)).unwrap();
        assert_eq!(post.text, "停水[31m了\n\t");
        let reason = take(&line(r#","text":"\u0000\u0000""#)).unwrap_err();
        assert!(reason.starts_with("text: is empty"), "{reason}");
    }

    #[test]
    fn hostile_lines_are_refused_with_a_reason() {
        let deep = format!(r#","text":"x","media":{}{}"#, "[".repeat(100_000), "]".repeat(100_000));
        let long_word = format!(r#","text":"{}""#, "x".repeat(1 << 20));
        for (bad, expected) in [
            (line(r#","text":"x","lkes":1"#), "unknown key `lkes`"),
            (line(r#","likes":1"#), "missing key `text`"),
            (line(r#","text":"x","likes":1e30"#), "invalid type: floating point"),
            (line(r#","text":"x","likes":-1"#), "invalid value: integer `-1`"),
            (line(r#","text":"x","likes":99999999999999999999999"#), "invalid type: floating point"),
            (line(r#","text":"x","source":"b""#), "duplicate field `source`"),
            (line(r#","text":"x","published_at":"2026-13-41""#), ""),
            (line(r#","text":"x","fetched_at":"0001-01-01T00:00:00Z""#), "fetched_at"),
            (line(r#","text":"x","url":"javascript:alert(1)""#), "url"),
            (line(&deep), ""),
            (line(&long_word), "the line is"),
            (line(r#","text":"x"#), ""),
            (b"\xff\xfe{}".to_vec(), "not UTF-8: byte 1"),
            (br#"["forum","1","post"]"#.to_vec(), "no JSON object"),
            (b"nonsense".to_vec(), "no JSON object"),
            (b"{}".to_vec(), "missing key"),
        ] {
            let reason = take(&bad).unwrap_err();
            let shown = String::from_utf8_lossy(&bad[..bad.len().min(120)]).into_owned();
            assert!(reason.contains(expected), "{reason} for {shown}");
            assert!(reason.chars().count() <= MAX_REASON_CHARS + 1);
        }
    }

    #[test]
    fn a_reason_does_not_repeat_a_long_or_hostile_key() {
        let reason = take(&line(&format!(r#","text":"x","{}\u001b[2J":1"#, "k".repeat(5000)))).unwrap_err();
        assert!(reason.chars().count() <= MAX_REASON_CHARS + 1 && !reason.contains('\u{1b}'), "{reason}");
    }

    #[test]
    fn a_post_cannot_have_been_fetched_later_than_now() {
        let post = take(&line(r#","text":"x","fetched_at":"9000-01-01T00:00:00Z""#)).unwrap();
        assert_eq!(post.fetched_at, now());
        let post = take(&line(r#","text":"x","fetched_at":"2020-01-01T00:00:00Z""#)).unwrap();
        assert_eq!(post.fetched_at.to_string(), "2020-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = take(&bytes);
        }

        /// Whatever is done to a good line: it is taken or refused, and what is taken holds no control characters.
        #[test]
        fn a_broken_good_line_is_taken_or_refused(text in any::<String>(), at in 0usize..400, with in any::<u8>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            let mut bytes = line(&format!(r#","text":{quoted},"title":{quoted}"#));
            if let Ok(post) = take(&bytes) {
                prop_assert!(!post.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            }
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = take(&bytes);
            bytes.truncate(at);
            prop_assert!(take(&bytes).is_err());
        }
    }
}
