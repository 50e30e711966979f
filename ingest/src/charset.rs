//! Bytes to text. Sites state wrong encodings, or none; a post is worth more than a purist's error.
//!
//! In this order: what the config says; a byte-order mark; what the header, and then the page itself, states; what the bytes
//! look like. A statement that is plainly wrong is overruled: bytes that are no such encoding but valid UTF-8 (or nearly
//! so), or that a guess reads with fewer errors. What still cannot be read becomes U+FFFD and is counted.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8, WINDOWS_1252};
use std::sync::LazyLock;

/// How far into a page its own statement is looked for.
const HEAD_BYTES: usize = 4 << 10;
/// So many characters of several bytes, all valid UTF-8, are no accident.
const SURE_UTF8: usize = 3;

/// A page as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    /// Broken places that became U+FFFD.
    pub(crate) broken: usize,
}

/// The encoding of a name that people and sites use.
pub(crate) fn named(name: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(name.trim().as_bytes())?;
    // GB18030 is GBK with more characters: what states GBK often holds them.
    Some(if encoding == GBK { GB18030 } else { encoding })
}

/// Decodes a page. `configured` is the config's word, `header` that of the Content-Type header.
pub(crate) fn decode(bytes: &[u8], configured: Option<&'static Encoding>, header: Option<&str>) -> Decoded {
    if let Some(encoding) = configured {
        return with(encoding, bytes);
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return with(encoding, bytes);
    }
    if is_surely_utf8(bytes) {
        return with(UTF_8, bytes);
    }
    // Latin-1 is what a server states when nobody has set it, and it reads any bytes without an error.
    let stated = header.and_then(named).or_else(|| stated_inside(bytes)).filter(|&encoding| encoding != WINDOWS_1252);
    let mut best = stated.map(|encoding| with(encoding, bytes));
    if best.as_ref().is_none_or(|decoded| decoded.broken > 0) {
        for encoding in [UTF_8, guess(bytes)] {
            let other = with(encoding, bytes);
            if best.as_ref().is_none_or(|best| other.broken < best.broken) {
                best = Some(other);
            }
        }
    }
    best.unwrap_or_else(|| with(UTF_8, bytes))
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, encoding, had_errors) = encoding.decode(bytes);
    let broken = if had_errors { text.matches('\u{fffd}').count() } else { 0 };
    Decoded { text: text.into_owned(), encoding: encoding.name(), broken }
}

fn is_surely_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().filter(|c| !c.is_ascii()).take(SURE_UTF8).count() == SURE_UTF8)
}

/// What a page states in its first lines: `<meta charset=…>`, `content="text/html; charset=…"`, `<?xml encoding="…"?>`.
fn stated_inside(bytes: &[u8]) -> Option<&'static Encoding> {
    #[allow(clippy::expect_used, reason = "a constant, compiled by the tests")]
    static STATED: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
        regex::bytes::Regex::new(r#"(?i)<(?:meta[^>]*?charset|\?xml[^>]*?encoding)\s*=\s*["']?\s*([a-z0-9_:.-]+)"#)
            .expect("the expression is well formed")
    });
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let name = std::str::from_utf8(STATED.captures(head)?.get(1)?.as_bytes()).ok()?;
    let encoding = named(name)?;
    // A page whose ASCII can be read here is not in UTF-16, whatever it says.
    Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // The sites of a district: between two that fit, the Chinese one.
    let encoding = detector.guess(Some(b"cn"), Utf8Detection::Allow);
    if encoding == GBK { GB18030 } else { encoding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::BIG5;
    use proptest::prelude::*;

    const TEXT: &str = "抚琴街道今天又停水了，居民反映水压低，至今没有通知。";

    fn gbk(text: &str) -> Vec<u8> {
        GBK.encode(text).0.into_owned()
    }

    #[test]
    fn the_stated_encoding_is_used() {
        let page = gbk(&format!("<meta charset=gb2312><p>{TEXT}"));
        assert!(decode(&page, None, None).text.contains(TEXT));
        assert!(decode(&gbk(TEXT), None, Some("GBK")).text.contains(TEXT));
        let xml = gbk(&format!("<?xml version='1.0' encoding='GBK'?><a>{TEXT}</a>"));
        assert!(decode(&xml, None, None).text.contains(TEXT));
        assert_eq!(decode(&BIG5.encode("今天停水了").0, None, Some("big5")).text, "今天停水了");
    }

    #[test]
    fn a_wrong_statement_is_overruled() {
        for header in ["utf-8", "iso-8859-1", "klingon"] {
            assert_eq!(decode(&gbk(TEXT), None, Some(header)).text, TEXT, "{header}");
        }
        assert_eq!(decode(TEXT.as_bytes(), None, Some("gbk")).text, TEXT);
        assert_eq!(decode(TEXT.as_bytes(), None, None).encoding, "UTF-8");
        let mark = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        assert_eq!(decode(&mark, None, Some("gbk")).text, TEXT);
    }

    #[test]
    fn what_the_config_says_stands() {
        assert_eq!(decode(TEXT.as_bytes(), named("utf8"), Some("gbk")).text, TEXT);
        assert!(decode(TEXT.as_bytes(), named("gbk"), None).text != TEXT);
        assert_eq!(named("klingon"), None);
    }

    #[test]
    fn broken_bytes_are_replaced_and_counted() {
        let mut page = TEXT.as_bytes().to_vec();
        page.splice(6..6, [0xff, 0xfe]);
        let decoded = decode(&page, None, Some("utf-8"));
        assert!(decoded.text.ends_with("至今没有通知。") && decoded.broken >= 1, "{decoded:?}");
    }

    #[test]
    fn a_rare_character_of_gb18030_is_read_from_what_states_gbk() {
        let page = GB18030.encode("㐂村").0.into_owned();
        assert_eq!(decode(&page, None, Some("gb2312")).text, "㐂村");
    }

    proptest! {
        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), header in any::<Option<String>>()) {
            let _ = decode(&bytes, None, header.as_deref());
        }

        #[test]
        fn stated_gbk_and_unstated_utf8_are_read_as_they_were_written(text in "[一-龥，。]{3,40}") {
            prop_assert_eq!(decode(text.as_bytes(), None, None).text, text.clone());
            let page = gbk(&text);
            // Some GBK texts are valid UTF-8 too; no reader can tell.
            if std::str::from_utf8(&page).is_err() {
                prop_assert_eq!(decode(&page, None, Some("gbk")).text, text);
            }
        }
    }
}
